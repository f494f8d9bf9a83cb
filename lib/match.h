/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Exclude patterns as restic understands them (its internal/filter, tested
 * against 0.14, 0.18 and 0.19): components of a pattern match components of
 * a path, each as Go's path/filepath.Match does; "**" stands for any number
 * of them; a pattern that starts with '/' is anchored, others match at any
 * depth; what matches a folder holds for everything below it.
 */
#ifndef BK_MATCH_H
#define BK_MATCH_H

#include <stdbool.h>

struct bk_match;

/*
 * NULL where restic takes the pattern, else the reason why not. Negated
 * ('!') and comment ('#') patterns, and one that is all there is ("/"), are
 * refused too.
 */
const char *bk_match_check(const char *pattern);

/*
 * Compile a pattern that bk_match_check() takes. below: it is a marker's, which
 * counts from the marker's folder, else one that counts for whole paths.
 */
struct bk_match *bk_match_new(const char *pattern, bool below);
void bk_match_free(struct bk_match *m);

/* The pattern that excludes this path alone, and all below it. */
char *bk_match_literal(const char *path);

/*
 * Does it exclude path? Of a marker's pattern path is what follows the
 * marker's folder. It starts with a '/' in both cases.
 */
bool bk_match_hits(const struct bk_match *m, const char *path);

#endif
