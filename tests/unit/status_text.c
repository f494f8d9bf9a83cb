/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-status/text.c */
#include "text.h"

#include "scratch.h"
#include "str.h"

static const char *message;
static bool all;

static void wrap(void)
{
	struct text t = { .all = all };

	(void)printf("%*s", 10, "");
	text_wrap(&t, message, 10, 10, NULL);
}

static const char *wrapped(const char *s)
{
	message = s;
	return ran(wrap)->out;
}

/* Lines of these, none wider than the screen. */
static size_t lines_of(const char *text)
{
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;

	bk_strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++)
		if (bk_str_columns(lines.v[i]) > TEXT_WIDTH)
			CHECK_FAIL("too wide: %s", lines.v[i]);
	return lines.n;
}

CHECK_TEST(short_text)
{
	CHECK_STR(wrapped("one two"), "          one two\n");
	CHECK_STR(wrapped(""), "          \n");
}

CHECK_TEST(words_stay_whole)
{
	char text[400] = "";

	for (int i = 0; i < 30; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
			       "word%02d ", i);
	CHECK_INT(lines_of(wrapped(text)), 3);
	CHECK_HAS(wrapped(text), " word09\n          word10 ");
	CHECK_HAS(wrapped(text), "word29");
}

CHECK_TEST(what_is_long_is_cut_unless_all_is_wanted)
{
	char text[1000];

	memset(text, 'x', sizeof(text));
	text[999] = '\0';
	CHECK_INT(lines_of(wrapped(text)), 3);
	CHECK(bk_str_ends(wrapped(text), "xxx...\n"));
	all = true;
	CHECK_INT(lines_of(wrapped(text)), 15);
	CHECK(!strstr(wrapped(text), "..."));
}

CHECK_TEST(what_a_terminal_obeys_is_escaped)
{
	CHECK_STR(wrapped("a\n\x1b[31mb\xff"),
		  "          a\\n\\x1b[31mb\\xff\n");
}

CHECK_TEST(wide_characters)
{
	char text[600] = "";

	for (int i = 0; i < 70; i++)
		(void)strcat(text, "\xc3\xa4");
	CHECK_INT(lines_of(wrapped(text)), 1);
	(void)strcat(text, "\xe2\x82\xac");
	CHECK_INT(lines_of(wrapped(text)), 2);
	CHECK(bk_str_utf8(wrapped(text), strlen(wrapped(text))));
}
