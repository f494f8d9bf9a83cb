/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proofs of what lies on a box, asked for in batches. */
#include <poll.h>

#include "check.h"
#include "log.h"
#include "manifest.h"
#include "sig.h"
#include "time.h"

enum { BATCH = 500, LOSSES_MAX = 4, SHOW_MS = 200 };
#define BATCH_BYTES ((uint64_t)1 << 30)

/* What is asked for: an object, or a part of a manifest. */
struct item {
	char *name;
	char *sha256;	/* of what it is a copy of */
	char there[65]; /* of what lies there */
	char *path;	/* NULL: manifest gen */
	unsigned int gen;
};

struct batch {
	struct check *ck;
	struct item items[BATCH];
	struct box_hash v[BATCH];
	size_t n;
	uint64_t bytes;
	size_t answered;
	bool enough;
};

static void batch_clear(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		free(b->items[i].name);
		free(b->items[i].sha256);
		free(b->items[i].path);
	}
	b->n = b->answered = 0;
	b->bytes = 0;
}

static void batch_add(struct batch *b, const char *name, const char *sha256,
		      const struct sealed *sealed, const char *path,
		      uint64_t size, unsigned int gen)
{
	bool is_sealed = sealed && sealed->sha256[0];
	struct item *i = &b->items[b->n];

	*i = (struct item){
		.name = bk_strdup(name),
		.sha256 = bk_strdup(sha256),
		.path = path ? bk_strdup(path) : NULL,
		.gen = gen,
	};
	(void)snprintf(i->there, sizeof(i->there), "%s",
		       is_sealed ? sealed->sha256 : sha256);
	if (is_sealed)
		size = sealed->size;
	b->v[b->n++] = (struct box_hash){ .name = i->name, .size = size };
	b->bytes += size;
}

static bool batch_is_full(const struct batch *b)
{
	return b->n == BATCH || b->bytes >= BATCH_BYTES;
}

/* ---- asking ---------------------------------------------------------------- */

static void show_progress(struct check *ck)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	int64_t now = bk_time_mono_ms();
	uint64_t done =
		ck->n.proved + ck->n.wrong + ck->n.missing + ck->n.unknown;

	if (now - ck->shown < SHOW_MS)
		return;
	ck->shown = now;
	bk_buf_addf(&b, "box %s: ", ck->known.name);
	bk_str_add_count(&b, done);
	bk_buf_addc(&b, '/');
	bk_str_add_count(&b, ck->due);
	bk_buf_adds(&b, " copies, ");
	bk_str_add_size(&b, ck->n.bytes);
	bk_log_progress(b.p);
}

static void on_answer(void *arg, const struct box_hash *h)
{
	struct batch *b = arg;

	(void)h;
	b->answered++;
	show_progress(b->ck);
}

/* After a pause; -1 where it is over. */
static int reconnect(struct check *ck, unsigned int losses, struct bk_err *err)
{
	static const int pauses[LOSSES_MAX] = { 1, 2, 5, 10 };
	struct pollfd stop = { .fd = bk_sig_fd(), .events = POLLIN };

	for (; losses < LOSSES_MAX; losses++) {
		bk_warning("%s; it is tried again", err->msg);
		(void)poll(&stop, 1, pauses[losses] * 1000);
		if (bk_sig_pending())
			return -1;
		if (box_reopen(ck->box, err) == 0)
			return 0;
		if (err->exit != BK_EX_TEMPFAIL)
			return -1;
	}
	return -1;
}

/* Every answer that can be had; -1 where the box cannot be asked any more. */
static int ask(struct batch *b, struct bk_err *err)
{
	size_t start = 0;
	unsigned int losses = 0;

	while (start < b->n) {
		b->answered = 0;
		if (box_hash(b->ck->box, b->v + start, b->n - start,
			     b->ck->c->read_back, on_answer, b, err) == 0)
			return 0;
		if (bk_sig_pending())
			return -1;
		losses = b->answered ? 0 : losses + 1;
		start += b->answered;
		if (reconnect(b->ck, losses, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- judging --------------------------------------------------------------- */

struct hope {
	struct check *ck;
	const struct item *item;
	const char *box; /* another one that has it */
	bool here;
};

static int look_elsewhere(void *arg, struct entry *e, struct bk_err *err)
{
	struct hope *h = arg;
	struct copy *v = NULL;
	ssize_t n;

	if (strcmp(e->sha256, h->item->sha256) != 0)
		return 0;
	if (!e->until && strcmp(look_local(e), "here") == 0)
		h->here = true;
	n = catalog_copies(h->ck->cat, e, &v, err);
	for (ssize_t i = 0; i < n; i++)
		if (v[i].box != h->ck->known.id && v[i].state == COPY_OK)
			h->box = h->ck->names.v[v[i].box];
	copies_free(v, n < 0 ? 0 : (size_t)n);
	return n < 0 ? -1 : 0;
}

/* What a person is to do; the caller frees it. */
static char *advice(struct check *ck, const struct item *i)
{
	struct hope h = { .ck = ck, .item = i };
	struct catalog_query q = { .path = i->path, .all = true };
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	struct bk_err err;

	if (catalog_each(ck->cat, &q, look_elsewhere, &h, &err) < 0)
		return bk_strdup(err.msg);
	if (h.here)
		return bk_strdup("the next push copies it again");
	if (!h.box)
		return bk_strdup("no good copy of it is known: look for one, "
				 "and into snapshots of the box");
	bk_buf_addf(&b, "box %s has it: bk-cold get --in-place --box %s ",
		    h.box, h.box);
	bk_str_add_shell(&b, i->path);
	return bk_buf_steal(&b);
}

static void judge_copy(struct check *ck, const struct item *i,
		       const struct box_hash *h)
{
	bool right = h->found == BOX_HASHED && strcmp(h->sha256, i->there) == 0;
	struct check_result r = {
		.box = ck->known.id,
		.object = i->name,
		.state = right			  ? COPY_OK
			 : h->found == BOX_ABSENT ? COPY_ABSENT
						  : COPY_BAD,
		.how = ck->c->read_back || !box_hashes_there(ck->box) ? 'r'
								      : 'h',
		.time = bk_time_now(),
	};
	BK_AUTO_FREE char *what = NULL, *todo = NULL;

	if (h->found == BOX_UNKNOWN) {
		ck->n.unknown++;
		check_say(ck, "proof", "unknown", i->name, i->path, h->why);
		return;
	}
	check_note(ck, &r);
	if (right) {
		ck->n.proved++;
		ck->n.bytes += h->size;
		check_say(ck, "proof", "ok", i->name, i->path, NULL);
		return;
	}
	todo = advice(ck, i);
	if (h->found == BOX_ABSENT)
		what = bk_asprintf("it is not there; %s", todo);
	else
		what = bk_asprintf("its SHA-256 is %.16s..., not %.16s...; %s",
				   h->sha256, i->there, todo);
	if (h->found == BOX_ABSENT)
		ck->n.missing++;
	else
		ck->n.wrong++;
	check_say(ck, "proof", h->found == BOX_ABSENT ? "missing" : "wrong",
		  i->name, i->path, what);
}

static void judge_manifest(struct check *ck, const struct item *i,
			   const struct box_hash *h)
{
	const struct check_result r = { .box = ck->known.id, .gen = i->gen };
	const char *result = h->found == BOX_ABSENT ? "missing" : "wrong";

	if (h->found == BOX_UNKNOWN) {
		ck->n.unknown++;
		check_say(ck, "manifest", "unknown", i->name, NULL, h->why);
		return;
	}
	if (h->found == BOX_HASHED && strcmp(h->sha256, i->sha256) == 0) {
		check_say(ck, "manifest", "ok", i->name, NULL, NULL);
		return;
	}
	ck->n.manifests++;
	check_note(ck, &r);
	check_say(ck, "manifest", result, i->name, NULL,
		  "the next push lists its files again in another one");
}

static int run(struct batch *b, struct bk_err *err)
{
	struct bk_err why;
	int got = ask(b, err);

	for (size_t i = 0; i < b->n; i++) {
		const struct item *item = &b->items[i];

		/* what was not answered is not unknown: it is asked later */
		if (got < 0 && b->v[i].found == BOX_UNKNOWN)
			continue;
		if (item->path)
			judge_copy(b->ck, item, &b->v[i]);
		else
			judge_manifest(b->ck, item, &b->v[i]);
		if (got == 0 && item->path && !bk_sig_pending())
			got = prove_local(b->ck, item->path, item->sha256, err);
	}
	b->ck->asked += b->bytes;
	batch_clear(b);
	if (check_flush(b->ck, 0, &why) < 0)
		bk_debug("%s", why.msg);
	return got;
}

/* ---- what is due ------------------------------------------------------------ */

static int take_part(void *arg, unsigned int gen, int kind, const char *sha256,
		     struct bk_err *err)
{
	struct batch *b = arg;
	BK_AUTO_FREE char *name = manifest_name(b->ck->c->conf->host,
						(enum manifest_kind)kind, gen);

	batch_add(b, name, sha256, NULL, NULL, 0, gen);
	return b->n == BATCH ? run(b, err) : 0;
}

int prove_manifests(struct check *ck, struct bk_err *err)
{
	struct batch *b = bk_calloc(1, sizeof(*b));
	int got;

	b->ck = ck;
	got = catalog_each_manifest(ck->cat, ck->known.id, take_part, b, err);
	if (got == 0)
		got = run(b, err);
	batch_clear(b);
	free(b);
	return got;
}

/* One at least, so that a large one has its turn too. */
static bool is_enough(const struct batch *b, uint64_t size)
{
	const struct check *ck = b->ck;
	uint64_t asked = ck->asked + b->bytes;

	return check_over(ck) ||
	       (ck->max_bytes && asked && asked + size > ck->max_bytes);
}

static int take_object(void *arg, const struct catalog_object *o,
		       struct bk_err *err)
{
	struct batch *b = arg;

	if (b->enough || is_enough(b, o->size)) {
		b->enough = true;
		b->ck->n.left++;
		return 0;
	}
	batch_add(b, o->object, o->sha256, &o->copy.sealed, o->path, o->size,
		  0);
	return batch_is_full(b) ? run(b, err) : 0;
}

int prove_copies(struct check *ck, struct bk_err *err)
{
	struct batch *b = bk_calloc(1, sizeof(*b));
	int got;

	b->ck = ck;
	got = catalog_each_object(ck->cat, ck->known.id, take_object, b, err);
	if (got == 0 && b->n > 0)
		got = run(b, err);
	batch_clear(b);
	free(b);
	return got;
}
