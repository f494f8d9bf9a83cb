/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The subject packs: the files of a repository, hashed where they lie, against
 * their names.
 *
 * First, once a day, a look: what is there, what is gone since the last time,
 * what does not belong, and the small files (keys, snapshots, indexes). Then
 * packs, by the first byte of their names, in batches.
 */
#include <stdio.h>

#include "child.h"
#include "known.h"
#include "log.h"
#include "missing.h"
#include "packs.h"
#include "place.h"
#include "sig.h"
#include "str.h"
#include "time.h"
#include "tool.h"

#define SMALL "metadata"
#define DAY ((int64_t)86400)

/* What becomes of a file that was to be hashed. */

static void part_of(const struct listing_file *f, char ret[static 16])
{
	if (f->kind == LISTING_DATA)
		(void)snprintf(ret, 16, "%02x", f->id[0]);
	else
		(void)snprintf(ret, 16, SMALL);
}

void packs_fail(struct subject *s, const struct listing_file *f,
		const char *what, const char *text)
{
	BK_AUTO_FREE char *path = listing_path(f);
	BK_AUTO_FREE char *name = bk_asprintf("%s %s", what, path);
	BK_AUTO_FREE char *message = NULL;
	char part[16];

	part_of(f, part);
	message =
		bk_asprintf("[repo %s] %s %s; first: see \"%s\" under REPAIR "
			    "in bk-verify(1)",
			    s->repo->name, path, text, packs_chapter(f->kind));
	progress_fail(&s->progress, part, name, message, s->clock.now);
}

const char *packs_chapter(enum listing_kind kind)
{
	static const char *const words[LISTING_KINDS] = {
		[LISTING_DATA] = "A damaged or missing pack",
		[LISTING_INDEX] = "A damaged or missing index",
		[LISTING_KEYS] = "A damaged or missing key",
		[LISTING_SNAPSHOTS] = "A damaged or missing snapshot",
	};

	return words[kind];
}

void packs_clear(struct subject *s, const struct listing_file *f)
{
	BK_AUTO_FREE char *path = listing_path(f);
	BK_AUTO_FREE char *damaged = bk_asprintf("damaged %s", path);
	BK_AUTO_FREE char *missing = bk_asprintf("missing %s", path);

	progress_clear(&s->progress, damaged);
	progress_clear(&s->progress, missing);
}

/* Those that were not hashed, with the listing of now. */
static void judge_rest(struct subject *s, const struct listing_file *f,
		       enum place_sum sum, const struct listing *now)
{
	char name[65];

	listing_name(f, name);
	if (!listing_has(now, f->kind, name)) {
		missing_note(s, f);
		return;
	}
	packs_fail(s, f, "damaged",
		   sum == PLACE_SUM_UNREADABLE
			   ? "cannot be read where it lies"
			   : "could not be hashed where it lies");
}

static int judge_sums(struct subject *s, const struct listing_file *f, size_t n,
		      const enum place_sum *sums, struct bk_err *err)
{
	struct packs *k = s->data;
	struct listing now = LISTING_INIT;
	bool listed = false;

	for (size_t i = 0; i < n; i++) {
		switch (sums[i]) {
		case PLACE_SUM_GOOD:
			if (s->progress.nfailures > 0)
				packs_clear(s, &f[i]);
			continue;
		case PLACE_SUM_WRONG:
			packs_fail(s, &f[i], "damaged",
				   "is damaged: what is in it is not what its "
				   "name says");
			continue;
		default:
			break;
		}
		if (!listed && place_list(&k->place, &now, err) < 0)
			return -1;
		listed = true;
		judge_rest(s, &f[i], sums[i], &now);
	}
	listing_free(&now);
	return 0;
}

/* n files from first on, in batches of good size. */
static int hash_files(struct verify *v, struct subject *s, size_t first,
		      size_t n, struct bk_err *err)
{
	struct packs *k = s->data;
	const struct listing_file *f = &k->list.v[first];

	while (n > 0) {
		enum place_sum sums[PLACE_SUM_FILES];
		uint64_t bytes = 0;
		size_t some = 0;

		while (some < n && some < PLACE_SUM_FILES &&
		       (some == 0 || bytes + f[some].size <= PLACE_SUM_BYTES))
			bytes += f[some++].size;
		if (place_sum(&k->place, f, some, sums, err) < 0 ||
		    judge_sums(s, f, some, sums, err) < 0)
			return -1;
		budget_spend(v, s, bytes);
		f += some;
		n -= some;
	}
	return 0;
}

/* ---- the look ----------------------------------------------------------------- */

static void fail_folder(struct subject *s, const char *folder)
{
	BK_AUTO_FREE char *what = bk_asprintf("folder %s", folder);
	BK_AUTO_FREE char *message = bk_asprintf(
		"[repo %s] its folder %s is gone; first: let nothing prune it, "
		"and see REPAIR in bk-verify(1)",
		s->repo->name, folder);

	progress_fail(&s->progress, SMALL, what, message, s->clock.now);
}

static void look_folders(struct subject *s)
{
	const struct packs *k = s->data;

	for (int i = 0; i < LISTING_KINDS; i++) {
		BK_AUTO_FREE char *what =
			bk_asprintf("folder %s", listing_word(i));

		if (k->list.seen[i])
			progress_clear(&s->progress, what);
		else
			fail_folder(s, listing_word(i));
	}
}

/* What does not belong there, and what did not and is gone. */
static void look_strange(struct subject *s)
{
	const struct packs *k = s->data;
	struct progress *p = &s->progress;

	for (size_t i = p->nfailures; i-- > 0;) {
		BK_AUTO_FREE char *what = bk_strdup(p->failures[i].what);

		if (bk_str_starts(what, "extra ") &&
		    !bk_strv_has(&k->list.strange, what + strlen("extra ")))
			progress_clear(p, what);
	}
	for (size_t i = 0; i < k->list.strange.n; i++) {
		const char *path = k->list.strange.v[i];
		BK_AUTO_FREE char *what = bk_asprintf("extra %s", path);
		BK_AUTO_FREE char *message = bk_asprintf(
			"[repo %s] %s is no file of restic; first: see \"A "
			"file too many\" under REPAIR in bk-verify(1)",
			s->repo->name, path);

		progress_fail(p, SMALL, what, message, s->clock.now);
	}
}

static int hash_small(struct verify *v, struct subject *s, struct bk_err *err)
{
	struct packs *k = s->data;

	for (int i = LISTING_INDEX; i < LISTING_KINDS; i++) {
		size_t first, n = listing_range(&k->list, i, -1, &first);

		if (n > 0 && hash_files(v, s, first, n, err) < 0)
			return -1;
	}
	return 0;
}

/* The place has no commands for us: restic reads all of it instead. */
static int note_instead(struct subject *s, const struct bk_err *err)
{
	bk_rec_set_str(s->progress.own, "instead", err->msg);
	bk_info("%s: %s", s->name, err->msg);
	s->finished = true;
	return 0;
}

static int open_place(struct subject *s, struct bk_err *err)
{
	struct packs *k = s->data;

	if (k->opened)
		return 0;
	if (place_open(&k->place, s->repo, err) < 0) {
		place_close(&k->place);
		return -1;
	}
	k->opened = true;
	return 0;
}

/* An empty place was no repository before. */
static int lost(struct subject *s, const struct bk_err *err)
{
	BK_AUTO_FREE char *message =
		bk_asprintf("%s; first: see \"The repository is gone\" under "
			    "REPAIR in bk-verify(1)",
			    err->msg);

	progress_fail(&s->progress, SMALL, "repository", message, s->clock.now);
	s->finished = true;
	return 0;
}

static int look(struct verify *v, struct subject *s, struct bk_err *err)
{
	struct packs *k = s->data;

	k->looked = true;
	if (open_place(s, err) < 0 || place_list(&k->place, &k->list, err) < 0)
		return err->exit == BK_EX_NOINPUT ? lost(s, err) : -1;
	(void)json_object_del(s->progress.own, "instead");
	progress_clear(&s->progress, "repository");
	bk_rec_set_int(s->progress.own, "bytes", (int64_t)k->list.bytes);
	look_folders(s);
	look_strange(s);
	if (hash_small(v, s, err) < 0 || missing_look(v, s, err) < 0)
		return -1;
	bk_rec_set_int(s->progress.own, "looked", s->clock.now);
	progress_prove(&s->progress, SMALL, s->clock.now);
	s->proved++;
	return 0;
}

/* ---- the packs ------------------------------------------------------------------ */

static int byte_of(const struct progress_part *part)
{
	unsigned int byte = 0;

	return sscanf(part->name, "%2x", &byte) == 1 ? (int)byte : -1;
}

/* Parts that fit into one batch, or one part. */
static int hash_parts(struct verify *v, struct subject *s, struct bk_err *err)
{
	struct packs *k = s->data;
	struct progress *p = &s->progress;
	BK_AUTO_FREE size_t *due = NULL;
	size_t n = progress_due(p, 1, &s->clock, &due);
	uint64_t bytes = s->bytes;

	for (size_t i = 0; i < n; i++) {
		struct progress_part *part = &p->parts[due[i]];
		size_t first, files = listing_range(&k->list, LISTING_DATA,
						    byte_of(part), &first);

		if (files > 0 && hash_files(v, s, first, files, err) < 0)
			return -1;
		if (missing_settle(v, s, err) < 0)
			return -1;
		progress_prove(p, part->name, s->clock.now);
		s->proved++;
		if (s->bytes - bytes >= PLACE_SUM_BYTES || !budget_left(v))
			break;
	}
	return 0;
}

static int step(struct verify *v, struct subject *s, struct bk_err *err)
{
	struct packs *k = s->data;
	int got = k->looked ? hash_parts(v, s, err) : look(v, s, err);

	return got < 0 && err->exit == BK_EX_NO ? note_instead(s, err) : got;
}

/* ---- when ----------------------------------------------------------------------- */

static void prepare(struct verify *v, struct subject *s)
{
	static const char *const more[] = { SMALL };

	(void)v;
	progress_expect_bytes(&s->progress, more, 1);
	s->data = bk_calloc(1, sizeof(struct packs));
}

static void close_packs(struct subject *s)
{
	struct packs *k = s->data;

	if (k->opened)
		place_close(&k->place);
	listing_free(&k->list);
	listing_free(&k->gone);
	free(k);
	s->data = NULL;
}

static double score(struct verify *v, struct subject *s)
{
	const struct packs *k = s->data;
	int64_t looked = bk_rec_int(s->progress.own, "looked", 0);
	int64_t every = (int64_t)s->clock.cycle / 8;
	double parts = progress_score(&s->progress, 1, &s->clock), own;

	(void)v;
	if (every > DAY * 3 / 4)
		every = DAY * 3 / 4;
	own = k->looked ? 0
	      : s->progress.nfailures > 0 || looked == 0 ||
			      looked > s->clock.now || s->clock.all
		      ? 5
		      : (double)(s->clock.now - looked) / (double)every;
	return own > parts ? own : parts;
}

static void accept(struct verify *v, struct subject *s)
{
	(void)v;
	missing_accept(s);
}

const struct kind kind_packs = {
	.how = "hashed where it lies",
	.first = 0,
	.prepare = prepare,
	.score = score,
	.step = step,
	.close = close_packs,
	.accept = accept,
};
