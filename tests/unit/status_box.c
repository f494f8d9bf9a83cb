/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-status/box.c bin/bk-status/dir.c bin/bk-status/sftp.c */
#include "box.h"

#include "scratch.h"

static void there_and_back(const char *host, const char *file)
{
	char *name = box_file_name(host);
	char *again = name ? box_host_name(name) : NULL;

	CHECK_STR(name, file);
	CHECK_STR(again, host);
	free(name);
	free(again);
}

CHECK_TEST(names_of_files)
{
	char all[256], *name, *again;

	there_and_back("web1", "web1.json");
	there_and_back("web1.example.org", "web1.example.org.json");
	there_and_back("a_b-C9", "a_b-C9.json");
	there_and_back("..", "%2E..json");
	there_and_back(".hidden", "%2Ehidden.json");
	there_and_back("a/../b", "a%2F..%2Fb.json");
	there_and_back("a b%\n\xff", "a%20b%25%0A%FF.json");
	there_and_back("\xc3\xbc", "%C3%BC.json");
	for (int i = 0; i < 60; i++)
		all[i] = (char)(i + 1);
	all[60] = '\0';
	name = box_file_name(all);
	again = box_host_name(name);
	CHECK_STR(again, all);
	free(name);
	free(again);
}

CHECK_TEST(names_that_are_too_long)
{
	char name[202];

	memset(name, 'a', sizeof(name));
	name[201] = '\0';
	CHECK(!box_file_name(name));
	name[200] = '\0';
	free(box_file_name(name));
	memset(name, ' ', 67);
	name[67] = '\0';
	CHECK(!box_file_name(name));
	CHECK(!box_file_name(""));
}

/* One host, one name: what is written otherwise is no file of a host. */
CHECK_TEST(names_that_are_none)
{
	static const char *const names[] = {
		"",	    ".json",	 "web1",      "web1.json.Ab3dEf",
		"%.json",   "%4.json",	 "%zz.json",  "%41.json",
		"%2f.json", ".web.json", "a/b.json",  "a b.json",
		"%00.json", "a%00.json", "web1.JSON", ".web1.json.new",
		"\n.json",  "a%2.json",	 "\xff.json", "%61%62.json",
	};

	for (size_t i = 0; i < BK_COUNT(names); i++)
		if (box_host_name(names[i]))
			CHECK_FAIL("'%s' is taken", names[i]);
}

CHECK_TEST(too_many)
{
	struct box_files l = BOX_FILES_INIT;

	for (int i = 0; i < BOX_FILES_MAX + 5; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "h%d.json", i);
		(void)box_files_add(&l, name);
	}
	CHECK(!box_files_add(&l, "no host"));
	CHECK_INT(l.n, BOX_FILES_MAX);
	CHECK_INT(l.left_out, 5);
	box_files_free(&l);
	CHECK_INT(l.n, 0);
}

static struct box at(const char *path)
{
	struct box b = { .name = "usb" };

	b.at.path = bk_strdup(path);
	return b;
}

static void put(const struct box *b, const char *name, const char *text)
{
	BK_AUTO_BUF struct bk_buf data = BK_BUF_INIT;
	struct bk_err err;

	bk_buf_adds(&data, text);
	CHECK_INT(box_put(b, name, &data, &err), 0);
}

CHECK_TEST(a_folder)
{
	struct box b = at(scratch());
	struct box_files l;
	struct bk_err err;

	CHECK_INT(box_read(&b, &l, &err), 0);
	CHECK_INT(l.n, 0);
	put(&b, "web1.json", "one");
	put(&b, "db1.json", "two");
	put(&b, "web1.json", "three");
	CHECK_INT(mode_of("bk-fleet"), 0700);
	CHECK_INT(mode_of("bk-fleet/web1.json"), 0600);
	CHECK_INT(box_read(&b, &l, &err), 0);
	CHECK_INT(l.n, 2);
	CHECK_STR(l.v[0].name, "db1.json");
	CHECK_STR(l.v[0].data.p, "two");
	CHECK_STR(l.v[1].data.p, "three");
	box_files_free(&l);
	CHECK_INT(box_remove(&b, "db1.json", &err), 0);
	CHECK_INT(box_remove(&b, "db1.json", &err), -1);
	CHECK_INT(err.exit, BK_EX_NOINPUT);
	CHECK_INT(box_list(&b, &l, &err), 0);
	CHECK_INT(l.n, 1);
	box_files_free(&l);
	box_close(&b);
}

CHECK_TEST(a_disk_that_is_not_there)
{
	struct box b = at("/nonexistent/disk");
	BK_AUTO_BUF struct bk_buf data = BK_BUF_INIT;
	struct box_files l;
	struct bk_err err;

	bk_buf_adds(&data, "x");
	CHECK_INT(box_put(&b, "web1.json", &data, &err), -1);
	CHECK_INT(err.exit, BK_EX_TEMPFAIL);
	CHECK_INT(box_read(&b, &l, &err), -1);
	CHECK_INT(err.exit, BK_EX_TEMPFAIL);
	box_close(&b);
}

/* Who can write to the box cannot make us write elsewhere. */
CHECK_TEST(links_are_not_followed)
{
	struct box b = at(scratch());
	BK_AUTO_BUF struct bk_buf data = BK_BUF_INIT;
	struct box_files l;
	struct bk_err err;

	bk_buf_adds(&data, "x");
	CHECK_INT(mkdir("elsewhere", 0700), 0);
	CHECK_INT(symlink("elsewhere", "bk-fleet"), 0);
	CHECK_INT(box_put(&b, "web1.json", &data, &err), -1);
	CHECK_INT(box_read(&b, &l, &err), -1);
	CHECK_INT(mode_of("elsewhere/web1.json"), -1);
	CHECK_INT(unlink("bk-fleet"), 0);
	CHECK_INT(mkdir("bk-fleet", 0700), 0);
	put_file("secret", "secret");
	CHECK_INT(symlink("../secret", "bk-fleet/web1.json"), 0);
	CHECK_INT(box_read(&b, &l, &err), 0);
	CHECK_INT(l.n, 1);
	CHECK_STR(l.v[0].problem, "is no file");
	CHECK_INT(l.v[0].data.len, 0);
	box_files_free(&l);
	put(&b, "web1.json", "mine");
	CHECK_STR(text_of("secret"), "secret");
	CHECK_STR(text_of("bk-fleet/web1.json"), "mine");
	box_close(&b);
}
