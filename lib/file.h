/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files and file descriptors.
 */
#ifndef BK_FILE_H
#define BK_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"

static inline void bk_auto_close_(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}
#define BK_AUTO_CLOSE BK_AUTO(bk_auto_close_)

/* Write all of it, through EINTR and short writes. errno on -1. */
int bk_fd_write(int fd, const void *p, size_t len);
/*
 * Append what is left of fd, at most limit bytes. -1 with errno, EFBIG where
 * there is more than limit.
 */
int bk_fd_read(int fd, size_t limit, struct bk_buf *b);

/* Append a regular file's contents. One larger than limit is an error (65). */
int bk_file_read(const char *path, size_t limit, struct bk_buf *b,
		 struct bk_err *err);

/*
 * Replace path by a file with these contents: temporary file beside it,
 * fsync, rename, fsync of the folder. After a crash there is the old file or
 * the new one, whole.
 */
int bk_file_write(const char *path, const void *p, size_t len, mode_t mode,
		  struct bk_err *err);

/*
 * The same for a file that exists and that st describes: it keeps owner,
 * group and mode.
 */
int bk_file_rewrite(const char *path, const struct stat *st, const void *p,
		    size_t len, struct bk_err *err);

/* Make the entry of path in its folder durable; 74. */
int bk_file_sync_folder(const char *path, struct bk_err *err);

/* Create path and what is missing above it, all with this mode. */
int bk_file_mkdirs(const char *path, mode_t mode, struct bk_err *err);

/*
 * Remove path and all that is below it, on one file system. Links are removed,
 * not followed. Nothing there is fine.
 */
int bk_file_remove_tree(const char *path, struct bk_err *err);

/*
 * May what st describes decide what this program does? Its owner is root or
 * the user who runs it, and neither others nor a foreign group can write it.
 * NULL if so, else the reason as a text for a message.
 */
const char *bk_file_distrust(const struct stat *st);

#endif
