/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "entry.h"

#include "host.h"
#include "str.h"
#include "time.h"
#include "verdict.h"

/* A host tells the fleet every hour. */
#define SILENT_AFTER ((int64_t)3 * 3600)
#define FUTURE_SLACK 300
enum { JOBS_MAX = 300, TEXT_MAX = 300 };

/* Members of a job that the fleet hears of, and reads. */
static const char *const texts[] = { "job",    "health", "why",
				     "result", "unit",	 "message" };
static const char *const numbers[] = { "limit", "exit", "duration",
				       "bytes_added" };
static const char *const times[] = { "last_ok", "start", "end", "next" };

static void copy_text(json_t *o, const json_t *from, const char *key)
{
	const char *s = bk_rec_str(from, key);
	BK_AUTO_FREE char *part = NULL;

	if (!s)
		return;
	part = bk_memdup(s, strnlen(s, TEXT_MAX));
	bk_rec_set_str(o, key, part);
}

/* A job with nothing in it but what is known, and of the right type. */
static json_t *clean_job(const char *host, const json_t *from)
{
	json_t *o = json_object();

	bk_rec_set_str(o, "host", host);
	for (size_t i = 0; i < BK_COUNT(texts); i++)
		copy_text(o, from, texts[i]);
	for (size_t i = 0; i < BK_COUNT(numbers); i++)
		if (bk_rec_int(from, numbers[i], -1) >= 0)
			bk_rec_set_int(o, numbers[i],
				       bk_rec_int(from, numbers[i], 0));
	for (size_t i = 0; i < BK_COUNT(times); i++)
		if (bk_rec_time(from, times[i], 0) > 0)
			bk_rec_set_time(o, times[i],
					bk_rec_time(from, times[i], 0));
	if (bk_rec_bool(from, "running", false))
		bk_rec_set_bool(o, "running", true);
	return o;
}

/* NULL where one of them is no job. */
static json_t *clean_jobs(const char *host, const json_t *from)
{
	json_t *jobs = json_array();
	size_t i;
	const json_t *o;

	json_array_foreach(from, i, o) {
		if (i >= JOBS_MAX)
			break;
		if (!bk_rec_str(o, "job") ||
		    health_of(bk_rec_str(o, "health")) < 0) {
			json_decref(jobs);
			return NULL;
		}
		(void)json_array_append_new(jobs, clean_job(host, o));
	}
	jobs_sort(jobs);
	return jobs;
}

/* Writing. */

json_t *entry_status(const char *host, int64_t time, const json_t *jobs,
		     bool with_jobs)
{
	BK_AUTO_FREE char *text = verdict_text(jobs, time);
	json_t *o = json_object();

	bk_rec_set_str(o, "host", host);
	bk_rec_set_time(o, "time", time);
	bk_rec_set_bool(o, "safe", verdict_safe(jobs));
	bk_rec_set_str(o, "health", bk_health_name(verdict_health(jobs)));
	bk_rec_set_str(o, "text", text);
	if (with_jobs)
		(void)json_object_set_new(o, "jobs", clean_jobs(host, jobs));
	return o;
}

char *entry_text(const char *host, int64_t time, const json_t *jobs)
{
	BK_AUTO_JSON json_t *o = bk_rec_object("status");
	char *text;

	(void)json_object_update_new(o, entry_status(host, time, jobs, true));
	text = json_dumps(o, JSON_COMPACT);
	if (!text)
		abort();
	return text;
}

/* Reading. */

static char *parse(struct entry *e, const char *host, const struct bk_buf *text,
		   int64_t now)
{
	json_error_t why;
	BK_AUTO_JSON json_t *o = json_loadb(text->p ? text->p : "", text->len,
					    JSON_REJECT_DUPLICATES, &why);
	const char *type = bk_rec_str(o, "type");
	const char *name = bk_rec_str(o, "host");
	const json_t *jobs = json_object_get(o, "jobs");

	if (!o)
		return bk_asprintf("its entry is damaged: %s", why.text);
	if (!type || strcmp(type, "status") != 0 ||
	    bk_rec_int(o, "v", -1) != 1 || !name || !json_is_array(jobs))
		return bk_strdup("its entry is no status of version 1");
	if (strcmp(name, host) != 0)
		return bk_asprintf("its entry is that of another host: %s",
				   name);
	e->time = bk_rec_time(o, "time", 0);
	if (e->time <= 0)
		return bk_strdup("its entry does not say when it was written");
	if (e->time > now + FUTURE_SLACK)
		return bk_strdup("its entry is from the future: check the "
				 "clocks");
	e->jobs = clean_jobs(host, jobs);
	if (!e->jobs)
		return bk_strdup("its entry has jobs that are none");
	return NULL;
}

void entry_parse(struct entry *e, const char *host, const struct bk_buf *text,
		 int64_t now)
{
	*e = (struct entry){ .host = bk_strdup(host) };
	e->problem = parse(e, host, text, now);
	e->silent = e->jobs && now - e->time > SILENT_AFTER;
}

void entry_free(struct entry *e)
{
	free(e->host);
	free(e->problem);
	json_decref(e->jobs);
	*e = ENTRY_INIT;
}

/* Judging. */

bool entry_wrong(const struct entry *e)
{
	return e->problem || e->silent || !verdict_safe(e->jobs);
}

int entry_rank(const struct entry *e)
{
	if (e->silent)
		return BK_HEALTH_UNKNOWN + 1;
	return e->problem ? BK_HEALTH_UNKNOWN : (int)verdict_health(e->jobs);
}

const char *entry_state(const struct entry *e)
{
	if (e->silent)
		return "silent";
	return bk_health_name(e->problem ? BK_HEALTH_UNKNOWN
					 : verdict_health(e->jobs));
}

char *entry_say(const struct entry *e, int64_t now)
{
	static const char wrong[] = "NOT SAFE: ";
	BK_AUTO_FREE char *verdict = NULL;
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	const char *text;

	if (e->problem)
		return bk_strdup(e->problem);
	verdict = verdict_text(e->jobs, e->silent ? e->time : now);
	text = verdict;
	if (!e->silent && bk_str_starts(text, wrong))
		text += strlen(wrong);
	if (!e->silent)
		return bk_strdup(text);
	bk_buf_adds(&b, "since ");
	bk_time_add_local(&b, e->time);
	bk_buf_adds(&b, " (");
	add_age(&b, now - e->time);
	bk_buf_addf(&b, "); then: %s", text);
	return bk_buf_steal(&b);
}
