/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "state.h"

#include "../../lib/time.h"
#include "rec.h"
#include "scratch.h"

static struct bk_err err;

#define FILE_OF_HOME "state/bk-restic.backup-home.json"

static void set_up(void)
{
	setenv("BK_STATE_DIR", scratch(), 1);
}

static json_t *run(int exit, const char *message)
{
	CHECK_INT(bk_state_write("bk-restic", "backup home", "box", 1795366800,
				 exit, message, NULL, NULL, &err),
		  0);
	return bk_state_read("bk-restic", "backup home", &err);
}

CHECK_TEST(written_and_read)
{
	int64_t now = bk_time_now(), end;
	BK_AUTO_JSON json_t *o = NULL;

	set_up();
	o = run(0, "17 files\n\xff");
	CHECK(o);
	CHECK_INT(mode_of(FILE_OF_HOME), 0600);
	CHECK_INT(mode_of("state"), 0700);
	CHECK_INT(bk_rec_int(o, "v", 0), 1);
	CHECK_STR(bk_rec_str(o, "tool"), "bk-restic");
	CHECK_STR(bk_rec_str(o, "job"), "backup home");
	CHECK_STR(bk_rec_str(o, "host"), "box");
	CHECK_STR(bk_rec_str(o, "start"), "2026-11-22T17:00:00Z");
	CHECK_STR(bk_rec_str(o, "result"), "ok");
	CHECK_INT(bk_rec_int(o, "exit", -1), 0);
	CHECK_STR(bk_rec_str(o, "message"), "17 files\n\xef\xbf\xbd");
	end = bk_rec_time(o, "end", 0);
	CHECK(end >= now && end <= now + 5);
	CHECK_STR(bk_rec_str(o, "last_ok"), bk_rec_str(o, "end"));
	CHECK(!json_object_get(o, "counts"));
}

CHECK_TEST(results)
{
	static const struct {
		int exit;
		const char *result;
	} v[] = { { 0, "ok" },
		  { 3, "partial" },
		  { 1, "failed" },
		  { 75, "failed" },
		  { 130, "failed" } };

	set_up();
	for (size_t i = 0; i < BK_COUNT(v); i++) {
		BK_AUTO_JSON json_t *o = run(v[i].exit, "");

		CHECK_STR(bk_rec_str(o, "result"), v[i].result);
		CHECK_INT(bk_rec_int(o, "exit", -1), v[i].exit);
	}
}

CHECK_TEST(last_ok_is_kept_over_failures)
{
	json_t *o;

	set_up();
	o = run(1, "never well");
	CHECK(json_is_null(json_object_get(o, "last_ok")));
	json_decref(o);
	put_file(FILE_OF_HOME, "{\"v\":1,\"tool\":\"bk-restic\","
			       "\"job\":\"backup home\",\"host\":\"box\","
			       "\"last_ok\":\"2020-01-02T03:04:05Z\"}");
	json_decref(run(1, ""));
	json_decref(run(75, ""));
	o = run(3, "");
	CHECK_STR(bk_rec_str(o, "last_ok"), "2020-01-02T03:04:05Z");
	json_decref(o);
	o = run(0, "");
	CHECK_STR(bk_rec_str(o, "last_ok"), bk_rec_str(o, "end"));
	json_decref(o);
}

CHECK_TEST(broken_until_it_is_well_again)
{
	static const struct {
		int exit;
		bool broken;
	} v[] = { { 75, false }, { 1, true },  { 75, true }, { 0, false },
		  { 3, true },	 { 75, true }, { 0, false } };

	set_up();
	for (size_t i = 0; i < BK_COUNT(v); i++) {
		BK_AUTO_JSON json_t *o = run(v[i].exit, "");

		CHECK_INT(bk_rec_bool(o, "broken", false), v[i].broken);
	}
}

CHECK_TEST(what_another_host_or_job_left_does_not_go_on)
{
	static const char *const left[] = {
		"\"tool\":\"bk-restic\",\"job\":\"backup home\","
		"\"host\":\"web2\"",
		"\"tool\":\"bk-restic\",\"job\":\"backup etc\","
		"\"host\":\"box\"",
	};

	set_up();
	json_decref(run(0, ""));
	for (size_t i = 0; i < BK_COUNT(left); i++) {
		BK_AUTO_FREE char *text = bk_asprintf(
			"{\"v\":1,%s,\"last_ok\":\"2020-01-02T03:04:05Z\"}",
			left[i]);
		json_t *o;

		put_file(FILE_OF_HOME, text);
		o = run(1, "");
		CHECK(json_is_null(json_object_get(o, "last_ok")));
		json_decref(o);
	}
}

CHECK_TEST(counts_and_extra)
{
	BK_AUTO_JSON json_t *counts = json_pack("{s:i}", "files", 5);
	BK_AUTO_JSON json_t *extra =
		json_pack("{s:s, s:s}", "snapshot", "abc", "result", "forged");
	BK_AUTO_JSON json_t *o = NULL;

	set_up();
	CHECK_INT(bk_state_write("bk-restic", "x", "h", 0, 0, "", counts, extra,
				 &err),
		  0);
	o = bk_state_read("bk-restic", "x", &err);
	CHECK_INT(bk_rec_int(json_object_get(o, "counts"), "files", 0), 5);
	CHECK_STR(bk_rec_str(o, "snapshot"), "abc");
	CHECK_STR(bk_rec_str(o, "result"), "ok");
	/* both are still ours */
	CHECK_INT(counts->refcount, 1);
	CHECK_INT(extra->refcount, 1);
}

CHECK_TEST(never_ran)
{
	set_up();
	CHECK(!bk_state_read("bk-restic", "backup home", &err));
	CHECK_INT(err.exit, 66);
	/* and asking made nothing */
	CHECK_INT(mode_of("state"), -1);
}

CHECK_TEST(damaged)
{
	static const char *const bad[] = { "",
					   "{",
					   "[]",
					   "1",
					   "{}",
					   "{\"v\":0}",
					   "{\"v\":\"1\"}",
					   "{\"v\":1} x",
					   "\xff",
					   "{\"v\":1,\"v\":1}" };

	set_up();
	CHECK_INT(mkdir("state", 0700), 0);
	for (size_t i = 0; i < BK_COUNT(bad); i++) {
		put_file(FILE_OF_HOME, bad[i]);
		CHECK(!bk_state_read("bk-restic", "backup home", &err));
		CHECK_INT(err.exit, 65);
		CHECK_HAS(err.msg, "is damaged");
	}
}

CHECK_TEST(of_a_newer_bk)
{
	set_up();
	CHECK_INT(mkdir("state", 0700), 0);
	put_file(FILE_OF_HOME, "{\"v\":2}");
	CHECK(!bk_state_read("bk-restic", "backup home", &err));
	CHECK_INT(err.exit, 65);
	CHECK_HAS(err.msg, "was written by a newer bk: install that one");
}

CHECK_TEST(damaged_is_replaced)
{
	BK_AUTO_JSON json_t *o = NULL;

	set_up();
	CHECK_INT(mkdir("state", 0700), 0);
	put_file(FILE_OF_HOME, "{\"v\":1,\"last_ok\":\"2020-");
	o = run(1, "x");
	CHECK(o);
	CHECK(json_is_null(json_object_get(o, "last_ok")));
}

CHECK_TEST(names_of_files)
{
	BK_AUTO_JSON json_t *o = NULL;

	set_up();
	CHECK_INT(bk_state_write("bk-restic", "backup db ../../etc/x", "h", 0,
				 0, "", NULL, NULL, &err),
		  0);
	CHECK_INT(mode_of("state/bk-restic.backup-db-..-..-etc-x.json"), 0600);
	o = bk_state_read("bk-restic", "backup db ../../etc/x", &err);
	CHECK_STR(bk_rec_str(o, "job"), "backup db ../../etc/x");
}

CHECK_TEST(cannot_be_written)
{
	setenv("BK_STATE_DIR", "/proc/none", 1);
	CHECK_INT(bk_state_write("t", "j", "h", 0, 0, "", NULL, NULL, &err),
		  -1);
	CHECK_INT(err.exit, 73);
}

CHECK_TEST(since_is_the_first_start)
{
	BK_AUTO_JSON json_t *o = NULL;

	set_up();
	CHECK_INT(bk_state_write("bk-restic", "backup home", "box", 1795366800,
				 1, "x", NULL, NULL, &err),
		  0);
	CHECK_INT(bk_state_write("bk-restic", "backup home", "box", 1795466800,
				 0, "x", NULL, NULL, &err),
		  0);
	o = bk_state_read("bk-restic", "backup home", &err);
	CHECK_STR(bk_rec_str(o, "since"), "2026-11-22T17:00:00Z");
}

CHECK_TEST(which_run_of_a_unit_it_was)
{
	static const char id[] = "0123456789abcdef0123456789abcdef";
	BK_AUTO_JSON json_t *extra = json_pack("{s:n}", "invocation");
	json_t *o;

	set_up();
	CHECK_INT(unsetenv("INVOCATION_ID"), 0);
	o = run(0, "");
	CHECK(!json_object_get(o, "invocation"));
	CHECK(bk_rec_int(o, "end_ms", -1) >= 0 &&
	      bk_rec_int(o, "end_ms", -1) < 1000);
	json_decref(o);
	(void)setenv("INVOCATION_ID", id, 1);
	o = run(0, "");
	CHECK_STR(bk_rec_str(o, "invocation"), id);
	json_decref(o);
	/* of another one */
	CHECK_INT(bk_state_write("bk-restic", "backup home", "box", 0, 0, "",
				 NULL, extra, &err),
		  0);
	o = bk_state_read("bk-restic", "backup home", &err);
	CHECK(json_is_null(json_object_get(o, "invocation")));
	json_decref(o);
	(void)setenv("INVOCATION_ID", "../x", 1);
	o = run(0, "");
	CHECK(!json_object_get(o, "invocation"));
	json_decref(o);
}

CHECK_TEST(all_states_the_damaged_ones_too)
{
	BK_AUTO_JSON json_t *all = NULL;

	set_up();
	all = bk_state_all(&err);
	CHECK_INT(json_array_size(all), 0);
	json_decref(all);
	json_decref(run(0, "x"));
	put_file("state/a.b.json", "{\"v\":1,");
	put_file("state/.bk-restic.x.json.AbCdEf", "{}");
	all = bk_state_all(&err);
	CHECK_INT(json_array_size(all), 2);
	CHECK_STR(bk_rec_str(json_array_get(all, 0), "file"), "a.b.json");
	CHECK(strstr(bk_rec_str(json_array_get(all, 0), "damaged"), "damaged"));
	CHECK_STR(bk_rec_str(json_array_get(all, 1), "job"), "backup home");
}
