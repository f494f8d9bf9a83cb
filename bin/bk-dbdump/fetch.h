/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A dump comes back from restic, by bk-restic, into a spool.
 */
#ifndef FETCH_H
#define FETCH_H

#include "dbdump.h"
#include "spool.h"

/* One snapshot of mariadb:NAME. */
struct snapshot {
	char *id;
	char *host;
	int64_t time;
	int64_t bytes; /* -1: not known */
	bool stream;
	char *path; /* what it holds: a folder, or a file */
};
void snapshot_free(struct snapshot *s);

/*
 * The one that --snapshot or --at mean, else the newest. 66 where there is
 * none, 64 where the time is none.
 */
int fetch_choose(struct dbdump *d, const char *name, struct snapshot *ret,
		 struct bk_err *err);

/*
 * All of it, or only these paths below what it holds. *ret_path: where that
 * lies now; the caller frees it.
 */
int fetch(struct dbdump *d, const char *name, const struct snapshot *s,
	  const struct bk_strv *paths, const struct spool *spool,
	  char **ret_path, struct bk_err *err);

#endif
