/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory: allocation that cannot fail (out of memory ends the program with
 * 71, the one thing for which the library exits), cleanup attributes, wiping.
 */
#ifndef BK_MEM_H
#define BK_MEM_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void *bk_malloc(size_t size) __attribute__((malloc, returns_nonnull));
/* Zeroed; n * size is checked for overflow. */
void *bk_calloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
/* Resize an array of n members of the given size. */
void *bk_realloc(void *p, size_t n, size_t size)
	__attribute__((returns_nonnull));
char *bk_strdup(const char *s) __attribute__((malloc, returns_nonnull));
/* A NUL-terminated copy of len bytes, which may hold NULs themselves. */
char *bk_memdup(const void *p, size_t len)
	__attribute__((malloc, returns_nonnull));
char *bk_asprintf(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), returns_nonnull));

/* explicit_bzero() and free(); NULL is fine. */
void bk_wipe_free(void *p, size_t len);

static inline void bk_auto_free_(void *p)
{
	void *q;

	memcpy(&q, p, sizeof(q));
	free(q);
}

#define BK_AUTO(fn) __attribute__((cleanup(fn)))
#define BK_AUTO_FREE BK_AUTO(bk_auto_free_)
#define BK_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
