/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that may go, taken away one by one; each brake is asked before. */
#include <fcntl.h>

#include "file.h"
#include "index.h"
#include "log.h"
#include "path.h"
#include "release.h"
#include "sig.h"
#include "time.h"

static struct allowance *allowance(struct release *r, const char *set,
				   struct bk_err *err)
{
	struct allowance *a;
	int64_t files;

	for (size_t i = 0; i < r->nallowances; i++)
		if (strcmp(r->allowances[i].set, set) == 0)
			return &r->allowances[i];
	files = hold_count(r->cat, set, err);
	if (files < 0)
		return NULL;
	r->allowances = bk_realloc(r->allowances, r->nallowances + 1,
				   sizeof(*r->allowances));
	a = &r->allowances[r->nallowances++];
	*a = (struct allowance){ .set = bk_strdup(set),
				 .files = (uint64_t)files };
	return a;
}

/* R17; one file at least is not a share. */
static const char *is_too_much(const struct release *r,
			       const struct allowance *a, uint64_t size)
{
	uint64_t most = a->files / 100 * r->max_percent +
			a->files % 100 * r->max_percent / 100;

	if (r->max_percent > 0 && most == 0)
		most = 1;
	if (a->taken >= most)
		return "max-percent of its set went in this run";
	if (size > r->max_delete || r->moved_bytes > r->max_delete - size)
		return "max-delete would be passed in this run";
	return NULL;
}

/* R8: what was proved at the beginning of a long run is not proved now. */
static const char *is_old_proof(const struct release *r, const struct cand *k)
{
	int64_t now = bk_time_now();

	if (k->when <= 0 || k->when > now)
		return "the clock was set back";
	return now - k->when > r->proof_max_age
		       ? "its proofs are too old by now"
		       : NULL;
}

static void note_folder(struct place *p, const char *path)
{
	char *dir = bk_path_parent(path);

	/* the walk comes to a folder's files one after the other, nearly */
	if (p->folders.n > 0 &&
	    strcmp(p->folders.v[p->folders.n - 1], dir) == 0)
		free(dir);
	else
		bk_strv_take(&p->folders, dir);
}

static int remove_held(struct place *p, int q, struct safe *f, struct hold *h,
		       struct bk_err *err)
{
	struct release *r = p->r;

	if (quarantine_delete(r->cat, q, f, h, err) < 0)
		return -1;
	r->gone++;
	r->gone_bytes += h->size;
	note_folder(p, h->path);
	release_say(r, "gone", h->path, h->size);
	return 0;
}

/* One that lies in the quarantine, for long enough. */
static int take_held(struct place *p, int q, struct cand *k, struct bk_err *err)
{
	SAFE_AUTO struct safe f = SAFE_INIT;
	int dir = fcntl(q, F_DUPFD_CLOEXEC, 3);

	if (dir < 0)
		return bk_err_sys(err, "cannot open the quarantine");
	if (safe_open_moved(&f, &p->top, dir, k->old->place, err) < 0 ||
	    safe_compare(&f, &k->e, true, err) < 0)
		return -1;
	if (!p->r->dry)
		return remove_held(p, q, &f, k->old, err);
	release_say(p->r, "would-delete", k->e.path, k->e.meta.size);
	return 0;
}

static int64_t older(const struct place *p)
{
	int64_t age = p->r->age;

	if ((int64_t)p->d->min_age > age)
		age = (int64_t)p->d->min_age;
	return bk_time_now() - age;
}

static int take_new(struct place *p, int q, struct allowance *a, struct cand *k,
		    struct bk_err *err)
{
	SAFE_AUTO struct safe f = SAFE_INIT;
	HOLD_AUTO struct hold h = { .file = k->e.id, .size = k->e.meta.size };
	struct release *r = p->r;

	if (safe_open(&f, &p->top, k->e.path, older(p), err) < 0 ||
	    safe_compare(&f, &k->e, false, err) < 0)
		return -1;
	a->taken++;
	r->moved_bytes += k->e.meta.size;
	if (r->dry) {
		r->moved++;
		release_say(r, "would-release", k->e.path, k->e.meta.size);
		return 0;
	}
	h.path = bk_strdup(k->e.path);
	h.top = bk_strdup(p->top.path);
	if (quarantine_take(r->cat, q, &f, &h, err) < 0)
		return -1;
	r->moved++;
	note_folder(p, h.path);
	release_say(r, "released", h.path, h.size);
	return r->quarantine == 0 ? remove_held(p, q, &f, &h, err) : 0;
}

static int take(struct place *p, int q, struct cand *k, struct bk_err *err)
{
	struct release *r = p->r;
	struct allowance *a;
	const char *why = k->why ? k->why : is_old_proof(r, k);

	if (why) {
		release_left(r, k->e.path, why, false);
		return 0;
	}
	if (safe_top_holds(&p->top, err) < 0)
		return -1;
	if (k->old)
		return take_held(p, q, k, err);
	a = allowance(r, p->d->set, err);
	if (!a)
		return -1;
	why = is_too_much(r, a, k->e.meta.size);
	if (!why)
		return take_new(p, q, a, k, err);
	r->braked = true;
	if (!a->over)
		bk_warning("set %s: it stops: %s", cold_set_name(a->set), why);
	a->over = true;
	release_left(r, k->e.path, why, true);
	return 0;
}

/* ---- what was decided, again -------------------------------------------------- */

static bool same_words(const struct bk_strv *a, const struct bk_strv *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

static bool same_decision(const struct decision *a, const struct decision *b)
{
	return b && b->in && !b->gone && b->release &&
	       strcmp(a->path, b->path) == 0 && strcmp(a->set, b->set) == 0 &&
	       a->owner == b->owner && a->copies == b->copies &&
	       a->min_age == b->min_age && same_words(&a->boxes, &b->boxes);
}

/* The proofs took time: what do markers say by now? */
static int decide_again(struct place *p, struct bk_err *err)
{
	BK_AUTO(plan_free) struct plan now = { 0 };

	if (plan_scan(p->r->c->cli.config, true, &now, err) < 0)
		return -1;
	for (size_t i = 0; i < p->n; i++) {
		const char *path = p->v[i].e.path;
		const struct decision *d = plan_for(&now, path);

		if (!p->v[i].why &&
		    (!same_decision(p->d, d) || decision_excludes(d, path)))
			p->v[i].why = "markers or configuration were changed";
	}
	return 0;
}

/* ---- a batch ------------------------------------------------------------------ */

void release_clear(struct place *p)
{
	for (size_t i = 0; i < p->n; i++) {
		entry_free(&p->v[i].e);
		if (p->v[i].old) {
			hold_free(p->v[i].old);
			free(p->v[i].old);
		}
	}
	p->n = 0;
}

/* Does it concern this file alone, and no mistake of ours? */
static void note_refused(struct release *r, const char *path,
			 const struct bk_err *err)
{
	if (err->exit == BK_EX_NOPERM || err->exit == BK_EX_TEMPFAIL ||
	    err->exit == BK_EX_NOINPUT)
		release_left(r, path, err->msg, false);
	else
		release_failed(r, path, err->msg);
}

static int take_all(struct place *p, struct bk_err *err)
{
	struct release *r = p->r;
	BK_AUTO_CLOSE int q = quarantine_open(&p->top, !r->dry, err);

	if (q < 0 && !(r->dry && err->exit == BK_EX_NOINPUT))
		return -1;
	for (size_t i = 0; i < p->n; i++) {
		if (bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "it was stopped");
		if (take(p, q, &p->v[i], err) < 0)
			note_refused(r, p->v[i].e.path, err);
	}
	return 0;
}

static void write_indexes(struct place *p)
{
	struct bk_err err;

	bk_strv_sort(&p->folders);
	for (size_t i = 0; i < p->folders.n; i++) {
		const char *dir = p->folders.v[i];

		if (i > 0 && strcmp(dir, p->folders.v[i - 1]) == 0)
			continue;
		if (index_write(p->r->cat, &p->r->names, &p->top, dir, &err) <
		    0)
			bk_warning("%s", err.msg);
	}
	bk_strv_free(&p->folders);
	p->folders = BK_STRV_INIT;
}

int release_batch(struct place *p, struct bk_err *err)
{
	struct release *r = p->r;
	struct bk_err why;
	int got = 0;

	if (p->n == 0 || r->over)
		goto out;
	got = evidence_new(&r->ev, p->v, p->n, p->boxes, err);
	/* what was found is noted, above all what is wrong */
	if (!r->dry && catalog_commit(r->cat, got < 0 ? &why : err) < 0)
		got = -1;
	if (r->ev.wrong) {
		r->over = true;
		release_failed(r, p->d->path, r->ev.err.msg);
		got = 0;
		goto out;
	}
	if (got == 0 && decide_again(p, err) == 0)
		got = take_all(p, err);
	else
		got = -1;
	if (!r->dry)
		write_indexes(p);
out:
	release_clear(p);
	return got;
}
