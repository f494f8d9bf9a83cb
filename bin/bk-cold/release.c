/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * release: local files of folders that say so are taken away, once all rules
 * are kept that safe.c (the file), evidence.c (its copies) and go.c (brakes)
 * have; quarantine.c moves them, and deletes them later.
 */
#include "release.h"

#include <errno.h>
#include <fcntl.h>

#include "disk.h"
#include "file.h"
#include "log.h"
#include "path.h"
#include "sig.h"
#include "source.h"
#include "time.h"
#include "walk.h"

enum { BATCH = 10000 };

/* ---- telling ------------------------------------------------------------------- */

void release_say(struct release *r, const char *type, const char *path,
		 uint64_t size)
{
	struct bk_rec *out = &r->c->out;
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	json_t *o;

	if (out->mode == BK_REC_JSON) {
		o = json_object();
		bk_rec_set_path(o, "path", path);
		bk_rec_set_int(o, "bytes", (int64_t)size);
		bk_rec_json(out, type, o);
		return;
	}
	bk_str_add_size(&b, size);
	bk_rec_text(out, type, path, b.p, NULL);
}

static void say_left(struct release *r, const char *path, const char *why)
{
	json_t *o;

	if (r->c->out.mode != BK_REC_JSON) {
		bk_rec_text(&r->c->out, "left", path, why, NULL);
		return;
	}
	o = json_object();
	bk_rec_set_path(o, "path", path);
	bk_rec_set_path(o, "reason", why);
	bk_rec_json(&r->c->out, "left", o);
}

/* What comes by itself, or never, is told to those who look. */
static bool tells_all(const struct release *r)
{
	return r->c->out.mode == BK_REC_JSON || bk_log_level() >= BK_LOG_INFO;
}

void release_left(struct release *r, const char *path, const char *why,
		  bool ordinary)
{
	if (ordinary)
		r->waiting++;
	else
		r->left++;
	if (!ordinary || r->dry || tells_all(r))
		say_left(r, path, why);
}

void release_failed(struct release *r, const char *path, const char *why)
{
	r->failed++;
	if (!r->first)
		r->first = bk_asprintf("%s: %s", path, why);
	bk_warning("%s: %s", path, why);
	say_left(r, path, why);
}

/* ---- finding ------------------------------------------------------------------- */

static struct cand *add_cand(struct place *p)
{
	if (!p->v)
		p->v = bk_calloc(BATCH, sizeof(*p->v));
	p->v[p->n] = (struct cand){ .why = NULL };
	return &p->v[p->n++];
}

/* What decides about a folder is never taken out of it. */
static bool is_marker(const char *name)
{
	return strcmp(name, ".backup") == 0 || strcmp(name, ".nobackup") == 0 ||
	       bk_str_starts(name, ".coldstorage");
}

/* What can be said without a look at anything else; rules as in safe.c. */
static const char *stays(const struct place *p, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "is no regular file";
	if (st->st_nlink > 1)
		return "has several names (hard links)";
	if (p->d->owner != (uid_t)-1 && p->d->owner != 0 &&
	    st->st_uid != p->d->owner)
		return "belongs to another user than its marker";
	return NULL;
}

static bool is_young(const struct place *p, const struct stat *st)
{
	int64_t last =
		st->st_mtime > st->st_ctime ? st->st_mtime : st->st_ctime;
	int64_t age = p->r->age > (int64_t)p->d->min_age
			      ? p->r->age
			      : (int64_t)p->d->min_age;

	return last > bk_time_now() - age;
}

/*
 * A candidate, unless a reason keeps it; -1 where the catalog failed. held:
 * that it lies in the quarantine, or NULL.
 */
static int consider(struct place *p, const char *path, int64_t id,
		    struct hold *held, const char **ret_why, struct bk_err *err)
{
	ENTRY_AUTO struct entry e = ENTRY_INIT;
	struct cand *k;
	bool failed = false;
	int got = hold_entry(p->r->cat, id, &e, err);

	if (got < 0)
		return -1;
	*ret_why =
		got == 0 || e.meta.type != 'f' || strcmp(e.path, path) != 0
			? "is not copied yet, or was changed since"
			: evidence_old(&p->r->ev, &e, p->boxes, &failed, err);
	if (got == 1 && failed)
		return -1;
	if (*ret_why)
		return 0;
	k = add_cand(p);
	k->e = e;
	e = ENTRY_INIT;
	if (held) {
		k->old = bk_malloc(sizeof(*held));
		*k->old = *held;
		*held = (struct hold){ 0 };
	}
	return p->n == BATCH ? release_batch(p, err) : 0;
}

static int visit(void *arg, const struct walk_item *i, struct bk_err *err)
{
	struct place *p = arg;
	struct release *r = p->r;
	const char *why;
	boxset listed;
	int64_t id = 0;
	int got;

	if (r->over || is_marker(i->name))
		return 0;
	if (S_ISDIR(i->st->st_mode)) {
		if (tells_all(r))
			say_left(r, i->path, "is a folder");
		return 0;
	}
	why = stays(p, i->st);
	if (why) {
		release_left(r, i->path, why, false);
		return 0;
	}
	if (is_young(p, i->st)) {
		release_left(r, i->path, "was changed too recently", true);
		return 0;
	}
	got = catalog_known(r->cat, i->path, i->st, &id, &listed, err);
	if (got < 0)
		return -1;
	if (got == 0)
		why = "is not copied yet, or was changed since";
	else if (consider(p, i->path, id, NULL, &why, err) < 0)
		return -1;
	if (why)
		release_left(r, i->path, why, true);
	return 0;
}

static void unreadable(void *arg, const struct decision *d, const char *path)
{
	struct place *p = arg;

	(void)d;
	release_failed(p->r, path, "cannot be read");
}

/* ---- what lies in the quarantine ------------------------------------------------ */

static bool is_due(const struct release *r, const struct hold *h)
{
	int64_t now = bk_time_now();

	return h->moved <= now && now - h->moved >= r->quarantine;
}

static int take_due(void *arg, struct hold *h, struct bk_err *err)
{
	struct place *p = arg;
	struct release *r = p->r;
	const char *why = NULL;

	if (r->over || strcmp(h->top, p->d->path) != 0 || !is_due(r, h) ||
	    plan_for(&r->plan, h->path) != p->d)
		return 0;
	if (consider(p, h->path, h->file, h, &why, err) < 0)
		return -1;
	if (why)
		release_left(r, h->path, why, false);
	return 0;
}

static int note_stranded(void *arg, struct hold *h, struct bk_err *err)
{
	struct release *r = arg;
	const struct decision *d = plan_for(&r->plan, h->path);

	(void)err;
	if (d && d->in && d->release && strcmp(d->path, h->top) == 0)
		return 0;
	release_left(r, h->path,
		     "lies in quarantine, and is not to be released any more: "
		     "bk-cold undo",
		     false);
	return 0;
}

/* ---- a folder ------------------------------------------------------------------- */

/* The boxes that all of its files must be on; 78 where they are too few. */
static int find_boxes(struct place *p, struct bk_err *err)
{
	struct cold *c = p->r->c;
	const struct decision *d = p->d;
	const struct bk_conf_section *all = bk_conf_find(c->conf, "cold", NULL);
	const char *key = d->copies == 2 ? "redundant" : "boxes";
	const struct bk_conf_value *v = NULL;
	BK_AUTO_STRV struct bk_strv names = BK_STRV_INIT;
	unsigned int n = 0;

	for (size_t i = 0; i < d->boxes.n; i++)
		bk_strv_add(&names, d->boxes.v[i]);
	while (d->boxes.n == 0 && (v = bk_conf_value(all, key, v)))
		bk_strv_split(&names, v->value, " ");
	for (size_t i = 0; i < names.n; i++) {
		struct catalog_box box = { 0 };
		int got;

		if (!cold_section(c, names.v[i], err))
			return -1;
		got = catalog_box(p->r->cat, names.v[i], &box, err);
		if (got == 1) {
			n += !(p->boxes & BOXSET(box.id));
			p->boxes |= BOXSET(box.id);
		}
		catalog_box_free(&box);
		if (got < 0)
			return -1;
		if (got == 0)
			return bk_err_set(err, BK_EX_CONFIG, 0,
					  "box %s is not initialised: bk-cold "
					  "init %s",
					  names.v[i], names.v[i]);
	}
	if (n >= d->copies)
		return 0;
	return bk_err_set(err, BK_EX_CONFIG, 0,
			  "%u copies are wanted, and %u boxes named", d->copies,
			  n);
}

static int work(struct place *p, struct bk_err *err)
{
	struct release *r = p->r;
	struct walk w = {
		.plan = &r->plan, .arg = p, .visit = visit, .failed = unreadable
	};
	BK_AUTO_FREE char *device = NULL;

	if (find_boxes(p, err) < 0 || safe_top_open(&p->top, p->d, err) < 0)
		return -1;
	device = disk_name(p->top.fd);
	if (!device)
		return bk_err_sys(err, "cannot look at '%s'", p->d->path);
	if (evidence_connect(&r->ev, p->boxes, device, err) < 0 ||
	    hold_each(r->cat, HOLD_BIT(HOLD_HELD), p->d->path, take_due, p,
		      err) < 0 ||
	    release_batch(p, err) < 0)
		return -1;
	if (walk_decision(&w, p->d, err) < 0 || release_batch(p, err) < 0)
		return -1;
	/* where nothing is in it any more, and no step is to be settled */
	if (!r->dry && r->failed == 0)
		(void)unlinkat(p->top.fd, WALK_QUARANTINE, AT_REMOVEDIR);
	return 0;
}

static int release_decision(struct release *r, const struct decision *d,
			    struct bk_err *err)
{
	struct place p = { .r = r, .d = d, .top = SAFE_TOP_INIT };
	int got = d->gone ? bk_err_set(err, BK_EX_TEMPFAIL, 0,
				       "cannot be seen now")
			  : work(&p, err);

	safe_top_close(&p.top);
	release_clear(&p);
	free(p.v);
	return got;
}

/* ---- the whole ------------------------------------------------------------------- */

static void read_limits(struct release *r)
{
	const struct bk_conf_section *s =
		bk_conf_find(r->c->conf, "cold", NULL);

	r->ev.settle = (int64_t)bk_conf_duration(s, "settle", 86400);
	r->proof_max_age =
		(int64_t)bk_conf_duration(s, "proof-max-age", 7 * 86400);
	r->age = (int64_t)bk_conf_duration(s, "release-age", 7 * 86400);
	r->quarantine = (int64_t)bk_conf_duration(s, "quarantine", 7 * 86400);
	r->max_delete = bk_conf_size(s, "max-delete", UINT64_MAX);
	r->max_percent = (unsigned int)bk_conf_u64(s, "max-percent", 50);
}

static int prepare(struct release *r, struct bk_err *err)
{
	read_limits(r);
	source_init();
	r->cat = quarantine_start(r->dry, 60000, err);
	if (!r->cat)
		return -1;
	r->ev.c = r->c;
	r->ev.cat = r->cat;
	r->ev.dry = r->dry;
	if (evidence_keys(&r->ev, err) < 0 ||
	    names_read(r->cat, &r->names, err) < 0)
		return -1;
	return plan_scan(r->c->cli.config, r->dry, &r->plan, err);
}

/* The worst status of those folders that could not be worked on. */
static int run(struct release *r, char **sets, struct bk_err *err)
{
	int status = BK_EX_OK;

	for (size_t i = 0; i < r->plan.n && !r->over; i++) {
		const struct decision *d = &r->plan.v[i];

		if (!d->in || !d->release || !cold_is_asked(sets, d->set) ||
		    release_decision(r, d, err) == 0)
			continue;
		if (bk_sig_pending())
			return -1;
		release_failed(r, d->path, err->msg);
		if (status == BK_EX_OK)
			status = err->exit;
	}
	if (!*sets && hold_each(r->cat, HOLD_BIT(HOLD_HELD), NULL,
				note_stranded, r, err) < 0)
		return -1;
	return status;
}

static char *sum_text(const struct release *r)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_str_add_count(&b, r->moved);
	bk_buf_addf(&b, " %s %s (", r->moved == 1 ? "file" : "files",
		    r->dry ? "would be released" : "released");
	bk_str_add_size(&b, r->moved ? r->moved_bytes : 0);
	bk_buf_addc(&b, ')');
	bk_str_add_part(&b, r->gone, "gone from quarantine");
	bk_str_add_part(&b, r->waiting, "not yet");
	bk_str_add_part(&b, r->left, "left");
	bk_str_add_part(&b, r->failed, "failed");
	if (r->braked)
		bk_buf_adds(&b, "; a brake stopped it");
	if (r->first)
		bk_buf_addf(&b, "; %s", r->first);
	return bk_buf_steal(&b);
}

static json_t *sum_json(const struct release *r)
{
	json_t *o = json_object();

	bk_rec_set_int(o, "released", (int64_t)r->moved);
	bk_rec_set_int(o, "bytes", (int64_t)(r->moved ? r->moved_bytes : 0));
	bk_rec_set_int(o, "gone", (int64_t)r->gone);
	bk_rec_set_int(o, "gone_bytes", (int64_t)r->gone_bytes);
	bk_rec_set_int(o, "waiting", (int64_t)r->waiting);
	bk_rec_set_int(o, "left", (int64_t)r->left);
	bk_rec_set_int(o, "failed", (int64_t)r->failed);
	bk_rec_set_int(o, "proofs", (int64_t)r->ev.proofs);
	return o;
}

static int judge(const struct release *r, int status)
{
	if (r->ev.wrong)
		return BK_EX_NO;
	if (status == BK_EX_TEMPFAIL && r->moved == 0 && r->gone == 0)
		return BK_EX_TEMPFAIL;
	return status != BK_EX_OK || r->failed || r->braked || r->ev.locked ||
			       r->plan.partial
		       ? BK_EX_PARTIAL
		       : BK_EX_OK;
}

static void finish(struct release *r, char **sets, int64_t start, int status)
{
	BK_AUTO_FREE char *text = sum_text(r);
	BK_AUTO_JSON json_t *counts = sum_json(r);

	bk_log_progress(NULL);
	if (r->c->out.mode == BK_REC_JSON)
		bk_rec_json(&r->c->out, "release", json_deep_copy(counts));
	bk_notice("%s%s", text,
		  r->dry && !r->c->cli.dry_run ? "; to do it: --yes" : "");
	if (!*sets && !r->dry)
		cold_state(r->c, "release", start, status, text, counts);
}

static void release_free(struct release *r)
{
	evidence_free(&r->ev);
	names_free(&r->names);
	plan_free(&r->plan);
	for (size_t i = 0; i < r->nallowances; i++)
		free(r->allowances[i].set);
	free(r->allowances);
	free(r->first);
	catalog_close(r->cat);
}

int cmd_release(struct cold *c, char **sets)
{
	struct release r = { .c = c, .dry = c->cli.dry_run || !c->yes };
	int64_t start = bk_time_now();
	struct bk_err err;
	int status = cold_check_sets(c, sets);

	if (status == BK_EX_OK)
		status = cold_check_writable(c, true);
	if (status != BK_EX_OK)
		return status;
	status = prepare(&r, &err) < 0 ? -1 : run(&r, sets, &err);
	if (status < 0) {
		bk_log_progress(NULL);
		status = bk_log_err(&err);
		if (!*sets && !r.dry)
			cold_state(c, "release", start, status, err.msg, NULL);
	} else {
		status = judge(&r, status);
		finish(&r, sets, start, status);
	}
	release_free(&r);
	bk_rec_end(&c->out, status);
	return status;
}
