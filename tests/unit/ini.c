/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ini.h"

#include "buf.h"
#include "check.h"

static struct bk_buf heard;

static void each(void *arg, const struct bk_ini_line *l)
{
	(void)arg;
	if (l->key)
		bk_buf_addf(&heard, "%zu %s.%s%s%s\n", l->line, l->section,
			    l->key, l->continued ? " + " : " = ", l->value);
	else
		bk_buf_addf(&heard, "%zu [%s]\n", l->line, l->section);
}

static void problem(void *arg, size_t line, const char *msg)
{
	(void)arg;
	bk_buf_addf(&heard, "%zu! %s\n", line, msg);
}

/* What is heard of text: a line for each call. */
static const char *parse_len(const char *text, size_t len)
{
	static const struct bk_ini ini = { each, problem, NULL };
	char *exact = bk_memdup(text, len);

	bk_buf_free(&heard);
	heard = BK_BUF_INIT;
	bk_buf_adds(&heard, "");
	bk_ini_parse(exact, len, &ini);
	free(exact);
	return heard.p;
}

static const char *parse(const char *text)
{
	return parse_len(text, strlen(text));
}

static char *repeat(char c, size_t n)
{
	char *s = bk_malloc(n + 1);

	memset(s, c, n);
	s[n] = '\0';
	return s;
}

#define NEITHER "! line is neither [section], key = value nor a comment\n"

CHECK_TEST(nothing)
{
	CHECK_STR(parse(""), "");
	CHECK_STR(parse("\n\n \t\n"), "");
	CHECK_STR(parse("; a = b\n# c = d\n  ; e\n\t# f"), "");
	bk_ini_parse(NULL, 0, &(struct bk_ini){ each, problem, NULL });
}

CHECK_TEST(sections_and_keys)
{
	CHECK_STR(parse("a = 1\n[repo main]\nurl = x\n\n[ scan ]\nroot=/\n"),
		  "1 .a = 1\n2 [repo main]\n3 repo main.url = x\n"
		  "5 [scan]\n6 scan.root = /\n");
}

CHECK_TEST(empty_sections_are_heard)
{
	CHECK_STR(parse("[a]\n[b]\n\n[c]"), "1 [a]\n2 [b]\n4 [c]\n");
}

CHECK_TEST(no_newline_at_the_end)
{
	CHECK_STR(parse("[a]\nb = c"), "1 [a]\n2 a.b = c\n");
}

CHECK_TEST(separators)
{
	CHECK_STR(parse("a:b\nc = d:e\nf: g=h\ni==j\nk=:l\n"),
		  "1 .a = b\n2 .c = d:e\n3 .f = g=h\n4 .i = =j\n5 .k = :l\n");
}

CHECK_TEST(bytes_of_values)
{
	CHECK_STR(parse("a = [x]\nb = #1\nc = x#y # z\nd = \"q\"\n"
			"e = 17\nf = x=17\ng = \xff\xfe\n"),
		  "1 .a = [x]\n2 .b = #1\n3 .c = x#y # z\n4 .d = \"q\"\n"
		  "5 .e = 17\n6 .f = x=17\n7 .g = \xff\xfe\n");
}

/* White space and ';' start a comment, as libinih has it. */
CHECK_TEST(comments_behind_values)
{
	CHECK_STR(parse("a = b ; c\na = b;c\na = b\t;c\na =;b\na = ;b\n"
			"[s] ; c\n[t];c\na = x\n  y ; z\n"),
		  "1 .a = b\n2 .a = b;c\n3 .a = b\n4 .a = ;b\n5 .a = \n"
		  "6 [s]\n7 [t]\n8 t.a = x\n9 t.a + y\n");
	CHECK_STR(parse("a ; b = c\n"), "1" NEITHER);
}

CHECK_TEST(values_may_be_empty)
{
	CHECK_STR(parse("a =\nb:\nc = \n"), "1 .a = \n2 .b = \n3 .c = \n");
}

CHECK_TEST(continued)
{
	CHECK_STR(
		parse("[s]\na = b\n  c\n\td = e\n\n ; x\n  [f]\n g: 3\nh=i\n"),
		"1 [s]\n2 s.a = b\n3 s.a + c\n4 s.a + d = e\n7 s.a + [f]\n"
		"8 s.a + g: 3\n9 s.h = i\n");
}

/* What looks like the number that stands for a line is still a value. */
CHECK_TEST(continued_numbers)
{
	CHECK_STR(parse("a = 1\n 2\n 3=3\n =4\n !=5\n [6]\n [6\n"),
		  "1 .a = 1\n2 .a + 2\n3 .a + 3=3\n4 .a + =4\n5 .a + !=5\n"
		  "6 .a + [6]\n7 .a + [6\n");
}

CHECK_TEST(indented_without_a_key_above)
{
	CHECK_STR(parse("  a = b\n"), "1 .a = b\n");
	CHECK_STR(parse("  [s]\n  a = b\n  c = d\n"),
		  "1 [s]\n2 s.a = b\n3 s.a + c = d\n");
	CHECK_STR(parse("[s]\n  /x\n"), "1 [s]\n2" NEITHER);
	CHECK_STR(parse("a = b\n[s]\n  c = d\n"),
		  "1 .a = b\n2 [s]\n3 s.c = d\n");
}

CHECK_TEST(keys_named_like_our_stand_ins)
{
	CHECK_STR(parse("[s]\n. = a\n b\n! = c\n d\n2 = e\n"),
		  "1 [s]\n2 s.. = a\n3 s.. + b\n4 s.! = c\n5 s.! + d\n"
		  "6 s.2 = e\n");
}

CHECK_TEST(hundred_continued_lines)
{
	struct bk_buf text = BK_BUF_INIT, want = BK_BUF_INIT;

	bk_buf_adds(&text, "[s]\npath = /0\n");
	bk_buf_adds(&want, "1 [s]\n2 s.path = /0\n");
	for (int i = 1; i <= 100; i++) {
		bk_buf_addf(&text, "\t/%d\n", i);
		bk_buf_addf(&want, "%d s.path + /%d\n", i + 2, i);
	}
	CHECK_STR(parse(text.p), want.p);
	bk_buf_free(&text);
	bk_buf_free(&want);
}

/* libinih cuts lines at 200 bytes; ours are whole. */
CHECK_TEST(long_lines)
{
	static const size_t lens[] = { 195, 196, 197, 198, 199, 200,  201,
				       202, 398, 399, 400, 401, 3000, 1000000 };

	for (size_t i = 0; i < BK_COUNT(lens); i++) {
		char *v = repeat('v', lens[i] - 2);
		char *text = bk_asprintf("a=%s\n %s\n  k=%s\nb=c\n", v, v, v);
		char *want = bk_asprintf("1 .a = %s\n2 .a + %s\n3 .a + k=%s\n"
					 "4 .b = c\n",
					 v, v, v);

		CHECK_STR(parse(text), want);
		free(v);
		free(text);
		free(want);
	}
}

CHECK_TEST(long_values_keep_their_blanks)
{
	char *v = repeat('v', 199);
	char *text = bk_asprintf("a = %s r=s  t:u  ; %s = %s\n", v, v, v);
	char *want = bk_asprintf("1 .a = %s r=s  t:u\n", v);

	CHECK_STR(parse(text), want);
	free(v);
	free(text);
	free(want);
}

CHECK_TEST(lines_over_the_limit)
{
	char *v = repeat('v', (1 << 20) + 1);
	char *text = bk_asprintf("a = %s\n%s\n;%s\n b\nc = d\n  %s\n e\n", v, v,
				 v, v);

	CHECK_STR(parse(text), "1! line is longer than 1 MiB\n"
			       "2! line is longer than 1 MiB\n"
			       "5 .c = d\n"
			       "6! line is longer than 1 MiB\n"
			       "7 .c + e\n");
	v[1 << 20] = '\0';
	memcpy(v, "a=", 2);
	free(text);
	text = bk_asprintf("1 .a = %s\n", v + 2);
	CHECK_STR(parse(v), text);
	free(v);
	free(text);
}

/* libinih cuts sections and keys at 49 bytes. */
CHECK_TEST(long_sections)
{
	static const size_t lens[] = { 48, 49, 50, 51, 255, 256 };
	char *s;

	for (size_t i = 0; i < BK_COUNT(lens); i++) {
		char *text, *want;

		s = repeat('s', lens[i]);
		text = bk_asprintf("[%s]\na = b\n[%.*st]\n c = d\n", s,
				   (int)lens[i] - 1, s);
		want = bk_asprintf("1 [%s]\n2 %s.a = b\n3 [%.*st]\n"
				   "4 %.*st.c = d\n",
				   s, s, (int)lens[i] - 1, s, (int)lens[i] - 1,
				   s);
		CHECK_STR(parse(text), want);
		free(s);
		free(text);
		free(want);
	}
	s = bk_asprintf("[%0257d]\na = b\n[t]\nc = d\n", 0);
	CHECK_STR(parse(s),
		  "1! the name of a section is longer than 256 bytes\n3 [t]\n"
		  "4 t.c = d\n");
	free(s);
}

CHECK_TEST(long_keys)
{
	static const size_t lens[] = { 48, 49, 50, 51, 63, 64 };
	char *s;

	for (size_t i = 0; i < BK_COUNT(lens); i++) {
		char *k = repeat('k', lens[i]);
		char *text = bk_asprintf("%s = a\n b\n", k);
		char *want = bk_asprintf("1 .%s = a\n2 .%s + b\n", k, k);

		CHECK_STR(parse(text), want);
		free(k);
		free(text);
		free(want);
	}
	s = bk_asprintf("a = b\n%065d = c\n d\ne = f\n", 0);
	CHECK_STR(parse(s),
		  "1 .a = b\n2! the key is longer than 64 bytes\n4 .e = f\n");
	free(s);
}

CHECK_TEST(crlf)
{
	CHECK_STR(parse("[s]\r\na = b\r\n  c \r\n\r\nd = e ; f\r\ng = h\r"),
		  "1 [s]\n2 s.a = b\n3 s.a + c\n5 s.d = e\n6 s.g = h\n");
}

CHECK_TEST(byte_order_mark)
{
	CHECK_STR(parse("\xef\xbb\xbf[s]\na = b\n"), "1 [s]\n2 s.a = b\n");
	CHECK_STR(parse("\xef\xbb\xbf"), "");
	CHECK_STR(parse("\xef\xbb\xbf"
			"a=b\n"),
		  "1 .a = b\n");
	CHECK_STR(parse("\xef\xbb"), "1" NEITHER);
}

CHECK_TEST(nul_bytes)
{
#define PARSE(s) parse_len(s, sizeof(s) - 1)
	CHECK_STR(PARSE("a = b\0c\nd = e\n"),
		  "1! line has a NUL byte\n2 .d = e\n");
	CHECK_STR(PARSE("\0"), "1! line has a NUL byte\n");
	CHECK_STR(PARSE("a\0 = b\n [\0]\n c\n"),
		  "1! line has a NUL byte\n2! line has a NUL byte\n");
	CHECK_STR(PARSE("[s\0]\na = b\n[t]\n"),
		  "1! line has a NUL byte\n3 [t]\n");
	CHECK_STR(PARSE("a = b\n \0\n c\n"),
		  "1 .a = b\n2! line has a NUL byte\n3 .a + c\n");
	CHECK_STR(PARSE("# \0\na = b"), "2 .a = b\n");
}

CHECK_TEST(lines_that_are_nothing)
{
	CHECK_STR(parse("abc\na = b\n"), "1" NEITHER "2 .a = b\n");
	/* What follows a bad line does not go to the key before it. */
	CHECK_STR(parse("a = b\nabc\n  d\ne = f\n"),
		  "1 .a = b\n2" NEITHER "4 .e = f\n");
	CHECK_STR(parse("= b\n : c\n"), "1! no key stands before the value\n");
	CHECK_STR(parse("a\xff = b\n"), "1! the key is not valid UTF-8\n");
}

CHECK_TEST(bad_sections)
{
	CHECK_STR(parse("[a]\nb = c\n[d\ne = f\n g\n[h]\ni = j\n"),
		  "1 [a]\n2 a.b = c\n3! the '[' of a section has no ']'\n"
		  "6 [h]\n7 h.i = j\n");
	CHECK_STR(parse("[a ;]\n"), "1! the '[' of a section has no ']'\n");
	CHECK_STR(parse("[]\n[ ]\n"), "1! a section without a name\n"
				      "2! a section without a name\n");
	CHECK_STR(parse("[a] b\n"), "1! text behind the ']' of a section; "
				    "a comment there starts with ';'\n");
	CHECK_STR(parse("[\xc3]\n"),
		  "1! the name of a section is not valid UTF-8\n");
	CHECK_STR(parse("[d\nabc\n"),
		  "1! the '[' of a section has no ']'\n2" NEITHER);
}

CHECK_TEST(names_in_other_scripts)
{
	CHECK_STR(parse("[s\xc3\xa9]\n\xc3\xa0 = \xe2\x82\xac\n"),
		  "1 [s\xc3\xa9]\n2 s\xc3\xa9.\xc3\xa0 = \xe2\x82\xac\n");
}
