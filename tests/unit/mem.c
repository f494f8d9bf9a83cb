/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mem.h"

#include <stdint.h>

#include "scratch.h"

static volatile size_t huge = SIZE_MAX / 2 + 2;

CHECK_TEST(nothing_is_still_something)
{
	void *p = bk_malloc(0), *q = bk_calloc(0, 8);

	CHECK(p && q);
	p = bk_realloc(p, 0, 0);
	CHECK(p);
	free(p);
	free(q);
}

CHECK_TEST(calloc_is_zeroed)
{
	char *p = bk_malloc(4096);

	memset(p, 'x', 4096);
	free(p);
	p = bk_calloc(512, 8);
	for (int i = 0; i < 4096; i++)
		CHECK_INT(p[i], 0);
	free(p);
}

CHECK_TEST(realloc_keeps)
{
	uint32_t *p = bk_realloc(NULL, 2, sizeof(*p));

	p[0] = 7;
	p[1] = 9;
	p = bk_realloc(p, 100000, sizeof(*p));
	CHECK_INT(p[0], 7);
	CHECK_INT(p[1], 9);
	free(p);
}

CHECK_TEST(copies)
{
	char *s = bk_strdup(""), *m = bk_memdup("a\0b", 3);

	CHECK_STR(s, "");
	CHECK(memcmp(m, "a\0b", 4) == 0);
	free(s);
	free(m);
	m = bk_memdup(NULL, 0);
	CHECK_STR(m, "");
	free(m);
	m = bk_asprintf("%05d%s", 42, "\xff");
	CHECK_STR(m, "00042\xff");
	free(m);
}

CHECK_TEST(wipe_free_takes_null)
{
	bk_wipe_free(NULL, 0);
	bk_wipe_free(NULL, 10);
	bk_wipe_free(bk_malloc(10), 10);
}

CHECK_TEST(cleanup)
{
	BK_AUTO_FREE char *p = bk_strdup("freed at the end");
	BK_AUTO_FREE char *q = NULL;

	CHECK(p && !q);
}

static void malloc_too_much(void)
{
	free(bk_malloc(huge));
}

static void calloc_overflow(void)
{
	free(bk_calloc(huge, 2));
}

static void realloc_overflow(void)
{
	free(bk_realloc(NULL, huge, 2));
}

static void memdup_overflow(void)
{
	volatile size_t all = SIZE_MAX;

	free(bk_memdup("", all));
}

CHECK_TEST(out_of_memory_ends_with_71)
{
	static void (*const fn[])(void) = { malloc_too_much, calloc_overflow,
					    realloc_overflow, memdup_overflow };

	for (size_t i = 0; i < BK_COUNT(fn); i++) {
		const struct ran *r = ran(fn[i]);

		CHECK_EXIT(r, 71);
		CHECK_HAS(r->err, "bk: error: out of memory\n");
	}
}
