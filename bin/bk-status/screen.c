/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "screen.h"

#include <stdio.h>

#include "host.h"
#include "rec.h"
#include "str.h"
#include "time.h"
#include "verdict.h"

enum { HEALTH, JOB, GOOD, LIMIT, ADDED, TOOK, NEXT, CELLS };

static const char *const heads[CELLS] = { "",	   "JOB",  "LAST GOOD", "LIMIT",
					  "ADDED", "TOOK", "NEXT" };
/* Longer names stand on a line of their own. */
enum { JOB_WIDTH = 24, GAP = 2, INDENT = 9 };

void screen_verdict(const struct text *t, const char *host, const json_t *jobs,
		    int64_t now)
{
	BK_AUTO_FREE char *verdict = verdict_text(jobs, now);
	BK_AUTO_FREE char *line = bk_asprintf("%s: %s", host, verdict);

	text_wrap(t, line, 0, 4, text_color(verdict_health(jobs)));
}

/* ---- the table -------------------------------------------------------------- */

static void add_last(struct bk_buf *b, const json_t *job, int64_t now)
{
	int64_t last = bk_rec_time(job, "last_ok", 0);

	if (!last) {
		bk_buf_adds(b, "-");
		return;
	}
	add_age(b, now - last);
	bk_buf_adds(b, " ago");
}

static bool has_no_timer(const json_t *job)
{
	return json_is_null(json_object_get(job, "next"));
}

static void add_next(struct bk_buf *b, const json_t *job, int64_t now)
{
	int64_t next = bk_rec_time(job, "next", 0);

	if (bk_rec_bool(job, "running", false))
		bk_buf_adds(b, "running");
	else if (next)
		add_age(b, next - now);
	else if (has_no_timer(job))
		bk_buf_adds(b, "no timer");
}

static void add_cells(struct bk_buf *cell, const json_t *job, int64_t now)
{
	int64_t limit = bk_rec_int(job, "limit", 0);
	int64_t added = bk_rec_int(job, "bytes_added", -1);
	int64_t took = bk_rec_int(job, "duration", -1);

	for (int i = 0; i < CELLS; i++)
		bk_buf_adds(&cell[i], "");
	bk_buf_adds(&cell[HEALTH], bk_health_name(job_health(job)));
	bk_buf_adds(&cell[JOB], job_name(job));
	add_last(&cell[GOOD], job, now);
	if (limit > 0)
		add_age(&cell[LIMIT], limit);
	if (added >= 0)
		bk_str_add_size(&cell[ADDED], (uint64_t)added);
	if (took >= 0 && !job_is_monitor(job))
		add_age(&cell[TOOK], took);
	add_next(&cell[NEXT], job, now);
}

static size_t columns(const char *s)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "");
	bk_str_add_term(&b, s);
	return bk_str_columns(b.p);
}

/* "failed: no space left" without what the row says: how long ago that was. */
static void add_why(struct bk_buf *b, const json_t *job, const char *why,
		    int64_t now)
{
	const char *name = bk_health_name(job_health(job));
	int64_t end = bk_rec_time(job, "end", 0);

	if (bk_str_starts(why, name) &&
	    bk_str_starts(why + strlen(name), ": ")) {
		why += strlen(name) + 2;
		if (end) {
			add_age(b, now - end);
			bk_buf_adds(b, " ago: ");
		}
	}
	bk_buf_adds(b, why);
}

static char *no_timer(const json_t *job)
{
	const char *unit = bk_rec_str(job, "unit");

	return bk_asprintf("no timer starts it: systemctl enable --now "
			   "%s.timer",
			   unit ? unit : "bk-*");
}

/* What the row does not tell; empty where there is nothing. */
static char *remark(const struct text *t, const json_t *job, int64_t now)
{
	enum bk_health health = job_health(job);
	const char *why = bk_rec_str(job, "why");
	const char *message = bk_rec_str(job, "message");
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "");
	if (why && *why)
		add_why(&b, job, why, now);
	else if (t->all && message)
		bk_buf_adds(&b, message);
	if ((health == BK_HEALTH_LATE || health == BK_HEALTH_NEVER) &&
	    has_no_timer(job)) {
		BK_AUTO_FREE char *hint = no_timer(job);

		bk_buf_addf(&b, "%s%s", b.len ? "; " : "", hint);
	}
	return bk_buf_steal(&b);
}

static void print_row(const struct text *t, const struct bk_buf *cell,
		      const size_t *width, const char *color)
{
	size_t job = width[JOB];
	int last = CELLS - 1;

	while (last > JOB && cell[last].len == 0)
		last--;
	text_cell(t, cell[HEALTH].p, INDENT, false, color);
	if (columns(cell[JOB].p) > job) {
		text_wrap(t, cell[JOB].p, INDENT, INDENT, NULL);
		(void)printf("%*s", INDENT, "");
		text_cell(t, "", job, false, NULL);
	} else {
		text_cell(t, cell[JOB].p, job, false, NULL);
	}
	for (int i = GOOD; i <= last; i++) {
		if (width[i] == 0)
			continue;
		(void)printf("%*s", GAP, "");
		text_cell(t, cell[i].p, width[i], true, NULL);
	}
	(void)putchar('\n');
}

static void print_heads(const struct text *t, const size_t *width)
{
	text_cell(t, "", INDENT, false, NULL);
	text_cell(t, heads[JOB], width[JOB], false, TEXT_DIM);
	for (int i = GOOD; i < CELLS; i++) {
		if (width[i] == 0)
			continue;
		(void)printf("%*s", GAP, "");
		text_cell(t, heads[i], width[i], true, TEXT_DIM);
	}
	(void)putchar('\n');
}

/* A column in which nothing stands is left out. */
static void measure(size_t *width, const struct bk_buf *cells, size_t n)
{
	for (size_t k = JOB; k < CELLS; k++) {
		size_t w = 0;

		for (size_t i = 0; i < n; i++) {
			size_t c = columns(cells[i * CELLS + k].p);

			if (c > w && (k != JOB || c <= JOB_WIDTH))
				w = c;
		}
		if ((w > 0 || k == JOB) && w < strlen(heads[k]))
			w = strlen(heads[k]);
		width[k] = w;
	}
}

void screen_jobs(const struct text *t, const json_t *jobs, int64_t now)
{
	size_t n = json_array_size(jobs), width[CELLS] = { 0 };
	BK_AUTO_FREE struct bk_buf *cells =
		bk_calloc(n * CELLS + 1, sizeof(*cells));

	for (size_t i = 0; i < n; i++)
		add_cells(&cells[i * CELLS], json_array_get(jobs, i), now);
	measure(width, cells, n);
	if (n > 0)
		print_heads(t, width);
	for (size_t i = 0; i < n; i++) {
		const json_t *job = json_array_get(jobs, i);
		const char *color = text_color(job_health(job));
		BK_AUTO_FREE char *say = remark(t, job, now);

		print_row(t, &cells[i * CELLS], width, color);
		if (*say) {
			(void)printf("%*s", INDENT, "");
			text_wrap(t, say, INDENT, INDENT,
				  job_health(job) == BK_HEALTH_OK ? TEXT_DIM
								  : color);
		}
	}
	for (size_t i = 0; i < n * CELLS; i++)
		bk_buf_free(&cells[i]);
}

/* ---- one job ---------------------------------------------------------------- */

enum { LABEL = 13 };

static void say(const struct text *t, const char *label, const char *text)
{
	(void)printf("  ");
	text_cell(t, label, LABEL - 2, false, TEXT_DIM);
	text_wrap(t, text, LABEL, LABEL, NULL);
}

/* "2026-11-22 17:00:00 (12 min ago)" */
static void say_time(const struct text *t, const char *label, int64_t time,
		     int64_t now)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	bool past = time <= now;

	bk_time_add_local(&b, time);
	bk_buf_adds(&b, past ? " (" : " (in ");
	bk_str_add_duration(&b, (uint64_t)(past ? now - time : time - now));
	bk_buf_adds(&b, past ? " ago)" : ")");
	say(t, label, b.p);
}

static void say_duration(const struct text *t, const char *label,
			 const json_t *job, const char *key)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	int64_t n = bk_rec_int(job, key, -1);

	if (n < 0)
		return;
	bk_str_add_duration(&b, (uint64_t)n);
	say(t, label, b.p);
}

static void say_next(const struct text *t, const json_t *job, int64_t now)
{
	BK_AUTO_FREE char *none = no_timer(job);

	if (bk_rec_bool(job, "running", false))
		say(t, "next", "it is running right now");
	else if (bk_rec_time(job, "next", 0))
		say_time(t, "next", bk_rec_time(job, "next", 0), now);
	else if (has_no_timer(job))
		say(t, "next", none);
}

/* "files", "bytes": as the state has them, one line of all. */
static void say_counts(const struct text *t, const json_t *counts)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)counts, key, value) {
		if (!json_is_integer(value))
			continue;
		bk_buf_addf(&b, "%s%s %lld", b.len ? ", " : "", key,
			    (long long)json_integer_value(value));
	}
	if (b.len)
		say(t, "counts", b.p);
}

static void say_result(const struct text *t, const json_t *job)
{
	const char *result = bk_rec_str(job, "result");
	BK_AUTO_FREE char *text =
		bk_asprintf("%s, exit status %lld", result ? result : "?",
			    (long long)bk_rec_int(job, "exit", -1));

	if (result)
		say(t, "result", text);
}

void screen_job(const struct text *t, const json_t *job, int64_t now)
{
	static const char *const times[][2] = { { "last good", "last_ok" },
						{ "started", "start" },
						{ "ended", "end" } };
	const char *why = bk_rec_str(job, "why");
	const char *message = bk_rec_str(job, "message");
	enum bk_health health = job_health(job);
	BK_AUTO_FREE char *head =
		bk_asprintf("%s: %s", job_name(job), bk_health_name(health));

	text_wrap(t, head, 0, 2, text_color(health));
	if (why && *why)
		say(t, "why", why);
	for (size_t i = 0; i < BK_COUNT(times); i++) {
		int64_t when = bk_rec_time(job, times[i][1], 0);

		if (when)
			say_time(t, times[i][0], when, now);
	}
	say_duration(t, "limit", job, "limit");
	say_duration(t, "took", job, "duration");
	say_result(t, job);
	if (message && *message && !(why && strstr(why, message)))
		say(t, "message", message);
	say_counts(t, json_object_get(job, "counts"));
	say_next(t, job, now);
}
