/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-restic/baseline.c */
#include "baseline.h"

#include "log.h"
#include "scratch.h"

static struct bk_err err;

static void set_up(void)
{
	setenv("BK_STATE_DIR", scratch(), 1);
	bk_log_set_level(BK_LOG_ERROR);
}

/* Plans. */

static struct plan_entry entries[8];
static struct plan_set set;

static struct plan_entry *root(const char *path, const char *mount)
{
	static char paths[8][64], mounts[8][64];
	struct plan_entry *e = &entries[set.nentries];

	(void)snprintf(paths[set.nentries], 64, "%s", path);
	(void)snprintf(mounts[set.nentries], 64, "%s", mount ? mount : "");
	*e = (struct plan_entry){ .in = true, .path = paths[set.nentries] };
	if (mount)
		e->mount = mounts[set.nentries];
	set.nentries++;
	return e;
}

static void fresh_set(void)
{
	bk_strv_free(&set.mounts);
	set = (struct plan_set){ .name = (char[]){ "home" },
				 .entries = entries };
}

static const char *problems(const struct baseline *b)
{
	static char text[1024];
	BK_AUTO_STRV struct bk_strv l = BK_STRV_INIT;
	size_t n = 0;

	text[0] = '\0';
	baseline_compare(b, &set, &l);
	for (size_t i = 0; i < l.n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\n",
				      l.v[i]);
	return text;
}

CHECK_TEST(unknown)
{
	struct baseline b = { .held = true };

	set_up();
	baseline_read("home", &b);
	CHECK(!b.known && !b.held && !b.why && !b.snapshot);
	CHECK_INT(b.roots.n, 0);
	CHECK_STR(baseline_shrunk(&b, 0, 0, 50), NULL);
	baseline_free(&b);
	baseline_free(&b);
	/* and asking made nothing */
	CHECK_INT(mode_of("restic"), -1);
}

static void read_text(const char *text, struct baseline *b)
{
	put_file("restic/home.json", text);
	baseline_read("home", b);
}

/* It may have said that the set is held, and so it is. */
CHECK_TEST(damaged)
{
	static const char *const bad[] = { "",	"{",	"[]",
					   "7", "\xff", "{\"good\":{}} x" };
	struct baseline b;

	set_up();
	fresh_set();
	CHECK_INT(mkdir("restic", 0700), 0);
	for (size_t i = 0; i < BK_COUNT(bad); i++) {
		read_text(bad[i], &b);
		CHECK(!b.known && b.held && b.damaged);
		CHECK_HAS(b.why, "/restic/home.json' cannot be read");
		CHECK_HAS(problems(&b), "/restic/home.json' cannot be read");
		CHECK_STR(baseline_shrunk(&b, 0, 0, 50), NULL);
		baseline_free(&b);
	}
	CHECK_INT(unlink("restic/home.json"), 0);
	CHECK_INT(mkdir("restic/home.json", 0700), 0);
	baseline_read("home", &b);
	CHECK(b.damaged && b.held);
	baseline_free(&b);
}

CHECK_TEST(odd_members)
{
	struct baseline b;

	set_up();
	CHECK_INT(mkdir("restic", 0700), 0);
	read_text("{}", &b);
	CHECK(!b.known && !b.held && !b.damaged);
	baseline_free(&b);
	read_text("{\"good\":7,\"held\":5,\"why\":[]}", &b);
	CHECK(!b.known && !b.held && !b.why);
	baseline_free(&b);
	read_text("{\"good\":{\"files\":\"x\",\"roots\":[7,{},{\"path\":1},"
		  "{\"mount\":\"/\"},{\"path\":\"/a\"}],\"mounts\":{}}}",
		  &b);
	CHECK(b.known);
	CHECK_INT(b.files, 0);
	CHECK_INT(b.roots.n, 1);
	CHECK_INT(b.on.n, 1);
	CHECK_STR(b.on.v[0], "");
	baseline_free(&b);
}

CHECK_TEST(written_and_read)
{
	struct baseline b = { .known = true,
			      .time = 1795366800,
			      .files = 12,
			      .bytes = 5000000000 };

	set_up();
	fresh_set();
	root("/home/\xff\n", "/home");
	root("/srv", NULL);
	root("/gone", "/")->state = PLAN_MISSING;
	root("/out", "/")->in = false;
	bk_strv_add(&set.mounts, "/srv/disk \xfe");
	baseline_take(&b, &set);
	b.snapshot = bk_strdup("abc");
	b.why = bk_strdup("not written, for it is not held");
	CHECK_INT(baseline_write("home", &b, &err), 0);
	CHECK_INT(mode_of("restic/home.json"), 0600);
	baseline_free(&b);
	baseline_read("home", &b);
	CHECK(b.known && !b.held && !b.why);
	CHECK_STR(b.snapshot, "abc");
	CHECK_INT(b.time, 1795366800);
	CHECK_INT(b.files, 12);
	CHECK_INT(b.bytes, 5000000000);
	CHECK_INT(b.roots.n, 2);
	CHECK_STR(b.roots.v[0], "/home/\xff\n");
	CHECK_STR(b.on.v[0], "/home");
	CHECK_STR(b.roots.v[1], "/srv");
	CHECK_STR(b.on.v[1], "");
	CHECK_INT(b.mounts.n, 1);
	CHECK_STR(b.mounts.v[0], "/srv/disk \xfe");
	b.held = true;
	b.why = bk_strdup("it shrank");
	CHECK_INT(baseline_write("home", &b, &err), 0);
	baseline_free(&b);
	baseline_read("home", &b);
	CHECK(b.known && b.held);
	CHECK_STR(b.why, "it shrank");
	CHECK_INT(b.roots.n, 2);
	baseline_free(&b);
	fresh_set();
}

CHECK_TEST(held_before_anything_was_good)
{
	struct baseline b = { .held = true };

	set_up();
	CHECK_INT(baseline_write("home", &b, &err), 0);
	baseline_read("home", &b);
	CHECK(!b.known && b.held);
	baseline_free(&b);
}

CHECK_TEST(cannot_be_written)
{
	struct baseline b = { 0 };

	setenv("BK_STATE_DIR", "/proc/none", 1);
	CHECK_INT(baseline_write("home", &b, &err), -1);
	CHECK_INT(err.exit, 73);
}

CHECK_TEST(problems_of_a_plan)
{
	struct baseline b = { 0 };

	fresh_set();
	root("/a", "/");
	CHECK_STR(problems(&b), "");
	root("/b", NULL)->state = PLAN_MISSING;
	root("/c", NULL)->state = PLAN_UNREADABLE;
	root("/d", NULL)->state = PLAN_KNOWN;
	root("/e", NULL)->in = false;
	CHECK_STR(problems(&b),
		  "/b does not exist\n/c cannot be read\n/d cannot be read\n");
}

CHECK_TEST(compared_with_before)
{
	struct baseline b = { .known = true };

	set_up();
	fresh_set();
	root("/", "/");
	root("/srv", "/srv");
	root("/bk-gone", "/");
	root("/tmp", "/tmp");
	bk_strv_add(&set.mounts, "/srv/a");
	baseline_take(&b, &set);
	CHECK_STR(problems(&b), "");
	/* the disk is not mounted, though its folder is there */
	set.entries[1].mount = (char[]){ "/" };
	bk_strv_free(&set.mounts);
	CHECK_STR(problems(&b), "/srv is not mounted, which holds /srv\n"
				"/srv/a is not mounted\n");
	/* nobody chooses two of them, of which one is no more */
	set.nentries = 2;
	set.entries[1].mount = (char[]){ "/srv" };
	bk_strv_add(&set.mounts, "/srv/a");
	CHECK(strstr(problems(&b), "/bk-gone is gone\n"));
	/* more is never worse */
	bk_strv_add(&set.mounts, "/srv/b");
	root("/new", "/");
	set.entries[0].mount = (char[]){ "/deeper" };
	CHECK(strstr(problems(&b), "/bk-gone is gone\n"));
	baseline_free(&b);
	fresh_set();
}

/* A plan that became empty must not pass. */
CHECK_TEST(an_empty_plan)
{
	struct baseline b = { .known = true };

	set_up();
	fresh_set();
	root("/bk-gone", "/");
	bk_strv_add(&set.mounts, "/bk-gone/disk");
	baseline_take(&b, &set);
	fresh_set();
	CHECK(strstr(problems(&b), "/bk-gone is gone\n"));
	baseline_free(&b);
}

static const char *shrunk(int64_t files, int64_t bytes, unsigned int percent)
{
	static const struct baseline b = { .known = true,
					   .files = 1000,
					   .bytes = 1 << 30 };
	static char text[100];
	char *got = baseline_shrunk(&b, files, bytes, percent);

	if (!got)
		return NULL;
	(void)snprintf(text, sizeof(text), "%s", got);
	free(got);
	return text;
}

CHECK_TEST(shrinking)
{
	int64_t size = 1 << 30;

	CHECK_STR(shrunk(1000, size, 50), NULL);
	CHECK_STR(shrunk(500, size / 2, 50), NULL);
	CHECK_STR(shrunk(1000, size / 2 - 1, 50),
		  "it shrank from 1.0 GiB to 511 MiB");
	CHECK_STR(shrunk(499, size, 50), "it shrank from 1 000 to 499 files");
	CHECK_STR(shrunk(5000, size * 5, 50), NULL);
	CHECK_STR(shrunk(0, 0, 50), "it shrank from 1.0 GiB to 0 B");
	CHECK_STR(shrunk(1000, size - 1, 0),
		  "it shrank from 1.0 GiB to 1023 MiB");
	CHECK_STR(shrunk(1000, size, 0), NULL);
	CHECK(shrunk(10, 1, 99));
	/* who says 100 % wants no alarm */
	CHECK_STR(shrunk(0, 0, 100), NULL);
}
