/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Absolute paths as byte strings, looked at without touching the file system.
 * A clean path starts with '/', and has no empty, "." or ".." component and
 * no '/' at its end, "/" itself excepted.
 */
#ifndef BK_PATH_H
#define BK_PATH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A clean copy of path, which must be absolute; ".." is resolved by text.
 * NULL where path is relative. The caller frees it.
 */
char *bk_path_clean(const char *path);
/* Is the clean path dir itself, or below it? */
bool bk_path_within(const char *path, const char *dir);
/* dir + "/" + name, without a double slash; the caller frees it. */
char *bk_path_join(const char *dir, const char *name);
/* The clean path without its last component; "/" for "/". Caller frees. */
char *bk_path_parent(const char *path);
/* The last component; "/" for "/". Points into path. */
const char *bk_path_base(const char *path);
/*
 * Order in which a tree is listed: like strcmp(), but '/' sorts first, so
 * that everything below a folder follows it directly.
 */
int bk_path_compare(const char *a, const char *b);

#endif
