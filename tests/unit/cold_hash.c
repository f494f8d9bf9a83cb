/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-cold/hash.c bin/bk-cold/ssh.c */
#include "hash.h"

#include "check.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define GONE(path) "sha256sum: " path ": No such file or directory\n"

static struct hash_sum sums[3];

/* Of these paths, up to three. */
static void parse(const char *text, const char *complaints, const char *one,
		  const char *two)
{
	BK_AUTO_STRV struct bk_strv paths = BK_STRV_INIT;

	bk_strv_add(&paths, one);
	if (two)
		bk_strv_add(&paths, two);
	memset(sums, 0x55, sizeof(sums));
	hash_parse(text, complaints, &paths, sums);
}

CHECK_TEST(one_line_for_each_name_in_order)
{
	parse(A "  h/x\n" B " *h/y\n", "", "h/x", "h/y");
	CHECK_INT(sums[0].found, BOX_HASHED);
	CHECK_STR(sums[0].sha256, A);
	CHECK_INT(sums[1].found, BOX_HASHED);
	CHECK_STR(sums[1].sha256, B);
}

CHECK_TEST(anything_else_is_unknown)
{
	static const char *const bad[] = {
		"",
		"\n",
		A "  h/x",		       /* cut off */
		A "  h/x\n",		       /* too few */
		A "  h/x\n" B "  h/z\n",       /* another name */
		B "  h/y\n" A "  h/x\n",       /* another order */
		A "  h/x\n" B "  h/y\nmore\n", /* too many */
		A "  h/x\n\n" B "  h/y\n",
		A "  h/x\n" A B "  h/y\n", /* too many digits */
		A " h/x\n" B "  h/y\n",
		A "  h/x \n" B "  h/y\n",
		A "  h/x\r\n" B "  h/y\r\n",
		"\\" A "  h/x\n" B "  h/y\n",
		"welcome\n" A "  h/x\n" B "  h/y\n",
		"A" A "  h/x\n" B "  h/y\n",
		A "a  h/x\n" B "  h/y\n",
	};

	for (size_t i = 0; i < BK_COUNT(bad); i++) {
		parse(bad[i], "", "h/x", "h/y");
		if (sums[0].found != BOX_UNKNOWN ||
		    sums[1].found != BOX_UNKNOWN)
			CHECK_FAIL("believed: %s", bad[i]);
	}
}

CHECK_TEST(capital_digits_are_none)
{
	char text[] = A "  h/x\n";

	text[3] = 'A';
	parse(text, "", "h/x", NULL);
	CHECK_INT(sums[0].found, BOX_UNKNOWN);
}

CHECK_TEST(what_is_told_to_be_gone_is_absent)
{
	parse(B "  h/y\n", GONE("h/x"), "h/x", "h/y");
	CHECK_INT(sums[0].found, BOX_ABSENT);
	CHECK_INT(sums[1].found, BOX_HASHED);
	CHECK_STR(sums[1].sha256, B);
	parse("", GONE("h/x") GONE("'h/y'"), "h/x", "h/y");
	CHECK_INT(sums[0].found, BOX_ABSENT);
	CHECK_INT(sums[1].found, BOX_ABSENT);
}

CHECK_TEST(other_complaints_tell_nothing)
{
	parse(B "  h/y\n", "sha256sum: h/x: Permission denied\n", "h/x", "h/y");
	CHECK_INT(sums[0].found, BOX_UNKNOWN);
	CHECK_INT(sums[1].found, BOX_UNKNOWN);
	parse("", "sha256sum: h/x: Input/output error\n", "h/x", NULL);
	CHECK_INT(sums[0].found, BOX_UNKNOWN);
	/* of another file whose name ends like that */
	parse("", GONE("h/xx"), "h/x", NULL);
	CHECK_INT(sums[0].found, BOX_UNKNOWN);
}

CHECK_TEST(a_name_that_comes_twice)
{
	parse(A "  h/x\n" A "  h/x\n", "", "h/x", "h/x");
	CHECK_INT(sums[0].found, BOX_HASHED);
	CHECK_INT(sums[1].found, BOX_HASHED);
	parse(A "  h/x\n", "", "h/x", "h/x");
	CHECK_INT(sums[0].found, BOX_UNKNOWN);
}
