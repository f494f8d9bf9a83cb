/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * push: copy what the plan has in cold storage to its boxes, and prove it
 * there.
 */
#include "push.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "file.h"
#include "identity.h"
#include "log.h"
#include "name.h"
#include "path.h"
#include "quarantine.h"
#include "sig.h"
#include "time.h"

/* For whom its files are encrypted. */
static void find_recipients(struct push *p, struct tally *t)
{
	const char *file = cold_recipients(p->c->conf, t->set);

	t->sealed = file != NULL;
	t->refused = file && age_recipients_read(file, &t->to, &t->err) < 0;
}

struct tally *push_tally(struct push *p, const char *set)
{
	struct tally *t;

	for (size_t i = 0; i < p->ntallies; i++)
		if (strcmp(p->tallies[i]->set, set) == 0)
			return p->tallies[i];
	p->tallies =
		bk_realloc(p->tallies, p->ntallies + 1, sizeof(struct tally *));
	t = bk_calloc(1, sizeof(*t));
	t->set = bk_strdup(set);
	find_recipients(p, t);
	p->tallies[p->ntallies++] = t;
	return t;
}

void push_failed(struct push *p, struct tally *t, const char *path,
		 const char *why, bool said)
{
	(void)p;
	t->failed++;
	if (!t->first)
		t->first = bk_asprintf("%s: %s", path, why);
	if (!said)
		bk_warning("%s: %s", path, why);
}

/* ---- deciding -------------------------------------------------------------- */

/* What the commands and the configuration call the set. */
static void add_names(struct bk_strv *l, const struct bk_conf_section *s,
		      const char *key)
{
	const struct bk_conf_value *v = NULL;

	while ((v = bk_conf_value(s, key, v)))
		bk_strv_split(l, v->value, " ");
}

/* On which boxes a decision wants its files; 0 and a report where on none. */
static boxset boxes_for(struct push *p, const struct decision *d)
{
	BK_AUTO_STRV struct bk_strv names = BK_STRV_INIT;
	const struct bk_conf_section *all =
		bk_conf_find(p->c->conf, "cold", NULL);
	const char *key = d->copies == 2 ? "redundant" : "boxes";
	boxset boxes = 0;
	unsigned int n = 0;

	for (size_t i = 0; i < d->boxes.n; i++)
		bk_strv_add(&names, d->boxes.v[i]);
	if (names.n == 0)
		add_names(&names, all, key);
	for (size_t i = 0; i < names.n; i++) {
		struct bk_err err;
		boxset box =
			bk_conf_find(p->c->conf, "box", names.v[i])
				? targets_add(&p->targets, names.v[i], &err)
				: 0;

		if (!box && !bk_conf_find(p->c->conf, "box", names.v[i]))
			(void)bk_err_set(&err, BK_EX_CONFIG, 0,
					 "there is no [box %s]", names.v[i]);
		if (!box)
			push_failed(p, push_tally(p, d->set), d->path, err.msg,
				    false);
		n += box && !(boxes & box);
		boxes |= box;
	}
	if (names.n == 0)
		push_failed(p, push_tally(p, d->set), d->path,
			    d->copies == 2 ? "no boxes: [cold] has no redundant"
					   : "no boxes: [cold] has no boxes",
			    false);
	else if (n < d->copies && n == names.n)
		push_failed(p, push_tally(p, d->set), d->path,
			    "two copies are wanted, and one box is named",
			    false);
	return boxes;
}

static bool is_young(const struct push *p, const struct walk_item *i)
{
	int64_t last = i->st->st_mtime > i->st->st_ctime ? i->st->st_mtime
							 : i->st->st_ctime;

	return i->decision->min_age &&
	       last > p->now - (int64_t)i->decision->min_age;
}

struct visit {
	struct push *p;
	struct tally *t;
	boxset boxes;
};

static void say(struct visit *v, const char *path, uint64_t size)
{
	struct bk_rec *out = &v->p->c->out;
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	json_t *o;

	if (out->mode == BK_REC_JSON) {
		o = json_object();
		bk_rec_set_path(o, "path", path);
		bk_rec_set_int(o, "bytes", (int64_t)size);
		bk_rec_json(out, "would-push", o);
		return;
	}
	bk_str_add_size(&b, size);
	bk_rec_text(out, path, b.p, NULL);
}

/* A folder or a symbolic link: it has no content, only metadata. */
static int note_other(struct visit *v, const struct walk_item *i,
		      struct bk_err *err)
{
	struct push *p = v->p;
	bool folder = S_ISDIR(i->st->st_mode);
	BK_AUTO_CLOSE int fd =
		walk_open(i, folder ? O_RDONLY | O_DIRECTORY : O_PATH);
	ENTRY_AUTO struct entry e = ENTRY_INIT, before = ENTRY_INIT;
	boxset listed;
	struct bk_err why;
	int got;

	if (fd < 0 || meta_read(fd, &e.meta, &why) < 0) {
		push_failed(p, v->t, i->path,
			    fd < 0 ? strerror(errno) : why.msg, false);
		return 0;
	}
	e.path = bk_strdup(i->path);
	e.set = bk_strdup(v->t->set);
	e.since = bk_time_now();
	got = catalog_find(p->cat, i->path, &before, &listed, err);
	if (got < 0)
		return -1;
	if (got == 1 && strcmp(before.set, e.set) == 0 &&
	    meta_same(&before.meta, &e.meta)) {
		e.id = before.id;
		if (catalog_touch(p->cat, e.id, &e.meta, err) < 0)
			return -1;
	} else if (catalog_add(p->cat, &e, err) < 0) {
		return -1;
	}
	return catalog_want(p->cat, e.id, v->boxes, err);
}

static int visit(void *arg, const struct walk_item *i, struct bk_err *err)
{
	struct visit *v = arg;
	struct push *p = v->p;
	bool file = S_ISREG(i->st->st_mode);
	boxset listed = 0;
	int64_t id;
	int got;

	if (!file && !S_ISDIR(i->st->st_mode) && !S_ISLNK(i->st->st_mode)) {
		v->t->left++;
		return 0;
	}
	if (file) {
		v->t->files++;
		v->t->bytes += (uint64_t)i->st->st_size;
	}
	got = catalog_known(p->cat, i->path, i->st, &id, &listed, err);
	if (got < 0)
		return -1;
	if (got == 1 && !(v->boxes & ~listed))
		return 0;
	if (file && is_young(p, i)) {
		v->t->young++;
		return 0;
	}
	if (p->c->cli.dry_run) {
		if (file)
			say(v, i->path, (uint64_t)i->st->st_size);
		return 0;
	}
	if (file)
		return send_file(p, v->t, i, v->boxes, err);
	return note_other(v, i, err);
}

static void unreadable(void *arg, const struct decision *d, const char *path)
{
	struct visit *v = arg;

	(void)d;
	push_failed(v->p, v->t, path, "cannot be read", true);
}

static int push_decision(struct push *p, const struct decision *d,
			 struct bk_err *err)
{
	struct visit v = { .p = p, .t = push_tally(p, d->set) };
	const char *around;
	struct walk w = { .plan = &p->plan,
			  .arg = &v,
			  .visit = visit,
			  .failed = unreadable };

	if (d->gone) {
		push_failed(p, v.t, d->path, "cannot be seen now", false);
		return 0;
	}
	around = cold_sealed_around(p->c->conf, d->set, d->path);
	if (around) {
		BK_AUTO_FREE char *why = bk_asprintf(
			"lies in [cold %s], which is encrypted, and nobody "
			"says that this is not to be: encrypt in [cold%s%s]",
			around, *d->set ? " " : "", d->set);

		push_failed(p, v.t, d->path, why, false);
		return 0;
	}
	if (v.t->refused) {
		push_failed(p, v.t, d->path, v.t->err.msg, false);
		return 0;
	}
	v.boxes = boxes_for(p, d);
	return v.boxes ? walk_decision(&w, d, err) : 0;
}

/* ---- the whole ------------------------------------------------------------- */

/* Nothing on a box is changed, so what went there before stays as it is. */
static int tell_unsealed(const struct push *p, struct bk_err *err)
{
	for (size_t i = 0; i < p->ntallies; i++) {
		const struct tally *t = p->tallies[i];
		int64_t n =
			t->sealed ? catalog_unsealed(p->cat, t->set, err) : 0;

		if (n < 0)
			return -1;
		if (n > 0)
			bk_warning("set %s: %lld %s on boxes unencrypted, from "
				   "before; what lies there is never changed",
				   cold_set_name(t->set), (long long)n,
				   n == 1 ? "file lies" : "files lie");
	}
	return 0;
}

static int run(struct push *p, char **sets, size_t *ret_unlisted,
	       struct bk_err *err)
{
	*ret_unlisted = 0;
	for (size_t i = 0; i < p->plan.n; i++) {
		const struct decision *d = &p->plan.v[i];

		if (d->in && cold_is_asked(sets, d->set) &&
		    push_decision(p, d, err) < 0)
			return -1;
	}
	if (p->c->cli.dry_run)
		return 0;
	if (send_drain(p, err) < 0 || push_commit(p, err) < 0 ||
	    list_all(p, ret_unlisted, err) < 0 || tell_unsealed(p, err) < 0)
		return -1;
	return push_commit(p, err);
}

static char *tally_text(const struct tally *t)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_str_add_count(&b, t->files);
	bk_buf_adds(&b, t->files == 1 ? " file, " : " files, ");
	bk_str_add_size(&b, t->bytes);
	if (t->copied) {
		bk_str_add_part(&b, t->copied, "copied (");
		bk_str_add_size(&b, t->copied_bytes);
		bk_buf_addc(&b, ')');
	}
	bk_str_add_part(&b, t->young, "too young");
	bk_str_add_part(&b, t->left, "left out that are no files");
	bk_str_add_part(&b, t->failed, "failed");
	if (t->first)
		bk_buf_addf(&b, "; %s", t->first);
	return bk_buf_steal(&b);
}

static json_t *tally_json(const struct tally *t)
{
	json_t *o = json_object();

	bk_rec_set_int(o, "files", (int64_t)t->files);
	bk_rec_set_int(o, "bytes", (int64_t)t->bytes);
	bk_rec_set_int(o, "copied", (int64_t)t->copied);
	bk_rec_set_int(o, "bytes_added", (int64_t)t->copied_bytes);
	bk_rec_set_int(o, "young", (int64_t)t->young);
	bk_rec_set_int(o, "failed", (int64_t)t->failed);
	return o;
}

static void print_tally(struct cold *c, const struct tally *t)
{
	const char *result = t->failed ? "partial" : "ok";
	BK_AUTO_FREE char *text = tally_text(t);
	json_t *o;

	if (c->out.mode != BK_REC_JSON) {
		bk_rec_text(&c->out, cold_set_name(t->set), result, text, NULL);
		return;
	}
	o = tally_json(t);
	bk_rec_set_str(o, "set", cold_set_name(t->set));
	bk_rec_set_str(o, "result", result);
	bk_rec_set_str(o, "message", text);
	bk_rec_json(&c->out, "push", o);
}

/* All sets together, for the state. */
static struct tally sum(const struct push *p)
{
	struct tally s = { 0 };

	for (size_t i = 0; i < p->ntallies; i++) {
		const struct tally *t = p->tallies[i];

		s.files += t->files;
		s.bytes += t->bytes;
		s.copied += t->copied;
		s.copied_bytes += t->copied_bytes;
		s.young += t->young;
		s.left += t->left;
		s.failed += t->failed;
		if (!s.first)
			s.first = t->first;
	}
	return s;
}

static int judge(const struct push *p, const struct tally *s, size_t unlisted)
{
	if (s->failed == 0 && unlisted == 0)
		return p->plan.partial ? BK_EX_PARTIAL : BK_EX_OK;
	/* nothing came anywhere, and it may do so later */
	for (size_t i = 0; i < p->targets.n; i++)
		if (!p->targets.v[i].refused ||
		    p->targets.v[i].err.exit != BK_EX_TEMPFAIL)
			return BK_EX_PARTIAL;
	return p->targets.n && s->copied == 0 ? BK_EX_TEMPFAIL : BK_EX_PARTIAL;
}

static int finish(struct push *p, char **sets, int64_t start, size_t unlisted)
{
	struct tally s = sum(p);
	int status = judge(p, &s, unlisted);
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_FREE char *text = tally_text(&s);
	BK_AUTO_JSON json_t *counts = tally_json(&s);

	bk_log_progress(NULL);
	if (p->c->cli.dry_run)
		return status;
	for (size_t i = 0; i < p->ntallies; i++)
		print_tally(p->c, p->tallies[i]);
	if (unlisted)
		bk_buf_adds(&b, "no manifest could be written; ");
	if (p->plan.partial)
		bk_buf_adds(&b, "the scan found something wrong; ");
	bk_buf_adds(&b, text);
	if (!*sets)
		cold_state(p->c, "push", start, status, b.p, counts);
	return status;
}

/* Each file on its way is open, and so is what it takes to send it. */
enum { JOBS_MAX = 1100, JOBS_LEAST = 32, OTHERS_OPEN = 160 };

/* How many files may be on their way. */
static size_t want_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return JOBS_LEAST;
	if (r.rlim_cur < r.rlim_max && r.rlim_cur < 4096) {
		r.rlim_cur = r.rlim_max < 4096 ? r.rlim_max : 4096;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
	if (r.rlim_cur < OTHERS_OPEN + JOBS_LEAST)
		return JOBS_LEAST;
	return r.rlim_cur < OTHERS_OPEN + JOBS_MAX ? r.rlim_cur - OTHERS_OPEN
						   : JOBS_MAX;
}

static int prepare(struct push *p, struct bk_err *err)
{
	p->cat = quarantine_start(p->c->cli.dry_run, 60000, err);
	if (!p->cat)
		return -1;
	if (plan_scan(p->c->cli.config, p->c->cli.dry_run, &p->plan, err) < 0)
		return -1;
	p->targets = (struct targets){ .c = p->c, .cat = p->cat };
	p->targets.host = name_of_host(p->plan.host);
	return 0;
}

static void push_free(struct push *p)
{
	targets_free(&p->targets);
	send_free(p);
	for (size_t i = 0; i < p->ntallies; i++) {
		free(p->tallies[i]->set);
		free(p->tallies[i]->first);
		age_recipients_free(&p->tallies[i]->to);
		free(p->tallies[i]);
	}
	free(p->tallies);
	plan_free(&p->plan);
	catalog_close(p->cat);
}

int cmd_push(struct cold *c, char **sets)
{
	struct push p = { .c = c, .now = bk_time_now() };
	int64_t start = bk_time_now();
	size_t unlisted = 0;
	struct bk_err err;
	int status = cold_check_sets(c, sets);

	if (status == BK_EX_OK)
		status = cold_check_writable(c, false);
	if (status != BK_EX_OK)
		return status;
	source_init();
	p.njobs_max = want_descriptors();
	p.started = p.committed = bk_time_mono_ms();
	if (prepare(&p, &err) < 0 || run(&p, sets, &unlisted, &err) < 0) {
		struct bk_err why;

		bk_log_progress(NULL);
		/* what was proved stays proved */
		if (p.cat)
			(void)push_commit(&p, &why);
		status = bk_log_err(&err);
		if (!*sets && !c->cli.dry_run)
			cold_state(c, "push", start, status, err.msg, NULL);
	} else {
		status = finish(&p, sets, start, unlisted);
	}
	push_free(&p);
	bk_rec_end(&c->out, status);
	return status;
}
