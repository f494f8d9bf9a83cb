/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-dbdump/subject.c bin/bk-dbdump/rename.c bin/bk-dbdump/value.c */
#include "subject.h"

#include "check.h"
#include "rename.h"

/* "KIND WORD NAME OF", what is missing as "-". */
static char *read_all(const char *sql, size_t len)
{
	static const char *const kinds[] = { "setting", "use",	"database",
					     "object",	"rows", "account",
					     "more" };
	struct subject s;
	char *ret;

	subject_read(sql, len, &s);
	ret = bk_asprintf("%s %s %s %s", kinds[s.kind], s.word ? s.word : "-",
			  s.name ? s.name : "-", s.of ? s.of : "-");
	subject_free(&s);
	return ret;
}

static void check_subject(const char *sql, const char *want)
{
	char *got = read_all(sql, strlen(sql));

	CHECK_STR(got, want);
	free(got);
	/* cut anywhere, it is read without harm */
	for (size_t n = 0; n < strlen(sql); n++) {
		char *exact = bk_memdup(sql, n);

		free(read_all(exact, n));
		free(exact);
	}
}

CHECK_TEST(of_the_server)
{
	check_subject("CREATE TABLE `item` (\n `view` int)",
		      "object table item -");
	check_subject("CREATE DATABASE IF NOT EXISTS `a``b` /*!40100 x */",
		      "database - a`b -");
	check_subject("CREATE DATABASE /*!32312 IF NOT EXISTS*/ `d`",
		      "database - d -");
	check_subject("CREATE SEQUENCE `s` start with 1",
		      "object sequence s -");
	check_subject("CREATE ALGORITHM=UNDEFINED DEFINER=`event`@`%` SQL "
		      "SECURITY DEFINER VIEW `table` AS SELECT 1",
		      "object view table -");
	check_subject("CREATE OR REPLACE ALGORITHM=MERGE VIEW `v` AS SELECT",
		      "object view v -");
	check_subject("CREATE DEFINER=`r`@`h` PROCEDURE `p`(IN a int)\nBEGIN",
		      "object procedure p -");
	check_subject("CREATE DEFINER=`r` AGGREGATE FUNCTION `f`(x int)",
		      "object function f -");
	check_subject("CREATE DEFINER=`r`@`h` PACKAGE `p` AS x",
		      "object package p -");
	check_subject("CREATE DEFINER=`r`@`h` PACKAGE BODY `p` AS x",
		      "object package body p -");
	check_subject("CREATE DEFINER=`r`@`h` EVENT `e` ON SCHEDULE",
		      "object event e -");
	check_subject("ALTER DATABASE `d` COLLATE x", "database - d -");
	check_subject("INSERT INTO `a.b` (`c`) VALUES\n(1)", "rows - a.b -");
	check_subject("REPLACE INTO t VALUES (1)", "rows - t -");
	check_subject("USE `shop`", "use - shop -");
}

CHECK_TEST(triggers)
{
	check_subject("CREATE DEFINER=`r`@`h` TRIGGER `t` BEFORE INSERT ON "
		      "`item` FOR EACH ROW SET NEW.a = 1",
		      "object trigger t item");
	check_subject("create or replace trigger t after update on item",
		      "object trigger t item");
	check_subject("CREATE TRIGGER IF NOT EXISTS shop . t BEFORE DELETE "
		      "ON shop.`it``em` FOR",
		      "object trigger t it`em");
	check_subject("CREATE /* a view */ TRIGGER -- on\n \"a\"\"b\" BEFORE "
		      "# on that\n INSERT ON \"item\" FOR",
		      "object trigger a\"b item");
	check_subject("CREATE TRIGGER \xc3\xa4 BEFORE INSERT ON \xc3\xb6 FOR",
		      "object trigger \xc3\xa4 \xc3\xb6");
}

CHECK_TEST(programs_in_quotes)
{
	check_subject("EXECUTE IMMEDIATE 'CREATE DEFINER=`r`@`h` PROCEDURE "
		      "`it\\'s`() SELECT \\'a\\'\r\n'",
		      "object procedure it's -");
	check_subject("EXECUTE IMMEDIATE 'CREATE TRIGGER t /* \\\\ */ "
		      "BEFORE INSERT ON `a''b` FOR EACH ROW SET @a = 1'",
		      "object trigger t a'b");
	check_subject("EXECUTE IMMEDIATE @x", "more - - -");
	check_subject("EXECUTE x", "more - - -");
}

CHECK_TEST(others)
{
	check_subject("SET NAMES utf8mb4", "setting - - -");
	check_subject("SET sql_mode = ''", "setting - - -");
	check_subject("START TRANSACTION", "setting - - -");
	check_subject("COMMIT", "setting - - -");
	check_subject("SET DEFAULT ROLE r FOR u", "account - - -");
	check_subject("CREATE USER IF NOT EXISTS `a`@`b`", "account - - -");
	check_subject("CREATE ROLE `a`", "account - - -");
	check_subject("ALTER USER `a`@`b` IDENTIFIED", "account - - -");
	check_subject("GRANT SELECT ON *.* TO `a`", "account - - -");
	check_subject("DO SETVAL(`s`, 1)", "more - - -");
	check_subject("ALTER TABLE `t` ADD x", "more table t -");
	check_subject("", "more - - -");
	check_subject("CREATE", "more - - -");
	check_subject("CREATE TABLE", "object table - -");
}

static void check_rename(const char *db, const char *sql, const char *want)
{
	struct place p = { .db = (char *)(uintptr_t)db };
	struct bk_buf b = BK_BUF_INIT;

	subject_read(sql, strlen(sql), &p.subject);
	rename_db(&p, "n`w", sql, strlen(sql), &b);
	CHECK_STR(b.p ? b.p : "", want);
	bk_buf_free(&b);
	subject_free(&p.subject);
}

CHECK_TEST(renaming)
{
	check_rename("shop", "USE `shop`", "USE `n``w`");
	check_rename("a`b", "USE `a``b`", "USE `n``w`");
	check_rename("shop",
		     "CREATE DATABASE IF NOT EXISTS `shop` COMMENT "
		     "'`shop`'",
		     "CREATE DATABASE IF NOT EXISTS `n``w` COMMENT '`shop`'");
	check_rename("shop", "ALTER DATABASE `shop` COLLATE x",
		     "ALTER DATABASE `n``w` COLLATE x");
	check_rename("shop",
		     "CREATE TABLE `shop` (`shop` int DEFAULT nextval(`shop`."
		     "`s`) COMMENT '`shop`. it''s \\' `shop`.', `x``shop`.)",
		     "CREATE TABLE `shop` (`shop` int DEFAULT nextval(`n``w`."
		     "`s`) COMMENT '`shop`. it''s \\' `shop`.', `x``shop`.)");
	/* a trigger is of no other database than its table */
	check_rename(
		"shop",
		"CREATE DEFINER=`a`@`b` TRIGGER shop.t BEFORE INSERT ON "
		"/* shop.x */ `shop` . item FOR EACH ROW SET @a = shop.f()",
		"CREATE DEFINER=`a`@`b` TRIGGER `n``w`.t BEFORE INSERT ON "
		"/* shop.x */ `n``w` . item FOR EACH ROW SET @a = shop.f()");
	check_rename("shop", "CREATE TRIGGER t AFTER UPDATE ON SHOP.`i` FOR x",
		     "CREATE TRIGGER t AFTER UPDATE ON `n``w`.`i` FOR x");
	check_rename("shop", "CREATE TRIGGER `a.b` AFTER UPDATE ON i FOR x",
		     "CREATE TRIGGER `a.b` AFTER UPDATE ON i FOR x");
	check_rename(
		"shop",
		"EXECUTE IMMEDIATE 'CREATE TRIGGER shop.t /* it''s */ "
		"AFTER UPDATE ON shop.i FOR EACH ROW SET @a = ''\\\\r\\r'''",
		"EXECUTE IMMEDIATE 'CREATE TRIGGER `n``w`.t /* it\\'s */ "
		"AFTER UPDATE ON `n``w`.i FOR EACH ROW SET @a = "
		"\\'\\\\r\\r\\''");
	/* what people wrote stays */
	check_rename("shop", "CREATE VIEW `v` AS SELECT 1 FROM `shop`.`t`",
		     "CREATE VIEW `v` AS SELECT 1 FROM `shop`.`t`");
	check_rename("shop", "INSERT INTO `shop` VALUES (1)",
		     "INSERT INTO `shop` VALUES (1)");
}
