/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tool.h"

#include <stdio.h>

#include "digest.h"
#include "log.h"
#include "state.h"
#include "str.h"
#include "time.h"

#define MINUTE_MS ((int64_t)60000)

const struct kind *subject_kind(const struct subject *s)
{
	static const struct kind *const kinds[BK_VERIFY_KINDS] = {
		[BK_VERIFY_REPO] = &kind_repo,
		[BK_VERIFY_PACKS] = &kind_packs,
		[BK_VERIFY_DRILL] = &kind_drill,
		[BK_VERIFY_COLD] = &kind_cold,
		[BK_VERIFY_DUMP] = &kind_dump,
		[BK_VERIFY_AGE] = &kind_age,
		[BK_VERIFY_AGE_DUMP] = &kind_age,
	};

	return kinds[s->kind];
}

/*
 * Which place a subject is about: its repository or box, whose URL may hold a
 * password, and is not kept for that.
 */
static int place_of(const struct subject *s, char ret[static 65],
		    struct bk_err *err)
{
	const char *url =
		bk_conf_str(s->repo ? s->repo : s->section, "url", "");

	return bk_digest_text(url, strlen(url), ret, err);
}

static int open_one(struct verify *v, const struct bk_verify_subject *found,
		    struct subject *s, struct bk_err *err)
{
	const char *word = bk_verify_word(found->kind);
	char place[65] = "";

	*s = (struct subject){
		.kind = found->kind,
		.section = found->section,
		.repo = bk_verify_repo(v->conf, found->section),
		.name = bk_asprintf("%s:%s", word, found->section->name),
		.job = bk_asprintf("verify %s:%s", word, found->section->name),
		.clock = { .now = v->start,
			   .cycle = bk_verify_cycle(v->conf),
			   .all = v->all },
	};
	if (place_of(s, place, err) < 0)
		return -1;
	return progress_read(&s->progress, s->name, place, v->start, err);
}

int subjects_open(struct verify *v, struct bk_err *err)
{
	BK_AUTO_VERIFY_SUBJECTS struct bk_verify_subjects l =
		BK_VERIFY_SUBJECTS_INIT;
	int got = 0;

	v->start = bk_time_now();
	bk_verify_subjects(v->conf, &l);
	v->subjects = bk_calloc(l.n + 1, sizeof(*v->subjects));
	for (; v->n < l.n && got == 0; v->n++)
		got = open_one(v, &l.v[v->n], &v->subjects[v->n], err);
	for (size_t i = 0; i < v->n && got == 0; i++)
		subject_kind(&v->subjects[i])->prepare(v, &v->subjects[i]);
	return got;
}

void subjects_free(struct verify *v)
{
	for (size_t i = 0; i < v->n; i++) {
		if (v->subjects[i].data)
			subject_kind(&v->subjects[i])->close(&v->subjects[i]);
		progress_free(&v->subjects[i].progress);
		free(v->subjects[i].name);
		free(v->subjects[i].job);
		free(v->subjects[i].why);
	}
	free(v->subjects);
	v->subjects = NULL;
	v->n = 0;
}

struct subject *subject_beside(struct verify *v, const struct subject *s,
			       enum bk_verify_kind kind)
{
	for (size_t i = 0; i < v->n; i++)
		if (v->subjects[i].kind == kind &&
		    v->subjects[i].repo == s->repo)
			return &v->subjects[i];
	return NULL;
}

bool subject_is(const struct subject *s, const char *name)
{
	return bk_verify_is(s->name, name);
}

/* The budget. */

int64_t time_left(const struct verify *v)
{
	int64_t left =
		v->deadline ? v->deadline - bk_time_mono_ms() : INT64_MAX;

	return left > 0 ? left : 0;
}

bool budget_left(const struct verify *v)
{
	return time_left(v) > 0 && (!v->limited || v->bytes > 0);
}

void budget_spend(struct verify *v, struct subject *s, uint64_t bytes)
{
	s->bytes += bytes;
	v->bytes -= bytes < v->bytes ? bytes : v->bytes;
}

int64_t step_deadline(const struct verify *v)
{
	const struct bk_conf_section *conf =
		bk_conf_find(v->conf, "verify", NULL);
	int64_t all = (int64_t)bk_conf_duration(conf, "budget", 7200) * 1000;
	int64_t least = all < 10 * MINUTE_MS ? all : 10 * MINUTE_MS;
	int64_t left = time_left(v);

	if (!v->deadline)
		return 0;
	return bk_time_mono_ms() + (left > least ? left : least);
}

/* The judgement. */

void verdict_free(struct verdict *d)
{
	free(d->message);
	d->message = NULL;
}

static char *failure_text(const struct subject *s)
{
	const struct progress *p = &s->progress;
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, p->failures[0].message);
	if (p->nfailures > 1)
		bk_buf_addf(&b, " (and %zu more: bk-verify status %s)",
			    p->nfailures - 1, s->name);
	return bk_buf_steal(&b);
}

/* Parts that should have been proved by now. */
static size_t behind(const struct subject *s)
{
	const struct progress *p = &s->progress;
	int64_t oldest = s->clock.now - (int64_t)s->clock.cycle;
	size_t n = 0;

	for (size_t i = subject_kind(s)->first; i < p->n && p->since; i++)
		n += p->parts[i].proved < oldest && p->since < oldest;
	return n;
}

static void add_share(struct bk_buf *b, const struct subject *s,
		      const struct verdict *d)
{
	bk_buf_addf(b, "%.0f %% proved within ",
		    d->share < 1 && d->share > 0.99 ? 99 : d->share * 100);
	bk_str_add_duration(b, s->clock.cycle);
	if (d->oldest) {
		bk_buf_adds(b, ", oldest ");
		bk_str_add_duration(
			b, (uint64_t)(s->clock.now > d->oldest
					      ? s->clock.now - d->oldest
					      : 0));
		bk_buf_adds(b, " ago");
	}
}

void verdict_of(struct verify *v, struct subject *s, struct verdict *ret)
{
	const struct progress *p = &s->progress;
	const struct kind *kind = subject_kind(s);
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	size_t late;

	s->clock.now = bk_time_now();
	*ret = (struct verdict){ .exit = BK_EX_OK };
	ret->share = progress_share(p, kind->first, &s->clock, &ret->oldest);
	ret->next = progress_next(p, kind->first, &s->clock);
	late = behind(s);
	if (bk_rec_str(p->own, "instead") && p->nfailures == 0) {
		ret->message = bk_asprintf("%s: restic reads all of it instead",
					   bk_rec_str(p->own, "instead"));
		return;
	}
	if (p->nfailures > 0) {
		ret->exit = BK_EX_NO;
		ret->message = failure_text(s);
		return;
	}
	if (s->outcome == OUTCOME_UNKNOWN || s->outcome == OUTCOME_ERROR) {
		ret->exit = s->exit;
		ret->message = bk_strdup(s->why ? s->why : "not known");
		return;
	}
	add_share(&b, s, ret);
	if (late > 0) {
		ret->exit = BK_EX_PARTIAL;
		bk_buf_adds(&b, "; the rest is behind: raise budget or "
				"budget-bytes of [verify], or the cycle");
	}
	if (bk_rec_str(p->own, "only"))
		bk_buf_addf(&b, "; read and hashed, but not loaded: %s",
			    bk_rec_str(p->own, "only"));
	(void)v;
	ret->message = bk_buf_steal(&b);
}

void state_write(struct verify *v, struct subject *s)
{
	BK_AUTO_JSON json_t *counts = json_object(), *extra = json_object();
	BK_AUTO(verdict_free) struct verdict d = { 0 };
	struct bk_err err;

	if (v->cli.dry_run)
		return;
	verdict_of(v, s, &d);
	bk_rec_set_int(counts, "parts", (int64_t)s->progress.n);
	bk_rec_set_int(counts, "failures", (int64_t)s->progress.nfailures);
	bk_rec_set_int(counts, "bytes", (int64_t)s->bytes);
	(void)json_object_set_new(extra, "share", json_real(d.share));
	if (d.oldest)
		bk_rec_set_time(extra, "oldest", d.oldest);
	bk_rec_set_time(extra, "next", d.next);
	bk_rec_set_str(extra, "how", subject_kind(s)->how);
	if (bk_state_write("bk-verify", s->job, v->conf->host, v->start, d.exit,
			   d.message, counts, extra, &err) < 0)
		bk_warning("the state of '%s' is not recorded: %s", s->job,
			   err.msg);
}
