/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-restic/exclude.c */
#include "exclude.h"

#include "check.h"

/* A set of entries, of which those with a '-' in front end it. */

static struct plan_set set;

static struct plan_entry *add(bool in, bool nested, const char *path)
{
	struct plan_entry *e;

	set.entries =
		bk_realloc(set.entries, set.nentries + 1, sizeof(*set.entries));
	e = &set.entries[set.nentries++];
	*e = (struct plan_entry){ .path = bk_strdup(path),
				  .in = in,
				  .nested = nested };
	return e;
}

static struct plan_entry *root(const char *path)
{
	return add(true, false, path);
}

static struct plan_entry *nested(const char *path)
{
	return add(true, true, path);
}

static struct plan_entry *out(const char *path)
{
	return add(false, false, path);
}

static void free_set(void)
{
	for (size_t i = 0; i < set.nentries; i++) {
		free(set.entries[i].path);
		bk_strv_free(&set.entries[i].exclude);
	}
	free(set.entries);
	bk_strv_free(&set.exclude);
	set = (struct plan_set){ 0 };
}

static void lines(const char *want)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "");
	exclude_lines(&set, &b);
	CHECK_STR(b.p, want);
	free_set();
}

CHECK_TEST(nothing)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	CHECK_INT(exclude_targets(&set, &b), 0);
	CHECK_INT(b.len, 0);
	lines("");
	root("/a");
	lines("");
}

CHECK_TEST(targets)
{
	static const char want[] = "/a\0/a/b/c\0/x\n y\xff";
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	root("/a");
	out("/a/b");
	nested("/a/b/c");
	root("/gone")->state = PLAN_MISSING;
	root("/x\n y\xff")->state = PLAN_UNREADABLE;
	CHECK_INT(exclude_targets(&set, &b), 3);
	CHECK_INT(b.len, sizeof(want));
	CHECK(memcmp(b.p, want, sizeof(want)) == 0);
	free_set();
}

/* In, out, in, out, in: the last match decides. */
CHECK_TEST(nested_recipe)
{
	root("/a");
	out("/a/b");
	nested("/a/b/d/c");
	out("/a/b/d/c/x");
	nested("/a/b/d/c/x/y");
	root("/z");
	lines("/a/b\n!/a/b/d/c\n/a/b/d/c/x\n!/a/b/d/c/x/y\n");
}

CHECK_TEST(patterns_of_folders)
{
	struct plan_entry *e = root("/a");

	bk_strv_add(&e->exclude, "*.o");
	bk_strv_add(&e->exclude, "/build");
	bk_strv_add(&e->exclude, "x/y");
	bk_strv_add(&e->exclude, "/**/z?[0-9]");
	out("/a/b");
	e = nested("/a/b/c");
	bk_strv_add(&e->exclude, "*~");
	lines("/a/**/*.o\n/a/build\n/a/**/x/y\n/a/**/z?[0-9]\n"
	      "/a/b\n"
	      "!/a/b/c\n/a/b/c/**/*~\n");
}

CHECK_TEST(patterns_of_the_root)
{
	struct plan_entry *e = root("/");

	bk_strv_add(&e->exclude, "*.o");
	bk_strv_add(&e->exclude, "/proc");
	out("/sys");
	lines("/**/*.o\n/proc\n/sys\n");
}

/* They come last, so that no negation undoes them. */
CHECK_TEST(patterns_of_the_set)
{
	bk_strv_add(&set.exclude, "*.tmp");
	bk_strv_add(&set.exclude, "/a/b/c/cache");
	bk_strv_add(&set.exclude, "$HOME");
	root("/a");
	out("/a/b");
	nested("/a/b/c");
	lines("/a/b\n!/a/b/c\n*.tmp\n/a/b/c/cache\n$$HOME\n");
}

/* Patterns of a folder whose name has to be taken literally. */
CHECK_TEST(patterns_below_hostile_names)
{
	struct plan_entry *e = root("/*a$");

	bk_strv_add(&e->exclude, "*.o");
	bk_strv_add(&e->exclude, "/$x");
	lines("/\\*a$$/**/*.o\n/\\*a$$/$$x\n");
}

static void literal(const char *name, const char *want)
{
	char *path = bk_asprintf("/%s", name);

	out(path);
	free(path);
	lines(want);
}

CHECK_TEST(hostile_names)
{
	literal("plain", "/plain\n");
	literal("-n", "/-n\n");
	literal("#x", "/#x\n");
	literal("!x", "/!x\n");
	literal("$HOME", "/$$HOME\n");
	literal("$", "/$$\n");
	literal("${x}$$", "/$${x}$$$$\n");
	literal("*", "/\\*\n");
	literal("**", "/\\*\\*\n");
	literal("a?b", "/a\\?b\n");
	literal("[a-z]", "/\\[a-z]\n");
	literal("\\", "/\\\\\n");
	literal("a\\*b", "/a\\\\\\*b\n");
	literal("a\nb", "/a[\t-\v]b\n");
	literal("\n", "/[\t-\v]\n");
	literal("a b", "/a b\n");
	literal("\xff\xfe", "/\xff\xfe\n");
	literal("\x1b[31m", "/\x1b\\[31m\n");
}

CHECK_TEST(white_space_at_the_end)
{
	literal("a ", "/a[ ]\n");
	literal("a  ", "/a [ ]\n");
	literal(" ", "/[ ]\n");
	literal("a\t", "/a[\t]\n");
	literal("a\r", "/a[\r]\n");
	literal("a\v", "/a[\v]\n");
	literal("a\f", "/a[\f]\n");
	literal("a\n", "/a[\t-\v]\n");
	literal("a\u00a0", "/a[\u00a0]\n");
	literal("a\xc2\x85", "/a[\xc2\x85]\n");
	literal("a\u2003", "/a[\u2003]\n");
	literal("a\u3000", "/a[\u3000]\n");
	/* not all of it is white space to restic */
	literal("a\u200b", "/a\u200b\n");
	literal("a\x85", "/a\x85\n");
	literal("a\xa0", "/a\xa0\n");
	literal("a $", "/a $$\n");
	literal(" a", "/ a\n");
}

CHECK_TEST(nested_hostile_names)
{
	nested("/a/$x *\n ");
	lines("!/a/$$x \\*[\t-\v][ ]\n");
}

CHECK_TEST(literal_alone)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	exclude_add_literal(&b, "/a$*\n ");
	CHECK_STR(b.p, "/a$\\*[\t-\v] ");
}
