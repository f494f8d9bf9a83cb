/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The subject age: is the newest snapshot of a set, as the repository has it,
 * young enough? What the last backup wrote down about itself is not asked.
 */
#include "log.h"
#include "newest.h"
#include "place.h"
#include "str.h"
#include "time.h"
#include "tool.h"

#define NEWEST "newest"
/* As of bk-status. */
#define LIMIT_BACKUP ((uint64_t)3 * 3600)
#define LIMIT_DUMP ((uint64_t)9 * 3600)
/* It is looked at once a day. */
#define CYCLE ((uint64_t)2 * 86400)
/* Clocks that differ by less are right. */
#define SLACK 300

static bool is_dump(const struct subject *s)
{
	return strcmp(s->section->kind, "mariadb") == 0;
}

static uint64_t limit_of(const struct subject *s)
{
	return bk_conf_duration(s->section, "max-age",
				is_dump(s) ? LIMIT_DUMP : LIMIT_BACKUP);
}

/* What is wrong with it, or NULL; the caller frees it. */
static char *judge(const struct subject *s, const struct newest *n)
{
	int64_t now = s->clock.now, age = now - n->when;
	BK_AUTO_BUF struct bk_buf when = BK_BUF_INIT, old = BK_BUF_INIT,
				  limit = BK_BUF_INIT;

	if (!n->id)
		return bk_strdup("there is no snapshot of it");
	bk_time_add_local(&when, n->when);
	if (age < -SLACK)
		return bk_asprintf("its newest snapshot %.8s is of %s, which "
				   "is still to come: a clock is or was wrong",
				   n->id, when.p);
	if (age <= (int64_t)limit_of(s))
		return NULL;
	bk_str_add_duration(&old, (uint64_t)age);
	bk_str_add_duration(&limit, limit_of(s));
	return bk_asprintf("its newest snapshot %.8s is of %s, %s ago, which "
			   "is more than %s",
			   n->id, when.p, old.p, limit.p);
}

static int step(struct verify *v, struct subject *s, struct bk_err *err)
{
	BK_AUTO_FREE char *set = bk_asprintf(
		"%s%s", is_dump(s) ? "mariadb:" : "", s->section->name);
	BK_AUTO(newest_free) struct newest n = { NULL, NULL, 0 };
	BK_AUTO_FREE char *why = NULL, *message = NULL;

	s->finished = true;
	if (place_check(s->repo, err) < 0 ||
	    newest_find(v, set, true, &n, err) < 0)
		return -1;
	s->clock.now = bk_time_now();
	why = judge(s, &n);
	if (!why) {
		progress_clear(&s->progress, NEWEST);
		progress_prove(&s->progress, NEWEST, s->clock.now);
		s->proved++;
		return 0;
	}
	message = bk_asprintf(
		"[%s %s] %s (in [repo %s]); first: %s", s->section->kind,
		s->section->name, why, s->repo->name,
		is_dump(s) ? "bk-dbdump backup" : "bk-restic backup");
	progress_fail(&s->progress, NEWEST, NEWEST, message, s->clock.now);
	return 0;
}

static void prepare(struct verify *v, struct subject *s)
{
	char name[] = NEWEST, *names[] = { name };

	(void)v;
	progress_expect(&s->progress, names, 1);
	s->clock.cycle = CYCLE;
}

const struct kind kind_age = {
	.how = "newest snapshot",
	.first = 0,
	.prepare = prepare,
	.step = step,
};
