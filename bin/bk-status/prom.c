/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prom.h"

#include "health.h"
#include "host.h"
#include "rec.h"
#include "verdict.h"

/* In a label's value, these three are escaped and nothing else is. */
static void add_label(struct bk_buf *b, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n')
			bk_buf_adds(b, "\\n");
		else if (*value == '"' || *value == '\\')
			bk_buf_addf(b, "\\%c", *value);
		else
			bk_buf_addc(b, *value);
	}
}

static void add_head(struct bk_buf *b, const char *name, const char *help)
{
	bk_buf_addf(b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* name{job="backup home"} 12; a monitor has label "monitor", and its name. */
static void add_sample(struct bk_buf *b, const char *name, const json_t *job,
		       int64_t value)
{
	const char *label = job_name(job);
	bool monitor = job_is_monitor(job);

	bk_buf_addf(b, "%s{%s=\"", name, monitor ? "monitor" : "job");
	add_label(b, monitor ? label + strlen("monitor ") : label);
	bk_buf_addf(b, "\"} %lld\n", (long long)value);
}

static void add_single(struct bk_buf *b, const char *name, const char *help,
		       int64_t value)
{
	add_head(b, name, help);
	bk_buf_addf(b, "%s %lld\n", name, (long long)value);
}

/* For each job one sample a health, of which one is 1. */
static void add_healths(struct bk_buf *b, const json_t *jobs)
{
	size_t i;
	const json_t *job;

	add_head(b, "bk_job_health", "1 for the health that the job has.");
	json_array_foreach(jobs, i, job) {
		if (job_is_monitor(job))
			continue;
		for (int h = BK_HEALTH_OK; h <= BK_HEALTH_UNKNOWN; h++) {
			bk_buf_adds(b, "bk_job_health{job=\"");
			add_label(b, job_name(job));
			bk_buf_addf(b, "\",health=\"%s\"} %d\n",
				    bk_health_name((enum bk_health)h),
				    (int)job_health(job) == h);
		}
	}
}

enum of { JOBS, MONITORS };

static bool is_of(const json_t *job, enum of of)
{
	return job_is_monitor(job) == (of == MONITORS);
}

/* Points in time; 0 where there is none, so that its age is long. */
static void add_times(struct bk_buf *b, const json_t *jobs, enum of of,
		      const char *name, const char *help, const char *key)
{
	size_t i;
	const json_t *job;

	add_head(b, name, help);
	json_array_foreach(jobs, i, job)
		if (is_of(job, of))
			add_sample(b, name, job, bk_rec_time(job, key, 0));
}

/* Numbers, of those jobs that have one. */
static void add_numbers(struct bk_buf *b, const json_t *jobs, const char *name,
			const char *help, const char *key)
{
	size_t i;
	const json_t *job;

	add_head(b, name, help);
	json_array_foreach(jobs, i, job)
		if (is_of(job, JOBS) &&
		    json_is_integer(json_object_get(job, key)))
			add_sample(b, name, job, bk_rec_int(job, key, 0));
}

static void add_monitors(struct bk_buf *b, const json_t *jobs)
{
	static const char name[] = "bk_monitor_reached";
	size_t i;
	const json_t *job;

	add_times(b, jobs, MONITORS,
		  "bk_monitor_last_success_timestamp_seconds",
		  "When the monitor took what it was told last.", "last_ok");
	add_head(b, name, "1 if the monitor is told and takes it.");
	json_array_foreach(jobs, i, job)
		if (is_of(job, MONITORS))
			add_sample(b, name, job,
				   job_health(job) == BK_HEALTH_OK);
}

void prom_add(struct bk_buf *b, const json_t *jobs, int64_t now)
{
	add_single(b, "bk_status_timestamp_seconds",
		   "When all this was found out.", now);
	add_single(b, "bk_status_safe", "1 if nothing is wrong on this host.",
		   verdict_safe(jobs));
	add_healths(b, jobs);
	add_times(b, jobs, JOBS, "bk_job_last_success_timestamp_seconds",
		  "When the job was good last, 0 if never.", "last_ok");
	add_times(b, jobs, JOBS, "bk_job_last_run_timestamp_seconds",
		  "When the job ended last, 0 if never.", "end");
	add_numbers(b, jobs, "bk_job_limit_seconds",
		    "Age of the last success from which on the job is late.",
		    "limit");
	add_numbers(b, jobs, "bk_job_last_run_exit",
		    "Exit status of the last run.", "exit");
	add_numbers(b, jobs, "bk_job_last_run_duration_seconds",
		    "How long the last run took.", "duration");
	add_numbers(b, jobs, "bk_job_last_run_bytes_added",
		    "By how much the last run made the repository grow.",
		    "bytes_added");
	add_monitors(b, jobs);
}
