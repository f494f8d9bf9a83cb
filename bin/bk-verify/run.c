/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-verify run: what is most overdue first, a step at a time, until nothing
 * is due or the budget is spent.
 */
#include <stdio.h>

#include "drill.h"
#include "dump.h"
#include "file.h"
#include "lock.h"
#include "log.h"
#include "sig.h"
#include "str.h"
#include "time.h"
#include "tool.h"

static void keep_progress(struct subject *s)
{
	struct bk_err err;

	if (progress_write(&s->progress, &err) < 0)
		bk_warning("the progress of %s is not kept: %s", s->name,
			   err.msg);
}

static void note_trouble(struct subject *s, const struct bk_err *err)
{
	s->outcome =
		err->exit == BK_EX_TEMPFAIL ? OUTCOME_UNKNOWN : OUTCOME_ERROR;
	s->exit = err->exit;
	s->finished = true;
	free(s->why);
	s->why = bk_strdup(err->msg);
	if (bk_sig_pending())
		return;
	if (s->outcome == OUTCOME_UNKNOWN)
		bk_warning("%s: %s", s->name, err->msg);
	else
		bk_error("%s: %s", s->name, err->msg);
}

/* New failures are told at once, and known even if the rest is never done. */
static void tell_failures(struct subject *s, size_t before)
{
	for (size_t i = before; i < s->progress.nfailures; i++)
		if (i < before + 20)
			bk_error("%s: %s", s->name,
				 s->progress.failures[i].message);
}

static void take_step(struct verify *v, struct subject *s)
{
	struct progress *p = &s->progress;
	size_t before = p->nfailures;
	struct bk_err err;

	s->clock.now = bk_time_now();
	if (p->since == 0)
		p->since = v->start;
	bk_log_progress(s->name);
	if (subject_kind(s)->step(v, s, &err) < 0)
		note_trouble(s, &err);
	else if (s->outcome != OUTCOME_FAILED)
		s->outcome = p->nfailures > 0 ? OUTCOME_FAILED : OUTCOME_PROVED;
	bk_log_progress(NULL);
	v->steps++;
	p->last = bk_time_now();
	/* What was cleared in between was told in an earlier run. */
	tell_failures(s, before < p->nfailures ? before : p->nfailures);
	keep_progress(s);
	if (p->nfailures > 0)
		state_write(v, s);
}

/* ---- which -------------------------------------------------------------------- */

static bool is_meant(const struct subject *s, char **args)
{
	for (char **name = args; *name; name++)
		if (subject_is(s, *name))
			return true;
	return !args[0];
}

static int check_names(const struct verify *v, char **args)
{
	for (; *args; args++) {
		bool known = false;

		for (size_t i = 0; i < v->n; i++)
			known = known || subject_is(&v->subjects[i], *args);
		if (!known) {
			bk_error("there is no subject '%s': see bk-verify "
				 "status",
				 *args);
			return BK_EX_NOINPUT;
		}
	}
	return BK_EX_OK;
}

static double score_of(struct verify *v, struct subject *s)
{
	const struct kind *k = subject_kind(s);

	return k->score ? k->score(v, s)
			: progress_score(&s->progress, k->first, &s->clock);
}

static struct subject *most_overdue(struct verify *v, char **args)
{
	struct subject *found = NULL;
	double worst = 0;

	for (size_t i = 0; i < v->n; i++) {
		struct subject *s = &v->subjects[i];
		double score;

		if (s->finished || !is_meant(s, args))
			continue;
		s->clock.now = bk_time_now();
		score = score_of(v, s);
		/* What was named is tried once, though it be not due. */
		if (v->named && s->outcome == OUTCOME_IDLE && score < 1)
			score = 1;
		if (score >= 1 && (!found || score > worst)) {
			found = s;
			worst = score;
		}
	}
	return found;
}

/* ---- what it came to ------------------------------------------------------------ */

static const char *outcome_word(const struct subject *s, int exit)
{
	if (s->progress.nfailures > 0)
		return "failed";
	if (s->outcome == OUTCOME_UNKNOWN)
		return "unknown";
	if (s->outcome == OUTCOME_ERROR)
		return "error";
	if (exit == BK_EX_PARTIAL)
		return "behind";
	return "ok";
}

static void report(struct verify *v, const struct subject *s,
		   const struct verdict *d)
{
	const char *word = outcome_word(s, d->exit);
	json_t *o;

	if (v->out.mode != BK_REC_JSON) {
		bk_rec_text(&v->out, s->name, word, d->message, NULL);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "subject", s->name);
	bk_rec_set_str(o, "result", word);
	bk_rec_set_path(o, "message", d->message);
	bk_rec_set_int(o, "bytes", (int64_t)s->bytes);
	bk_rec_set_int(o, "proved", (int64_t)s->proved);
	(void)json_object_set_new(o, "share", json_real(d->share));
	bk_rec_json(&v->out, "proof", o);
}

/* A failure outweighs everything; else as for several jobs of any tool. */
static int join_exit(int all, int exit, bool first)
{
	if (first || all == exit || exit == BK_EX_NO)
		return exit;
	return all == BK_EX_NO ? all : BK_EX_PARTIAL;
}

static int conclude(struct verify *v, char **args)
{
	int all = BK_EX_OK;
	bool first = true;

	for (size_t i = 0; i < v->n; i++) {
		struct subject *s = &v->subjects[i];
		BK_AUTO(verdict_free) struct verdict d = { 0 };

		if (!is_meant(s, args))
			continue;
		state_write(v, s);
		verdict_of(v, s, &d);
		if (s->outcome != OUTCOME_IDLE || d.exit != BK_EX_OK ||
		    v->named)
			report(v, s, &d);
		all = join_exit(all, d.exit, first);
		first = false;
	}
	return all;
}

static void say_plan(struct verify *v, char **args)
{
	struct subject *s;

	while ((s = most_overdue(v, args))) {
		json_t *o;

		s->finished = true;
		if (v->out.mode != BK_REC_JSON) {
			bk_rec_text(&v->out, s->name, subject_kind(s)->how,
				    NULL);
			continue;
		}
		o = json_object();
		bk_rec_set_str(o, "subject", s->name);
		bk_rec_set_str(o, "how", subject_kind(s)->how);
		bk_rec_json(&v->out, "due", o);
	}
}

static void set_budget(struct verify *v)
{
	const struct bk_conf_section *s = bk_conf_find(v->conf, "verify", NULL);

	if (v->all)
		return;
	v->deadline = bk_time_mono_ms() +
		      (int64_t)bk_conf_duration(s, "budget", 7200) * 1000;
	v->bytes = bk_conf_size(s, "budget-bytes", (uint64_t)20 << 30);
	v->limited = v->bytes > 0;
}

static int run_all(struct verify *v, char **args)
{
	struct subject *s;

	set_budget(v);
	/* The first one is always tried, or a small budget proves nothing. */
	while (!bk_sig_pending() && (v->steps == 0 || budget_left(v)) &&
	       (s = most_overdue(v, args)))
		take_step(v, s);
	if (bk_sig_pending())
		return BK_EX_NO;
	return conclude(v, args);
}

int cmd_run(struct verify *v, char **args)
{
	BK_AUTO_CLOSE int lock = -1;
	struct bk_err err;
	int exit;

	if (!bk_conf_find(v->conf, "verify", NULL)) {
		bk_error("the configuration has no [verify]: an empty section "
			 "is enough");
		return BK_EX_CONFIG;
	}
	if (!v->cli.dry_run) {
		lock = bk_lock_take("verify", 0, &err);
		if (lock < 0)
			return bk_log_err(&err);
		drill_tidy();
		dump_tidy();
	}
	if (subjects_open(v, &err) < 0)
		return bk_log_err(&err);
	v->named = args[0] != NULL;
	exit = check_names(v, args);
	if (exit != BK_EX_OK)
		return exit;
	if (v->cli.dry_run)
		say_plan(v, args);
	else
		exit = run_all(v, args);
	return exit;
}
