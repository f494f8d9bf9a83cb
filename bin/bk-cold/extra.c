/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lies on a box and is in no catalog: it is told, and never touched. */
#include "check.h"
#include "log.h"
#include "name.h"
#include "sig.h"

enum { EXTRA_MAX = 10000 };

struct hunt {
	struct check *ck;
	const char *dir;
	struct bk_strv dirs;  /* to look into */
	struct bk_strv found; /* unknown, as far as was seen */
	uint64_t *sizes;
	struct bk_err err;
};

static int note_extra(struct hunt *h, const char *name, uint64_t size)
{
	if (h->found.n == EXTRA_MAX)
		return 0;
	h->sizes = bk_realloc(h->sizes, h->found.n + 1, sizeof(*h->sizes));
	h->sizes[h->found.n] = size;
	bk_strv_add(&h->found, name);
	return 0;
}

static int look_at_one(void *arg, const char *name, const struct box_stat *st)
{
	struct hunt *h = arg;
	BK_AUTO_FREE char *whole = NULL;
	int got;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	whole = bk_asprintf("%s/%s", h->dir, name);
	if (!name_is_safe(whole))
		return note_extra(h, whole, st->size);
	if (st->type == 'd') {
		bk_strv_add(&h->dirs, whole);
		return 0;
	}
	got = catalog_has_object(h->ck->cat, h->ck->known.id, whole, &h->err);
	if (got < 0)
		return -1;
	return got ? 0 : note_extra(h, whole, st->size);
}

static int hunt_all(struct hunt *h, struct bk_err *err)
{
	while (h->dirs.n > 0 && !check_over(h->ck)) {
		BK_AUTO_FREE char *dir = h->dirs.v[--h->dirs.n];

		h->dirs.v[h->dirs.n] = NULL;
		h->dir = dir;
		h->err = (struct bk_err){ 0 };
		if (bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "it was stopped");
		if (box_list(h->ck->box, dir, look_at_one, h, err) < 0) {
			if (h->err.exit)
				*err = h->err;
			return -1;
		}
	}
	return 0;
}

/* Those that a push brought meanwhile are known by now. */
static int tell(struct hunt *h, struct bk_err *err)
{
	struct check *ck = h->ck;
	BK_AUTO_FREE char *text = bk_asprintf(
		"no catalog has it: 'bk-cold rebuild %s' if a push brought it, "
		"else look at it and remove it there, which bk never does",
		ck->known.name);

	for (size_t i = 0; i < h->found.n; i++) {
		const char *name = h->found.v[i];
		int got = name_is_safe(name)
				  ? catalog_has_object(ck->cat, ck->known.id,
						       name, err)
				  : 0;

		if (got < 0)
			return -1;
		if (got > 0)
			continue;
		ck->n.extra++;
		ck->n.extra_bytes += h->sizes[i];
		check_say(ck, "extra", "extra", name, NULL, text);
	}
	return 0;
}

/* What is only to be listed anew, or was told to be wrong, is not lacking. */
static int note_lacking(void *arg, struct entry *e, struct bk_err *err)
{
	struct check *ck = arg;
	struct copy *v = NULL;
	bool has = e->meta.type != 'f';
	ssize_t n = has ? 0 : catalog_copies(ck->cat, e, &v, err);

	for (ssize_t i = 0; i < n; i++)
		has = has || v[i].box == ck->known.id;
	copies_free(v, n < 0 ? 0 : (size_t)n);
	if (n < 0 || has)
		return n < 0 ? -1 : 0;
	ck->n.lacking++;
	check_say(ck, "lacking", "lacking", "-", e->path,
		  "a push has still to bring it here");
	return 0;
}

/* Where all objects lie; some may not be there. */
static int find_folders(struct hunt *h, struct bk_err *err)
{
	static const char *const names[] = { "DATA", "AGE" };

	for (size_t i = 0; i < BK_COUNT(names); i++) {
		BK_AUTO_FREE char *dir =
			bk_asprintf("%s/%s", h->ck->host, names[i]);
		struct box_stat st;
		int there = box_stat(h->ck->box, dir, &st, err);

		if (there < 0)
			return -1;
		if (there > 0)
			bk_strv_add(&h->dirs, dir);
	}
	return 0;
}

int find_extra(struct check *ck, struct bk_err *err)
{
	struct hunt h = { .ck = ck };
	struct catalog_query q = { .wanted = ck->known.id };
	struct catalog *other = NULL;
	struct bk_err busy;
	int got = 0, there = find_folders(&h, err);

	if (there == 0 && !check_over(ck))
		got = hunt_all(&h, err);
	/* what a push is at is not extra, and comes still */
	other = catalog_open(true, 0, &busy);
	if (!other)
		bk_info("box %s: %s; what is extra or lacking is not told",
			ck->known.name, busy.msg);
	else if (there >= 0 && got == 0 && tell(&h, err) == 0)
		got = catalog_each(ck->cat, &q, note_lacking, ck, err);
	else
		got = -1;
	catalog_close(other);
	bk_strv_free(&h.dirs);
	bk_strv_free(&h.found);
	free(h.sizes);
	return there < 0 ? -1 : got;
}
