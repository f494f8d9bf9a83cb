/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include "err.h"

static _Noreturn void out_of_memory(void)
{
	static const char msg[] = "bk: error: out of memory\n";

	if (write(STDERR_FILENO, msg, sizeof(msg) - 1) < 0) {
		/* There is nobody left to tell. */
	}
	_exit(BK_EX_OSERR);
}

void *bk_malloc(size_t size)
{
	void *p = malloc(size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *bk_calloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *bk_realloc(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n ? n : 1, size ? size : 1);
	if (!p)
		out_of_memory();
	return p;
}

char *bk_memdup(const void *p, size_t len)
{
	char *copy;

	if (len == SIZE_MAX)
		out_of_memory();
	copy = bk_malloc(len + 1);
	if (len)
		memcpy(copy, p, len);
	copy[len] = '\0';
	return copy;
}

char *bk_strdup(const char *s)
{
	return bk_memdup(s, strlen(s));
}

char *bk_asprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		out_of_memory();
	va_end(ap);
	return s;
}

void bk_wipe_free(void *p, size_t len)
{
	if (p)
		explicit_bzero(p, len);
	free(p);
}
