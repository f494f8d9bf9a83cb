/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The subject cold: the cold copies on a box, against the catalog.
 *
 * bk-cold check proves them, the oldest proofs first, by hashes computed on
 * the box, and a few read back whole, for a hash is only the word of the box.
 * The catalog has the time of each proof; the parts here are shares of the
 * copies in that order, so that the oldest is the first one.
 */
#include <stdio.h>

#include "child.h"
#include "log.h"
#include "sig.h"
#include "str.h"
#include "time.h"
#include "tool.h"

#define SHARES 64
#define DAY ((int64_t)86400)
/* Read back in a run. */
#define READ_BACK ((uint64_t)256 << 20)
/* A push brings what is missing once a day. */
#define PATIENCE ((int64_t)50 * 3600)

struct cold {
	struct subject *s;
	struct bk_strv standing; /* all that is wrong, by its "what" */
	uint64_t bytes;		 /* that were read */
	int64_t lacking;	 /* files that a push has still to bring */
	/* Of status. */
	bool known;
	uint64_t there;
	json_t *proofs;
};

static void cold_free(struct cold *c)
{
	bk_strv_free(&c->standing);
	json_decref(c->proofs);
}

static bool is_ours(const struct cold *c, const json_t *o)
{
	const char *box = bk_rec_str(o, "box");

	return !box || strcmp(box, c->s->section->name) == 0;
}

/* ---- what is wrong -------------------------------------------------------------- */

static void fail(struct cold *c, const char *what, const char *text)
{
	BK_AUTO_FREE char *message =
		bk_asprintf("[box %s] %s; see \"A damaged cold copy\" under "
			    "REPAIR in bk-verify(1)",
			    c->s->section->name, text);

	bk_strv_add(&c->standing, what);
	progress_fail(&c->s->progress, "00", what, message, c->s->clock.now);
}

static bool is_bad(const char *result)
{
	return strcmp(result, "ok") != 0 && strcmp(result, "unknown") != 0 &&
	       strcmp(result, "lacking") != 0;
}

/*
 * A bad copy stays on the box beside the new one, and is no surprise there: it
 * is remembered as left.
 */
static json_t *left_of(const struct cold *c)
{
	json_t *own = c->s->progress.own;

	if (!json_is_object(json_object_get(own, "left")))
		(void)json_object_set_new(own, "left", json_object());
	return json_object_get(own, "left");
}

static bool is_left(const struct cold *c, const char *object)
{
	BK_AUTO_FREE char *what = bk_asprintf("proof %s", object);

	return json_object_get(left_of(c), object) ||
	       progress_failure(&c->s->progress, what);
}

/* A proof, a manifest, a local file, or an object that nobody knows. */
static void take_result(struct cold *c, const char *type, const json_t *o)
{
	const char *result = bk_rec_str(o, "result");
	BK_AUTO_FREE char *object = bk_rec_get_path(o, "object");
	BK_AUTO_FREE char *path = bk_rec_get_path(o, "path");
	BK_AUTO_FREE char *message = bk_rec_get_path(o, "message");
	BK_AUTO_FREE char *what = NULL, *text = NULL;
	const char *name = object ? object : path ? path : "?";

	if (!result || !is_bad(result) ||
	    (strcmp(type, "extra") == 0 && is_left(c, name)))
		return;
	what = bk_asprintf("%s %s", type, name);
	text = bk_asprintf("%s%s%s%s is %s%s%s", name,
			   object && path ? " (" : "",
			   object && path ? path : "",
			   object && path ? ")" : "", result,
			   message ? "; first: " : "", message ? message : "");
	fail(c, what, text);
}

static void take_check(void *arg, const json_t *o)
{
	static const char *const types[] = { "proof", "manifest", "local",
					     "extra" };
	struct cold *c = arg;
	const char *type = bk_rec_str(o, "type");

	if (!is_ours(c, o))
		return;
	if (strcmp(type, "check") == 0) {
		c->bytes += (uint64_t)bk_rec_int(o, "bytes", 0);
		c->lacking = bk_rec_int(o, "lacking", 0);
	}
	for (size_t i = 0; i < BK_COUNT(types); i++)
		if (strcmp(type, types[i]) == 0)
			take_result(c, type, o);
}

/* Of those that were found before, and that nobody asked for again. */
static void take_bad(struct cold *c, const json_t *o)
{
	const char *result = bk_rec_str(o, "result");
	const char *object = bk_rec_str(o, "object");
	BK_AUTO_FREE char *path = bk_rec_get_path(o, "path");
	BK_AUTO_FREE char *what = NULL, *text = NULL;

	if (!result || !object)
		return;
	what = bk_asprintf("proof %s", object);
	text = bk_asprintf("%s (%s) is %s; first: bk-cold push", object,
			   path ? path : "?", result);
	if (progress_failure(&c->s->progress, what))
		bk_strv_add(&c->standing, what);
	else
		fail(c, what, text);
}

static void take_status(void *arg, const json_t *o)
{
	struct cold *c = arg;
	const char *type = bk_rec_str(o, "type");

	if (!is_ours(c, o))
		return;
	if (strcmp(type, "bad") == 0)
		take_bad(c, o);
	if (strcmp(type, "box") != 0)
		return;
	c->known = bk_rec_str(o, "id") != NULL;
	c->there = (uint64_t)bk_rec_int(o, "bytes", 0);
	json_decref(c->proofs);
	c->proofs = json_incref(json_object_get(o, "proofs"));
}

/* Copies that are short of their number for too long. */
static void judge_lacking(struct cold *c)
{
	json_t *own = c->s->progress.own;
	int64_t now = c->s->clock.now;
	int64_t since = bk_rec_int(own, "lacking", now);
	BK_AUTO_FREE char *text = NULL;

	if (c->lacking == 0) {
		(void)json_object_del(own, "lacking");
		return;
	}
	since = since > now ? now : since;
	bk_rec_set_int(own, "lacking", since);
	if (now - since < PATIENCE)
		return;
	text = bk_asprintf("%lld files are not here that should be, for more "
			   "than two days; first: bk-cold push",
			   (long long)c->lacking);
	fail(c, "lacking", text);
}

static void clear_rest(struct cold *c)
{
	static const char start[] = "proof ";
	struct progress *p = &c->s->progress;

	for (size_t i = p->nfailures; i-- > 0;) {
		BK_AUTO_FREE char *what = bk_strdup(p->failures[i].what);

		if (bk_strv_has(&c->standing, what))
			continue;
		progress_clear(p, what);
		if (bk_str_starts(what, start))
			bk_rec_set_bool(left_of(c), what + strlen(start), true);
	}
}

/* ---- asking ----------------------------------------------------------------------- */

/* Its exit status; -1 with err. */
static int ask_status(struct verify *v, struct cold *c, struct bk_err *err)
{
	AUTO_CHILD struct child child = CHILD_INIT;

	child_tool(&child, v, "bk-cold");
	child_add(&child, "--json", "status", "--offline");
	child.record = take_status;
	child.arg = c;
	if (child_run(&child, err) < 0)
		return -1;
	/* 1: something is wrong there, which was told. */
	if (child.status != BK_EX_OK && child.status != BK_EX_NO)
		return child_err(&child, child.status, err);
	if (!c->known)
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "[box %s] nothing was pushed yet",
				  c->s->section->name);
	return 0;
}

static int check(struct verify *v, struct cold *c, uint64_t bytes,
		 bool read_back, struct bk_err *err)
{
	AUTO_CHILD struct child child = CHILD_INIT;
	int64_t deadline = step_deadline(v);

	child_tool(&child, v, "bk-cold");
	child_add(&child, "--json", "check", c->s->section->name);
	if (bytes > 0) {
		bk_strv_add(&child.argv, "--max-bytes");
		bk_strv_addf(&child.argv, "%llu", (unsigned long long)bytes);
	}
	if (deadline) {
		int64_t left = (deadline - bk_time_mono_ms()) / 1000;

		bk_strv_add(&child.argv, "--max-time");
		bk_strv_addf(&child.argv, "%llds",
			     (long long)(left > 1 ? left : 1));
		/* It stops by itself, behind the file that it is at. */
		child.deadline = deadline + DAY * 1000;
	}
	if (read_back)
		bk_strv_add(&child.argv, "--read-back");
	child.record = take_check;
	child.arg = c;
	if (child_run(&child, err) < 0)
		return -1;
	if (child.status == BK_EX_NO && c->standing.n > 0)
		return 0;
	if (child.status == BK_EX_OK || child.status == BK_EX_PARTIAL)
		return 0;
	/* It was initialised, so there is nothing there now: not mounted. */
	return child_err(&child,
			 child.status == BK_EX_CONFIG ? BK_EX_TEMPFAIL
						      : child.status,
			 err);
}

/* ---- a step -------------------------------------------------------------------------- */

/* What is to be read, so that all of it is proved in time; 0: everything. */
static uint64_t portion(struct verify *v, const struct cold *c)
{
	const struct subject *s = c->s;
	BK_AUTO_FREE size_t *due = NULL;
	size_t n = progress_due(&s->progress, 0, &s->clock, &due);
	uint64_t bytes;

	if (s->clock.all)
		return 0;
	bytes = c->there / SHARES * (n > 0 ? n : 1) + 1;
	return v->limited && v->bytes < bytes ? v->bytes : bytes;
}

static void take_proofs(struct cold *c)
{
	struct progress *p = &c->s->progress;
	int64_t now = c->s->clock.now;

	for (size_t i = 0; i < p->n; i++) {
		const json_t *o = json_array_get(c->proofs, i);
		int64_t t = c->proofs ? json_integer_value(o) : now;
		struct progress_part *part = &p->parts[i];

		t = t > now + 300 ? 0 : t;
		c->s->proved += t > part->proved;
		part->proved = t;
	}
}

static int check_all(struct verify *v, struct cold *c, struct bk_err *err)
{
	uint64_t bytes, some;

	if (ask_status(v, c, err) < 0)
		return -1;
	take_proofs(c);
	bytes = portion(v, c);
	some = c->there / SHARES < READ_BACK ? c->there / SHARES + 1
					     : READ_BACK;
	bk_strv_free(&c->standing);
	if (check(v, c, some, true, err) < 0 ||
	    check(v, c, bytes, false, err) < 0 || ask_status(v, c, err) < 0)
		return -1;
	judge_lacking(c);
	return 0;
}

static int step(struct verify *v, struct subject *s, struct bk_err *err)
{
	BK_AUTO(cold_free) struct cold c = { .s = s };
	int got = check_all(v, &c, err);

	budget_spend(v, s, c.bytes);
	s->finished = true;
	if (got < 0)
		return -1;
	clear_rest(&c);
	s->proved = 0;
	take_proofs(&c);
	return 0;
}

static void prepare(struct verify *v, struct subject *s)
{
	BK_AUTO_STRV struct bk_strv names = BK_STRV_INIT;

	(void)v;
	for (unsigned int i = 0; i < SHARES; i++)
		bk_strv_addf(&names, "%02x", i);
	progress_expect(&s->progress, names.v, names.n);
}

static double score(struct verify *v, struct subject *s)
{
	double age = (double)(s->clock.now - s->progress.last);
	double parts = progress_score(&s->progress, 0, &s->clock), own;

	(void)v;
	/* The lists, and what does not belong there, are looked at daily. */
	own = s->progress.last == 0 ? 5 : age / (0.75 * (double)DAY);
	return own > parts ? own : parts;
}

const struct kind kind_cold = {
	.how = "hashed again",
	.first = 0,
	.prepare = prepare,
	.score = score,
	.step = step,
};
