/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "match.h"

#include "check.h"
#include "mem.h"

/* Of a whole path. */
static bool hits(const char *pattern, const char *path)
{
	struct bk_match *m = bk_match_new(pattern, false);
	bool hit = bk_match_hits(m, path);

	bk_match_free(m);
	return hit;
}

/* Of what follows a marker's folder. */
static bool below(const char *pattern, const char *path)
{
	struct bk_match *m = bk_match_new(pattern, true);
	bool hit = bk_match_hits(m, path);

	bk_match_free(m);
	return hit;
}

CHECK_TEST(matches_names_at_any_depth)
{
	CHECK(hits("*.o", "/a/b/c.o"));
	CHECK(hits("b", "/a/b/c"));
	CHECK(hits("b/c", "/a/b/c/d"));
	CHECK(!hits("b/d", "/a/b/c/d"));
	CHECK(!hits("c.", "/a/b/c.o"));
}

CHECK_TEST(anchored_ones_start_at_the_top)
{
	CHECK(hits("/a", "/a/b"));
	CHECK(!hits("/b", "/a/b"));
	CHECK(below("/b", "/b/c"));
	CHECK(!below("/b", "/a/b"));
	CHECK(below("b", "/a/b"));
}

CHECK_TEST(globs_are_those_of_go)
{
	CHECK(hits("[a-c]x", "/bx"));
	CHECK(!hits("[^a-c]x", "/bx"));
	CHECK(!hits("[!b]x", "/ax"));
	CHECK(hits("\\*", "/*"));
	CHECK(!hits("\\*", "/a"));
	CHECK(hits("?", "/\xc3\xa4"));
	CHECK(hits("[\xc3\xa4-\xc3\xbc]", "/\xc3\xb6"));
	CHECK(hits("a?b", "/a\xff"
			  "b"));
	CHECK(hits("*a*b*", "/xaxbx"));
	CHECK(!hits("*a*b", "/xaxbx"));
}

CHECK_TEST(two_stars_take_any_number)
{
	CHECK(hits("/a/**/d", "/a/d"));
	CHECK(hits("/a/**/d", "/a/b/c/d"));
	CHECK(!hits("/a/**/d", "/b/d"));
	CHECK(hits("/a/**", "/a"));
	/* restic wants as many components as there are parts */
	CHECK(!below("**/**", "/a"));
	CHECK(below("**/**", "/a/b"));
}

CHECK_TEST(is_cleaned_first)
{
	CHECK(hits("b/", "/a/b"));
	CHECK(hits("./b//c", "/a/b/c"));
	CHECK(hits("x/../b", "/a/b"));
}

CHECK_TEST(a_literal_hits_its_path_alone)
{
	static const char *const odd[] = { "/a/r[ab]*", "/a/back\\slash",
					   "/a/**/b", "/a/?" };

	for (size_t i = 0; i < BK_COUNT(odd); i++) {
		BK_AUTO_FREE char *p = bk_match_literal(odd[i]);
		BK_AUTO_FREE char *deep = bk_asprintf("%s/x", odd[i]);

		CHECK_STR(bk_match_check(p), NULL);
		CHECK(hits(p, odd[i]));
		CHECK(hits(p, deep));
		CHECK(!hits(p, "/a/rab"));
		CHECK(!hits(p, "/a/x"));
		CHECK(!hits(p, "/a/x/b"));
	}
}

CHECK_TEST(many_stars_are_quick)
{
	CHECK(!hits("**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/b",
		    "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"));
}

CHECK_TEST(refuses_what_restic_refuses)
{
	CHECK(!bk_match_check("*.o"));
	CHECK(!bk_match_check("[a-z]/\\["));
	CHECK(bk_match_check(""));
	CHECK(bk_match_check("[a"));
	CHECK(bk_match_check("[]"));
	CHECK(bk_match_check("[a-]"));
	CHECK(bk_match_check("a\\"));
	CHECK(bk_match_check("!a"));
	CHECK(bk_match_check("#a"));
	CHECK(bk_match_check("/"));
	CHECK(bk_match_check("./"));
	CHECK(bk_match_check("a\nb"));
}
