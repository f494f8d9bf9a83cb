/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-cold/wire.c */
#include "wire.h"

#include "check.h"

static struct wire over(const void *p, size_t len)
{
	return (struct wire){ .p = p, .len = len };
}

CHECK_TEST(numbers_and_strings_are_big_endian)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	struct wire w;
	const unsigned char *p;
	size_t n;

	wire_u32(&b, 0x01020304);
	wire_u64(&b, 0x1122334455667788);
	wire_text(&b, "hello");
	wire_string(&b, "a\0b", 3);
	CHECK_INT(b.len, 4 + 8 + 4 + 5 + 4 + 3);
	CHECK(memcmp(b.p, "\1\2\3\4\x11\x22\x33\x44\x55\x66\x77\x88", 12) == 0);
	w = over(b.p, b.len);
	CHECK_INT(wire_get_u32(&w), 0x01020304);
	CHECK_INT(wire_get_u64(&w), 0x1122334455667788);
	p = wire_get_string(&w, &n);
	CHECK(n == 5 && memcmp(p, "hello", 5) == 0);
	p = wire_get_string(&w, &n);
	CHECK(n == 3 && memcmp(p, "a\0b", 3) == 0);
	CHECK(!w.bad);
	CHECK_INT(w.len, 0);
}

CHECK_TEST(nothing_is_read_behind_the_end)
{
	struct wire w = over("\0\0\0\5abc", 7);
	size_t n;

	CHECK(!wire_get_string(&w, &n));
	CHECK_INT(n, 0);
	CHECK(w.bad);
	CHECK_INT(w.len, 0);
	/* and nothing afterwards */
	CHECK_INT(wire_get_u8(&w), 0);
	w = over("\xff\xff\xff\xff", 4);
	CHECK(!wire_get_string(&w, &n));
	CHECK(w.bad);
	w = over("\0\0\0", 3);
	CHECK_INT(wire_get_u32(&w), 0);
	CHECK(w.bad);
	w = over("\0\0\0\1\0\0\0", 7);
	CHECK_INT(wire_get_u64(&w) >> 32, 1);
	CHECK(w.bad);
}

CHECK_TEST(attributes_of_every_kind)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	struct wire_attrs a;
	struct wire w;

	wire_u32(&b, 0x8000000f);
	wire_u64(&b, (uint64_t)5 << 32);
	wire_u32(&b, 1000);
	wire_u32(&b, 1001);
	wire_u32(&b, 0100644);
	wire_u32(&b, 7);
	wire_u32(&b, 1764000000);
	wire_u32(&b, 2);
	for (int i = 0; i < 4; i++)
		wire_text(&b, "x");
	wire_text(&b, "behind");
	w = over(b.p, b.len);
	wire_get_attrs(&w, &a);
	CHECK(!w.bad && a.has_size && a.has_mode && a.has_times);
	CHECK_INT(a.size, (uint64_t)5 << 32);
	CHECK_INT(a.mode, 0100644);
	CHECK_INT(a.mtime, 1764000000);
	CHECK_INT(w.len, 4 + 6);
}

CHECK_TEST(attributes_that_are_cut_off_are_none)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	struct wire_attrs a;

	wire_u32(&b, 0xf);
	wire_u64(&b, 1);
	wire_u64(&b, 2);
	wire_u32(&b, 0100644);
	wire_u64(&b, 3);
	for (size_t n = 0; n < b.len; n++) {
		struct wire w = over(b.p, n);

		wire_get_attrs(&w, &a);
		CHECK(w.bad && !a.has_size && !a.has_mode && !a.has_times);
	}
}

/* "Extended" says how many pairs follow: 4 billion are none. */
CHECK_TEST(a_count_is_no_reason_to_go_on)
{
	struct wire w = over("\x80\0\0\0\xff\xff\xff\xff\0\0\0\0", 12);
	struct wire_attrs a;

	wire_get_attrs(&w, &a);
	CHECK(w.bad);
}

CHECK_TEST(packets)
{
	struct wire w;

	CHECK_INT(wire_packet("", 0, &w), 0);
	CHECK_INT(wire_packet("\0\0\0", 3, &w), 0);
	CHECK_INT(wire_packet("\0\0\0\2x", 5, &w), 0);
	CHECK_INT(wire_packet("\0\0\0\2xyz", 7, &w), 6);
	CHECK(w.len == 2 && w.p[0] == 'x' && !w.bad);
	/* none is empty, and none larger than any server sends */
	CHECK_INT(wire_packet("\0\0\0\0", 4, &w), -1);
	CHECK_INT(wire_packet("\0\4\0\1", 4, &w), -1);
	CHECK_INT(wire_packet("\0\4\0\0", 4, &w), 0);
	CHECK_INT(wire_packet("Welcome!", 8, &w), -1);
}
