/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The folder in which a dump lies as plain text, for as long as it is stored
 * or loaded: for its owner alone, always at the same path, so that restic
 * finds what it has of it, and removed in any case; what a run that was
 * killed left there, by the next one.
 */
#ifndef SPOOL_H
#define SPOOL_H

#include <stdint.h>

#include "conf.h"
#include "err.h"

struct spool {
	char *dir; /* there, and empty */
	int lock;
};
#define SPOOL_INIT ((struct spool){ NULL, -1 })
#define BK_AUTO_SPOOL BK_AUTO(spool_close)

/*
 * Of this [mariadb NAME]: below its spool, or the state folder. restores have
 * one of their own. 75 where another run uses it, 78 where others could write
 * in the folder that holds it.
 */
int spool_open(const struct bk_conf_section *s, bool restore, struct spool *ret,
	       struct bk_err *err);
/* Where it would be; the caller frees it. */
char *spool_path(const struct bk_conf_section *s, bool restore,
		 struct bk_err *err);
void spool_close(struct spool *s);

/* 74 where less than so many bytes are free. */
int spool_room(const struct spool *s, uint64_t bytes, struct bk_err *err);

#endif
