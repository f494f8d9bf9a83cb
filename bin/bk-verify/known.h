/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a repository held when it was looked at last: a file that is gone since
 * must have been removed by somebody who may.
 *
 * Packs and indexes come and go with every prune, of any host; whether one is
 * missed restic's check tells. Snapshots and keys of this host go only by
 * bk-restic, which writes down what it removes (bk-records(5)).
 */
#ifndef KNOWN_H
#define KNOWN_H

#include "listing.h"
#include "tool.h"

/* Packs and indexes; none where there is no record of them. */
int known_read(const char *repo, struct listing *ret, struct bk_err *err);
int known_write(const char *repo, const struct listing *l, struct bk_err *err);

/* What bk-restic removed of a repository: "snapshot ID", "key ID". */
void known_removed(const char *repo, struct bk_strv *ret);
/* Ids may be cut off on either side. */
bool known_is_removed(const struct bk_strv *removed, const char *kind,
		      const char *id);

#endif
