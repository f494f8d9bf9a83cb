/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Marker files: .backup, .nobackup, .coldstorage, .coldstorage_redundant,
 * .coldstorage_delete. One counts only if it is a regular file, owned by
 * root or by the owner of its folder, that others cannot write.
 */
#ifndef MARKER_H
#define MARKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "str.h"
#include "warn.h"

enum marker_kind {
	MARKER_BACKUP,
	MARKER_NOBACKUP,
	MARKER_COLD,
	MARKER_REDUNDANT,
	MARKER_DELETE,
	MARKERS,
};

enum { MARKER_MAX = 64 << 10 }; /* bytes of text in one */

/* What the text in a marker asks for; all empty where it is empty. */
struct marker {
	uid_t uid;
	bool present;
	bool has_age;
	uint64_t min_age; /* seconds */
	struct bk_strv sets;
	struct bk_strv boxes;
	struct bk_strv exclude;
	size_t sets_line;
	struct bk_strv problems; /* of its text */
	size_t *lines;		 /* of each problem */
	char *refused;		 /* why it does not count, or NULL */
	bool unread;		 /* it counts, but its text cannot be read */
	bool big;		 /* so is this: there is more than MARKER_MAX */
	/* as it was when it was looked at, and its text */
	uint64_t ino, size, ctime;
	uint32_t mtime;
	uint32_t mode;
	struct bk_buf text;
};

const char *marker_name(enum marker_kind kind);
/* The kind of marker that a file of this name is, or -1. */
int marker_kind(const char *name);

/*
 * Look at the marker of this kind in the folder dirfd, whose owner is owner.
 * false where it vanished meanwhile.
 */
bool marker_read(int dirfd, enum marker_kind kind, uid_t owner,
		 struct marker *m);

/* The text alone; where there are problems, there is no tuning. */
void marker_parse(struct marker *m, enum marker_kind kind, const char *text,
		  size_t len);
void marker_too_big(struct marker *m);
/* What there is to say of the marker at path. */
void marker_warn(struct warnings *w, const char *path, const struct marker *m);
void marker_free(struct marker *m);

#endif
