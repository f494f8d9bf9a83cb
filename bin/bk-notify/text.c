/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text.h"

#include "rec.h"
#include "time.h"

struct view {
	const struct bk_health_job *worst;   /* of those that are wrong */
	const struct bk_health_job *delayed; /* the first one */
	const struct bk_health_job *todo;    /* the first one */
	const struct bk_health_job *newest;  /* the last that was good */
	size_t jobs, wrong;
};

bool text_watches(const struct bk_conf_section *monitor,
		  const struct bk_health_job *j)
{
	const struct bk_conf_value *v = bk_conf_value(monitor, "watch", NULL);

	if (!v)
		return true;
	for (; v; v = bk_conf_value(monitor, "watch", v))
		if (bk_health_is(j, v->value))
			return true;
	return false;
}

/* Where none is named, a limit is meant for backups: others are rarer. */
static bool has_own_limit(const struct bk_conf_section *monitor,
			  const struct bk_health_job *j)
{
	return bk_conf_value(monitor, "max-age", NULL) &&
	       (bk_conf_value(monitor, "watch", NULL) ||
		bk_health_is(j, "backup"));
}

static void look_at(struct view *v, const struct bk_health_job *j)
{
	v->jobs++;
	if (j->health >= BK_HEALTH_WRONG) {
		v->wrong++;
		if (!v->worst || j->health > v->worst->health)
			v->worst = j;
	}
	if (j->health == BK_HEALTH_DELAYED && !v->delayed)
		v->delayed = j;
	if (j->health == BK_HEALTH_TODO && !v->todo)
		v->todo = j;
	if (bk_health_last_ok(j) > 0 &&
	    (!v->newest || bk_health_last_ok(j) > bk_health_last_ok(v->newest)))
		v->newest = j;
}

/* A watch that matches no job; NULL: each does. */
static const char *idle_watch(const struct bk_conf_section *monitor,
			      const struct bk_health_list *l)
{
	const struct bk_conf_value *v = NULL;

	while ((v = bk_conf_value(monitor, "watch", v))) {
		size_t i = 0;

		while (i < l->n && !bk_health_is(&l->jobs[i], v->value))
			i++;
		if (i == l->n)
			return v->value;
	}
	return NULL;
}

/* "backup home failed: wrong password" */
static char *reason(const struct bk_health_job *j)
{
	const char *prefix = j->health == BK_HEALTH_LATE      ? "late: "
			     : j->health == BK_HEALTH_UNKNOWN ? "unknown: "
							      : "";

	return bk_asprintf("%s %s%s", j->name, prefix, j->why);
}

/* How long its last run took. */
static int64_t duration_of(const struct bk_health_job *j)
{
	const json_t *o = !j ? NULL : j->unit_state ? j->unit_state : j->state;
	int64_t start = bk_rec_time(o, "start", 0);
	int64_t end = bk_rec_time(o, "end", 0);

	return start > 0 && end >= start ? (end - start) * 1000 : -1;
}

static void compose_down(struct message *ret, const struct view *v,
			 const char *idle)
{
	BK_AUTO_FREE char *head = NULL, *tail = NULL;
	size_t more = v->wrong;

	if (v->worst && (!idle || v->worst->health > BK_HEALTH_NEVER)) {
		head = reason(v->worst);
		more += idle ? 1 : 0;
		more--;
	} else if (idle) {
		head = bk_asprintf("watch '%s' matches no job", idle);
	} else {
		head = bk_strdup("nothing is configured");
	}
	tail = more > 0 ? bk_asprintf("; +%zu more", more) : bk_strdup("");
	message_init(ret, false, message_text(head, tail));
	if (v->worst)
		ret->about = bk_strdup(v->worst->name);
	ret->ping = duration_of(v->worst);
}

static void add_ago(struct bk_buf *b, const struct bk_health_job *j,
		    int64_t now)
{
	int64_t last = bk_health_last_ok(j);

	bk_buf_addf(b, "last %s ", j->name);
	bk_str_add_duration(b, now > last ? (uint64_t)(now - last) : 0);
	bk_buf_adds(b, " ago");
}

static void add_recovered(struct bk_buf *b, const struct history *h,
			  int64_t now)
{
	bk_buf_addf(b, "recovered%s%s", h->about ? ": " : "",
		    h->about ? h->about : "");
	if (h->down_since && h->down_since < now) {
		bk_buf_adds(b, " after ");
		bk_str_add_duration(b, (uint64_t)(now - h->down_since));
	}
}

static void compose_up(struct message *ret, const struct view *v,
		       const struct history *h, int64_t now)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_FREE char *delayed = v->delayed ? reason(v->delayed) : NULL;

	if (h->known && !h->up)
		add_recovered(&b, h, now);
	else if (!delayed)
		bk_buf_addf(&b, "ok: %zu job%s", v->jobs,
			    v->jobs == 1 ? "" : "s");
	if (delayed)
		bk_buf_addf(&b, "%s%s", b.len > 0 ? "; " : "ok, but ", delayed);
	else if (b.p[0] == 'o' && v->newest) {
		bk_buf_adds(&b, ", ");
		add_ago(&b, v->newest, now);
	}
	if (v->todo)
		bk_buf_addf(&b, "; to do: %s", v->todo->why);
	message_init(ret, true, message_text(b.p, ""));
	ret->ping = duration_of(v->newest);
}

void text_compose(struct message *ret, const struct bk_conf_section *monitor,
		  struct bk_health_list *jobs, const struct history *h,
		  int64_t now)
{
	const char *idle = idle_watch(monitor, jobs);
	struct view v = { 0 };

	for (size_t i = 0; i < jobs->n; i++) {
		struct bk_health_job *j = &jobs->jobs[i];

		if (!text_watches(monitor, j))
			continue;
		if (has_own_limit(monitor, j))
			bk_health_judge(j,
					bk_conf_duration(monitor, "max-age", 0),
					now);
		look_at(&v, j);
	}
	if (v.wrong > 0 || idle || v.jobs == 0)
		compose_down(ret, &v, idle);
	else
		compose_up(ret, &v, h, now);
	ret->time = now;
	for (size_t i = 0; i < jobs->n; i++)
		if (text_watches(monitor, &jobs->jobs[i]) &&
		    jobs->jobs[i].health >= BK_HEALTH_WRONG)
			bk_strv_addf(&ret->causes, "%s %s", jobs->jobs[i].name,
				     bk_health_name(jobs->jobs[i].health));
	if (idle)
		bk_strv_addf(&ret->causes, "watch %s", idle);
	if (v.jobs == 0 && !idle)
		bk_strv_add(&ret->causes, "nothing configured");
}
