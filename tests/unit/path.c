/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "path.h"

#include "check.h"
#include "mem.h"

static void clean(const char *path, const char *want)
{
	char *got = bk_path_clean(path);

	CHECK_STR(got, want);
	free(got);
}

CHECK_TEST(cleans)
{
	static const char *const v[][2] = {
		{ "/", "/" },
		{ "//", "/" },
		{ "/a", "/a" },
		{ "/a/", "/a" },
		{ "//a///b//", "/a/b" },
		{ "/./a/./b/.", "/a/b" },
		{ "/a/..", "/" },
		{ "/a/../", "/" },
		{ "/a/b/../c", "/a/c" },
		{ "/a/b/../../c", "/c" },
		{ "/..", "/" },
		{ "/../../a", "/a" },
		{ "/a/../../../b/..", "/" },
		{ "/...", "/..." },
		{ "/..a/.b/b./c..", "/..a/.b/b./c.." },
		{ "/ /\n/\t", "/ /\n/\t" },
		{ "/\xff\xfe/\xc0", "/\xff\xfe/\xc0" },
		{ "/-/*", "/-/*" },
	};

	for (size_t i = 0; i < BK_COUNT(v); i++) {
		clean(v[i][0], v[i][1]);
		clean(v[i][1], v[i][1]);
	}
}

CHECK_TEST(relative_is_none)
{
	clean("", NULL);
	clean("a", NULL);
	clean("./a", NULL);
	clean("../a", NULL);
}

CHECK_TEST(within)
{
	CHECK(bk_path_within("/a", "/a"));
	CHECK(bk_path_within("/a/b", "/a"));
	CHECK(bk_path_within("/a/b/c", "/a/b"));
	CHECK(!bk_path_within("/ab", "/a"));
	CHECK(!bk_path_within("/a", "/a/b"));
	CHECK(!bk_path_within("/b", "/a"));
	CHECK(bk_path_within("/", "/"));
	CHECK(bk_path_within("/a", "/"));
	CHECK(!bk_path_within("/", "/a"));
}

static void join(const char *dir, const char *name, const char *want)
{
	char *got = bk_path_join(dir, name);

	CHECK_STR(got, want);
	free(got);
}

CHECK_TEST(joins)
{
	join("/", "a", "/a");
	join("/a", "b", "/a/b");
	join("/a/", "b", "/a/b");
	join("/a", "b/c", "/a/b/c");
}

static void parent(const char *path, const char *want)
{
	char *got = bk_path_parent(path);

	CHECK_STR(got, want);
	free(got);
}

CHECK_TEST(parents_and_bases)
{
	parent("/", "/");
	parent("/a", "/");
	parent("/a/b", "/a");
	parent("/a/b\n/c", "/a/b\n");
	CHECK_STR(bk_path_base("/"), "/");
	CHECK_STR(bk_path_base("/a"), "a");
	CHECK_STR(bk_path_base("/a/.b"), ".b");
}

/* Everything below a folder follows it directly, whatever its name is. */
CHECK_TEST(order)
{
	static const char *const sorted[] = {
		"/",	  "/\x01",    "/\x01/x", "/a",	   "/a/\x01",  "/a/b",
		"/a/b/c", "/a/b\x01", "/a/b ",	 "/a/b-c", "/a/b-c/d", "/a/b.c",
		"/a/b0",  "/a/c",     "/a\x01",	 "/a!",	   "/a-b",     "/a.",
		"/a0",	  "/ab",      "/b",	 "/b\x7f", "/b\x80",   "/b\xff"
	};

	for (size_t i = 0; i < BK_COUNT(sorted); i++)
		for (size_t k = 0; k < BK_COUNT(sorted); k++) {
			int c = bk_path_compare(sorted[i], sorted[k]);

			if ((c > 0) - (c < 0) != (i > k) - (i < k))
				CHECK_FAIL("'%s' and '%s' compare %d",
					   sorted[i], sorted[k], c);
		}
}
