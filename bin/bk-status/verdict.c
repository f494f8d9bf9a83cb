/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "verdict.h"

#include "host.h"
#include "rec.h"
#include "str.h"

void add_age(struct bk_buf *b, int64_t seconds)
{
	long long s = seconds > 0 ? seconds : 0;

	if (s < 90)
		bk_buf_addf(b, "%lld s", s);
	else if (s < 90LL * 60)
		bk_buf_addf(b, "%lld min", s / 60);
	else if (s < 48LL * 3600)
		bk_buf_addf(b, "%lld h", s / 3600);
	else
		bk_buf_addf(b, "%lld d", s / 86400);
}

/* Not a sheet of paper, nor who is told: something that is to be done. */
static bool is_work(const json_t *job)
{
	return !job_is_monitor(job) && !bk_str_starts(job_name(job), "kit ") &&
	       !bk_str_starts(job_name(job), "full-key ");
}

static bool has_work(const json_t *jobs)
{
	size_t i;
	const json_t *o;

	json_array_foreach(jobs, i, o)
		if (is_work(o))
			return true;
	return false;
}

static size_t count_jobs(const json_t *jobs)
{
	size_t i, n = 0;
	const json_t *o;

	json_array_foreach(jobs, i, o)
		n += !job_is_monitor(o);
	return n;
}

static size_t count(const json_t *jobs, enum bk_health from, enum bk_health to)
{
	size_t i, n = 0;
	const json_t *o;

	json_array_foreach(jobs, i, o)
		n += job_health(o) >= from && job_health(o) <= to;
	return n;
}

enum bk_health verdict_health(const json_t *jobs)
{
	return has_work(jobs) ? job_health(json_array_get(jobs, 0))
			      : BK_HEALTH_UNKNOWN;
}

bool verdict_safe(const json_t *jobs)
{
	return verdict_health(jobs) < BK_HEALTH_WRONG;
}

static void add_ago(struct bk_buf *b, const json_t *job, const char *key,
		    int64_t now)
{
	int64_t t = bk_rec_time(job, key, 0);

	if (!t)
		return;
	bk_buf_addc(b, ' ');
	add_age(b, now - t);
	bk_buf_adds(b, " ago");
}

static void add_wrong(struct bk_buf *b, const json_t *job, int64_t now)
{
	bk_buf_adds(b, job_name(job));
	switch (job_health(job)) {
	case BK_HEALTH_PARTIAL:
		bk_buf_adds(b, " was partial");
		add_ago(b, job, "end", now);
		break;
	case BK_HEALTH_LATE:
		if (!bk_rec_time(job, "last_ok", 0)) {
			bk_buf_adds(b, " was never good");
			break;
		}
		bk_buf_adds(b, " is late, last good");
		add_ago(b, job, "last_ok", now);
		break;
	case BK_HEALTH_FAILED:
		bk_buf_adds(b, " failed");
		add_ago(b, job, "end", now);
		break;
	case BK_HEALTH_NEVER:
		bk_buf_adds(b, " never ran");
		break;
	default:
		bk_buf_adds(b, " is in an unknown state");
	}
}

static int64_t last_backup(const json_t *jobs)
{
	int64_t last = 0;
	size_t i;
	const json_t *o;

	json_array_foreach(jobs, i, o) {
		int64_t t = bk_rec_time(o, "last_ok", 0);

		if (bk_str_starts(job_name(o), "backup ") && t > last)
			last = t;
	}
	return last;
}

static void add_good(struct bk_buf *b, const json_t *jobs, int64_t now)
{
	size_t n = count_jobs(jobs);
	size_t delayed = count(jobs, BK_HEALTH_DELAYED, BK_HEALTH_DELAYED);
	size_t todo = count(jobs, BK_HEALTH_TODO, BK_HEALTH_TODO);
	int64_t last = last_backup(jobs);

	bk_buf_addf(b, "all is well. %zu job%s", n, n == 1 ? "" : "s");
	if (last) {
		bk_buf_adds(b, ", last backup ");
		add_age(b, now - last);
		bk_buf_adds(b, " ago");
	}
	if (delayed)
		bk_buf_addf(b, "; %zu delayed", delayed);
	if (todo)
		bk_buf_addf(b, "; %zu to do", todo);
}

char *verdict_text(const json_t *jobs, int64_t now)
{
	struct bk_buf b = BK_BUF_INIT;
	size_t wrong = count(jobs, BK_HEALTH_WRONG, BK_HEALTH_UNKNOWN);

	if (verdict_safe(jobs)) {
		add_good(&b, jobs, now);
	} else if (!has_work(jobs)) {
		bk_buf_adds(&b, "NOT SAFE: nothing is backed up");
	} else {
		bk_buf_adds(&b, "NOT SAFE: ");
		add_wrong(&b, json_array_get(jobs, 0), now);
		if (wrong > 1)
			bk_buf_addf(&b, "; %zu more", wrong - 1);
	}
	bk_buf_addc(&b, '.');
	return bk_buf_steal(&b);
}
