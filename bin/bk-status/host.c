/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host.h"

#include <errno.h>
#include <unistd.h>

#include "dirs.h"
#include "rec.h"
#include "schedule.h"
#include "state.h"
#include "str.h"

/* bk-notify tells all monitors every ten minutes. */
#define TOLD_LIMIT ((int64_t)3600)
/* Clocks of one host that differ by less were just being set. */
#define FUTURE_SLACK 300

int health_of(const char *name)
{
	for (int h = BK_HEALTH_OK; name && h <= BK_HEALTH_UNKNOWN; h++)
		if (strcmp(name, bk_health_name((enum bk_health)h)) == 0)
			return h;
	return -1;
}

enum bk_health job_health(const json_t *job)
{
	int h = health_of(bk_rec_str(job, "health"));

	return h < 0 ? BK_HEALTH_UNKNOWN : (enum bk_health)h;
}

const char *job_name(const json_t *job)
{
	const char *name = bk_rec_str(job, "job");

	return name ? name : "?";
}

bool job_is_monitor(const json_t *job)
{
	return bk_str_starts(job_name(job), "monitor ");
}

bool job_is(const json_t *job, const char *name)
{
	size_t n = strlen(name);

	return strcmp(job_name(job), name) == 0 ||
	       (!strchr(name, ' ') && strncmp(job_name(job), name, n) == 0 &&
		job_name(job)[n] == ' ');
}

void jobs_sort(json_t *jobs)
{
	BK_AUTO_JSON json_t *sorted = json_array();
	size_t i;
	json_t *o;

	for (int h = BK_HEALTH_UNKNOWN; h >= BK_HEALTH_OK; h--)
		json_array_foreach(jobs, i, o)
			if ((int)job_health(o) == h)
				(void)json_array_append(sorted, o);
	(void)json_array_clear(jobs);
	(void)json_array_extend(jobs, sorted);
}

/* Records. */

static void copy(json_t *o, const char *key, const json_t *state)
{
	json_t *value = json_object_get(state, key);

	if (value && !json_is_null(value))
		(void)json_object_set(o, key, value);
}

/* How the last run ended, by its state file. */
static void add_run(json_t *o, const json_t *state)
{
	static const char *const keys[] = { "start",   "end",	  "result",
					    "exit",    "message", "counts",
					    "snapshot" };
	const json_t *counts = json_object_get(state, "counts");
	int64_t start = bk_rec_time(state, "start", 0);
	int64_t end = bk_rec_time(state, "end", 0);

	for (size_t i = 0; i < BK_COUNT(keys); i++)
		copy(o, keys[i], state);
	if (start && end >= start)
		bk_rec_set_int(o, "duration", end - start);
	copy(o, "bytes_added", counts);
}

static void add_schedule(json_t *o, const struct bk_health_job *j,
			 const struct schedule *s)
{
	const char *name = strchr(j->name, ' ');
	int64_t next;

	if (!j->unit)
		return;
	bk_rec_set_str(o, "unit", j->unit);
	next = schedule_next(s, j->unit, name ? name + 1 : NULL);
	if (next > 0)
		bk_rec_set_time(o, "next", next);
	else if (next == 0)
		(void)json_object_set_new(o, "next", json_null());
	if (schedule_running(s, j->unit, name ? name + 1 : NULL))
		bk_rec_set_bool(o, "running", true);
}

static json_t *job_record(const char *host, const struct bk_health_job *j,
			  const struct schedule *s)
{
	json_t *o = json_object();

	bk_rec_set_str(o, "host", host);
	bk_rec_set_str(o, "job", j->name);
	bk_rec_set_str(o, "health", bk_health_name(j->health));
	bk_rec_set_str(o, "why", j->why);
	if (bk_health_last_ok(j))
		bk_rec_set_time(o, "last_ok", bk_health_last_ok(j));
	if (j->limit)
		bk_rec_set_int(o, "limit", (int64_t)j->limit);
	add_run(o, j->unit_state ? j->unit_state : j->state);
	add_schedule(o, j, s);
	return o;
}

/* Monitors: whether who is to tell people hears of it. */

static const json_t *find_state(const json_t *states, const char *tool,
				const char *job)
{
	size_t i;
	const json_t *o;

	json_array_foreach(states, i, o) {
		const char *t = bk_rec_str(o, "tool"),
			   *j = bk_rec_str(o, "job");

		if (t && j && strcmp(t, tool) == 0 && strcmp(j, job) == 0)
			return o;
	}
	return NULL;
}

/* When it took something last; 0: never. Older states say it otherwise. */
static int64_t reached(const json_t *state)
{
	return bk_rec_time(
		state,
		json_object_get(state, "reached") ? "reached" : "last_ok", 0);
}

static char *monitor_why(const json_t *state, const char *name, int64_t now)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	int64_t end = bk_rec_time(state, "end", 0);
	int64_t waiting =
		bk_rec_int(json_object_get(state, "counts"), "undelivered", 0);
	const char *message = bk_rec_str(state, "message");

	if (!state)
		return bk_strdup("was never told anything: does "
				 "bk-notify.timer run?");
	if (bk_rec_int(state, "exit", 1) != 0) {
		bk_buf_addf(&b, "not reached: %s",
			    message ? message : "no reason was given");
		if (waiting > 0)
			bk_buf_addf(&b, "; %lld message%s wait%s",
				    (long long)waiting, waiting == 1 ? "" : "s",
				    waiting == 1 ? "s" : "");
		return bk_buf_steal(&b);
	}
	if (end > now + FUTURE_SLACK)
		return bk_strdup("its state is from the future, check the "
				 "clock");
	if (now - end <= TOLD_LIMIT && !reached(state))
		return bk_asprintf("nothing was sent to it yet: try "
				   "bk-notify test %s",
				   name);
	if (now - end <= TOLD_LIMIT)
		return NULL;
	bk_buf_adds(&b, "was last told ");
	bk_str_add_duration(&b, (uint64_t)(now - end));
	bk_buf_adds(&b, " ago: does bk-notify.timer run?");
	return bk_buf_steal(&b);
}

static json_t *monitor_record(const char *host, const char *name,
			      const json_t *states, int64_t now)
{
	BK_AUTO_FREE char *job = bk_asprintf("monitor %s", name);
	const json_t *state = find_state(states, "bk-notify", job);
	BK_AUTO_FREE char *why = monitor_why(state, name, now);
	json_t *o = json_object();

	bk_rec_set_str(o, "host", host);
	bk_rec_set_str(o, "job", job);
	bk_rec_set_str(o, "health",
		       bk_health_name(why ? BK_HEALTH_TODO : BK_HEALTH_OK));
	bk_rec_set_str(o, "why", why ? why : "");
	if (reached(state))
		bk_rec_set_time(o, "last_ok", reached(state));
	add_run(o, state);
	return o;
}

/* All. */

/* Who may list the folder may still not read the files of another user. */
static int check_readable(const json_t *states, struct bk_err *err)
{
	size_t i;
	const json_t *o;

	json_array_foreach(states, i, o) {
		const char *file = bk_rec_str(o, "file");
		BK_AUTO_FREE char *name =
			file ? bk_asprintf("state/%s", file) : NULL;
		BK_AUTO_FREE char *path =
			name ? bk_dirs_peek(BK_DIRS_STATE, name, NULL) : NULL;

		if (path && access(path, R_OK) < 0 && errno == EACCES)
			return bk_err_sys(err, "cannot read '%s'", path);
	}
	return 0;
}

/* A user's own jobs are the business of the user's own systemd. */
static bool is_own(void)
{
	BK_AUTO_FREE char *dir = bk_dirs_peek(BK_DIRS_STATE, NULL, NULL);

	return geteuid() != 0 && dir && strcmp(dir, BK_STATEDIR) != 0;
}

json_t *host_read(const struct bk_conf *conf, int64_t now, struct bk_err *err)
{
	BK_AUTO_JSON json_t *states = bk_state_all(err);
	BK_AUTO_HEALTH struct bk_health_list health = BK_HEALTH_INIT;
	struct schedule schedule = SCHEDULE_INIT;
	const struct bk_conf_section *s = NULL;
	json_t *jobs;

	if (!states || check_readable(states, err) < 0)
		return NULL;
	jobs = json_array();
	bk_health_read(&health, conf, states, now);
	schedule_read(&schedule, is_own());
	for (size_t i = 0; i < health.n; i++)
		(void)json_array_append_new(jobs, job_record(conf->host,
							     &health.jobs[i],
							     &schedule));
	while ((s = bk_conf_next(conf, "monitor", s)))
		(void)json_array_append_new(
			jobs, monitor_record(conf->host, s->name, states, now));
	schedule_free(&schedule);
	jobs_sort(jobs);
	return jobs;
}
