/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evidence.h"

#include <sys/random.h>

#include "digest.h"
#include "hold.h"
#include "identity.h"
#include "log.h"
#include "manifest.h"
#include "sig.h"
#include "time.h"

/* Of a file that is read back whole: bytes. */
#define SAMPLE_MAX ((uint64_t)1 << 30)
enum { BATCH = 500 };

/* ---- R9: boxes are as many as they seem ------------------------------------- */

static int connect_box(struct evidence *ev, int id, struct bk_err *err)
{
	struct witness *w = &ev->v[id];
	struct catalog_box known = { 0 };
	int got;

	if (w->box)
		return 0;
	if (w->refused) {
		*err = w->err;
		return -1;
	}
	got = catalog_box_by_id(ev->cat, id, &known, err);
	if (got == 0)
		(void)bk_err_set(err, BK_EX_CONFIG, 0,
				 "a box is not in the catalog");
	if (got == 1)
		w->box = cold_open_box(ev->c, ev->cat, known.name, &w->known,
				       err);
	catalog_box_free(&known);
	w->refused = !w->box;
	if (w->refused)
		w->err = *err;
	return w->box ? 0 : -1;
}

static int are_one(const struct catalog_box *a, const struct catalog_box *b,
		   struct bk_err *err)
{
	if (strcmp(a->uuid, b->uuid) != 0 && *a->peer && *b->peer &&
	    strcmp(a->peer, b->peer) != 0)
		return 0;
	return bk_err_set(err, BK_EX_NOPERM, 0,
			  "the boxes %s and %s are one place: two copies there "
			  "are none",
			  a->name, b->name);
}

int evidence_connect(struct evidence *ev, boxset boxes, const char *device,
		     struct bk_err *err)
{
	for (int id = 1; id <= CATALOG_BOXES_MAX; id++) {
		struct witness *w = &ev->v[id];

		if (!(boxes & BOXSET(id)))
			continue;
		if (connect_box(ev, id, err) < 0)
			return -1;
		if (strcmp(box_peer(w->box), device) == 0)
			return bk_err_set(err, BK_EX_NOPERM, 0,
					  "box %s is on the same file system "
					  "as the files: no second copy",
					  w->known.name);
		for (int other = 1; other < id; other++)
			if ((boxes & BOXSET(other)) &&
			    are_one(&ev->v[other].known, &w->known, err) < 0)
				return -1;
	}
	return 0;
}

/* ---- R8: proofs of before ---------------------------------------------------- */

static const char *lacks_old_proof(const struct copy *k, int64_t now,
				   int64_t settle)
{
	if (k->state != COPY_OK)
		return "a copy of it was found wrong or missing";
	if (k->first <= 0)
		return "a copy of it was never proved";
	if (k->first > now || k->last > now || k->pushed > now)
		return "a proof of it has a time in the future";
	if (k->first > now - settle)
		return "is not proved for long enough yet";
	return k->listed ? NULL : "a box does not list it yet";
}

const char *evidence_old(struct evidence *ev, const struct entry *e,
			 boxset boxes, bool *ret_failed, struct bk_err *err)
{
	struct copy *v = NULL;
	ssize_t n = catalog_copies(ev->cat, e, &v, err);
	int64_t now = bk_time_now();
	boxset good = 0;
	const char *why = NULL;

	*ret_failed = n < 0;
	for (ssize_t i = 0; i < n && !why; i++) {
		if (!(boxes & BOXSET(v[i].box)))
			continue;
		why = lacks_old_proof(&v[i], now, ev->settle);
		good |= BOXSET(v[i].box);
	}
	copies_free(v, n < 0 ? 0 : (size_t)n);
	if (!why && (!boxes || (boxes & ~good)))
		why = "is not on every box that it belongs on";
	return why;
}

/* ---- R12: manifests, read and proved now ------------------------------------- */

static int is_wrong(struct evidence *ev, const struct witness *w,
		    const char *what, const char *how, struct bk_err *err)
{
	ev->wrong = true;
	(void)bk_err_set(&ev->err, BK_EX_NO, 0,
			 "box %s: %s %s; nothing more is released",
			 w->known.name, what, how);
	return bk_err_set(err, BK_EX_NO, 0, "%s", ev->err.msg);
}

static int lost(struct bk_err *err, const char *box)
{
	if (bk_sig_pending())
		return bk_err_set(err, BK_EX_TEMPFAIL, 0, "it was stopped");
	return err->exit ? -1
			 : bk_err_set(err, BK_EX_TEMPFAIL, 0, "box %s was lost",
				      box);
}

/* Each part has the hash that it had when it was put there. */
static int prove_parts(struct evidence *ev, struct witness *w, unsigned int gen,
		       bool sealed, struct bk_err *err)
{
	struct box_hash h[MANIFEST_KINDS];
	char *names[MANIFEST_KINDS];
	size_t n;
	const enum manifest_kind *kinds = manifest_kinds(sealed, &n);
	int got = 0;

	for (size_t k = 0; k < n; k++) {
		names[k] = manifest_name(ev->c->conf->host, kinds[k], gen);
		h[k] = (struct box_hash){ .name = names[k] };
	}
	if (box_hash(w->box, h, n, false, NULL, NULL, err) < 0)
		got = lost(err, w->known.name);
	for (size_t k = 0; got == 0 && k < n; k++) {
		char sum[65] = "";

		got = hold_manifest(ev->cat, w->known.id, gen, (int)kinds[k],
				    sum, err);
		if (got >= 0 && h[k].found == BOX_UNKNOWN)
			got = bk_err_set(err, BK_EX_TEMPFAIL, 0, "%s",
					 h[k].why);
		else if (got >= 0 && (h[k].found != BOX_HASHED || got == 0 ||
				      strcmp(sum, h[k].sha256) != 0))
			got = is_wrong(ev, w, names[k], "is missing or damaged",
				       err);
		else if (got > 0)
			got = 0;
	}
	for (size_t k = 0; k < n; k++)
		free(names[k]);
	return got;
}

/* Which of the candidates does it list, just as the catalog says? */
struct reading {
	struct evidence *ev;
	struct cand **v; /* sorted by path */
	size_t n;
	boxset box;
	int id;
	unsigned int gen;
	boxset *listed; /* by their place in v */
	bool shut;	/* a manifest of this box was not opened */
};

static int by_path(const void *a, const void *b)
{
	const struct cand *const *x = a, *const *y = b;

	return strcmp((*x)->e.path, (*y)->e.path);
}

static int find_by_path(const void *key, const void *member)
{
	const struct cand *const *m = member;

	return strcmp(key, (*m)->e.path);
}

/* What the catalog says lies there as this content. */
static bool is_object(struct reading *r, const struct entry *e,
		      const struct entry *m, struct bk_err *err)
{
	struct copy *v = NULL;
	ssize_t n = catalog_copies(r->ev->cat, e, &v, err);
	bool yes = false;

	for (ssize_t i = 0; i < n; i++)
		yes = yes ||
		      (v[i].box == r->id && v[i].state == COPY_OK &&
		       strcmp(v[i].object, m->object) == 0 &&
		       strcmp(v[i].sealed.sha256, m->sealed.sha256) == 0);
	copies_free(v, n < 0 ? 0 : (size_t)n);
	return yes;
}

static int take_entry(void *arg, struct entry *m, struct bk_err *err)
{
	struct reading *r = arg;
	struct cand **first =
		bsearch(m->path, r->v, r->n, sizeof(*r->v), find_by_path);

	if (!first || m->meta.type != 'f')
		return 0;
	while (first > r->v && strcmp(first[-1]->e.path, m->path) == 0)
		first--;
	/* one path may be in the quarantine and here again */
	for (struct cand **k = first;
	     k < r->v + r->n && strcmp((*k)->e.path, m->path) == 0; k++) {
		const struct entry *e = &(*k)->e;

		if (strcmp(m->sha256, e->sha256) == 0 &&
		    meta_same(&m->meta, &e->meta) && m->object &&
		    is_object(r, e, m, err))
			r->listed[k - r->v] |= r->box;
	}
	return 0;
}

/* Those that open what is encrypted, asked for once; NULL: there are none. */
int evidence_keys(struct evidence *ev, struct bk_err *err)
{
	ev->asked = ev->c->identity != NULL;
	return ev->asked ? cold_identities(ev->c, &ev->ids, err) : 0;
}

/* The first reason is the one that files which stay are told. */
static void is_shut(struct evidence *ev, const char *why)
{
	ev->locked = true;
	if (!ev->shut)
		ev->shut = bk_asprintf("is encrypted, and was not opened: %s",
				       why);
}

static const struct age_identities *identities(struct evidence *ev)
{
	struct bk_err err;

	if (!ev->asked && cold_identities(ev->c, &ev->ids, &err) < 0) {
		bk_warning("%s", err.msg);
		is_shut(ev, err.msg);
	}
	ev->asked = true;
	return ev->ids.n ? &ev->ids : NULL;
}

static bool was_proved(const struct witness *w, unsigned int gen)
{
	for (size_t i = 0; i < w->ngens; i++)
		if (w->gens[i] == gen)
			return true;
	return false;
}

static int read_manifest(struct reading *r, struct bk_err *err)
{
	struct evidence *ev = r->ev;
	struct witness *w = &ev->v[r->id];
	const struct age_identities *ids = NULL;
	char sum[65];
	int sealed = hold_manifest(ev->cat, r->id, r->gen,
				   MANIFEST_SEALED_FILES, sum, err);

	if (sealed < 0)
		return -1;
	if (!was_proved(w, r->gen)) {
		if (prove_parts(ev, w, r->gen, sealed, err) < 0)
			return -1;
		w->gens = bk_realloc(w->gens, w->ngens + 1, sizeof(*w->gens));
		w->gens[w->ngens++] = r->gen;
		ev->manifests++;
	}
	if (sealed && !(ids = identities(ev))) {
		r->shut = true;
		return 0;
	}
	if (manifest_read(w->box, ev->c->conf->host, r->gen, ids, take_entry, r,
			  err) == 0)
		return 0;
	/* what cannot be read lists nothing */
	if (sealed && err->exit == BK_EX_NOPERM) {
		bk_warning("box %s: %s", w->known.name, err->msg);
		is_shut(ev, err->msg);
		r->shut = true;
		return 0;
	}
	if (err->exit == BK_EX_DATAERR || err->exit == BK_EX_NOINPUT) {
		struct bk_err why = *err;

		return is_wrong(ev, w, "its lists are no good:", why.msg, err);
	}
	return -1;
}

static int by_number(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int read_manifests(struct reading *r, struct bk_err *err)
{
	BK_AUTO_FREE int64_t *gens = bk_calloc(r->n, sizeof(*gens));

	for (size_t i = 0; i < r->n; i++) {
		gens[i] = hold_listed(r->ev->cat, r->v[i]->e.id, r->id, err);
		if (gens[i] < 0)
			return -1;
	}
	if (r->n > 1)
		qsort(gens, r->n, sizeof(*gens), by_number);
	for (size_t i = 0; i < r->n; i++) {
		if (gens[i] == 0 || (i > 0 && gens[i] == gens[i - 1]))
			continue;
		r->gen = (unsigned int)gens[i];
		if (read_manifest(r, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- R7: the copies themselves ---------------------------------------------- */

struct asking {
	struct evidence *ev;
	struct witness *w;
	struct cand **v;
	char *objects[BATCH];
	struct sealed sealed[BATCH];
	struct box_hash h[BATCH];
	struct cand *of[BATCH];
	size_t n;
};

/* The hash of what is to lie there. */
static const char *sum_there(const struct asking *a, size_t i)
{
	return a->sealed[i].sha256[0] ? a->sealed[i].sha256
				      : a->of[i]->e.sha256;
}

static int judge(struct asking *a, size_t i, bool read_back, struct bk_err *err)
{
	struct evidence *ev = a->ev;
	const struct box_hash *h = &a->h[i];
	struct cand *k = a->of[i];
	int64_t now = bk_time_now();
	bool right = h->found == BOX_HASHED &&
		     strcmp(h->sha256, sum_there(a, i)) == 0;
	char how = read_back || !box_hashes_there(a->w->box) ? 'r' : 'h';

	if (h->found == BOX_UNKNOWN) {
		k->why = "a box gave no answer about it";
		bk_debug("%s: %s", k->e.path, h->why);
		return 0;
	}
	if (!ev->dry && (catalog_proof(ev->cat, a->w->known.id, h->name,
				       right			? COPY_OK
				       : h->found == BOX_ABSENT ? COPY_ABSENT
								: COPY_BAD,
				       now, how, err) < 0))
		return -1;
	if (!right)
		return is_wrong(ev, a->w, h->name,
				h->found == BOX_ABSENT ? "is not there"
						       : "has other bytes",
				err);
	if (!k->when || now < k->when)
		k->when = now;
	k->proved |= BOXSET(a->w->known.id);
	ev->proofs++;
	return 0;
}

/* R13: a hash is the box's word; once in a run it must show the bytes. */
static int take_sample(struct asking *a, struct bk_err *err)
{
	struct box_hash h;
	uint32_t pick = 0;
	size_t i;

	if (a->w->sampled || a->n == 0)
		return 0;
	if (getrandom(&pick, sizeof(pick), 0) < 0)
		pick = 0;
	i = pick % a->n;
	if (a->of[i]->why || a->h[i].size > SAMPLE_MAX)
		return 0;
	h = (struct box_hash){ .name = a->h[i].name, .size = a->h[i].size };
	if (box_hash(a->w->box, &h, 1, true, NULL, NULL, err) < 0)
		return lost(err, a->w->known.name);
	if (h.found == BOX_UNKNOWN)
		return bk_err_set(err, BK_EX_TEMPFAIL, 0, "%s", h.why);
	a->h[i] = h;
	a->w->sampled = true;
	a->ev->samples++;
	return judge(a, i, true, err);
}

/* ---- what is encrypted ------------------------------------------------------- */

static int add_to_sum(void *arg, const void *p, size_t n, struct bk_err *err)
{
	return bk_digest_add(arg, p, n, err);
}

static int add_to_open(void *arg, const void *p, size_t n, struct bk_err *err)
{
	return age_open_add(arg, p, n, err);
}

/* Open it, and compare it; 65: it is another content, or damaged. */
static int open_one(struct asking *a, size_t i, struct bk_err *err)
{
	EVP_MD_CTX *md = bk_digest_new(err);
	AGE_OPEN_AUTO struct age_open *o = NULL;
	char sum[65];
	int got = -1;

	if (md)
		o = age_open_new(&a->ev->ids, add_to_sum, md, err);
	if (o)
		got = box_get(a->w->box, a->h[i].name, a->h[i].size,
			      add_to_open, o, err);
	if (got == 0)
		got = age_open_end(o, err);
	if (got < 0) {
		EVP_MD_CTX_free(md);
		return -1;
	}
	if (bk_digest_end(md, sum, err) < 0)
		return -1;
	if (strcmp(sum, a->of[i]->e.sha256) == 0)
		return 0;
	return bk_err_set(err, BK_EX_DATAERR, 0, "it opens to other bytes");
}

static char *lock_of(const struct asking *a, size_t i)
{
	return bk_asprintf("%s %s", a->sealed[i].print, a->of[i]->e.set);
}

/* The smallest one that has the lock of this one. */
static size_t smallest(const struct asking *a, size_t first)
{
	BK_AUTO_FREE char *lock = lock_of(a, first);
	size_t best = first;

	for (size_t i = first + 1; i < a->n; i++) {
		BK_AUTO_FREE char *other =
			a->sealed[i].sha256[0] ? lock_of(a, i) : NULL;

		if (other && !a->of[i]->why && strcmp(other, lock) == 0 &&
		    a->h[i].size < a->h[best].size)
			best = i;
	}
	return best;
}

static int try_lock(struct asking *a, size_t first, const char *lock,
		    struct bk_err *err)
{
	struct witness *w = a->w;
	size_t i = smallest(a, first);

	if (!identities(a->ev)) {
		bk_strv_add(&w->closed, lock);
		return 0;
	}
	*err = (struct bk_err){ 0 };
	if (open_one(a, i, err) == 0) {
		bk_strv_add(&w->opened, lock);
		a->ev->samples++;
		return 0;
	}
	if (err->exit == BK_EX_NOPERM) {
		bk_warning("box %s: %s: %s", w->known.name, a->h[i].name,
			   err->msg);
		bk_strv_add(&w->closed, lock);
		is_shut(a->ev, err->msg);
		return 0;
	}
	if (err->exit == BK_EX_DATAERR || err->exit == BK_EX_NOINPUT) {
		struct bk_err why = *err;

		return is_wrong(a->ev, w, a->h[i].name, why.msg, err);
	}
	return lost(err, w->known.name);
}

/*
 * A key that was lost makes every copy worth nothing, whatever their hashes:
 * in each run one of those that it is to open must be seen to open.
 */
static int try_locks(struct asking *a, struct bk_err *err)
{
	for (size_t i = 0; i < a->n; i++) {
		BK_AUTO_FREE char *lock = NULL;

		if (!a->sealed[i].sha256[0] || a->of[i]->why)
			continue;
		lock = lock_of(a, i);
		if (!bk_strv_has(&a->w->opened, lock) &&
		    !bk_strv_has(&a->w->closed, lock) &&
		    try_lock(a, i, lock, err) < 0)
			return -1;
		if (!bk_strv_has(&a->w->opened, lock))
			a->of[i]->why = a->ev->shut
						? a->ev->shut
						: "is encrypted, and was not "
						  "seen to open: see "
						  "--identity";
	}
	return 0;
}

static int ask_now(struct asking *a, struct bk_err *err)
{
	int got = 0;

	if (a->n > 0 &&
	    box_hash(a->w->box, a->h, a->n, false, NULL, NULL, err) < 0)
		got = lost(err, a->w->known.name);
	for (size_t i = 0; got == 0 && i < a->n; i++)
		got = judge(a, i, false, err);
	if (got == 0)
		got = take_sample(a, err);
	if (got == 0)
		got = try_locks(a, err);
	for (size_t i = 0; i < a->n; i++)
		free(a->objects[i]);
	a->n = 0;
	return got;
}

static int add_object(struct asking *a, struct cand *k, struct bk_err *err)
{
	struct copy *v = NULL;
	ssize_t n = catalog_copies(a->ev->cat, &k->e, &v, err);

	for (ssize_t i = 0; i < n; i++) {
		if (v[i].box != a->w->known.id)
			continue;
		a->objects[a->n] = bk_strdup(v[i].object);
		a->sealed[a->n] = v[i].sealed;
		a->h[a->n] = (struct box_hash){
			.name = a->objects[a->n],
			.size = v[i].sealed.sha256[0] ? v[i].sealed.size
						      : k->e.meta.size,
		};
		a->of[a->n++] = k;
	}
	copies_free(v, n < 0 ? 0 : (size_t)n);
	return n < 0 ? -1 : 0;
}

static int prove_copies_on(struct evidence *ev, struct witness *w,
			   struct cand **v, size_t n, struct bk_err *err)
{
	BK_AUTO_FREE struct asking *a = bk_calloc(1, sizeof(*a));
	int got = 0;

	a->ev = ev;
	a->w = w;
	for (size_t i = 0; i < n && got == 0; i++) {
		if (v[i]->why)
			continue;
		got = add_object(a, v[i], err);
		if (got == 0 && a->n == BATCH)
			got = ask_now(a, err);
	}
	if (got == 0)
		return ask_now(a, err);
	for (size_t i = 0; i < a->n; i++)
		free(a->objects[i]);
	return got;
}

/* ---- the whole ---------------------------------------------------------------- */

static int prove_on(struct evidence *ev, int id, struct reading *r,
		    struct bk_err *err)
{
	r->id = id;
	r->box = BOXSET(id);
	r->shut = false;
	if (read_manifests(r, err) < 0)
		return -1;
	for (size_t i = 0; i < r->n; i++)
		if (!r->v[i]->why && !(r->listed[i] & r->box))
			r->v[i]->why = r->shut && ev->shut
					       ? ev->shut
					       : "a manifest on a box does not "
						 "list it as it is";
	return prove_copies_on(ev, &ev->v[id], r->v, r->n, err);
}

int evidence_new(struct evidence *ev, struct cand *v, size_t n, boxset boxes,
		 struct bk_err *err)
{
	BK_AUTO_FREE struct cand **sorted = bk_calloc(n + 1, sizeof(*sorted));
	BK_AUTO_FREE boxset *listed = bk_calloc(n + 1, sizeof(*listed));
	struct reading r = { .ev = ev, .v = sorted, .n = n, .listed = listed };

	*err = (struct bk_err){ 0 };
	for (size_t i = 0; i < n; i++)
		sorted[i] = &v[i];
	if (n > 1)
		qsort(sorted, n, sizeof(*sorted), by_path);
	for (int id = 1; n > 0 && id <= CATALOG_BOXES_MAX; id++)
		if ((boxes & BOXSET(id)) && prove_on(ev, id, &r, err) < 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		if (!v[i].why && (!boxes || (boxes & ~v[i].proved)))
			v[i].why = "is not proved on every box now";
	return 0;
}

void evidence_free(struct evidence *ev)
{
	for (size_t i = 0; i < BK_COUNT(ev->v); i++) {
		box_close(ev->v[i].box);
		catalog_box_free(&ev->v[i].known);
		free(ev->v[i].gens);
		bk_strv_free(&ev->v[i].opened);
		bk_strv_free(&ev->v[i].closed);
	}
	age_identities_free(&ev->ids);
	free(ev->shut);
}
