/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "str.h"

#include "check.h"

/* Lists. */

static const char *joined(const struct bk_strv *l)
{
	static char text[4096];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < l->n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "<%s>",
				      l->v[i]);
	CHECK(!l->v || !l->v[l->n]);
	return text;
}

CHECK_TEST(lists)
{
	struct bk_strv l = BK_STRV_INIT;

	CHECK(!l.v);
	CHECK(!bk_strv_has(&l, ""));
	bk_strv_sort(&l);
	bk_strv_add(&l, "b");
	bk_strv_addf(&l, "%s%d", "a", 1);
	bk_strv_take(&l, bk_strdup(""));
	CHECK_STR(joined(&l), "<b><a1><>");
	CHECK(bk_strv_has(&l, "a1") && bk_strv_has(&l, ""));
	CHECK(!bk_strv_has(&l, "a"));
	for (int i = 0; i < 100; i++)
		bk_strv_addf(&l, "%d", i);
	CHECK_INT(l.n, 103);
	CHECK(!l.v[103]);
	bk_strv_free(&l);
	bk_strv_free(&l);
	CHECK(!l.v && l.n == 0);
}

CHECK_TEST(sorts_in_c_order)
{
	BK_AUTO_STRV struct bk_strv l = BK_STRV_INIT;

	bk_strv_split(&l, "b B a \xc3\xa4 10 9 _ a", " ");
	bk_strv_sort(&l);
	CHECK_STR(joined(&l), "<10><9><B><_><a><a><b><\xc3\xa4>");
}

CHECK_TEST(splits)
{
	BK_AUTO_STRV struct bk_strv l = BK_STRV_INIT;

	bk_strv_split(&l, "", ",");
	bk_strv_split(&l, ",, ,", ", ");
	CHECK_INT(l.n, 0);
	bk_strv_split(&l, " a,b ,  c", ", ");
	bk_strv_split(&l, "d", ",");
	CHECK_STR(joined(&l), "<a><b><c><d>");
}

CHECK_TEST(starts_and_ends)
{
	CHECK(bk_str_starts("abc", "") && bk_str_starts("abc", "abc"));
	CHECK(!bk_str_starts("ab", "abc") && !bk_str_starts("", "a"));
	CHECK(bk_str_ends("abc", "") && bk_str_ends("abc", "bc"));
	CHECK(!bk_str_ends("c", "bc") && !bk_str_ends("", "a"));
}

CHECK_TEST(trims)
{
	char a[] = " \t\r\n\v\f a b\xa0 \n", b[] = "  ", c[] = "";

	CHECK_STR(bk_str_trim(a), "a b\xa0");
	CHECK_STR(bk_str_trim(b), "");
	CHECK_STR(bk_str_trim(c), "");
}

/* Numbers. */

#define UNTOUCHED 4711

static uint64_t u64(const char *s, uint64_t min, uint64_t max)
{
	uint64_t n = UNTOUCHED;
	int got = bk_parse_u64(s, min, max, &n);

	if (got < 0 && n != UNTOUCHED)
		CHECK_FAIL("'%s' failed, and set the result", s);
	return n;
}

#define BAD(call) CHECK_INT(call, UNTOUCHED)

CHECK_TEST(integers)
{
	CHECK_INT(u64("0", 0, 10), 0);
	CHECK_INT(u64("10", 0, 10), 10);
	CHECK_INT(u64("007", 0, 10), 7);
	CHECK(u64("18446744073709551615", 0, UINT64_MAX) == UINT64_MAX);
	BAD(u64("18446744073709551616", 0, UINT64_MAX));
	BAD(u64("18446744073709551625", 0, UINT64_MAX));
	BAD(u64("99999999999999999999999999", 0, UINT64_MAX));
	BAD(u64("9223372036854775808", 0, INT64_MAX));
	CHECK(u64("9223372036854775807", 0, INT64_MAX) == INT64_MAX);
	BAD(u64("", 0, 10));
	BAD(u64("-1", 0, 10));
	BAD(u64("+1", 0, 10));
	BAD(u64(" 1", 0, 10));
	BAD(u64("1 ", 0, 10));
	BAD(u64("0x1", 0, 10));
	BAD(u64("1.0", 0, 10));
	BAD(u64("1\n", 0, 10));
}

CHECK_TEST(bounds_of_integers)
{
	for (uint64_t max = 0; max <= 120; max++)
		for (uint64_t n = 0; n <= 130; n++) {
			char text[32];

			(void)snprintf(text, sizeof(text), "%d", (int)n);
			CHECK_INT(u64(text, 0, max), n <= max ? n : UNTOUCHED);
			CHECK_INT(u64(text, max, 1000),
				  n >= max ? n : UNTOUCHED);
		}
	BAD(u64("7", 8, 5));
}

static uint64_t size(const char *s)
{
	uint64_t n = UNTOUCHED;
	int got = bk_parse_size(s, &n);

	if (got < 0 && n != UNTOUCHED)
		CHECK_FAIL("'%s' failed, and set the result", s);
	return n;
}

CHECK_TEST(sizes)
{
	CHECK_INT(size("0"), 0);
	CHECK_INT(size("17"), 17);
	CHECK_INT(size("17B"), 17);
	CHECK_INT(size("1k"), 1024);
	CHECK_INT(size("1K"), 1024);
	CHECK_INT(size("1KiB"), 1024);
	CHECK_INT(size("3M"), 3 << 20);
	CHECK_INT(size("3MiB"), 3 << 20);
	CHECK_INT(size("2G"), 2LL << 30);
	CHECK_INT(size("2GiB"), 2LL << 30);
	CHECK_INT(size("2T"), 2LL << 40);
	CHECK_INT(size("2P"), 2LL << 50);
	CHECK_INT(size("8191P"), 8191LL << 50);
	CHECK_INT(size("9223372036854775807"), INT64_MAX);
	BAD(size("8192P"));
	BAD(size("9223372036854775808"));
	BAD(size("9007199254740992k"));
	BAD(size(""));
	BAD(size("k"));
	BAD(size("1 kx"));
	BAD(size("1.5k"));
	BAD(size("-1"));
	BAD(size("1E"));
	BAD(size("1kk"));
	BAD(size("1kMiB"));
	BAD(size("1iB"));
	BAD(size("1m"));
	BAD(size(" 1k"));
}

static uint64_t duration(const char *s)
{
	uint64_t n = UNTOUCHED;
	int got = bk_parse_duration(s, &n);

	if (got < 0 && n != UNTOUCHED)
		CHECK_FAIL("'%s' failed, and set the result", s);
	return n;
}

CHECK_TEST(durations)
{
	CHECK_INT(duration("0"), 0);
	CHECK_INT(duration("0s"), 0);
	CHECK_INT(duration("1s"), 1);
	CHECK_INT(duration("5m"), 300);
	CHECK_INT(duration("2h"), 7200);
	CHECK_INT(duration("7d"), 604800);
	CHECK_INT(duration("2w"), 1209600);
	CHECK_INT(duration("1y"), 31536000);
	CHECK_INT(duration("1h30m"), 5400);
	CHECK_INT(duration("1d1h1m1s"), 90061);
	CHECK_INT(duration("100y"), 3153600000);
	CHECK_INT(duration("3153600000s"), 3153600000);
	BAD(duration("100y1s"));
	BAD(duration("101y"));
	BAD(duration("3153600001s"));
	BAD(duration("99999999999999999999y"));
	BAD(duration("90"));
	BAD(duration("00"));
	BAD(duration("1h30"));
	BAD(duration(""));
	BAD(duration("h"));
	BAD(duration("1M"));
	BAD(duration("1.5h"));
	BAD(duration("-1h"));
	BAD(duration("1hh"));
	BAD(duration("1h,2m"));
	BAD(duration(" 1h"));
}

static unsigned int percent(const char *s)
{
	unsigned int n = UNTOUCHED;

	(void)bk_parse_percent(s, &n);
	return n;
}

CHECK_TEST(percents)
{
	CHECK_INT(percent("0"), 0);
	CHECK_INT(percent("0%"), 0);
	CHECK_INT(percent("50"), 50);
	CHECK_INT(percent("50%"), 50);
	CHECK_INT(percent("100%"), 100);
	BAD(percent("101%"));
	BAD(percent("101"));
	BAD(percent("%"));
	BAD(percent("5%%"));
	BAD(percent("-5%"));
	BAD(percent("5 %x"));
	BAD(percent(""));
}

CHECK_TEST(bools)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };
	static const char *const bad[] = { "",	 "y",	 "YES",	  "2",
					   "01", "yes ", "enable" };
	bool b;

	for (size_t i = 0; i < BK_COUNT(yes); i++) {
		b = false;
		CHECK_INT(bk_parse_bool(yes[i], &b), 0);
		CHECK(b);
		CHECK_INT(bk_parse_bool(no[i], &b), 0);
		CHECK(!b);
	}
	for (size_t i = 0; i < BK_COUNT(bad); i++) {
		b = true;
		CHECK_INT(bk_parse_bool(bad[i], &b), -1);
		CHECK(b);
	}
}

/* Text out: what an adder adds to "<". */

static char out[1024];

static const char *taken(struct bk_buf *b)
{
	CHECK(b->len < sizeof(out) && b->p[0] == '<');
	memcpy(out, b->p + 1, b->len);
	bk_buf_free(b);
	return out;
}

#define ADDED(fn, ...)                          \
	({                                      \
		struct bk_buf b_ = BK_BUF_INIT; \
		bk_buf_addc(&b_, '<');          \
		fn(&b_, __VA_ARGS__);           \
		taken(&b_);                     \
	})

CHECK_TEST(sizes_for_people)
{
	CHECK_STR(ADDED(bk_str_add_size, 0), "0 B");
	CHECK_STR(ADDED(bk_str_add_size, 17), "17 B");
	CHECK_STR(ADDED(bk_str_add_size, 1023), "1023 B");
	CHECK_STR(ADDED(bk_str_add_size, 1024), "1.0 KiB");
	CHECK_STR(ADDED(bk_str_add_size, 1536), "1.5 KiB");
	CHECK_STR(ADDED(bk_str_add_size, (1 << 20) - 1), "1023 KiB");
	CHECK_STR(ADDED(bk_str_add_size, 1342177280), "1.2 GiB");
	CHECK_STR(ADDED(bk_str_add_size, 100ULL << 30), "100 GiB");
	CHECK_STR(ADDED(bk_str_add_size, UINT64_MAX), "15.9 EiB");
}

CHECK_TEST(counts_for_people)
{
	CHECK_STR(ADDED(bk_str_add_count, 0), "0");
	CHECK_STR(ADDED(bk_str_add_count, 999), "999");
	CHECK_STR(ADDED(bk_str_add_count, 1000), "1 000");
	CHECK_STR(ADDED(bk_str_add_count, 1234567), "1 234 567");
	CHECK_STR(ADDED(bk_str_add_part, 0, "failed"), "");
	CHECK_STR(ADDED(bk_str_add_part, 1200, "failed"), ", 1 200 failed");
	CHECK_STR(ADDED(bk_str_add_count, UINT64_MAX),
		  "18 446 744 073 709 551 615");
}

CHECK_TEST(durations_for_people)
{
	CHECK_STR(ADDED(bk_str_add_duration, 0), "0 s");
	CHECK_STR(ADDED(bk_str_add_duration, 45), "45 s");
	CHECK_STR(ADDED(bk_str_add_duration, 12 * 60 + 59), "12 min");
	CHECK_STR(ADDED(bk_str_add_duration, 5 * 3600 + 600), "5 h 10 min");
	CHECK_STR(ADDED(bk_str_add_duration, 76 * 3600), "3 d 4 h");
}

CHECK_TEST(shell_quoting)
{
	CHECK_STR(ADDED(bk_str_add_shell, "plain-word_1.0:/@%+=,"),
		  "plain-word_1.0:/@%+=,");
	CHECK_STR(ADDED(bk_str_add_shell, ""), "''");
	CHECK_STR(ADDED(bk_str_add_shell, "a b"), "'a b'");
	CHECK_STR(ADDED(bk_str_add_shell, "it's"), "'it'\\''s'");
	CHECK_STR(ADDED(bk_str_add_shell, "'"), "''\\'''");
	CHECK_STR(ADDED(bk_str_add_shell, "$HOME"), "'$HOME'");
	CHECK_STR(ADDED(bk_str_add_shell, "~"), "'~'");
	CHECK_STR(ADDED(bk_str_add_shell, "*?[!{;&|<>()`\\\"#"),
		  "'*?[!{;&|<>()`\\\"#'");
	CHECK_STR(ADDED(bk_str_add_shell, "a\nb\xff"), "'a\nb\xff'");
}

CHECK_TEST(quoting_to_be_typed)
{
	CHECK_STR(ADDED(bk_str_add_typed, "plain"), "plain");
	CHECK_STR(ADDED(bk_str_add_typed, "a b\\"), "'a b\\'");
	CHECK_STR(ADDED(bk_str_add_typed, "gr\xc3\xb6\xc3\x9f"
					  "e"),
		  "'gr\xc3\xb6\xc3\x9f"
		  "e'");
	CHECK_STR(ADDED(bk_str_add_typed, "it's\n\t\\ \x1b[0m"),
		  "$'it\\'s\\n\\t\\\\ \\033[0m'");
	CHECK_STR(ADDED(bk_str_add_typed, "a\xff"
					  "7"),
		  "$'a\\3777'");
}

CHECK_TEST(tsv)
{
	CHECK_STR(ADDED(bk_str_add_tsv, "a\tb\nc\\d"), "a\\tb\\nc\\\\d");
	CHECK_STR(ADDED(bk_str_add_tsv, "\x1b\r\xff\xc3\xa9 "),
		  "\x1b\r\xff\xc3\xa9 ");
	CHECK_STR(ADDED(bk_str_add_tsv, ""), "");
	CHECK_STR(ADDED(bk_str_add_csv, "a=b c"), "a=b c");
	CHECK_STR(ADDED(bk_str_add_csv, "-J a,b \"c d\""),
		  "\"-J a,b \"\"c d\"\"\"");
}

CHECK_TEST(terminals)
{
	CHECK_STR(ADDED(bk_str_add_term, "a \xc3\xa9 \xe2\x82\xac"),
		  "a \xc3\xa9 \xe2\x82\xac");
	CHECK_STR(ADDED(bk_str_add_term, "\x1b[2J\r\b\x7f\x01"),
		  "\\x1b[2J\\x0d\\x08\\x7f\\x01");
	CHECK_STR(ADDED(bk_str_add_term, "a\tb\nc\\d"), "a\\tb\\nc\\\\d");
	/* C1: CSI as UTF-8, and as a bare byte */
	CHECK_STR(ADDED(bk_str_add_term, "\xc2\x9b"), "\\xc2\\x9b");
	CHECK_STR(ADDED(bk_str_add_term, "\x9b"), "\\x9b");
	CHECK_STR(ADDED(bk_str_add_term, "\xc2\xa0"), "\xc2\xa0");
	/* truncated, overlong, surrogate */
	CHECK_STR(ADDED(bk_str_add_term, "a\xe2\x82"), "a\\xe2\\x82");
	CHECK_STR(ADDED(bk_str_add_term, "\xc0\x8a"), "\\xc0\\x8a");
	CHECK_STR(ADDED(bk_str_add_term, "\xed\xa0\x80"), "\\xed\\xa0\\x80");
	/* what reorders a line */
	CHECK_STR(ADDED(bk_str_add_term, "\xe2\x80\xae"), "\\xe2\\x80\\xae");
}

CHECK_TEST(columns)
{
	CHECK_INT(bk_str_columns(""), 0);
	CHECK_INT(bk_str_columns("abc"), 3);
	CHECK_INT(bk_str_columns("\xc3\xa9"), 1);
	CHECK_INT(bk_str_columns("e\xcc\x81"), 1);
	CHECK_INT(bk_str_columns("\xe4\xb8\xad\xe6\x96\x87"), 4);
	CHECK_INT(bk_str_columns("\xf0\x9f\x92\xbe"), 2);
	CHECK_INT(bk_str_columns("\xff"), 1);
}

/* UTF-8. */

#define VALID(s) bk_str_utf8(s, sizeof(s) - 1)

CHECK_TEST(valid_utf8)
{
	CHECK(VALID(""));
	CHECK(VALID("a\0b"));
	CHECK(VALID("\x7f\xc2\x80\xdf\xbf"));
	CHECK(VALID("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"));
	CHECK(VALID("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
}

CHECK_TEST(invalid_utf8)
{
	/* alone, or cut off */
	CHECK(!VALID("\x80"));
	CHECK(!VALID("\xbf"));
	CHECK(!VALID("\xc3"));
	CHECK(!VALID("a\xe2\x82"));
	CHECK(!VALID("\xf0\x9f\x92"));
	CHECK(!VALID("\xc3(") && !VALID("\xe2\x82("));
	CHECK(!VALID("\xe2\xe2\x82\xac"));
	/* overlong */
	CHECK(!VALID("\xc0\x80") && !VALID("\xc1\xbf"));
	CHECK(!VALID("\xe0\x80\xaf") && !VALID("\xe0\x9f\xbf"));
	CHECK(!VALID("\xf0\x80\x80\xaf") && !VALID("\xf0\x8f\xbf\xbf"));
	/* surrogates */
	CHECK(!VALID("\xed\xa0\x80") && !VALID("\xed\xbf\xbf"));
	/* beyond the last one */
	CHECK(!VALID("\xf4\x90\x80\x80") && !VALID("\xf5\x80\x80\x80"));
	CHECK(!VALID("\xf8\x88\x80\x80\x80") && !VALID("\xfe"));
	CHECK(!VALID("\xff"));
	/* the length counts, not what is behind it */
	CHECK(!bk_str_utf8("\xe2\x82\xac", 2));
}

static void to_utf8(const char *s, size_t len, const char *want)
{
	char *exact = bk_memdup(s, len), *got = bk_str_to_utf8(exact, len);

	CHECK_STR(got, want);
	CHECK(bk_str_utf8(got, strlen(got)));
	free(exact);
	free(got);
}

#define FFFD "\xef\xbf\xbd"

CHECK_TEST(made_valid)
{
	to_utf8("", 0, "");
	to_utf8("a\xc3\xa9", 3, "a\xc3\xa9");
	to_utf8("a\xff"
		"b",
		3, "a" FFFD "b");
	to_utf8("\xe2\x82", 2, FFFD FFFD);
	to_utf8("\xe2\x82\xe2\x82\xac", 5, FFFD FFFD "\xe2\x82\xac");
	to_utf8("\xed\xa0\x80", 3, FFFD FFFD FFFD);
}

/* Base64. */

static void base64(const char *raw, size_t len, const char *text)
{
	char *got = bk_str_base64(raw, len);
	size_t n = 999;

	CHECK_STR(got, text);
	free(got);
	got = bk_str_unbase64(text, &n);
	CHECK(got);
	CHECK_INT(n, len);
	CHECK(memcmp(got, raw, len) == 0 && got[len] == '\0');
	free(got);
}

CHECK_TEST(base64_vectors)
{
	/* RFC 4648 section 10 */
	base64("", 0, "");
	base64("f", 1, "Zg==");
	base64("fo", 2, "Zm8=");
	base64("foo", 3, "Zm9v");
	base64("foob", 4, "Zm9vYg==");
	base64("fooba", 5, "Zm9vYmE=");
	base64("foobar", 6, "Zm9vYmFy");
	base64("\0\xff\xfe", 3, "AP/+");
	base64("\xfb\xef\xff", 3, "++//");
}

CHECK_TEST(base64_of_every_byte)
{
	unsigned char all[256];

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (unsigned char)i;
	for (size_t len = 250; len <= 256; len++) {
		char *text = bk_str_base64(all, len), *raw;
		size_t n;

		raw = bk_str_unbase64(text, &n);
		CHECK_INT(n, len);
		CHECK(memcmp(raw, all, len) == 0);
		free(text);
		free(raw);
	}
}

CHECK_TEST(bad_base64)
{
	static const char *const bad[] = {
		"A",	    "AA",	"AAA",	  "AAAAA",   "=",
		"==",	    "====",	"A===",	  "AA=A",    "=AAA",
		"AA==AAAA", "AAA=AAAA", "AAA\n",  "AA A",    " AAA",
		"AA-_",	    "AAA\xff",	"Zm9v\n", "AAAA===="
	};

	for (size_t i = 0; i < BK_COUNT(bad); i++) {
		size_t n;
		char *got = bk_str_unbase64(bad[i], &n);

		if (got)
			CHECK_FAIL("\"%s\" was decoded", bad[i]);
	}
}
