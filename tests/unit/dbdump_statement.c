/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-dbdump/statement.c */
#include "statement.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "check.h"

static int memory(const char *text, size_t len)
{
	int fd = memfd_create("statements", MFD_CLOEXEC);

	CHECK(fd >= 0);
	CHECK(write(fd, text, len) == (ssize_t)len);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* All of them as "LINE:TEXT|", a comment as "LINE#TEXT|", an error as "!". */
static char *split(struct statements s, const char *text, size_t len)
{
	struct bk_buf b = BK_BUF_INIT;
	struct statement st;
	struct bk_err err;
	int got;

	s.fd = memory(text, len);
	s.left = UINT64_MAX;
	while ((got = statements_next(&s, &st, &err)) == 1) {
		bk_buf_addf(&b, "%llu%c", (unsigned long long)st.line,
			    st.comment ? '#' : ':');
		bk_buf_add(&b, st.p, st.len);
		bk_buf_addc(&b, '|');
	}
	if (got < 0) {
		CHECK_INT(err.exit, BK_EX_DATAERR);
		bk_buf_addc(&b, '!');
	}
	(void)close(s.fd);
	statements_free(&s);
	bk_buf_adds(&b, "");
	return bk_buf_steal(&b);
}

/* The same, in whatever pieces it is read. */
static void check_with(struct statements s, const char *text, size_t len,
		       const char *want)
{
	static const size_t chunks[] = { 0, 1, 2, 3, 7, 64 };

	for (size_t i = 0; i < BK_COUNT(chunks); i++) {
		char *got;

		s.chunk = chunks[i];
		got = split(s, text, len);
		CHECK_STR(got, want);
		free(got);
	}
}

#define SPLIT(text, want) \
	check_with((struct statements){ 0 }, text, sizeof(text) - 1, want)

CHECK_TEST(plain)
{
	SPLIT("", "");
	SPLIT("  \n\t ", "");
	SPLIT("a;", "1:a|");
	SPLIT("a;b;\nc\nd;\n\ne;", "1:a|1:b|2:c\nd|5:e|");
	SPLIT(";", "1:|");
	SPLIT("a; ;b;", "1:a|1:|1:b|");
	SPLIT("a", "!");
	SPLIT("a;b", "1:a|!");
}

CHECK_TEST(quotes)
{
	SPLIT("a ';' b;", "1:a ';' b|");
	SPLIT("a \";\" b;", "1:a \";\" b|");
	SPLIT("a `;` b;", "1:a `;` b|");
	SPLIT("'it''s;';x;", "1:'it''s;'|1:x|");
	SPLIT("'\\';';x;", "1:'\\';'|1:x|");
	SPLIT("\"\\\";\";x;", "1:\"\\\";\"|1:x|");
	SPLIT("'\\\\';x;", "1:'\\\\'|1:x|");
	SPLIT("`\\`;x;", "1:`\\`|1:x|");
	SPLIT("`a``;`;x;", "1:`a``;`|1:x|");
	SPLIT("'\n\n';x;", "1:'\n\n'|3:x|");
	SPLIT("'-- ';'# ';'/*';x;", "1:'-- '|1:'# '|1:'/*'|1:x|");
	SPLIT("'a;", "!");
	SPLIT("'a\\';", "!");
	SPLIT("'a\\", "!");
	SPLIT("x'3b';", "1:x'3b'|");
}

CHECK_TEST(sql_mode)
{
	struct statements plain = { .no_backslash = true };
	struct statements ansi = { .ansi_quotes = true };

#define WITH(s, text, want) check_with(s, text, sizeof(text) - 1, want)
	WITH(plain, "'\\';x;", "1:'\\'|1:x|");
	WITH(plain, "\"\\\";x;", "1:\"\\\"|1:x|");
	WITH(ansi, "\"\\\";x;", "1:\"\\\"|1:x|");
	WITH(ansi, "'\\';';x;", "1:'\\';'|1:x|");
}

CHECK_TEST(comments)
{
	SPLIT("-- one\na;", "1#-- one\n|2:a|");
	SPLIT("--\na;", "1#--\n|2:a|");
	SPLIT("--", "1#--|");
	SPLIT("# it's\na;", "1## it's\n|2:a|");
	SPLIT("/* ; ' */a;", "1:a|");
	SPLIT("/*;\n*/\na;", "3:a|");
	SPLIT("a -- ;'\n;b;", "1:a -- ;'\n|2:b|");
	SPLIT("a # ;'\n;b;", "1:a # ;'\n|2:b|");
	SPLIT("a /* ;' */;b;", "1:a /* ;' */|1:b|");
	/* no comments */
	SPLIT("a--;b;", "1:a--|1:b|");
	SPLIT("1--1;b;", "1:1--1|1:b|");
	SPLIT("a-b/c;", "1:a-b/c|");
	/* code to the server */
	SPLIT("/*!50003 a ';' */;b;", "1:/*!50003 a ';' */|1:b|");
	SPLIT("/*M!100 a */;", "1:/*M!100 a */|");
	SPLIT("/*M a;*/b;", "1:b|");
	SPLIT("/* a;", "!");
	SPLIT("a /* ;", "!");
	SPLIT("/**/a;/***/b;", "1:a|1:b|");
	SPLIT("a;-- bk-dbdump: complete bytes=2\n",
	      "1:a|1#-- bk-dbdump: complete bytes=2\n|");
}

CHECK_TEST(delimiters)
{
	SPLIT("DELIMITER ;;\na;b;;\nDELIMITER ;\nc;", "2:a;b|4:c|");
	SPLIT("delimiter $$ \na;$ $$b;$$", "2:a;$ |2:b;|");
	SPLIT("DELIMITER //\r\na /* x */ //", "2:a /* x */ |");
	SPLIT("DELIMITER //\na '//' `//`//b//", "2:a '//' `//`|2:b|");
	SPLIT("DELIMITER --\na;--", "2:a;|");
	SPLIT("DELIMITERS;", "1:DELIMITERS|");
	SPLIT("DELIMITER\n;", "1:DELIMITER\n|");
	SPLIT("DELIMITER \na;", "!");
	SPLIT("DELIMITER 0123456789abcdef\na;", "!");
	SPLIT("DELIMITER \\\na;", "!");
	SPLIT("a DELIMITER x;", "1:a DELIMITER x|");
}

CHECK_TEST(limits)
{
	struct statements s = { .limit = 1000, .left = UINT64_MAX };
	struct statement st;
	char text[5001];
	struct bk_err err;

	memset(text, 'x', sizeof(text));
	s.fd = memory(text, sizeof(text) - 1);
	s.chunk = 100;
	CHECK_INT(statements_next(&s, &st, &err), -1);
	CHECK_INT(err.exit, BK_EX_DATAERR);
	CHECK(s.buf.len <= 1200);
	(void)close(s.fd);
	statements_free(&s);
	/* a part of a file */
	s = (struct statements){ .left = 4 };
	s.fd = memory("a;b;c;", 6);
	CHECK_INT(statements_next(&s, &st, &err), 1);
	CHECK_INT(statements_next(&s, &st, &err), 1);
	CHECK_INT(statements_next(&s, &st, &err), 0);
	CHECK_INT(statements_next(&s, &st, &err), 0);
	(void)close(s.fd);
	statements_free(&s);
}

/* Larger than any buffer, with all that must be passed over. */
CHECK_TEST(long_statement)
{
	struct statements s = { .left = UINT64_MAX };
	struct bk_buf b = BK_BUF_INIT;
	struct statement st;
	struct bk_err err;

	for (int i = 0; i < 200000; i++)
		bk_buf_adds(&b, "('a;\\'',0xab,`b;`)\n");
	bk_buf_adds(&b, ";\nnext;");
	s.fd = memory(b.p, b.len);
	CHECK_INT(statements_next(&s, &st, &err), 1);
	CHECK_INT(st.len, b.len - 7);
	CHECK_INT(statements_next(&s, &st, &err), 1);
	CHECK_INT(st.line, 200002);
	CHECK_INT(statements_next(&s, &st, &err), 0);
	(void)close(s.fd);
	statements_free(&s);
	bk_buf_free(&b);
}
