/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Wildcards over bytes: '*' any number of them, '?' one, [a-z] and [!a-z] one
 * of a class; a backslash takes the special meaning from what follows.
 */
#ifndef GLOB_H
#define GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* The pattern has n bytes. fold: ASCII letters of either case are equal. */
bool glob_match(const char *pattern, size_t n, const char *s, bool fold);
/* Does it match one text only? */
bool glob_literal(const char *pattern, size_t n);
/* How many bytes of it stand before the first plain '.'; n without one. */
size_t glob_dot(const char *pattern, size_t n);

#endif
