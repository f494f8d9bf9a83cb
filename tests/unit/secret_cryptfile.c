/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-secret/cryptfile.c */
#include "cryptfile.h"

#include <ctype.h>
#include <strings.h>

#include "scratch.h"

static struct bk_err err;

static struct cryptfile parsed(const char *text)
{
	struct cryptfile f;

	memset(&err, 0, sizeof(err));
	if (cryptfile_parse(text, strlen(text), &f, &err) < 0)
		CHECK_FAIL("refused: %s", err.msg);
	return f;
}

static const char *value_of(const struct cryptfile *f, const char *section,
			    const char *option)
{
	const struct cryptfile_entry *e = cryptfile_find(f, section, option);

	return e ? e->value : NULL;
}

/* The value of [s] o in this text. */
static const char *value_in(const char *text)
{
	static char kept[256];
	struct cryptfile f = parsed(text);
	const char *value = value_of(&f, "s", "o");

	(void)snprintf(kept, sizeof(kept), "%s", value ? value : "(none)");
	cryptfile_free(&f);
	return kept;
}

static void check_refused(const char *text, size_t len, const char *why)
{
	struct cryptfile f;

	CHECK_INT(cryptfile_parse(text, len, &f, &err), -1);
	CHECK_INT(err.exit, BK_EX_DATAERR);
	CHECK_HAS(err.msg, why);
	cryptfile_free(&f);
}

#define REFUSED(text, why) check_refused(text, sizeof(text) - 1, why)

/* Reading. */

CHECK_TEST(values)
{
	CHECK_STR(value_in("[s]\no = v\n"), "v");
	CHECK_STR(value_in("[s]\no=v\n"), "v");
	CHECK_STR(value_in("[s]\no:v"), "v");
	CHECK_STR(value_in("[s]\no  \t:  v \t \n"), "v");
	CHECK_STR(value_in("[s]\no = v = w : x\n"), "v = w : x");
	CHECK_STR(value_in("[s]\no : v = w\n"), "v = w");
	CHECK_STR(value_in("[s]\no =\n"), "");
	CHECK_STR(value_in("[s]\no ="), "");
	CHECK_STR(value_in("[s]\nO = v\n"), "v");
	CHECK_STR(value_in("[s]\no = v ; w # x\n"), "v ; w # x");
	CHECK_STR(value_in("[s]\np = 1\no = 2\nq = 3\n"), "2");
	CHECK_STR(value_in("[t]\no = 1\n[s]\no = 2\n[S]\no = 3\n"), "2");
	CHECK_STR(value_in("[s]\no = \xff\xc3\n"), "\xff\xc3");
}

CHECK_TEST(values_of_several_lines)
{
	CHECK_STR(value_in("[s]\no = \n\ta\n\tb\n"), "\na\nb");
	CHECK_STR(value_in("[s]\no = a\n b\n  \t c\np = d\n"), "a\nb\nc");
	/* blank lines go on, and leave no trace */
	CHECK_STR(value_in("[s]\no = a\n\n\n b\n"), "a\nb");
	CHECK_STR(value_in("[s]\no = a\n \t \n b\n"), "a\nb");
	CHECK_STR(value_in("[s]\no = a\n\t\n\n[t]\n"), "a");
	/* comments are none of the value, wherever they begin */
	CHECK_STR(value_in("[s]\no = a\n# c\n b\n"), "a\nb");
	CHECK_STR(value_in("[s]\no = a\n  ; c\n b\n"), "a\nb");
	CHECK_STR(value_in("[s]\no = a\n [t]\n x = y\n"), "a\n[t]\nx = y");
	/* as deep as the option is no continuation; deeper is */
	CHECK_STR(value_in("[s]\n  o = a\n  p = b\n"), "a");
	CHECK_STR(value_in("[s]\n  o = a\n   p = b\n"), "a\np = b");
	CHECK_STR(value_in("[s]\n  o = a\n [t]\n"), "a");
}

CHECK_TEST(ends_of_lines)
{
	CHECK_STR(value_in("[s]\r\no = \r\n\ta\r\n\tb\r\n\r\n"), "\na\nb");
	CHECK_STR(value_in("[s]\ro = \r\ta\r\tb\r\r"), "\na\nb");
	CHECK_STR(value_in("[s]\no = a\r\n\r\n b\n"), "a\nb");
	CHECK_STR(value_in("[s]\r\n\no = a"), "a");
	CHECK_STR(value_in("\xef\xbb\xbf[s]\no = a\n"), "a");
}

CHECK_TEST(comments_and_blank_lines)
{
	CHECK_STR(value_in("# c\n; d\n\n \n  # e\n[s]\n#o = 1\no = 2\n"), "2");
	CHECK_STR(value_in("\n\n[s]\n"), "(none)");
	CHECK_STR(value_in(""), "(none)");
	CHECK_STR(value_in("\xef\xbb\xbf"), "(none)");
	CHECK_STR(value_in("#"), "(none)");
}

CHECK_TEST(sections)
{
	struct cryptfile f = parsed("[a]\n[b] x\nk = 1\n  [c]\n[d]e]\n");

	CHECK_INT(f.nsections, 3);
	CHECK_STR(f.sections[0].name, "a");
	CHECK_STR(f.sections[1].name, "b");
	CHECK_STR(f.sections[2].name, "d]e");
	CHECK_INT(f.sections[2].line, 5);
	CHECK_STR(value_of(&f, "b", "K"), "1\n[c]");
	CHECK_STR(value_of(&f, "B", "k"), NULL);
	CHECK_STR(value_of(&f, "a", "k"), NULL);
	cryptfile_free(&f);
}

CHECK_TEST(refuses_what_python_refuses)
{
	REFUSED("o = 1\n", "line 1: an option before any [section]");
	REFUSED("# c\n\n o = 1\n[s]\n", "line 3: an option before");
	REFUSED("[s]\no = 1\nrubbish\n", "line 3: neither a section nor");
	REFUSED("[s]\n[]\n", "line 2: neither a section nor");
	REFUSED("[s]\n[t\n", "line 2: neither a section nor");
	REFUSED("[s]\n= 1\n", "line 2: an option without a name");
	REFUSED("[s]\n : 1\n", "line 2: an option without a name");
	REFUSED("{\"a\": [1, 2]}\n", "line 1: ");
	REFUSED("<?xml version=\"1.0\"?>\n", "line 1: ");
}

CHECK_TEST(duplicates_name_both_lines)
{
	REFUSED("[s]\no = 1\n\n[t]\n\n[s]\np = 1\n",
		"line 6: the section [s] is in line 1 already");
	REFUSED("[s]\no = 1\np = 2\nO : 3\n",
		"line 4: the option 'o' of [s] is in line 2 already");
	REFUSED("[s]\r\no = 1\r\no = 2\r\n",
		"line 3: the option 'o' of [s] is");
}

CHECK_TEST(refuses_nul)
{
	REFUSED("[s]\no = a\0b\n", "NUL");
	REFUSED("\0", "NUL");
	REFUSED("[s]\n\0", "NUL");
}

/* n of "[x1]\no = 1\n" or of "x1 = 1\n" */
static char *many(size_t n, const char *start, const char *before,
		  const char *after)
{
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, start);
	for (size_t i = 0; i < n; i++)
		bk_buf_addf(&b, "%sx%zu%s", before, i, after);
	return bk_buf_steal(&b);
}

CHECK_TEST(ten_thousand_entries_and_no_more)
{
	char *text = many(10000, "[s]\n", "", " = 1\n");
	struct cryptfile f = parsed(text);

	CHECK_INT(f.nentries, 10000);
	CHECK_STR(value_of(&f, "s", "x9999"), "1");
	cryptfile_free(&f);
	free(text);
	text = many(10001, "[s]\n", "", " = 1\n");
	check_refused(text, strlen(text), "line 10002: more than 10000");
	free(text);
}

CHECK_TEST(ten_thousand_sections_and_no_more)
{
	char *text = many(10001, "", "[", "]\n");

	check_refused(text, strlen(text), "line 10001: more than 10000");
	free(text);
}

/* Writing. */

static void check_put(const char *before, const char *section,
		      const char *option, const char *value, bool base64,
		      const char *after)
{
	struct cryptfile f = parsed(before);

	CHECK_INT(cryptfile_put(&f, section, option, value, base64, &err), 0);
	CHECK_STR(f.text.p, after);
	if (!base64)
		CHECK_STR(value_of(&f, section, option), value);
	cryptfile_free(&f);
}

#define PUT(before, after) check_put(before, "s", "O", "v", false, after)

CHECK_TEST(put_adds)
{
	PUT("", "[s]\no = v\n");
	PUT("[s]\n", "[s]\no = v\n");
	PUT("[s]", "[s]\no = v\n");
	PUT("[t]\na = b\n", "[t]\na = b\n\n[s]\no = v\n");
	PUT("[t]\na = b", "[t]\na = b\n\n[s]\no = v\n");
	PUT("[s]\na = b\n\n[t]\n", "[s]\na = b\no = v\n\n[t]\n");
	PUT("[s]\na = \n\tb\n\t\n\n", "[s]\na = \n\tb\no = v\n\t\n\n");
	PUT("# c\n", "# c\n\n[s]\no = v\n");
	PUT("[s]\na=b\n# c\n[t]\n", "[s]\na=b\no = v\n# c\n[t]\n");
	PUT("\xef\xbb\xbf[s]\n", "\xef\xbb\xbf[s]\no = v\n");
}

CHECK_TEST(put_replaces_in_place)
{
	PUT("[s]\no = 1\n", "[s]\no = v\n");
	PUT("[s]\nO:1", "[s]\no = v\n");
	PUT("[s]\na = 1\no = \n\t2\n\t3\nb = 4\n",
	    "[s]\na = 1\no = v\nb = 4\n");
	PUT("#c\n[s]\no = 1\n\n\n;d\n[t]\no = 2",
	    "#c\n[s]\no = v\n\n\n;d\n[t]\no = 2");
	PUT("[s]\r\na = 1\r\no = 2\r\nb = 3\r\n",
	    "[s]\r\na = 1\r\no = v\nb = 3\r\n");
}

/* A line less deep than the next one would take it in. */
CHECK_TEST(put_keeps_the_depth)
{
	PUT("[s]\n  a = 1\n  o = 2\n  b = 3\n",
	    "[s]\n  a = 1\n  o = v\n  b = 3\n");
	PUT("  [s]\n  a = 1\n  [t]\n  b = 2\n",
	    "  [s]\n  a = 1\n  o = v\n  [t]\n  b = 2\n");
	PUT("[s]\n    [t]\n    b = 2\n",
	    "[s]\n    o = v\n    [t]\n    b = 2\n");
	PUT("[s]\n\n# c\n \n  [t]\n", "[s]\n  o = v\n\n# c\n \n  [t]\n");
	PUT("[s]\n    a = 1\n  b = 2\n[t]\n",
	    "[s]\n    a = 1\n  b = 2\no = v\n[t]\n");
	check_put("[s]\n o = 1\n p = 2\n", "s", "o", "dg==", true,
		  "[s]\n o = \n \tdg==\n p = 2\n");
}

CHECK_TEST(put_of_base64_as_python_writes_it)
{
	char value[153], want[200];

	memset(value, 'A', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	(void)snprintf(want, sizeof(want), "[s]\no = \n\t%.76s\n\t%.76s\n",
		       value, value);
	check_put("", "s", "o", value, true, want);
	value[77] = '\0';
	(void)snprintf(want, sizeof(want), "[s]\no = \n\t%.76s\n\tA\n", value);
	check_put("[s]\n", "s", "o", value, true, want);
	value[76] = '\0';
	(void)snprintf(want, sizeof(want), "[s]\no = \n\t%s\n", value);
	check_put("[s]\no = 1\n", "s", "o", value, true, want);
}

CHECK_TEST(put_then_remove_is_as_before)
{
	static const char text[] = "# c\n[s]\na = \n\tx\n\ty\n\t\n\n"
				   "[t]\r\nB : z\n;d\n   \n";
	struct cryptfile f = parsed(text);

	CHECK_INT(cryptfile_put(&f, "s", "o", "QUJD", true, &err), 0);
	CHECK_STR(value_of(&f, "s", "a"), "\nx\ny");
	CHECK_STR(value_of(&f, "t", "b"), "z");
	CHECK_INT(cryptfile_remove(&f, cryptfile_find(&f, "s", "o"), &err), 0);
	CHECK_STR(f.text.p, text);
	cryptfile_free(&f);
}

static void check_remove(const char *before, const char *after)
{
	struct cryptfile f = parsed(before);
	const struct cryptfile_entry *e = cryptfile_find(&f, "s", "o");

	CHECK(e);
	CHECK_INT(cryptfile_remove(&f, e, &err), 0);
	CHECK_STR(f.text.p, after);
	CHECK(!cryptfile_find(&f, "s", "o"));
	cryptfile_free(&f);
}

CHECK_TEST(remove_takes_its_lines_only)
{
	check_remove("[s]\no = 1\n", "[s]\n");
	check_remove("[s]\no = 1", "[s]\n");
	check_remove("[s]\na = 1\no = \n\t2\n\n\t3\n\nb = 4\n",
		     "[s]\na = 1\n\nb = 4\n");
	check_remove("[s]\r\no = 1\r\n# c\r\n[t]\r\n", "[s]\r\n# c\r\n[t]\r\n");
	check_remove("[s]\ro = 1\rb = 2\r", "[s]\rb = 2\r");
	check_remove("[t]\no = 0\n[s]\no = 1\n[u]\no = 2\n",
		     "[t]\no = 0\n[s]\n[u]\no = 2\n");
}

/* Names. */

CHECK_TEST(escapes)
{
	static const char *const names[][2] = {
		{ "", "" },
		{ "restic", "restic" },
		{ "A-z_09", "A_2Dz_5F09" },
		{ "a.b c", "a_2Eb_20c" },
		{ "\xc3\x9c\n\x7f", "_C3_9C_0A_7F" },
		{ "[x]", "_5Bx_5D" },
		{ "_2E", "_5F2E" },
	};

	for (size_t i = 0; i < BK_COUNT(names); i++) {
		char *escaped = cryptfile_escape(names[i][0]);
		char *back = cryptfile_unescape(names[i][1]);

		CHECK_STR(escaped, names[i][1]);
		CHECK_STR(back, names[i][0]);
		free(escaped);
		free(back);
	}
}

CHECK_TEST(every_byte_comes_back)
{
	char name[256], *escaped, *back;

	for (int i = 0; i < 255; i++)
		name[i] = (char)(i + 1);
	name[255] = '\0';
	escaped = cryptfile_escape(name);
	back = cryptfile_unescape(escaped);
	CHECK_STR(back, name);
	CHECK_INT(strspn(escaped, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"
				  "abcdefghijklmnopqrstuvwxyz"),
		  strlen(escaped));
	free(back);
	/* stored in lower case */
	for (char *p = escaped; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	back = cryptfile_unescape(escaped);
	CHECK(back && strcasecmp(back, name) == 0);
	free(back);
	free(escaped);
}

CHECK_TEST(what_is_no_escape)
{
	static const char *const bad[] = { "_",	   "a_",   "_2",   "a_2",
					   "_2G",  "_G2",  "__2E", "_00",
					   "a_00", "_-1e", "_ 2",  "_+2" };

	for (size_t i = 0; i < BK_COUNT(bad); i++)
		CHECK_STR(cryptfile_unescape(bad[i]), NULL);
}

static void check_base64(const char *text, const char *want, size_t len)
{
	size_t n = 99;
	char *got = cryptfile_unbase64(text, &n);

	CHECK(got);
	CHECK_INT(n, len);
	CHECK(memcmp(got, want, len) == 0);
	free(got);
}

CHECK_TEST(base64_with_anything_between)
{
	size_t n;

	check_base64("", "", 0);
	check_base64("\n \t\n", "", 0);
	check_base64("QUJD", "ABC", 3);
	check_base64("\nQU\nJD\n", "ABC", 3);
	check_base64(" Q*U-J_D\xff!", "ABC", 3);
	check_base64("QQ==", "A", 1);
	check_base64("Q Q = =\n", "A", 1);
	check_base64("AGEA", "\0a\0", 3);
	CHECK_STR(cryptfile_unbase64("Q", &n), NULL);
	CHECK_STR(cryptfile_unbase64("QUI", &n), NULL);
	CHECK_STR(cryptfile_unbase64("QUJDR", &n), NULL);
	CHECK_STR(cryptfile_unbase64("=", &n), NULL);
}
