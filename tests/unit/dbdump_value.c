/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-dbdump/value.c bin/bk-dbdump/frame.c */
#include "value.h"

#include "check.h"
#include "frame.h"

static const char *put(enum value_kind kind, const char *charset, const char *s,
		       size_t len)
{
	static char text[4096];
	char *end = value_put(text, kind, charset, s, len);

	CHECK((size_t)(end - text) <= VALUE_ROOM(len));
	*end = '\0';
	return text;
}

#define PUT(kind, charset, literal) \
	put(kind, charset, literal, sizeof(literal) - 1)

CHECK_TEST(nothing_is_null)
{
	CHECK_STR(put(VALUE_TEXT, NULL, NULL, 0), "NULL");
	CHECK_STR(put(VALUE_HEX, NULL, NULL, 0), "NULL");
	CHECK_STR(put(VALUE_RAW, "cp932", NULL, 0), "NULL");
	CHECK_STR(PUT(VALUE_TEXT, NULL, ""), "''");
	CHECK_STR(PUT(VALUE_HEX, NULL, ""), "''");
	CHECK_STR(PUT(VALUE_RAW, "!ucs2", ""), "''");
}

CHECK_TEST(numbers)
{
	CHECK_STR(PUT(VALUE_NUMBER, NULL, "-12"), "-12");
	CHECK_STR(PUT(VALUE_NUMBER, NULL, "00042"), "00042");
	CHECK_STR(PUT(VALUE_REAL, NULL, "0"), "0");
	CHECK_STR(PUT(VALUE_REAL, NULL, "-0"), "-0e0");
	CHECK_STR(PUT(VALUE_REAL, NULL, "-0.00"), "-0.00e0");
	CHECK_STR(PUT(VALUE_REAL, NULL, "-0.05"), "-0.05");
	CHECK_STR(PUT(VALUE_REAL, NULL, "-1e-300"), "-1e-300");
}

CHECK_TEST(text_that_clients_change)
{
	CHECK_STR(PUT(VALUE_TEXT, NULL, "it's"), "'it\\'s'");
	CHECK_STR(PUT(VALUE_TEXT, NULL, "a\\b\"c`d"), "'a\\\\b\"c`d'");
	CHECK_STR(PUT(VALUE_TEXT, NULL, "\r\n\x1a\0\t"), "'\\r\\n\\Z\\0\t'");
	CHECK_STR(PUT(VALUE_TEXT, NULL, "\xc3\xa4\xf0\x9f\x98\x80"),
		  "'\xc3\xa4\xf0\x9f\x98\x80'");
}

/* Every byte at every place, against the plainest way to do it. */
CHECK_TEST(escape_every_byte_anywhere)
{
	static const char special[] = "\n\r\\'\x1a", stands[] = "nr\\'Z";
	char s[40], want[96], got[96];

	for (int c = 0; c < 256; c++) {
		for (size_t at = 0; at < sizeof(s); at++) {
			char *w = want, *end;

			for (size_t i = 0; i < sizeof(s); i++)
				s[i] = (char)(i == at ? c : 'a' + (int)i % 26);
			for (size_t i = 0; i < sizeof(s); i++) {
				const char *p =
					s[i] ? strchr(special, s[i]) : NULL;

				if (p || !s[i])
					*w++ = '\\';
				*w++ = (char)(p	     ? stands[p - special]
					      : s[i] ? s[i]
						     : '0');
			}
			end = value_escape(got, s, sizeof(s));
			CHECK_INT(end - got, w - want);
			CHECK(memcmp(got, want, (size_t)(w - want)) == 0);
		}
	}
	memset(s, '\'', sizeof(s));
	CHECK_INT(value_escape(got, s, sizeof(s)) - got, 2 * sizeof(s));
}

CHECK_TEST(bytes)
{
	CHECK_STR(PUT(VALUE_HEX, NULL, "\0\x0f\xff'"), "0x000FFF27");
}

CHECK_TEST(other_character_sets)
{
	CHECK_STR(PUT(VALUE_RAW, "cp932", "plain 'text'"),
		  "'plain \\'text\\''");
	CHECK_STR(PUT(VALUE_RAW, "cp932", "a\\"), "_cp932 0x615C");
	CHECK_STR(PUT(VALUE_RAW, "cp932", "~"), "_cp932 0x7E");
	CHECK_STR(PUT(VALUE_RAW, "cp932", "\x95\x5c"), "_cp932 0x955C");
	CHECK_STR(PUT(VALUE_RAW, "!ucs2", "\0a"), "_ucs2 0x0061");
	CHECK_STR(PUT(VALUE_RAW, "!swe7", "A"), "_swe7 0x41");
}

CHECK_TEST(names)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	value_add_name(&b, "we`ird.na/me\n");
	CHECK_STR(b.p, "`we``ird.na/me\n`");
	bk_buf_clear(&b);
	value_add_text(&b, "o'clock\\");
	CHECK_STR(b.p, "'o\\'clock\\\\'");
}

/* The same on every machine, for ever: dumps would not deduplicate. */
CHECK_TEST(hash_is_what_it_was)
{
	uint64_t h = value_hash(0, "12345", 5);

	CHECK(h != value_hash(0, "12346", 5));
	CHECK(h != value_hash(1, "12345", 5));
	CHECK(value_hash(0, "a\0", 2) != value_hash(0, "a", 1));
	CHECK(value_hash(0, "12345678a", 9) != value_hash(0, "12345678b", 9));
	CHECK_INT(value_hash(0, "", 0) >> 32, 0);
}

static size_t ends_in(size_t rows, size_t size)
{
	size_t n = 0;
	char key[32];

	for (size_t i = 0; i < rows; i++) {
		int len = snprintf(key, sizeof(key), "%zu", i);

		n += frame_ends(value_hash(0, key, (size_t)len), size);
	}
	return n;
}

CHECK_TEST(statements_have_their_size)
{
	/* 100 MB each: some 1500 statements, whatever the rows are like */
	size_t tiny = ends_in(1000000, 100);
	size_t small = ends_in(100000, 1000);
	size_t large = ends_in(2000, 50000);

	CHECK(tiny > 1400 && tiny < 1650);
	CHECK(small > 1400 && small < 1650);
	CHECK(large > 1400 && large < 1650);
}

CHECK_TEST(a_long_row_ends_its_statement)
{
	for (uint64_t h = 0; h < 100; h++) {
		CHECK(frame_ends(h * 0x9e3779b97f4a7c15ULL, FRAME_SIZE));
		CHECK(frame_ends(h * 0x9e3779b97f4a7c15ULL, FRAME_MAX));
	}
	CHECK(!frame_ends(UINT64_MAX, FRAME_SIZE - 1));
	CHECK(!frame_ends(UINT64_MAX, 0));
}
