/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "target.h"

#include "disk.h"
#include "log.h"
#include "name.h"
#include "time.h"

/* Lost connections in a row, nothing proved between them; then it is over. */
enum { LOSSES_MAX = 4 };
/* What is left free on a box: bytes. */
#define ROOM_KEPT ((uint64_t)16 << 20)

boxset targets_add(struct targets *t, const char *name, struct bk_err *err)
{
	struct target *to;
	int got;

	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->v[i].known.name, name) == 0)
			return BOXSET(t->v[i].known.id);
	if (bk_conf_bool(bk_conf_find(t->c->conf, "box", name), "read-only",
			 false)) {
		(void)box_refuse(name, err);
		return 0;
	}
	t->v = bk_realloc(t->v, t->n + 1, sizeof(*t->v));
	to = &t->v[t->n];
	*to = (struct target){ .box = NULL };
	got = catalog_box(t->cat, name, &to->known, err);
	if (got < 0)
		return 0;
	if (got == 0) {
		(void)bk_err_set(err, BK_EX_CONFIG, 0,
				 "box %s is not initialised: bk-cold init %s",
				 name, name);
		return 0;
	}
	t->n++;
	return BOXSET(to->known.id);
}

struct target *targets_find(struct targets *t, int id)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].known.id == id)
			return &t->v[i];
	return NULL;
}

static int refuse(struct target *to, const struct bk_err *err)
{
	to->refused = true;
	to->err = *err;
	bk_error("%s", err->msg);
	box_close(to->box);
	to->box = NULL;
	return -1;
}

/* Not now; after longer and longer pauses, and not for ever. */
static int postpone(struct target *to, const struct bk_err *err)
{
	static const int64_t pauses[] = { 1000, 2000, 10000, 30000 };

	if (to->losses >= LOSSES_MAX)
		return refuse(to, err);
	to->again = bk_time_mono_ms() + pauses[to->losses - 1];
	bk_warning("%s; it will be tried again", err->msg);
	return 1;
}

/* What a push that was interrupted left, which nobody can need. */
static int remove_part(void *arg, const char *name, const struct box_stat *st)
{
	struct bk_strv *names = arg;

	(void)st;
	bk_strv_add(names, name);
	return 0;
}

static int clean_parts(const struct targets *t, struct target *to,
		       struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv names = BK_STRV_INIT;
	BK_AUTO_FREE char *dir = bk_asprintf("%s/" BOX_PARTS, t->host);

	if (box_mkdirs(to->box, dir, err) < 0 ||
	    box_list(to->box, dir, remove_part, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		BK_AUTO_FREE char *name = bk_asprintf("%s/%s", dir, names.v[i]);

		if (box_remove_part(to->box, name, err) < 0)
			return -1;
	}
	return 0;
}

/* The number of a disk may be that of another after a reboot. */
static bool is_here(const struct target *to)
{
	return to->box || !disk_is_number(to->known.peer);
}

int targets_distinct(const struct targets *t, struct bk_err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct catalog_box *a = &t->v[i].known;

		for (size_t k = i + 1; k < t->n; k++) {
			const struct catalog_box *b = &t->v[k].known;

			if (*a->peer && strcmp(a->peer, b->peer) == 0 &&
			    is_here(&t->v[i]) && is_here(&t->v[k]))
				return bk_err_set(
					err, BK_EX_NOPERM, 0,
					"the boxes %s and %s are one place "
					"(%s): two copies there are none",
					a->name, b->name, a->peer);
		}
	}
	return 0;
}

static void learn_room(struct target *to)
{
	uint64_t room = 0, total;
	struct bk_err err;

	to->told_room = box_space(to->box, &room, &total, &err) == 1;
	to->room = room > ROOM_KEPT ? room - ROOM_KEPT : 0;
}

static int open_target(struct targets *t, struct target *to, struct bk_err *err)
{
	struct catalog_box known = { 0 };

	to->box = cold_open_box(t->c, t->cat, to->known.name, &known, err);
	if (!to->box)
		return -1;
	catalog_box_free(&to->known);
	to->known = known;
	if (targets_distinct(t, err) == 0 && clean_parts(t, to, err) == 0) {
		learn_room(to);
		return 0;
	}
	box_close(to->box);
	to->box = NULL;
	return -1;
}

/*
 * All uploads ended with the connection: what they left can go, and what was
 * reserved for them is free again.
 */
static int reopen_target(const struct targets *t, struct target *to,
			 struct bk_err *err)
{
	if (box_reopen(to->box, err) < 0 || clean_parts(t, to, err) < 0)
		return -1;
	learn_room(to);
	return 0;
}

int target_connect(struct targets *t, struct target *to)
{
	struct bk_err err;
	int got;

	if (to->refused)
		return -1;
	if (to->box && !box_is_lost(to->box))
		return 0;
	if (bk_time_mono_ms() < to->again)
		return 1;
	/* what comes and goes is given up as well */
	to->losses++;
	got = to->box ? reopen_target(t, to, &err) : open_target(t, to, &err);
	if (got == 0 && to->losses <= LOSSES_MAX)
		return 0;
	if (got == 0)
		(void)bk_err_set(&err, BK_EX_TEMPFAIL, 0,
				 "box %s: the connection is lost again and "
				 "again",
				 to->known.name);
	return err.exit == BK_EX_TEMPFAIL ? postpone(to, &err)
					  : refuse(to, &err);
}

int target_reserve(struct target *to, uint64_t size, struct bk_err *err)
{
	if (!to->told_room)
		return 0;
	if (size > to->room)
		return bk_err_set(err, BK_EX_IOERR, 0,
				  "box %s has too little room", to->known.name);
	to->room -= size;
	return 0;
}

size_t targets_boxes(const struct targets *t, struct box **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].box && !box_is_lost(t->v[i].box))
			ret[n++] = t->v[i].box;
	return n;
}

void targets_free(struct targets *t)
{
	for (size_t i = 0; i < t->n; i++) {
		box_close(t->v[i].box);
		catalog_box_free(&t->v[i].known);
	}
	free(t->v);
	free(t->host);
	*t = (struct targets){ 0 };
}
