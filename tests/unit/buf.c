/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "buf.h"

#include <stdint.h>

#include "scratch.h"

CHECK_TEST(empty)
{
	struct bk_buf b = BK_BUF_INIT;
	char *s;

	CHECK(!b.p);
	bk_buf_drop(&b, 5);
	bk_buf_clear(&b);
	bk_buf_addf(&b, "%s", "");
	CHECK_INT(b.len, 0);
	s = bk_buf_steal(&b);
	CHECK_STR(s, "");
	free(s);
	bk_buf_free(&b);
}

CHECK_TEST(always_terminated)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "");
	CHECK_STR(b.p, "");
	for (size_t i = 0; i < 5000; i++) {
		bk_buf_addc(&b, 'x');
		CHECK_INT(b.len, i + 1);
		CHECK_INT(b.p[b.len], 0);
		CHECK(b.cap > b.len);
	}
}

CHECK_TEST(holds_nul_bytes)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_buf_add(&b, "a\0b", 3);
	bk_buf_addc(&b, '\0');
	bk_buf_adds(&b, "c");
	CHECK_INT(b.len, 5);
	CHECK(memcmp(b.p, "a\0b\0c", 6) == 0);
	bk_buf_add(&b, NULL, 0);
	CHECK_INT(b.len, 5);
}

CHECK_TEST(formats_of_any_length)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_buf_addf(&b, "%d-", 7);
	bk_buf_addf(&b, "%0*d", 100000, 3);
	CHECK_INT(b.len, 100002);
	CHECK(b.p[100001] == '3');
	CHECK_INT(strlen(b.p), b.len);
}

CHECK_TEST(reserve_changes_no_length)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	char *p;

	bk_buf_reserve(&b, 0);
	CHECK_STR(b.p, "");
	bk_buf_adds(&b, "abc");
	bk_buf_reserve(&b, 1000);
	CHECK_STR(b.p, "abc");
	CHECK_INT(b.len, 3);
	p = b.p;
	memset(b.p + b.len, 'x', 1000);
	b.len += 1000;
	b.p[b.len] = '\0';
	CHECK(b.p == p);
}

CHECK_TEST(drop)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "abcdef");
	bk_buf_drop(&b, 0);
	CHECK_STR(b.p, "abcdef");
	bk_buf_drop(&b, 2);
	CHECK_STR(b.p, "cdef");
	CHECK_INT(b.len, 4);
	bk_buf_drop(&b, 4);
	CHECK_STR(b.p, "");
	bk_buf_adds(&b, "xy");
	bk_buf_drop(&b, 100);
	CHECK_INT(b.len, 0);
	CHECK_STR(b.p, "");
}

CHECK_TEST(steal)
{
	struct bk_buf b = BK_BUF_INIT;
	char *s;

	bk_buf_adds(&b, "abc");
	s = bk_buf_steal(&b);
	CHECK_STR(s, "abc");
	CHECK(!b.p && b.len == 0 && b.cap == 0);
	bk_buf_adds(&b, "d");
	CHECK_STR(b.p, "d");
	CHECK_STR(s, "abc");
	free(s);
	bk_buf_free(&b);
	bk_buf_free(&b);
	CHECK(!b.p);
}

static volatile size_t most;

static void reserve_most(void)
{
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "x");
	bk_buf_reserve(&b, most);
}

CHECK_TEST(sizes_do_not_wrap)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 2,
					SIZE_MAX / 2, SIZE_MAX / 2 + 100 };

	for (size_t i = 0; i < BK_COUNT(sizes); i++) {
		most = sizes[i];
		CHECK_EXIT(ran(reserve_most), 71);
	}
}
