/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots that a box makes of itself. A Storage Box has them in the folder
 * .zfs/snapshot where a login begins, once that is switched on in its console;
 * a disk with ZFS has them where it is mounted. Nobody writes there.
 */
#ifndef SNAPSHOTS_H
#define SNAPSHOTS_H

#include "box.h"
#include "str.h"

#define SNAPSHOTS_MAX 1000

struct snapshots {
	char *folder;	      /* as one who logs in has it; dir: whole */
	struct bk_strv names; /* sorted; none: there are none to be seen */
};
#define SNAPSHOTS_INIT ((struct snapshots){ NULL, BK_STRV_INIT })

/* -1 where the box was lost. */
int snapshots_find(struct box *b, struct snapshots *ret, struct bk_err *err);
void snapshots_free(struct snapshots *l);

#endif
