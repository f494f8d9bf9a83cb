/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-notify/text.c bin/bk-notify/message.c bin/bk-notify/history.c */
#include "text.h"

#include "check.h"
#include "rec.h"

#define NOW ((int64_t)1795300000)

static struct bk_conf_section monitor;
static struct bk_conf_value values[4];
static struct bk_health_list jobs;
static struct message last;

static void clean(void)
{
	for (size_t i = 0; i < monitor.nvalues; i++) {
		free(values[i].key);
		free(values[i].value);
	}
	bk_health_free(&jobs);
	message_free(&last);
}

static void watch(const char *job)
{
	values[monitor.nvalues].key = bk_strdup("watch");
	values[monitor.nvalues++].value = bk_strdup(job);
	monitor.values = values;
}

/* ago: since its last good run; -1: it had none. */
static void job(const char *name, enum bk_health health, const char *why,
		int64_t ago)
{
	struct bk_health_job *j;

	if (jobs.n == 0)
		atexit(clean);
	jobs.jobs = bk_realloc(jobs.jobs, jobs.n + 1, sizeof(*jobs.jobs));
	j = &jobs.jobs[jobs.n++];
	*j = (struct bk_health_job){ .name = bk_strdup(name),
				     .health = health,
				     .why = bk_strdup(why) };
	if (ago < 0)
		return;
	j->state = json_object();
	bk_rec_set_time(j->state, "start", NOW - ago - 7);
	bk_rec_set_time(j->state, "end", NOW - ago);
	bk_rec_set_time(j->state, "last_ok", NOW - ago);
}

/* What is told of the first n of them. */
static const char *compose(size_t n, const struct history *h)
{
	struct bk_health_list l = { jobs.jobs, n };
	struct history none = HISTORY_INIT;

	message_free(&last);
	text_compose(&last, &monitor, &l, h ? h : &none, NOW);
	return last.text;
}

CHECK_TEST(up)
{
	job("backup a", BK_HEALTH_OK, "", 7200);
	CHECK_STR(compose(1, NULL), "ok: 1 job, last backup a 2 h 0 min ago");
	CHECK_INT(last.ping, 7000);
	CHECK(last.up);
	job("backup b", BK_HEALTH_TODO, "look at it", 90);
	CHECK_STR(compose(2, NULL),
		  "ok: 2 jobs, last backup b 1 min ago; to do: look at it");
}

CHECK_TEST(none_is_due_yet)
{
	job("backup a", BK_HEALTH_OK, "not due yet", -1);
	CHECK_STR(compose(1, NULL), "ok: 1 job");
	CHECK_INT(last.ping, -1);
}

CHECK_TEST(the_worst_first)
{
	job("backup a", BK_HEALTH_PARTIAL, "partial: x", 60);
	job("backup b", BK_HEALTH_LATE, "last good 1 d ago", 60);
	job("backup c", BK_HEALTH_OK, "", 60);
	job("backup d", BK_HEALTH_FAILED, "failed: y", 60);
	CHECK_STR(compose(4, NULL), "backup d failed: y; +2 more");
	CHECK_INT(last.causes.n, 3);
	CHECK_STR(last.about, "backup d");
	CHECK(!last.up);
	CHECK_STR(compose(3, NULL),
		  "backup b late: last good 1 d ago; +1 more");
	CHECK_STR(compose(1, NULL), "backup a partial: x");
}

CHECK_TEST(recovered)
{
	char about[] = "backup x";
	struct history h = { .known = true,
			     .about = about,
			     .down_since = NOW - 3 * 3600 };

	job("backup a", BK_HEALTH_OK, "", 60);
	CHECK_STR(compose(1, &h), "recovered: backup x after 3 h 0 min");
	h.down_since = NOW + 100;
	CHECK_STR(compose(1, &h), "recovered: backup x");
	h.about = NULL;
	CHECK_STR(compose(1, &h), "recovered");
	h.up = true;
	CHECK_STR(compose(1, &h), "ok: 1 job, last backup a 60 s ago");
}

CHECK_TEST(delayed_is_up_and_said)
{
	struct history h = { .known = true };

	job("backup a", BK_HEALTH_OK, "", 60);
	job("backup b", BK_HEALTH_DELAYED, "tries again: locked", 60);
	CHECK_STR(compose(2, NULL), "ok, but backup b tries again: locked");
	CHECK_STR(compose(2, &h), "recovered; backup b tries again: locked");
}

CHECK_TEST(a_watch_for_nothing)
{
	job("backup a", BK_HEALTH_OK, "", 60);
	job("backup b", BK_HEALTH_UNKNOWN, "damaged", 60);
	watch("backup a");
	watch("backup hoem");
	CHECK_STR(compose(2, NULL), "watch 'backup hoem' matches no job");
	watch("backup b");
	CHECK_STR(compose(2, NULL), "backup b unknown: damaged; +1 more");
}

CHECK_TEST(no_jobs_at_all)
{
	CHECK_STR(compose(0, NULL), "nothing is configured");
	message_free(&last);
}

CHECK_TEST(a_text_of_200_bytes)
{
	char long_text[1000];
	char *t;

	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	for (size_t i = 0; i < 8; i++) {
		/* A character of three bytes where it is cut. */
		memcpy(long_text + 188 + i, "\xe2\x82\xac", 3);
		t = message_text(long_text, "; +2 more");
		CHECK(strlen(t) <= 200 && strlen(t) >= 196);
		CHECK(bk_str_utf8(t, strlen(t)));
		CHECK(bk_str_ends(t, "...; +2 more"));
		free(t);
		long_text[188 + i] = 'x';
	}
	t = message_text("a\nb\x1b\xff", "");
	CHECK_STR(t, "a\\nb\\x1b\\xff");
	free(t);
	t = message_text("", "");
	CHECK_STR(t, "");
	free(t);
}

CHECK_TEST(a_message_and_back)
{
	struct message m, got;
	BK_AUTO_JSON json_t *o = NULL, *empty = json_object();
	struct bk_err err;

	message_init(&m, false, bk_strdup("no \"luck\""));
	m.about = bk_strdup("backup a");
	m.ping = 12;
	bk_strv_add(&m.causes, "backup a failed");
	o = message_json(&m);
	CHECK_INT(message_parse(o, &got, &err), 0);
	CHECK_STR(got.text, m.text);
	CHECK_STR(got.about, m.about);
	CHECK_STR(got.causes.v[0], "backup a failed");
	CHECK_INT(got.ping, 12);
	CHECK_INT(got.time, m.time);
	CHECK(!got.up);
	message_free(&m);
	message_free(&got);
	CHECK_INT(message_parse(empty, &got, &err), -1);
	CHECK_INT(message_parse(NULL, &got, &err), -1);
	CHECK_INT(err.exit, BK_EX_DATAERR);
}

CHECK_TEST(news)
{
	struct history h = HISTORY_INIT;
	struct message down, up;

	message_init(&down, false, bk_strdup("x"));
	message_init(&up, true, bk_strdup("y"));
	bk_strv_add(&down.causes, "backup a failed");
	down.time = NOW;
	CHECK(!history_is_news(&h, &up, 60, NOW));
	CHECK(history_is_news(&h, &down, 60, NOW));
	history_take(&h, &down);
	CHECK(!history_is_news(&h, &down, 60, NOW + 59));
	CHECK(history_is_news(&h, &down, 60, NOW + 60));
	CHECK(!history_is_news(&h, &down, 0, NOW + 1000000));
	bk_strv_add(&down.causes, "backup b failed");
	CHECK(history_is_news(&h, &down, 0, NOW));
	down.time = NOW + 100;
	history_take(&h, &down);
	CHECK_INT(h.down_since, NOW);
	CHECK_INT(h.told_at, NOW + 100);
	CHECK(history_is_news(&h, &up, 0, NOW));
	history_take(&h, &up);
	CHECK_INT(h.down_since, 0);
	CHECK(!history_is_news(&h, &up, 60, NOW + 3600));
	message_free(&up);
	message_free(&down);
	history_free(&h);
}
