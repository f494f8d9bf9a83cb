/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "health.h"

#include "rec.h"
#include "str.h"
#include "time.h"

/* Clocks of one host that differ by less were just being set. */
#define FUTURE_SLACK 300

const char *bk_health_name(enum bk_health h)
{
	static const char *const names[] = {
		[BK_HEALTH_OK] = "ok",
		[BK_HEALTH_TODO] = "todo",
		[BK_HEALTH_DELAYED] = "delayed",
		[BK_HEALTH_PARTIAL] = "partial",
		[BK_HEALTH_LATE] = "late",
		[BK_HEALTH_FAILED] = "failed",
		[BK_HEALTH_NEVER] = "never",
		[BK_HEALTH_UNKNOWN] = "unknown",
	};

	return names[h];
}

int64_t bk_health_last_ok(const struct bk_health_job *j)
{
	return bk_rec_time(j->state, "last_ok", 0);
}

int64_t bk_health_end(const struct bk_health_job *j)
{
	return bk_rec_time(j->state, "end", 0);
}

bool bk_health_is(const struct bk_health_job *j, const char *watch)
{
	size_t n = strlen(watch);

	if (strcmp(j->name, watch) == 0)
		return true;
	return !strchr(watch, ' ') && strncmp(j->name, watch, n) == 0 &&
	       j->name[n] == ' ';
}

static void verdict(struct bk_health_job *j, enum bk_health health, char *why)
{
	free(j->why);
	j->health = health;
	j->why = why;
}

static char *with_duration(const char *text, int64_t seconds)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_str_add_duration(&b, seconds > 0 ? (uint64_t)seconds : 0);
	return bk_asprintf("%s%s", text, b.p);
}

static void judge_kit(struct bk_health_job *j, int64_t now)
{
	int64_t last = bk_health_last_ok(j);

	if (last && now - last <= (int64_t)j->limit)
		verdict(j, BK_HEALTH_OK, bk_strdup(""));
	else if (last)
		verdict(j, BK_HEALTH_TODO,
			with_duration("recovery sheet last proved before ",
				      now - last));
	else
		verdict(j, BK_HEALTH_TODO,
			bk_strdup("no recovery sheet: run bk-secret kit"));
}

static void judge_full_key(struct bk_health_job *j)
{
	const char *path = bk_rec_str(j->state, "path");

	verdict(j, BK_HEALTH_TODO,
		bk_asprintf("the full key is still on this host, '%s': carry "
			    "its folder away and remove it here",
			    path ? path : "?"));
}

static void judge_never(struct bk_health_job *j, uint64_t limit, int64_t now)
{
	if (j->since && now - j->since <= (int64_t)limit)
		verdict(j, BK_HEALTH_OK, bk_strdup("not due yet"));
	else
		verdict(j, BK_HEALTH_NEVER, bk_strdup("never ran"));
}

static bool is_late(const struct bk_health_job *j, uint64_t limit, int64_t now)
{
	int64_t last = bk_health_last_ok(j);

	return limit && (!last || now - last > (int64_t)limit);
}

/*
 * Whether a box is whole is not known while it cannot be reached, which is no
 * failure before its time, also if it never could.
 */
static bool may_wait(const struct bk_health_job *j, uint64_t limit, int64_t now)
{
	int64_t since = bk_rec_time(j->state, "since", 0);

	if (bk_health_last_ok(j))
		return !is_late(j, limit, now);
	return bk_health_is(j, "verify") && since &&
	       now - since <= (int64_t)limit;
}

static void judge_failure(struct bk_health_job *j, const json_t *state,
			  uint64_t limit, int64_t now)
{
	const char *message = bk_rec_str(state, "message");
	/* What failed before is not mended by no luck. */
	bool delayed = bk_rec_int(state, "exit", 1) == BK_EX_TEMPFAIL &&
		       !bk_rec_bool(j->state, "broken", false) &&
		       may_wait(j, limit, now);

	verdict(j, delayed ? BK_HEALTH_DELAYED : BK_HEALTH_FAILED,
		bk_asprintf("%s: %s", delayed ? "tries again" : "failed",
			    message ? message : "no reason was given"));
}

static void judge_age(struct bk_health_job *j, uint64_t limit, int64_t now)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	int64_t last = bk_health_last_ok(j);

	if (!last) {
		verdict(j, BK_HEALTH_LATE, bk_strdup("was never good"));
		return;
	}
	bk_buf_adds(&b, "last good ");
	bk_str_add_duration(&b, now > last ? (uint64_t)(now - last) : 0);
	bk_buf_adds(&b, " ago, limit ");
	bk_str_add_duration(&b, limit);
	verdict(j, BK_HEALTH_LATE, bk_buf_steal(&b));
}

/* The state of a run says how and when it ended, and does not mix that up. */
static bool is_told(const json_t *state)
{
	const char *result = bk_rec_str(state, "result");

	return result && bk_rec_time(state, "end", 0) &&
	       (strcmp(result, "ok") == 0) ==
		       (bk_rec_int(state, "exit", 1) == BK_EX_OK);
}

void bk_health_judge(struct bk_health_job *j, uint64_t limit, int64_t now)
{
	const char *result = bk_rec_str(j->state, "result");
	const char *message = bk_rec_str(j->state, "message");
	int64_t end = bk_health_end(j), last = bk_health_last_ok(j);

	if (j->damaged)
		verdict(j, BK_HEALTH_UNKNOWN, bk_strdup(j->damaged));
	else if (end > now + FUTURE_SLACK || last > now + FUTURE_SLACK)
		verdict(j, BK_HEALTH_UNKNOWN,
			with_duration("is from the future, check the clock: ",
				      (end > last ? end : last) - now));
	else if (j->unit_state)
		judge_failure(j, j->unit_state, limit, now);
	else if (bk_health_is(j, "kit"))
		judge_kit(j, now);
	else if (bk_health_is(j, "full-key"))
		judge_full_key(j);
	else if (!j->state)
		judge_never(j, limit, now);
	else if (!is_told(j->state))
		verdict(j, BK_HEALTH_UNKNOWN,
			bk_strdup("its state says not how it ended"));
	else if (strcmp(result, "ok") != 0 && strcmp(result, "partial") != 0)
		judge_failure(j, j->state, limit, now);
	else if (is_late(j, limit, now))
		judge_age(j, limit, now);
	else if (strcmp(result, "partial") == 0)
		verdict(j, BK_HEALTH_PARTIAL,
			bk_asprintf("partial: %s", message ? message : ""));
	else
		verdict(j, BK_HEALTH_OK, bk_strdup(""));
}

const struct bk_health_job *bk_health_worst(const struct bk_health_list *l)
{
	const struct bk_health_job *worst = NULL;

	for (size_t i = 0; i < l->n; i++)
		if (!worst || l->jobs[i].health > worst->health)
			worst = &l->jobs[i];
	return worst;
}

void bk_health_free(struct bk_health_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct bk_health_job *j = &l->jobs[i];

		json_decref(j->state);
		json_decref(j->unit_state);
		free(j->name);
		free(j->damaged);
		free(j->why);
	}
	free(l->jobs);
	*l = BK_HEALTH_INIT;
}
