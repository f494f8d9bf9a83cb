/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "health.h"

#include <unistd.h>

#include "rec.h"
#include "scratch.h"
#include "state.h"

#define NOW ((int64_t)1800000000)
#define MIN ((int64_t)60)
#define HOUR (60 * MIN)
#define DAY (24 * HOUR)

static struct bk_conf *conf;
static json_t *states;
static struct bk_health_list list;

static void configure(const char *text)
{
	BK_AUTO_STRV struct bk_strv problems = BK_STRV_INIT;
	struct bk_err err;

	(void)scratch();
	put_file("bk.conf", text);
	conf = bk_conf_load("bk.conf", &problems, &err);
	CHECK_STR(problems.n ? problems.v[0] : NULL, NULL);
	CHECK(conf);
	states = json_array();
}

#define REPO "[repo main]\nurl = /r\npassword = ask\n"
#define HOME "[backup home]\nrepo = main\npath = /home\n"

static json_t *state(const char *tool, const char *job, int64_t start,
		     int64_t end, int exit)
{
	json_t *o = json_object();

	bk_rec_set_int(o, "v", 1);
	bk_rec_set_str(o, "tool", tool);
	bk_rec_set_str(o, "job", job);
	bk_rec_set_time(o, "start", start);
	bk_rec_set_time(o, "end", end);
	bk_rec_set_int(o, "exit", exit);
	bk_rec_set_str(o, "result",
		       exit == 0   ? "ok"
		       : exit == 3 ? "partial"
				   : "failed");
	bk_rec_set_str(o, "message", "what it said");
	bk_rec_set_time(o, "last_ok", exit == 0 ? end : NOW - 2 * HOUR);
	bk_rec_set_time(o, "since", start);
	(void)json_array_append_new(states, o);
	return o;
}

/* "backup home=ok: why; ..." of all jobs. */
static const char *judged(void)
{
	static struct bk_buf b;

	bk_buf_clear(&b);
	bk_health_free(&list);
	bk_health_read(&list, conf, states, NOW);
	for (size_t i = 0; i < list.n; i++)
		bk_buf_addf(&b, "%s%s=%s%s%s", i ? "; " : "", list.jobs[i].name,
			    bk_health_name(list.jobs[i].health),
			    *list.jobs[i].why ? ": " : "", list.jobs[i].why);
	return b.p;
}

/* The first job only. */
static const char *first(void)
{
	const char *all = judged();
	static char text[200];

	(void)snprintf(text, sizeof(text), "%.*s", (int)strcspn(all, ";"), all);
	return text;
}

CHECK_TEST(what_never_ran_is_wrong)
{
	configure(REPO HOME);
	CHECK_STR(judged(), "backup home=never: never ran; "
			    "kit main=todo: no recovery sheet: run bk-secret "
			    "kit");
	CHECK_STR(bk_health_worst(&list)->name, "backup home");
}

CHECK_TEST(each_way_to_end)
{
	static const struct {
		int exit;
		int64_t ago;
		const char *want;
	} cases[] = {
		{ 0, 10 * MIN, "backup home=ok" },
		{ 0, 3 * HOUR, "backup home=ok" },
		{ 0, 3 * HOUR + MIN,
		  "backup home=late: last good 3 h 1 min ago, limit 3 h 0 min" },
		{ 3, 10 * MIN, "backup home=partial: partial: what it said" },
		{ 1, 10 * MIN, "backup home=failed: failed: what it said" },
		{ 75, 10 * MIN,
		  "backup home=delayed: tries again: what it said" },
	};

	configure(REPO HOME);
	for (size_t i = 0; i < BK_COUNT(cases); i++) {
		(void)json_array_clear(states);
		(void)state("bk-restic", "backup home",
			    NOW - cases[i].ago - MIN, NOW - cases[i].ago,
			    cases[i].exit);
		CHECK_STR(first(), cases[i].want);
	}
}

CHECK_TEST(try_later_is_failed_once_the_last_success_is_old)
{
	json_t *o;

	configure(REPO HOME);
	o = state("bk-restic", "backup home", NOW - MIN, NOW - MIN, 75);
	bk_rec_set_time(o, "last_ok", NOW - 4 * HOUR);
	CHECK_STR(first(), "backup home=failed: failed: what it said");
	(void)json_object_set_new(o, "last_ok", json_null());
	CHECK_STR(first(), "backup home=failed: failed: what it said");
}

CHECK_TEST(limits)
{
	configure(REPO HOME "max-age = 30m\n");
	(void)state("bk-restic", "backup home", NOW - HOUR, NOW - HOUR, 0);
	CHECK_STR(first(),
		  "backup home=late: last good 60 min ago, limit 30 min");
	bk_health_judge(&list.jobs[0], 2 * HOUR, NOW);
	CHECK_INT(list.jobs[0].health, BK_HEALTH_OK);
	bk_health_judge(&list.jobs[0], 0, NOW);
	CHECK_INT(list.jobs[0].health, BK_HEALTH_OK);
}

CHECK_TEST(partial_and_late_is_late)
{
	json_t *o;

	configure(REPO HOME);
	o = state("bk-restic", "backup home", NOW - MIN, NOW - MIN, 3);
	bk_rec_set_time(o, "last_ok", NOW - DAY);
	CHECK_STR(
		first(),
		"backup home=late: last good 24 h 0 min ago, limit 3 h 0 min");
}

CHECK_TEST(a_state_from_the_future_is_not_believed)
{
	configure(REPO HOME);
	(void)state("bk-restic", "backup home", NOW, NOW + 4 * MIN, 0);
	CHECK_STR(first(), "backup home=ok");
	(void)json_array_clear(states);
	(void)state("bk-restic", "backup home", NOW, NOW + 2 * HOUR, 0);
	CHECK_STR(first(), "backup home=unknown: is from the future, check the "
			   "clock: 2 h 0 min");
}

CHECK_TEST(a_damaged_state_is_told)
{
	json_t *o = json_object();

	configure(REPO HOME);
	bk_rec_set_str(o, "file", "bk-restic.backup-home.json");
	bk_rec_set_str(o, "damaged", "it is cut off");
	(void)json_array_append_new(states, o);
	CHECK_STR(first(), "backup home=unknown: it is cut off");
}

CHECK_TEST(a_state_without_its_members_is_unknown)
{
	json_t *o;

	configure(REPO HOME);
	o = state("bk-restic", "backup home", NOW, NOW, 0);
	(void)json_object_del(o, "result");
	CHECK_STR(first(),
		  "backup home=unknown: its state says not how it ended");
}

CHECK_TEST(retention_is_due_some_time_after_the_first_backup)
{
	json_t *o;

	configure(REPO "keep = daily 3\n" HOME);
	o = state("bk-restic", "backup home", NOW - DAY, NOW, 0);
	CHECK_STR(judged(), "backup home=ok; forget home=ok: not due yet; "
			    "prune main=ok: not due yet; kit main=todo: no "
			    "recovery sheet: run bk-secret kit");
	bk_rec_set_time(o, "since", NOW - 9 * DAY);
	CHECK_STR(judged(), "backup home=ok; forget home=never: never ran; "
			    "prune main=ok: not due yet; kit main=todo: no "
			    "recovery sheet: run bk-secret kit");
	bk_rec_set_time(o, "since", NOW - 16 * DAY);
	(void)bk_health_worst(&list);
	CHECK(strstr(judged(), "prune main=never"));
}

CHECK_TEST(a_unit_that_was_killed_counts_for_what_it_had_not_done)
{
	configure(REPO HOME "[backup etc]\nrepo = main\npath = /etc\n");
	/* etc was done in that run, home was not */
	(void)state("bk-restic", "backup home", NOW - HOUR, NOW - HOUR, 0);
	(void)state("bk-restic", "backup etc", NOW - 9 * MIN, NOW - 8 * MIN, 0);
	(void)state("unit", "bk-restic", NOW - 10 * MIN, NOW - MIN, 1);
	CHECK(bk_str_starts(judged(), "backup home=failed: failed: what it "
				      "said; backup etc=ok"));
	/* a later run by hand mends it */
	(void)json_array_remove(states, 0);
	(void)state("bk-restic", "backup home", NOW - 30, NOW, 0);
	CHECK(bk_str_starts(judged(), "backup home=ok; backup etc=ok"));
}

CHECK_TEST(a_failure_that_the_tool_told_is_not_told_by_the_unit_again)
{
	json_t *o;

	configure(REPO HOME);
	o = state("bk-restic", "backup home", NOW - MIN, NOW - 2, 1);
	bk_rec_set_str(o, "message", "wrong password");
	o = state("unit", "bk-restic", NOW - MIN, NOW, 1);
	bk_rec_set_str(o, "message", "exit status 1");
	CHECK_STR(first(), "backup home=failed: failed: wrong password");
	/* also where nobody knows when the unit was started */
	bk_rec_set_time(o, "start", NOW);
	CHECK_STR(first(), "backup home=failed: failed: wrong password");
}

static json_t *of_run(json_t *o, const char *id, int ms)
{
	bk_rec_set_str(o, "invocation", id);
	bk_rec_set_int(o, "end_ms", ms);
	return o;
}

CHECK_TEST(a_run_that_begins_when_the_one_before_ended_is_another_one)
{
	configure(REPO HOME);
	(void)of_run(state("bk-restic", "backup home", NOW - 9, NOW - 8, 0),
		     "a", 100);
	(void)of_run(state("unit", "bk-restic@home", NOW - 8, NOW - 8, 5), "b",
		     200);
	CHECK_STR(first(), "backup home=failed: failed: what it said");
	/* what is of no unit, too */
	(void)json_object_del(json_array_get(states, 0), "invocation");
	CHECK_STR(first(), "backup home=failed: failed: what it said");
	/* by hand, right after that failure */
	bk_rec_set_int(json_array_get(states, 0), "end_ms", 300);
	CHECK_STR(first(), "backup home=ok");
}

CHECK_TEST(a_failure_of_the_run_before_is_not_that_of_this_one)
{
	json_t *o;

	configure(REPO HOME);
	o = of_run(state("bk-restic", "backup home", NOW - 20, NOW - 10, 1),
		   "a", 0);
	bk_rec_set_str(o, "message", "wrong password");
	o = of_run(state("unit", "bk-restic", NOW - 5, NOW, 243), "b", 0);
	bk_rec_set_str(o, "message", "no credential");
	CHECK_STR(first(), "backup home=failed: failed: no credential");
	(void)of_run(o, "a", 0);
	CHECK_STR(first(), "backup home=failed: failed: wrong password");
	/* the clock went back while it ran */
	bk_rec_set_time(o, "end", NOW - HOUR);
	CHECK_STR(first(), "backup home=failed: failed: wrong password");
}

CHECK_TEST(a_unit_that_fails_although_its_jobs_went_well)
{
	static const char unit[] = "; unit bk-restic=failed: failed: what it";
	json_t *etc;

	configure(REPO HOME "[backup etc]\nrepo = main\npath = /etc\n");
	(void)of_run(state("bk-restic", "backup home", NOW - 9, NOW - 8, 0),
		     "a", 0);
	etc = of_run(state("bk-restic", "backup etc", NOW - 7, NOW - 6, 0), "a",
		     0);
	(void)of_run(state("unit", "bk-restic", NOW - 9, NOW - 5, 1), "a", 0);
	CHECK(bk_str_starts(judged(), "backup home=ok; backup etc=ok"));
	CHECK(strstr(judged(), unit));
	/* one of them failed: that is why */
	bk_rec_set_int(etc, "exit", 1);
	bk_rec_set_str(etc, "result", "failed");
	CHECK(!strstr(judged(), unit));
	/* and was mended by hand */
	etc = of_run(state("bk-restic", "backup etc", NOW - 1, NOW, 0), "", 0);
	(void)json_array_set(states, 1, etc);
	CHECK(bk_str_starts(judged(), "backup home=ok; backup etc=ok"));
	CHECK(!strstr(judged(), unit));
	/* an instance is about its own job */
	(void)of_run(state("unit", "bk-restic@home", NOW - 9, NOW - 5, 1), "a",
		     0);
	CHECK(strstr(judged(), "; unit bk-restic@home=failed"));
}

CHECK_TEST(units_of_one_set_and_of_nobody)
{
	configure(REPO HOME);
	(void)state("bk-restic", "backup home", NOW - HOUR, NOW - HOUR, 0);
	(void)state("unit", "bk-restic@home", NOW - MIN, NOW, 1);
	(void)state("unit", "bk-restic@other", NOW - MIN, NOW, 1);
	(void)state("unit", "bk-foo", NOW - MIN, NOW, 1);
	CHECK_STR(judged(), "backup home=failed: failed: what it said; "
			    "kit main=todo: no recovery sheet: run bk-secret "
			    "kit; unit bk-foo=failed: failed: what it said");
}

CHECK_TEST(streams)
{
	configure(REPO "[backup db]\nrepo = main\n");
	CHECK_STR(first(), "backup db=never: never ran");
	(void)state("bk-restic", "backup db:shop.sql", NOW - MIN, NOW, 0);
	CHECK_STR(first(), "backup db:shop.sql=ok");
}

CHECK_TEST(no_luck_after_a_failure_mends_nothing)
{
	json_t *o;

	configure(REPO HOME);
	o = state("bk-restic", "backup home", NOW - MIN, NOW - MIN, 75);
	CHECK_STR(first(), "backup home=delayed: tries again: what it said");
	bk_rec_set_bool(o, "broken", true);
	CHECK_STR(first(), "backup home=failed: failed: what it said");
}

CHECK_TEST(a_state_of_another_host_is_not_believed)
{
	json_t *o;

	configure("[host]\nname = web1\n" REPO HOME);
	o = state("bk-restic", "backup home", NOW - MIN, NOW - MIN, 0);
	bk_rec_set_str(o, "host", "web1");
	CHECK_STR(first(), "backup home=ok");
	bk_rec_set_str(o, "host", "web2");
	CHECK_STR(first(), "backup home=unknown: its state is that of another "
			   "host: web2");
	/* where a sheet was proved does not matter */
	o = state("bk-secret", "kit main", NOW - DAY, NOW - DAY, 0);
	bk_rec_set_str(o, "host", "web2");
	CHECK(strstr(judged(), "kit main=ok"));
}

CHECK_TEST(a_state_that_contradicts_itself_is_unknown)
{
	static const char want[] =
		"backup home=unknown: its state says not how it ended";
	json_t *o;

	configure(REPO HOME);
	o = state("bk-restic", "backup home", NOW - MIN, NOW - MIN, 0);
	bk_rec_set_int(o, "exit", 1);
	CHECK_STR(first(), want);
	bk_rec_set_str(o, "exit", "0");
	CHECK_STR(first(), want);
	bk_rec_set_int(o, "exit", 0);
	bk_rec_set_str(o, "result", "failed");
	CHECK_STR(first(), want);
}

static void damage(const char *file)
{
	json_t *o = json_object();

	bk_rec_set_str(o, "file", file);
	bk_rec_set_str(o, "damaged", "it is cut off");
	(void)json_array_append_new(states, o);
}

CHECK_TEST(a_damaged_stream_does_not_vanish)
{
	configure(REPO "[backup db]\nrepo = main\n");
	(void)state("bk-restic", "backup db:shop.sql", NOW - MIN, NOW, 0);
	damage("bk-restic.backup-db:wiki.sql.json");
	CHECK(bk_str_starts(judged(),
			    "backup db:shop.sql=ok; "
			    "backup db:wiki.sql=unknown: it is cut off; kit"));
}

CHECK_TEST(how_a_unit_ended_is_damaged)
{
	configure(REPO HOME);
	(void)state("bk-restic", "backup home", NOW - MIN, NOW, 0);
	damage("unit.bk-restic@home.json");
	CHECK_STR(first(), "backup home=unknown: it is cut off");
}

CHECK_TEST(retention_of_streams_alone_is_due_as_well)
{
	json_t *o;

	configure(REPO "keep = daily 3\n[backup db]\nrepo = main\n");
	o = state("bk-restic", "backup db:shop.sql", NOW - DAY, NOW, 0);
	CHECK(strstr(judged(), "; forget db=ok: not due yet; prune main=ok"));
	bk_rec_set_time(o, "since", NOW - 16 * DAY);
	CHECK(strstr(judged(),
		     "; forget db=never: never ran; prune main=never"));
}

CHECK_TEST(cold_storage_is_one_job)
{
	configure("[box fsn]\nurl = dir:/b\n[cold]\nboxes = fsn\n"
		  "max-age = 2d\n[cold p]\npath = /p\n");
	CHECK_STR(judged(), "cold push=never: never ran");
	(void)state("bk-cold", "cold push", NOW - HOUR, NOW, 0);
	CHECK_STR(judged(), "cold push=ok");
	json_array_clear(states);
	(void)state("bk-cold", "cold push", NOW - 3 * DAY, NOW - 3 * DAY, 0);
	CHECK_STR(judged(), "cold push=late: last good 3 d 0 h ago, limit 2 d "
			    "0 h");
}

CHECK_TEST(a_release_is_a_job_where_something_is_to_go)
{
#define COLD "[box fsn]\nurl = dir:/b\n[cold]\nboxes = fsn\n"
	configure(COLD "[cold p]\npath = /p\n[cold q]\npath = /q\n"
		       "delete = yes\n");
	CHECK_STR(judged(), "cold push=never: never ran; "
			    "cold release=never: never ran");
	(void)state("bk-cold", "cold push", NOW - HOUR, NOW, 0);
	(void)state("bk-cold", "cold release", NOW - HOUR, NOW, 3);
	CHECK_STR(judged(), "cold push=ok; cold release=partial: partial: "
			    "what it said");
	CHECK_STR(list.jobs[1].unit, "bk-cold-release");
	/* markers alone choose it: it is known once it ran */
	configure(COLD "[cold p]\npath = /p\n");
	(void)state("bk-cold", "cold push", NOW - HOUR, NOW, 0);
	CHECK_STR(judged(), "cold push=ok");
	(void)state("bk-cold", "cold release", NOW - 3 * DAY, NOW - 3 * DAY, 0);
	CHECK_STR(judged(), "cold push=ok; cold release=late: last good "
			    "3 d 0 h ago, limit 2 d 2 h");
}

CHECK_TEST(cold_folders_without_boxes_are_no_job)
{
	configure("[cold p]\npath = /p\n");
	CHECK_STR(judged(), NULL);
}

CHECK_TEST(watching)
{
	configure(REPO HOME);
	(void)judged();
	CHECK(bk_health_is(&list.jobs[0], "backup home"));
	CHECK(bk_health_is(&list.jobs[0], "backup"));
	CHECK(!bk_health_is(&list.jobs[0], "backup hom"));
	CHECK(!bk_health_is(&list.jobs[0], "back"));
	CHECK(!bk_health_is(&list.jobs[0], "kit"));
}

CHECK_TEST(a_recovery_sheet_grows_old)
{
	configure(REPO HOME);
	(void)state("bk-secret", "kit main", NOW - DAY, NOW - DAY, 0);
	CHECK(strstr(judged(), "kit main=ok"));
	(void)json_array_clear(states);
	(void)state("bk-secret", "kit main", NOW, NOW - 401 * DAY, 0);
	CHECK(strstr(judged(),
		     "kit main=todo: recovery sheet last proved before 401 d"));
}

CHECK_TEST(a_full_key_on_this_host_is_to_be_carried_away)
{
	json_t *o;

	configure(REPO "append-only = yes\n" HOME);
	o = state("bk-config", "full-key main", NOW - DAY, NOW - DAY, 0);
	bk_rec_set_str(o, "host", "web2");
	bk_rec_set_str(o, "path", "/etc/passwd");
	CHECK(strstr(judged(), "full-key main=todo: the full key is still on "
			       "this host, '/etc/passwd'"));
	bk_rec_set_str(o, "path", "/etc/passwd/gone");
	CHECK(!strstr(judged(), "full-key"));
	/* it deletes no more than any other key where all may be deleted */
	configure(REPO HOME);
	bk_rec_set_str(o, "path", "/etc/passwd");
	CHECK(!strstr(judged(), "full-key"));
}

CHECK_TEST(a_repository_alone_is_no_job)
{
	configure(REPO);
	CHECK_STR(judged(), NULL);
	CHECK(!bk_health_worst(&list));
}

CHECK_TEST(dumps_of_a_server_are_a_job_of_their_own)
{
	configure(REPO "keep = daily 3\n[mariadb local]\nrepo = main\n"
		       "[mariadb byhand]\nsocket = /s\n");
	CHECK_STR(judged(), "mariadb local=never: never ran; forget "
			    "mariadb:local=ok: not due yet; prune main=ok: not "
			    "due yet; kit main=todo: no recovery sheet: run "
			    "bk-secret kit");
	CHECK_INT(list.jobs[0].limit, 9 * HOUR);
	(void)state("bk-dbdump", "mariadb local", NOW - MIN, NOW, 0);
	(void)state("bk-restic", "backup mariadb:local", NOW - 9 * DAY, NOW, 0);
	(void)state("unit", "bk-dbdump@local", NOW + 1, NOW + 2, 1);
	CHECK(bk_str_starts(judged(), "mariadb local=failed: failed: what it "
				      "said; forget mariadb:local=never"));
}
