/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bk-verify status, accept: what is proved, and what is not. */
#include <stdio.h>

#include "file.h"
#include "lock.h"
#include "log.h"
#include "str.h"
#include "time.h"
#include "tool.h"

static bool is_meant(const struct subject *s, char **args)
{
	for (char **name = args; *name; name++)
		if (subject_is(s, *name))
			return true;
	return !args[0];
}

/* How it came out is what its state says, not this process. */
static const char *word_of(const struct subject *s, const struct verdict *d,
			   int64_t now)
{
	if (s->progress.nfailures > 0)
		return "failed";
	if (bk_rec_str(s->progress.own, "instead"))
		return "none";
	if (s->progress.since == 0)
		return "never";
	if (d->exit == BK_EX_PARTIAL)
		return "behind";
	return d->next <= now ? "due" : "ok";
}

static void add_ago(struct bk_buf *b, int64_t now, int64_t then)
{
	if (then == 0) {
		bk_buf_adds(b, "-");
		return;
	}
	bk_str_add_duration(b, now > then ? (uint64_t)(now - then) : 0);
	bk_buf_adds(b, " ago");
}

static void add_next(struct bk_buf *b, int64_t now, int64_t next)
{
	if (next <= now) {
		bk_buf_adds(b, "now");
		return;
	}
	bk_buf_adds(b, "in ");
	bk_str_add_duration(b, (uint64_t)(next - now));
}

static void print_text(struct verify *v, struct subject *s,
		       const struct verdict *d, const char *word, int64_t now)
{
	BK_AUTO_BUF struct bk_buf share = BK_BUF_INIT, oldest = BK_BUF_INIT,
				  next = BK_BUF_INIT, last = BK_BUF_INIT;

	bk_buf_addf(&share, "%.0f %%",
		    d->share < 1 && d->share > 0.99 ? 99 : d->share * 100);
	bk_buf_adds(&oldest, "oldest ");
	add_ago(&oldest, now, d->oldest);
	bk_buf_adds(&last, "last ");
	add_ago(&last, now, s->progress.last);
	bk_buf_adds(&next, "next ");
	add_next(&next, now, d->next);
	bk_rec_text(&v->out, s->name, word, share.p, subject_kind(s)->how,
		    oldest.p, last.p, next.p, NULL);
	for (size_t i = 0; i < s->progress.nfailures; i++)
		bk_rec_text(&v->out, s->name, "failure",
			    s->progress.failures[i].message, NULL);
}

static json_t *failures_of(const struct subject *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->progress.nfailures; i++) {
		const struct progress_failure *f = &s->progress.failures[i];
		json_t *o = json_object();

		bk_rec_set_path(o, "what", f->what);
		bk_rec_set_path(o, "message", f->message);
		bk_rec_set_time(o, "first", f->first);
		bk_rec_set_time(o, "last", f->last);
		(void)json_array_append_new(list, o);
	}
	return list;
}

static void print_json(struct verify *v, struct subject *s,
		       const struct verdict *d, const char *word)
{
	json_t *o = json_object();

	bk_rec_set_str(o, "subject", s->name);
	bk_rec_set_str(o, "result", word);
	bk_rec_set_str(o, "how", subject_kind(s)->how);
	(void)json_object_set_new(o, "share", json_real(d->share));
	bk_rec_set_int(o, "cycle", (int64_t)s->clock.cycle);
	if (d->oldest)
		bk_rec_set_time(o, "oldest", d->oldest);
	if (s->progress.last)
		bk_rec_set_time(o, "last", s->progress.last);
	bk_rec_set_time(o, "next", d->next);
	(void)json_object_set_new(o, "failures", failures_of(s));
	bk_rec_json(&v->out, "subject", o);
}

/* 66 where a name means nothing. */
static int open_named(struct verify *v, char **args)
{
	struct bk_err err;

	if (subjects_open(v, &err) < 0)
		return bk_log_err(&err);
	for (; *args; args++) {
		bool known = false;

		for (size_t i = 0; i < v->n; i++)
			known = known || subject_is(&v->subjects[i], *args);
		if (!known) {
			bk_error("there is no subject '%s'", *args);
			return BK_EX_NOINPUT;
		}
	}
	return BK_EX_OK;
}

int cmd_status(struct verify *v, char **args)
{
	int exit = open_named(v, args);

	for (size_t i = 0; i < v->n && exit != BK_EX_NOINPUT; i++) {
		struct subject *s = &v->subjects[i];
		BK_AUTO(verdict_free) struct verdict d = { 0 };
		const char *word;

		if (!is_meant(s, args))
			continue;
		verdict_of(v, s, &d);
		word = word_of(s, &d, s->clock.now);
		if (v->out.mode == BK_REC_JSON)
			print_json(v, s, &d, word);
		else
			print_text(v, s, &d, word, s->clock.now);
		if (strcmp(word, "failed") == 0 || strcmp(word, "behind") == 0)
			exit = BK_EX_NO;
	}
	return exit;
}

/* What is gone shall be so: snapshots that were removed by hand, for instance. */
int cmd_accept(struct verify *v, char **args)
{
	BK_AUTO_CLOSE int lock = -1;
	struct bk_err err;
	int exit;

	if (!args[0])
		return bk_cli_usage("accept wants a subject");
	lock = bk_lock_take("verify", 0, &err);
	if (lock < 0)
		return bk_log_err(&err);
	exit = open_named(v, args);
	for (size_t i = 0; i < v->n && exit == BK_EX_OK; i++) {
		struct subject *s = &v->subjects[i];

		if (!is_meant(s, args) || !subject_kind(s)->accept ||
		    v->cli.dry_run)
			continue;
		subject_kind(s)->accept(v, s);
		if (progress_write(&s->progress, &err) < 0)
			exit = bk_log_err(&err);
		state_write(v, s);
	}
	return exit;
}
