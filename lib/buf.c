/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

void bk_buf_reserve(struct bk_buf *b, size_t n)
{
	size_t need = b->len + n + 1;
	size_t cap = b->cap ? b->cap : 64;

	if (n >= SIZE_MAX / 2 - b->len)
		need = cap = SIZE_MAX; /* which no memory has */
	if (need <= b->cap)
		return;
	while (cap < need)
		cap *= 2;
	b->p = bk_realloc(b->p, cap, 1);
	b->cap = cap;
	b->p[b->len] = '\0';
}

void bk_buf_add(struct bk_buf *b, const void *p, size_t n)
{
	bk_buf_reserve(b, n);
	if (n)
		memcpy(b->p + b->len, p, n);
	b->len += n;
	b->p[b->len] = '\0';
}

void bk_buf_adds(struct bk_buf *b, const char *s)
{
	bk_buf_add(b, s, strlen(s));
}

void bk_buf_addc(struct bk_buf *b, char c)
{
	bk_buf_add(b, &c, 1);
}

void bk_buf_addf(struct bk_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n > 0) {
		bk_buf_reserve(b, (size_t)n);
		(void)vsnprintf(b->p + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void bk_buf_drop(struct bk_buf *b, size_t n)
{
	if (n >= b->len) {
		bk_buf_clear(b);
		return;
	}
	memmove(b->p, b->p + n, b->len - n + 1);
	b->len -= n;
}

void bk_buf_clear(struct bk_buf *b)
{
	b->len = 0;
	if (b->p)
		b->p[0] = '\0';
}

char *bk_buf_steal(struct bk_buf *b)
{
	char *s = b->p ? b->p : bk_strdup("");

	*b = BK_BUF_INIT;
	return s;
}

void bk_buf_free(struct bk_buf *b)
{
	bk_wipe_free(b->p, b->cap);
	*b = BK_BUF_INIT;
}
