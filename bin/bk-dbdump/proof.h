/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is a dump whole? Read without any server.
 */
#ifndef PROOF_H
#define PROOF_H

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "manifest.h"

struct proof {
	uint64_t objects, rows, broken, bytes;
	char sha256[65];
};

/*
 * The line before the last: the same numbers once more, where the hash covers
 * them.
 */
void proof_add_counts(struct bk_buf *b, uint64_t objects, uint64_t rows,
		      uint64_t broken);
/* The last line of a stream, taken apart. -1 where it is no trailer of ours. */
int proof_trailer(const char *line, size_t len, struct proof *ret);

/* A stream, from where fd stands to its end: 65 and why where it is not. */
int proof_stream(int fd, struct proof *ret, struct bk_err *err);
/* A folder: every file is there as the manifest has it, and no other. */
int proof_folder(const char *dir, struct manifest *ret, struct bk_err *err);
/*
 * Open a file of a dump for reading; flags: O_NOFOLLOW, or 0. 65 where it is no
 * regular file.
 */
int proof_open(const char *path, int flags, struct bk_err *err);

/* One file of it. */
int proof_file(const char *dir, const struct manifest_file *f,
	       struct bk_err *err);
/* Either of them. */
int proof_path(const char *path, struct proof *ret, struct bk_err *err);

#endif
