/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-verify/sample.c */
#include "sample.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "mem.h"
#include "rec.h"

static bool parse(const char *text, struct sample_file *f)
{
	BK_AUTO_JSON json_t *o = json_loads(text, 0, NULL);

	return sample_parse(o, f);
}

CHECK_TEST(nodes_are_read)
{
	struct sample_file f;

	CHECK(parse("{\"type\":\"file\",\"path\":\"/a/b\",\"size\":7,"
		    "\"mode\":8388904,\"mtime\":\"2026-11-28T15:44:55.0625Z\","
		    "\"ctime\":\"2026-11-28T16:44:55.000000001+01:00\"}",
		    &f));
	CHECK_STR(f.path, "/a/b");
	CHECK_INT(f.size, 7);
	CHECK_INT(f.mode, 04450);
	CHECK_INT(f.mtime.tv_nsec, 62500000);
	CHECK_INT(f.ctime.tv_nsec, 1);
	CHECK_INT(f.mtime.tv_sec, f.ctime.tv_sec);
	CHECK(!f.link);
	sample_file_free(&f);
	CHECK(!parse("{\"type\":\"dir\",\"path\":\"/a\"}", &f));
	CHECK(!parse("{\"type\":\"file\",\"path\":\"a\"}", &f));
	CHECK(!parse("{\"type\":\"file\",\"path\":\"/a\",\"mtime\":\"x\"}",
		     &f));
	CHECK(!parse("[]", &f));
	CHECK(!sample_parse(NULL, &f));
}

CHECK_TEST(patterns_choose_one)
{
	struct sample_file f = { .path = bk_strdup("/a*[b]\\c?\xef\xbf\xbd"
						   "d\n") };
	char *pattern = sample_pattern(&f);

	CHECK_STR(pattern, "/a\\*\\[b]\\\\c\\??d\n");
	CHECK(sample_is_vague(&f));
	free(pattern);
	sample_file_free(&f);
}

/* Alike in number: no part has more than three times its share. */
CHECK_TEST(parts_are_alike)
{
	unsigned int n[SAMPLE_PARTS] = { 0 }, most = 0;

	for (unsigned int i = 0; i < 256 * 64; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "/srv/data/file%u", i);
		n[sample_part(path)]++;
	}
	for (size_t i = 0; i < SAMPLE_PARTS; i++)
		most = n[i] > most ? n[i] : most;
	CHECK(most < 3 * 64);
}

CHECK_TEST(files_are_found_by_path)
{
	struct sample l = { 0 };
	static const char *const paths[] = { "/c", "/a", "/b", "/a" };
	size_t n;

	l.v = bk_calloc(4, sizeof(*l.v));
	for (; l.n < 4; l.n++)
		l.v[l.n].path = bk_strdup(paths[l.n]);
	sample_sort(&l);
	CHECK(sample_find(&l, "/a", &n) == &l.v[0]);
	CHECK_INT(n, 2);
	CHECK(sample_find(&l, "/c", &n) == &l.v[3]);
	CHECK(!sample_find(&l, "/d", &n));
	sample_free(&l);
	CHECK(!sample_find(&l, "/d", &n));
}
