/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growing byte buffer. Initialise with BK_BUF_INIT. p is NULL until the
 * first byte is added, then always NUL-terminated behind len.
 */
#ifndef BK_BUF_H
#define BK_BUF_H

#include <stddef.h>

#include "mem.h"

struct bk_buf {
	char *p;
	size_t len;
	size_t cap;
};

#define BK_BUF_INIT ((struct bk_buf){ 0 })
#define BK_AUTO_BUF BK_AUTO(bk_buf_free)

/* Make room for n further bytes (and the NUL) without changing len. */
void bk_buf_reserve(struct bk_buf *b, size_t n);
void bk_buf_add(struct bk_buf *b, const void *p, size_t n);
void bk_buf_adds(struct bk_buf *b, const char *s);
void bk_buf_addc(struct bk_buf *b, char c);
void bk_buf_addf(struct bk_buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Remove the first n bytes. */
void bk_buf_drop(struct bk_buf *b, size_t n);
void bk_buf_clear(struct bk_buf *b);
/* The contents as a string that the caller frees; the buffer is then empty. */
char *bk_buf_steal(struct bk_buf *b);
/* Wipes what it frees. */
void bk_buf_free(struct bk_buf *b);

#endif
