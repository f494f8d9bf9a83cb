/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Manifests of what a push brought: for each box those entries that are to be
 * listed there and whose copies are good.
 */
#include "push.h"

#include <errno.h>
#include <unistd.h>

#include "dirs.h"
#include "log.h"
#include "manifest.h"
#include "sig.h"

/* Entries of one generation; its reader keeps their ids, no more. */
enum { GENERATION_MAX = 100000, PIECE = 256 * 1024 };

struct listing {
	struct push *p;
	struct target *to;
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

	for (int kind = 0; kind < MANIFEST_KINDS; kind++) {
		const char *sha256, *name;
		uint64_t size;

		(void)manifest_part(l->m, (enum manifest_kind)kind, &size,
				    &sha256, &name);
		if (catalog_manifest_put(cat, l->to->known.id, l->gen, kind,
					 sha256, err) < 0)
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

/* One generation: 1 there may be more, 0 there was nothing, -1. */
static int list_some(struct listing *l, struct bk_err *err)
{
	struct catalog_query q = { .ready = l->to->known.id,
				   .limit = GENERATION_MAX };
	BK_AUTO_FREE char *dir = bk_dirs_path(BK_DIRS_STATE, "cold", err);
	int got = 0;

	if (!dir || next_generation(l, err) < 0)
		return -1;
	l->n = 0;
	l->m = manifest_new(dir, l->p->plan.host, l->to->box, l->gen, err);
	if (!l->m || catalog_each(l->p->cat, &q, add_entry, l, err) < 0)
		return -1;
	if (l->n == 0)
		return 0;
	if (manifest_end(l->m, err) < 0)
		return -1;
	for (int kind = 0; got == 0 && kind < MANIFEST_KINDS; kind++)
		got = send_part(l, (enum manifest_kind)kind, err);
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

static int has_ready(struct push *p, int box, bool *ret, struct bk_err *err)
{
	struct catalog_query q = { .ready = box, .limit = 1 };

	*ret = false;
	return catalog_each(p->cat, &q, is_ready, ret, err);
}

static int list_on(struct push *p, struct target *to, struct bk_err *err)
{
	struct listing l = { .p = p, .to = to };
	int got;

	/* a lost connection: what was listed is noted, the rest goes on */
	for (;;) {
		int on;

		while ((on = target_connect(&p->targets, to)) > 0)
			if (box_poll(NULL, 0, 500, err) < 0)
				return -1;
		if (on < 0) {
			*err = to->err;
			return -1;
		}
		got = list_some(&l, err);
		manifest_free(l.m);
		l.m = NULL;
		if (got == 0 || (got < 0 && (err->exit != BK_EX_TEMPFAIL ||
					     bk_sig_pending())))
			break;
		if (got > 0)
			to->losses = 0;
	}
	free(l.ids);
	return got;
}

int list_all(struct push *p, size_t *ret_failed, struct bk_err *err)
{
	*ret_failed = 0;
	for (size_t i = 0; i < p->targets.n; i++) {
		struct target *to = &p->targets.v[i];
		struct bk_err why;
		bool some;

		if (has_ready(p, to->known.id, &some, err) < 0)
			return -1;
		if (!some || list_on(p, to, &why) == 0)
			continue;
		if (bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "it was stopped");
		if (!to->refused)
			bk_error("box %s: no manifest: %s", to->known.name,
				 why.msg);
		++*ret_failed;
	}
	return 0;
}
