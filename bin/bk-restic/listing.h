/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a snapshot holds, as "restic ls" tells it.
 */
#ifndef LISTING_H
#define LISTING_H

#include "restic.h"

struct node {
	const char *path; /* each byte that is no UTF-8 became U+FFFD */
	const char *type; /* as restic calls it: "file", "dir", "symlink" */
	uint64_t size;
	int64_t mtime;	  /* seconds; INT64_MIN where it is not told */
	int64_t uid, gid; /* -1 where they are not told */
	mode_t mode;	  /* permissions, setuid, setgid and sticky bits */
};

/* U+FFFD, which stands for a byte that is no UTF-8. */
#define LISTING_REPLACEMENT "\xef\xbf\xbd"

/*
 * each() is called for all of the paths and what is below them, or where there
 * is none for the whole snapshot. Names that are not there are passed over. In a path U+FFFD
 * stands for itself and for any byte that restic tells so.
 */
int listing_read(struct restic *r, struct repo *repo, const char *id,
		 const struct bk_strv *paths,
		 void (*each)(void *arg, const struct node *n), void *arg,
		 struct bk_err *err);

/* A path as it is told; the caller frees it. */
char *listing_name(const char *path);
/* Does a path have bytes that restic does not tell? */
bool listing_unclear(const char *path);

#endif
