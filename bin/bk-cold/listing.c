/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Manifests of what a push brought: for each box those entries that are to be
 * listed there and whose copies are good. Each set that is encrypted has some
 * of its own, all others share theirs.
 */
#include "push.h"

#include <errno.h>
#include <unistd.h>

#include "dirs.h"
#include "identity.h"
#include "log.h"
#include "manifest.h"
#include "sig.h"

/* Entries of one generation; its reader keeps their ids, no more. */
enum { GENERATION_MAX = 100000, PIECE = 256 * 1024 };

struct listing {
	struct push *p;
	struct target *to;
	const struct bk_strv *sealed; /* sets that are in no plain manifest */
	const struct tally *t;	      /* the set that is encrypted; or NULL */
	struct manifest *m;
	unsigned int gen;
	int64_t *ids;
	size_t n;
};

static int add_entry(void *arg, struct entry *e, struct bk_err *err)
{
	struct listing *l = arg;

	if (manifest_add(l->m, e, err) < 0)
		return -1;
	l->ids = bk_realloc(l->ids, l->n + 1, sizeof(*l->ids));
	l->ids[l->n++] = e->id;
	return 0;
}

struct sending {
	bool over;
	struct bk_err err; /* exit 0: it is there */
};

static void on_done(void *arg, struct upload *u, const struct bk_err *err)
{
	struct sending *s = arg;

	(void)u;
	s->over = true;
	if (err)
		s->err = *err;
}

static int send_bytes(struct box *box, struct upload *u, int fd, uint64_t size,
		      const struct sending *s, struct bk_err *err)
{
	BK_AUTO_FREE char *piece = bk_malloc(PIECE);
	uint64_t at = 0;

	while (at < size && !s->over) {
		size_t n = upload_room(u);
		ssize_t got;

		if (n == 0) {
			if (box_poll(&box, 1, 1000, err) < 0)
				return -1;
			continue;
		}
		if (n > PIECE)
			n = PIECE;
		got = pread(fd, piece, n, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return bk_err_sys(err, "cannot read the manifest back");
		upload_write(u, piece, (size_t)got);
		at += (uint64_t)got;
	}
	return 0;
}

static int send_part(struct listing *l, enum manifest_kind kind,
		     struct bk_err *err)
{
	struct box *box = l->to->box;
	struct sending s = { .over = false };
	const char *sha256, *name;
	uint64_t size;
	int fd = manifest_part(l->m, kind, &size, &sha256, &name);
	struct upload *u =
		box_upload(box, l->p->targets.host, name, size, on_done, &s);

	if (send_bytes(box, u, fd, size, &s, err) < 0) {
		if (!s.over)
			upload_abort(u, err);
	} else if (!s.over) {
		upload_finish(u, sha256);
	}
	while (!s.over)
		if (box_poll(&box, 1, 1000, err) < 0)
			return -1;
	if (s.err.exit)
		return bk_err_set(err, s.err.exit, 0, "%s", s.err.msg);
	return 0;
}

/* Which generation follows: on the box, and as far as the catalog knows. */
static int next_generation(struct listing *l, struct bk_err *err)
{
	unsigned int there;

	if (manifest_last(l->to->box, l->p->plan.host, &there, err) < 0)
		return -1;
	l->gen = there > l->to->known.gen ? there : l->to->known.gen;
	l->gen++;
	return 0;
}

static int note_listed(struct listing *l, struct bk_err *err)
{
	struct catalog *cat = l->p->cat;

	size_t n;
	const enum manifest_kind *kinds = manifest_kinds(l->t != NULL, &n);

	for (size_t i = 0; i < n; i++) {
		const char *sha256, *name;
		uint64_t size;

		(void)manifest_part(l->m, kinds[i], &size, &sha256, &name);
		if (catalog_manifest_put(cat, l->to->known.id, l->gen,
					 (int)kinds[i], sha256, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < l->n; i++)
		if (catalog_list(cat, l->ids[i], l->to->known.id, l->gen, err) <
		    0)
			return -1;
	l->to->known.gen = l->gen;
	if (catalog_box_put(cat, &l->to->known, err) < 0)
		return -1;
	return push_commit(l->p, err);
}

/* How a person opens what is encrypted; put there once. */
static int put_readme(const struct listing *l, struct bk_err *err)
{
	struct box *b = l->to->box;
	BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;
	struct box_stat st;
	int got = l->t ? box_stat(b, MANIFEST_README_AGE, &st, err) : 1;

	if (got != 0)
		return got < 0 ? -1 : 0;
	manifest_readme_age(&text, b);
	return box_put(b, MANIFEST_README_AGE, text.p, text.len, err);
}

static struct catalog_query ready_for(const struct listing *l)
{
	return (struct catalog_query){
		.ready = l->to->known.id,
		.limit = GENERATION_MAX,
		.set = l->t ? l->t->set : NULL,
		.but = l->t ? NULL : l->sealed,
	};
}

/* One generation: 1 there may be more, 0 there was nothing, -1. */
static int list_some(struct listing *l, struct bk_err *err)
{
	struct catalog_query q = ready_for(l);
	BK_AUTO_FREE char *dir = bk_dirs_path(BK_DIRS_STATE, "cold", err);
	size_t n;
	const enum manifest_kind *kinds = manifest_kinds(l->t != NULL, &n);
	int got = 0;

	if (!dir || next_generation(l, err) < 0)
		return -1;
	l->n = 0;
	l->m = manifest_new(dir, l->p->plan.host, l->to->box, l->gen,
			    l->t ? &l->t->to : NULL, err);
	if (!l->m || catalog_each(l->p->cat, &q, add_entry, l, err) < 0)
		return -1;
	if (l->n == 0)
		return 0;
	if (manifest_end(l->m, err) < 0 || put_readme(l, err) < 0)
		return -1;
	for (size_t i = 0; got == 0 && i < n; i++)
		got = send_part(l, kinds[i], err);
	return got < 0 || note_listed(l, err) < 0 ? -1 : 1;
}

static int is_ready(void *arg, struct entry *e, struct bk_err *err)
{
	bool *some = arg;

	(void)e;
	(void)err;
	*some = true;
	return 0;
}

static int has_ready(const struct listing *l, bool *ret, struct bk_err *err)
{
	struct catalog_query q = ready_for(l);

	*ret = false;
	q.limit = 1;
	return catalog_each(l->p->cat, &q, is_ready, ret, err);
}

static int list_on(struct listing *l, struct bk_err *err)
{
	struct target *to = l->to;
	int got;

	/* a lost connection: what was listed is noted, the rest goes on */
	for (;;) {
		int on;

		while ((on = target_connect(&l->p->targets, to)) > 0)
			if (box_poll(NULL, 0, 500, err) < 0)
				return -1;
		if (on < 0) {
			*err = to->err;
			return -1;
		}
		got = list_some(l, err);
		manifest_free(l->m);
		l->m = NULL;
		if (got == 0 || (got < 0 && (err->exit != BK_EX_TEMPFAIL ||
					     bk_sig_pending())))
			break;
		if (got > 0)
			to->losses = 0;
	}
	return got;
}

/* On one box, of one set that is encrypted, or of all that are not. */
static int list_one(struct listing *l, size_t *ret_failed, struct bk_err *err)
{
	struct bk_err why;
	bool some;

	if (has_ready(l, &some, err) < 0)
		return -1;
	if (!some || list_on(l, &why) == 0)
		return 0;
	if (bk_sig_pending())
		return bk_err_set(err, BK_EX_TEMPFAIL, 0, "it was stopped");
	if (!l->to->refused)
		bk_error("box %s: no manifest: %s", l->to->known.name, why.msg);
	++*ret_failed;
	return 0;
}

/*
 * Sets whose names are not to be seen: those that are encrypted, and those that
 * were, and of which nobody says any more that they are not.
 */
static int find_sealed(struct push *p, struct bk_strv *ret, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv were = BK_STRV_INIT;
	const struct bk_conf_section *s = NULL;

	if (catalog_sealed_sets(p->cat, &were, err) < 0)
		return -1;
	if (cold_recipients(p->c->conf, ""))
		bk_strv_add(ret, "");
	while ((s = bk_conf_next(p->c->conf, "cold", s)))
		if (*s->name && cold_recipients(p->c->conf, s->name))
			bk_strv_add(ret, s->name);
	for (size_t i = 0; i < were.n; i++)
		if (*were.v[i] && !bk_strv_has(ret, were.v[i]) &&
		    !bk_conf_find(p->c->conf, "cold", were.v[i]))
			bk_strv_add(ret, were.v[i]);
	return 0;
}

int list_all(struct push *p, size_t *ret_failed, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv sealed = BK_STRV_INIT;
	struct listing l = { .p = p, .sealed = &sealed };
	int got = find_sealed(p, &sealed, err);

	*ret_failed = 0;
	for (size_t i = 0; got == 0 && i < p->targets.n; i++) {
		l.to = &p->targets.v[i];
		l.t = NULL;
		got = list_one(&l, ret_failed, err);
		for (size_t k = 0; got == 0 && k < p->ntallies; k++) {
			l.t = p->tallies[k];
			if (l.t->sealed && !l.t->refused)
				got = list_one(&l, ret_failed, err);
		}
	}
	free(l.ids);
	return got;
}
