/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-dbdump/select.c bin/bk-dbdump/glob.c */
#include "select.h"

#include "check.h"
#include "glob.h"

static bool match(const char *pattern, const char *s)
{
	return glob_match(pattern, strlen(pattern), s, false);
}

CHECK_TEST(wildcards)
{
	CHECK(match("shop", "shop"));
	CHECK(!match("shop", "shops"));
	CHECK(!match("shop", "Shop"));
	CHECK(glob_match("Shop_[A-C]", 10, "sHOP_b", true));
	CHECK(match("*", ""));
	CHECK(match("*", "anything"));
	CHECK(match("s*p", "sp"));
	CHECK(match("s*p*", "shopping"));
	CHECK(!match("s*p", "shops"));
	CHECK(match("a*b*c", "axxbyybzzc"));
	CHECK(match("s?op", "shop"));
	CHECK(!match("s?op", "sop"));
	CHECK(match("log_[0-9]", "log_7"));
	CHECK(!match("log_[0-9]", "log_x"));
	CHECK(match("log_[!0-9]", "log_x"));
	CHECK(match("[]x]", "]"));
	CHECK(match("[a", "[a"));
	CHECK(match("a\\*b", "a*b"));
	CHECK(!match("a\\*b", "axb"));
	CHECK(match("a\\", "a\\"));
	CHECK(match("\xc3\xa4*", "\xc3\xa4rger"));
	/* no time without end */
	CHECK(!match("*a*a*a*a*a*a*a*a*a*b",
		     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

CHECK_TEST(literals)
{
	CHECK(pattern_literal("shop.item"));
	CHECK(pattern_literal("sh\\*p.it\\?m"));
	CHECK(!pattern_literal("shop.i*"));
	CHECK(pattern_literal_db("shop.i*"));
	CHECK(!pattern_literal_db("s?op.item"));
	CHECK(pattern_has_table("a.b"));
	CHECK(!pattern_has_table("a\\.b"));
}

static struct selection sel;

static void choose(const char *include, const char *exclude,
		   const char *schema_only)
{
	selection_free(&sel);
	bk_strv_split(&sel.include, include, " ");
	bk_strv_split(&sel.exclude, exclude, " ");
	bk_strv_split(&sel.schema_only, schema_only, " ");
}

CHECK_TEST(everything)
{
	choose("", "", "");
	CHECK(selection_db(&sel, "a"));
	CHECK(selection_whole(&sel, "a"));
	CHECK(selection_wild(&sel));
	CHECK_INT(selection_table(&sel, "a", "t"), SELECTED_ALL);
}

CHECK_TEST(some_databases)
{
	choose("shop blog*", "blog_old", "");
	CHECK(selection_wild(&sel));
	CHECK(selection_whole(&sel, "shop"));
	CHECK(selection_whole(&sel, "blog2"));
	CHECK(!selection_db(&sel, "blog_old"));
	CHECK(!selection_db(&sel, "other"));
	CHECK_INT(selection_table(&sel, "other", "t"), SELECTED_NO);
	CHECK_INT(selection_table(&sel, "blog_old", "t"), SELECTED_NO);
	selection_free(&sel);
}

CHECK_TEST(some_tables)
{
	choose("shop.item shop.ord*", "shop.order_log", "shop.orders");
	CHECK(!selection_wild(&sel));
	CHECK(selection_db(&sel, "shop"));
	CHECK(!selection_whole(&sel, "shop"));
	CHECK_INT(selection_table(&sel, "shop", "item"), SELECTED_ALL);
	CHECK_INT(selection_table(&sel, "shop", "orders"), SELECTED_SCHEMA);
	CHECK_INT(selection_table(&sel, "shop", "order_log"), SELECTED_NO);
	CHECK_INT(selection_table(&sel, "shop", "user"), SELECTED_NO);
	choose("shop.*", "*.cache_*", "");
	CHECK(selection_whole(&sel, "shop"));
	CHECK_INT(selection_table(&sel, "shop", "cache_1"), SELECTED_NO);
	CHECK_INT(selection_table(&sel, "shop", "cache"), SELECTED_ALL);
	selection_free(&sel);
}

CHECK_TEST(dots_in_names)
{
	choose("a\\.b.c", "", "");
	CHECK(selection_db(&sel, "a.b"));
	CHECK(!selection_db(&sel, "a"));
	CHECK_INT(selection_table(&sel, "a.b", "c"), SELECTED_ALL);
	selection_free(&sel);
}

CHECK_TEST(case_of_letters)
{
	choose("Shop.Item", "", "");
	CHECK(!selection_db(&sel, "shop"));
	sel.fold = true;
	CHECK_INT(selection_table(&sel, "shop", "item"), SELECTED_ALL);
	sel.fold = false;
	selection_free(&sel);
}

CHECK_TEST(malformed)
{
	struct bk_err err;

	choose("ok a.b.c", "", "");
	CHECK_INT(selection_check(&sel, &err), -1);
	CHECK_INT(err.exit, BK_EX_USAGE);
	CHECK_STR(err.msg, "'a.b.c' is neither a database nor a database, '.' "
			   "and a table");
	choose("", ".t", "");
	CHECK_INT(selection_check(&sel, &err), -1);
	choose("", "", "d.");
	CHECK_INT(selection_check(&sel, &err), -1);
	choose("a.b", "a\\.b.c", "*");
	CHECK_INT(selection_check(&sel, &err), 0);
	selection_free(&sel);
}
