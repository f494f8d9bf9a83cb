/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-cold/entry.c bin/bk-cold/meta.c bin/bk-cold/meta_json.c bin/bk-cold/name.c */
#include "entry.h"

#include "check.h"
#include "rec.h"

#define SUM "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct entry sample(const char *path)
{
	struct entry e = {
		.id = 7,
		.path = bk_strdup(path),
		.set = bk_strdup("photos"),
		.meta = { .type = 'f',
			  .mode = 0644,
			  .size = UINT64_C(1) << 40,
			  .mtime = -1,
			  .mtime_ns = 999999999,
			  .ino = UINT64_MAX,
			  .nlink = 2 },
		.sha256 = SUM,
		.object = bk_strdup("h/DATA/x~0123456789abcdef"),
		.since = 1750000000,
		.until = 1750000001,
	};

	return e;
}

static void check_again(const struct entry *e)
{
	ENTRY_AUTO struct entry back = ENTRY_INIT;
	BK_AUTO_JSON json_t *o = entry_to_json(e), *o2 = NULL;
	BK_AUTO_FREE char *text = json_dumps(o, JSON_COMPACT);
	struct bk_err err = { 0 };

	o2 = json_loads(text, 0, NULL);
	CHECK(o2);
	if (entry_from_json(o2, &back, &err) < 0)
		CHECK_FAIL("%s", err.msg);
	CHECK_STR(back.path, e->path);
	CHECK_STR(back.set, e->set);
	CHECK_STR(back.sha256, e->sha256);
	CHECK_STR(back.object, e->object);
	CHECK_INT(back.since, e->since);
	CHECK_INT(back.until, e->until);
	CHECK(meta_same(&back.meta, &e->meta));
	CHECK(back.meta.ino == e->meta.ino);
	CHECK_INT(back.id, 0);
}

CHECK_TEST(there_and_back)
{
	ENTRY_AUTO struct entry e = sample("/srv/a \n\xff\\\"\x01");

	check_again(&e);
	e.until = 0;
	free(e.object);
	e.object = NULL;
	check_again(&e);
}

CHECK_TEST(links_and_folders)
{
	ENTRY_AUTO struct entry e = sample("/");

	e.meta.type = 'd';
	e.meta.size = 0;
	e.sha256[0] = '\0';
	free(e.object);
	e.object = NULL;
	check_again(&e);
	e.meta.type = 'l';
	e.meta.link = bk_strdup("../\xff");
	check_again(&e);
}

static void refuse(const char *key, const char *value)
{
	ENTRY_AUTO struct entry e = sample("/srv/a"), back = ENTRY_INIT;
	BK_AUTO_JSON json_t *o = entry_to_json(&e);
	struct bk_err err = { 0 };

	if (value)
		bk_rec_set_str(o, key, value);
	else
		(void)json_object_del(o, key);
	CHECK_INT(entry_from_json(o, &back, &err), -1);
	CHECK_INT(err.exit, BK_EX_DATAERR);
	CHECK(strstr(err.msg, key));
}

CHECK_TEST(refuses_odd_records)
{
	refuse("path", NULL);
	refuse("path", "srv/a");
	refuse("path", "/srv/../a");
	refuse("path", "/srv//a");
	refuse("path", "/srv/a/");
	refuse("path", "/srv/./a");
	refuse("sha256", NULL);
	refuse("sha256", "abc");
	refuse("sha256", "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA4"
			 "95991B7852B855");
	refuse("object", "../../etc/passwd");
	refuse("object", "-rf");
	refuse("object", "a b");
	refuse("since", NULL);
	refuse("since", "yesterday");
	refuse("until", "never");
	refuse("type", "end");
	refuse("kind", "socket");
}
