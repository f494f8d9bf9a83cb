/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-scan/marker.c bin/bk-scan/warn.c */
#include "marker.h"

#include "check.h"

static struct marker parse(enum marker_kind kind, const char *text)
{
	struct marker m = { 0 };

	marker_parse(&m, kind, text, strlen(text));
	return m;
}

CHECK_TEST(knows_five_names)
{
	CHECK_INT(marker_kind(".backup"), MARKER_BACKUP);
	CHECK_INT(marker_kind(".nobackup"), MARKER_NOBACKUP);
	CHECK_INT(marker_kind(".coldstorage"), MARKER_COLD);
	CHECK_INT(marker_kind(".coldstorage_redundant"), MARKER_REDUNDANT);
	CHECK_INT(marker_kind(".coldstorage_delete"), MARKER_DELETE);
	CHECK_INT(marker_kind(".backup "), -1);
	CHECK_INT(marker_kind(".Backup"), -1);
	CHECK_INT(marker_kind(".b"), -1);
	CHECK_INT(marker_kind("."), -1);
	CHECK_INT(marker_kind("backup"), -1);
}

CHECK_TEST(reads_tuning)
{
	struct marker m = parse(
		MARKER_BACKUP,
		"; a comment\nset = home other\nexclude = *.o\n  /build\n");

	CHECK_INT(m.problems.n, 0);
	CHECK_INT(m.sets.n, 2);
	CHECK_STR(m.sets.v[1], "other");
	CHECK_INT(m.sets_line, 2);
	CHECK_INT(m.exclude.n, 2);
	CHECK_STR(m.exclude.v[1], "/build");
	marker_free(&m);
	m = parse(MARKER_COLD, "boxes = fsn usb\nmin-age = 30d\n");
	CHECK_INT(m.problems.n, 0);
	CHECK_INT(m.boxes.n, 2);
	CHECK(m.has_age);
	CHECK_INT(m.min_age, 30 * 86400);
	marker_free(&m);
}

CHECK_TEST(any_problem_drops_all_tuning)
{
	static const char *const bad[] = {
		"exclude = a\nfoo = 1\n",	 "exclude = a\nboxes = x\n",
		"exclude = a\n[section]\n",	 "exclude = a\nexclude = [b\n",
		"exclude = a\nset = ../x\n",	 "exclude = a\nset =\n",
		"exclude = a\nexclude = \xff\n", "exclude = a\nnonsense\n",
	};

	for (size_t i = 0; i < BK_COUNT(bad); i++) {
		struct marker m = parse(MARKER_BACKUP, bad[i]);

		CHECK_INT(m.problems.n, 1);
		CHECK_INT(m.lines[0], 2);
		CHECK_INT(m.exclude.n, 0);
		marker_free(&m);
	}
}

CHECK_TEST(nobackup_takes_no_tuning)
{
	struct marker m = parse(MARKER_NOBACKUP, "exclude = a\n");

	CHECK_INT(m.problems.n, 1);
	marker_free(&m);
}
