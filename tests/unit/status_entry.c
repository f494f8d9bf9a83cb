/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-status/entry.c bin/bk-status/host.c bin/bk-status/verdict.c bin/bk-status/schedule.c */
#include "entry.h"

#include "host.h"
#include "scratch.h"
#include "time.h"
#include "verdict.h"

#define NOW ((int64_t)1800000000)
#define HOUR ((int64_t)3600)

static json_t *jobs;

static json_t *add(const char *name, const char *health)
{
	json_t *o = json_object();

	if (!jobs)
		jobs = json_array();
	bk_rec_set_str(o, "job", name);
	bk_rec_set_str(o, "health", health);
	bk_rec_set_str(o, "why", "");
	bk_rec_set_time(o, "last_ok", NOW - 2 * HOUR);
	bk_rec_set_time(o, "end", NOW - 600);
	(void)json_array_append_new(jobs, o);
	return o;
}

static const char *verdict(void)
{
	static char text[512];
	char *got;

	if (!jobs)
		jobs = json_array();
	jobs_sort(jobs);
	got = verdict_text(jobs, NOW);
	(void)snprintf(text, sizeof(text), "%s", got);
	free(got);
	return text;
}

CHECK_TEST(first_line)
{
	CHECK_STR(verdict(), "NOT SAFE: nothing is backed up.");
	(void)add("kit main", "todo");
	(void)add("monitor home", "ok");
	CHECK_STR(verdict(), "NOT SAFE: nothing is backed up.");
	CHECK(!verdict_safe(jobs));
	(void)add("backup home", "ok");
	CHECK_STR(verdict(), "all is well. 2 jobs, last backup 2 h ago; 1 to "
			     "do.");
	(void)add("backup etc", "delayed");
	CHECK_STR(verdict(), "all is well. 3 jobs, last backup 2 h ago; 1 "
			     "delayed; 1 to do.");
	CHECK(verdict_safe(jobs));
	(void)add("forget etc", "partial");
	CHECK_STR(verdict(), "NOT SAFE: forget etc was partial 10 min ago.");
	(void)add("forget home", "late");
	CHECK_STR(verdict(), "NOT SAFE: forget home is late, last good 2 h "
			     "ago; 1 more.");
	(void)json_object_del(json_array_get(jobs, 0), "last_ok");
	CHECK_STR(verdict(), "NOT SAFE: forget home was never good; 1 more.");
	(void)add("backup x", "failed");
	CHECK_STR(verdict(), "NOT SAFE: backup x failed 10 min ago; 2 more.");
	(void)add("backup y", "never");
	CHECK_STR(verdict(), "NOT SAFE: backup y never ran; 3 more.");
	(void)add("backup z", "unknown");
	CHECK_STR(verdict(),
		  "NOT SAFE: backup z is in an unknown state; 4 more.");
}

CHECK_TEST(ages)
{
	static const struct {
		int64_t s;
		const char *want;
	} cases[] = { { -5, "0 s" },	   { 0, "0 s" },
		      { 89, "89 s" },	   { 90, "1 min" },
		      { 5399, "89 min" },  { 5400, "1 h" },
		      { 172799, "47 h" },  { 172800, "2 d" },
		      { 1e10, "115740 d" } };

	for (size_t i = 0; i < BK_COUNT(cases); i++) {
		BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

		add_age(&b, cases[i].s);
		CHECK_STR(b.p, cases[i].want);
	}
}

/* An entry of "web1" with this text. */
static struct entry parsed(const char *text)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	struct entry e;

	bk_buf_adds(&b, text);
	entry_parse(&e, "web1", &b, NOW);
	return e;
}

static void refused(const char *text, const char *why)
{
	struct entry e = parsed(text);
	char *say = entry_say(&e, NOW);

	CHECK(entry_wrong(&e));
	CHECK_HAS(e.problem, why);
	CHECK_STR(say, e.problem);
	CHECK_STR(entry_state(&e), "unknown");
	free(say);
	entry_free(&e);
}

#define HEAD "{\"v\":1,\"type\":\"status\",\"host\":\"web1\","
#define TIME "\"time\":\"2027-01-15T07:30:00Z\"," /* half an hour ago */

CHECK_TEST(what_is_not_believed)
{
	refused("", "damaged");
	refused("{", "damaged");
	refused("[]", "no status");
	refused("\"x\"", "damaged");
	refused("{\"a\":1,\"a\":2}", "damaged");
	refused("{\"v\":2,\"type\":\"status\",\"host\":\"web1\"," TIME
		"\"jobs\":[]}",
		"no status");
	refused("{\"v\":1,\"type\":\"job\",\"host\":\"web1\"," TIME
		"\"jobs\":[]}",
		"no status");
	refused("{\"v\":1,\"type\":\"status\",\"host\":5," TIME "\"jobs\":[]}",
		"no status");
	refused("{\"v\":1,\"type\":\"status\",\"host\":\"web2\"," TIME
		"\"jobs\":[]}",
		"another host: web2");
	refused(HEAD TIME "\"jobs\":{}}", "no status");
	refused(HEAD "\"jobs\":[]}", "does not say when");
	refused(HEAD "\"time\":12,\"jobs\":[]}", "does not say when");
	refused(HEAD "\"time\":\"9999-01-01T00:00:00Z\",\"jobs\":[]}",
		"future");
	refused(HEAD TIME "\"jobs\":[1]}", "jobs that are none");
	refused(HEAD TIME "\"jobs\":[{\"job\":\"a\"}]}", "jobs that are none");
	refused(HEAD TIME "\"jobs\":[{\"job\":1,\"health\":\"ok\"}]}",
		"jobs that are none");
	refused(HEAD TIME "\"jobs\":[{\"job\":\"a\",\"health\":\"fine\"}]}",
		"jobs that are none");
}

CHECK_TEST(only_what_is_known_is_taken)
{
	struct entry e = parsed(
		HEAD TIME "\"safe\":true,\"health\":\"ok\",\"evil\":1,\"jobs\":"
			  "[{\"job\":\"backup a\",\"health\":\"ok\",\"evil\":1,"
			  "\"limit\":-5,\"exit\":\"0\",\"last_ok\":\"soon\","
			  "\"why\":[],\"duration\":1e9,\"host\":\"other\"},"
			  "{\"job\":\"backup b\",\"health\":\"failed\"}]}");
	const json_t *a = json_array_get(e.jobs, 1);

	CHECK_STR(e.problem, NULL);
	/* whatever it says of itself */
	CHECK(entry_wrong(&e));
	CHECK_STR(entry_state(&e), "failed");
	CHECK_STR(job_name(a), "backup a");
	CHECK_STR(bk_rec_str(a, "host"), "web1");
	CHECK_INT(json_object_size(a), 3);
	entry_free(&e);
}

CHECK_TEST(there_and_back)
{
	struct entry e;
	char *text, *say;

	(void)add("backup home", "ok");
	(void)add("monitor home", "todo");
	text = entry_text("web1", NOW - HOUR, jobs);
	e = parsed(text);
	CHECK_STR(e.problem, NULL);
	CHECK_INT(e.time, NOW - HOUR);
	CHECK(!entry_wrong(&e));
	CHECK_STR(entry_state(&e), "todo");
	say = entry_say(&e, NOW);
	CHECK_STR(say, "all is well. 1 job, last backup 2 h ago; 1 to do.");
	free(say);
	entry_free(&e);
	free(text);
}

CHECK_TEST(silence)
{
	struct entry e;
	char *text, *say;

	(void)add("backup home", "ok");
	text = entry_text("web1", NOW - 3 * HOUR, jobs);
	e = parsed(text);
	CHECK(!entry_wrong(&e));
	free(text);
	entry_free(&e);
	text = entry_text("web1", NOW - 3 * HOUR - 1, jobs);
	e = parsed(text);
	CHECK(entry_wrong(&e));
	CHECK_STR(entry_state(&e), "silent");
	CHECK(entry_rank(&e) > BK_HEALTH_UNKNOWN);
	say = entry_say(&e, NOW);
	CHECK(bk_str_starts(say, "since "));
	CHECK_HAS(say, "(3 h); then: all is well. 1 job");
	free(say);
	free(text);
	entry_free(&e);
}

/* However much there is to say, the file has room for it. */
CHECK_TEST(many_jobs)
{
	struct entry e;
	char name[400], *text;

	memset(name, 'x', sizeof(name));
	name[399] = '\0';
	for (int i = 0; i < 1000; i++) {
		json_t *o = add("backup x", i % 2 ? "ok" : "failed");

		bk_rec_set_str(o, "why", name);
		bk_rec_set_str(o, "message", name);
	}
	jobs_sort(jobs);
	text = entry_text("web1", NOW, jobs);
	CHECK(strlen(text) < 256 << 10);
	e = parsed(text);
	CHECK_STR(e.problem, NULL);
	CHECK_INT(json_array_size(e.jobs), 300);
	CHECK_STR(entry_state(&e), "failed");
	entry_free(&e);
	free(text);
}
