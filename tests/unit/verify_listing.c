/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-verify/listing.c */
#include "listing.h"

#include "check.h"

#define A "0e0ad6f0406497b27765290d372f0dde804afb40f0231c335cbc048d7dd821af"
#define B "fe4d0b8bff6fa77932f15042a182cefa9b1b7ba1fabf5d84ce626348922cd280"

static void feed(struct listing *l, const char *dir, const char *text)
{
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;
	struct listing_ls ls = { .list = l, .dir = dir };

	bk_strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++)
		listing_ls_line(&ls, lines.v[i]);
	free(ls.folder);
	listing_sort(l);
}

CHECK_TEST(what_ls_prints)
{
	struct listing l = LISTING_INIT;
	size_t first;

	feed(&l, "my repo",
	     "my repo/data:\n"
	     "total 8\n"
	     "drwx------ 2 0 0 4096 Nov 28 11:19 0e\n"
	     "my repo/data/0e:\n"
	     "total 0\n"
	     "-r-------- 1 0 0 123456789012 Nov 28  2025 " A "\n"
	     "-r--------   1 0 0 17 Nov 28 11:19 " B "\n"
	     "-rw------- 1 0 0 5 Nov 28 11:19 " A "-restic-temp-x\n"
	     "my repo/index:\n"
	     "-r-------- 1 0 0 9 2025-11-28 11:19 " B "\n"
	     "my repo/snapshots:\n"
	     "lrwxrwxrwx 1 0 0 9 Nov 28 11:19 a b -> c\n"
	     "my repo/keys:\n");
	CHECK_INT(l.n, 2);
	CHECK_INT(l.bytes, 123456789021);
	CHECK(listing_has(&l, LISTING_DATA, A));
	CHECK(listing_has(&l, LISTING_INDEX, "fe4d0b8b"));
	CHECK(!listing_has(&l, LISTING_INDEX, A));
	CHECK(!listing_has(&l, LISTING_KEYS, B));
	CHECK(!listing_has(&l, LISTING_DATA, "0e0ad6f1"));
	CHECK_INT(l.strange.n, 2);
	CHECK_STR(l.strange.v[0], "data/0e/" B);
	CHECK_STR(l.strange.v[1], "snapshots/a b -> c");
	for (int k = 0; k < LISTING_KINDS; k++)
		CHECK(l.seen[k]);
	CHECK_INT(listing_range(&l, LISTING_DATA, 0x0e, &first), 1);
	CHECK_INT(listing_range(&l, LISTING_DATA, 0x0f, &first), 0);
	CHECK_INT(listing_range(&l, LISTING_INDEX, -1, &first), 1);
	CHECK_INT(first, 1);
	listing_free(&l);
}

CHECK_TEST(paths)
{
	struct listing l = LISTING_INIT;
	char *path;

	listing_add(&l, "data/0e", A, 1);
	listing_add(&l, "keys", B, 1);
	path = listing_path(&l.v[0]);
	CHECK_STR(path, "data/0e/" A);
	free(path);
	path = listing_path(&l.v[1]);
	CHECK_STR(path, "keys/" B);
	free(path);
	listing_free(&l);
}

CHECK_TEST(rubbish)
{
	static const char *const lines[] = {
		"",
		":",
		"x:",
		"r:",
		"r/:",
		"total",
		"-",
		"- - - - - - - -",
		"-rw------- 1 0 0 x Nov 28 11:19 y",
		"-rw------- 1 0 0 99999999999999999999999 Nov 28 11:19 z",
		"-rw------- 1 0 0 5 Nov",
	};
	struct listing l = LISTING_INIT;
	struct listing_ls ls = { .list = &l, .dir = "r" };

	for (int twice = 0; twice < 2; twice++) {
		for (size_t i = 0; i < BK_COUNT(lines); i++)
			listing_ls_line(&ls, lines[i]);
		listing_ls_line(&ls, "r/keys:");
	}
	CHECK_INT(l.n, 0);
	free(ls.folder);
	listing_free(&l);
}
