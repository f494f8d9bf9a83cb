/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What cannot be seen is not gone: decisions of markers that the last plan
 * has at or below a folder that could not be read, at one whose marker could
 * not be, in a [scan] root that is missing, or on a file system that is not
 * mounted, are kept.
 */
#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "plan.h"

static bool is_there(const struct plan *p, const struct rec *r, size_t set)
{
	for (size_t i = 0; i < p->nrecs; i++)
		if (p->recs[i]->set == set &&
		    strcmp(p->recs[i]->path, r->path) == 0)
			return true;
	return false;
}

static char *dup_or_null(const char *s)
{
	return s ? bk_strdup(s) : NULL;
}

static void copy_list(struct bk_strv *to, const struct bk_strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		bk_strv_add(to, from->v[i]);
}

/* Keep r, a record of last, unless it is known otherwise now, or given up. */
static bool keep(struct plan *p, const struct plan *last, const struct rec *r)
{
	int set = plan_find_set(p, r->class, last->sets[r->set].name);
	struct rec *k;

	if (p->give_up && filter_takes(p->give_up, last, r))
		return false;
	if (set < 0 || r->why == WHY_CONFIG || is_there(p, r, (size_t)set))
		return false;
	k = plan_add(p, r->in, (size_t)set, r->path);
	k->why = r->why;
	k->file = dup_or_null(r->file);
	k->line = r->line;
	k->state = STATE_KNOWN;
	k->mount = dup_or_null(r->mount);
	copy_list(&k->exclude, &r->exclude);
	copy_list(&k->boxes, &r->boxes);
	k->files = r->files;
	k->dirs = r->dirs;
	k->bytes = r->bytes;
	k->copies = r->copies;
	k->del = r->del;
	k->has_owner = r->has_owner;
	k->owner = r->owner;
	k->has_age = r->has_age;
	k->min_age = r->min_age;
	return r->in;
}

/* All of it, or what is decided by its own markers. */
static void keep_below(struct plan *p, const struct plan *last,
		       const struct zone *z, bool all)
{
	size_t n = 0;

	for (size_t i = 0; i < last->nrecs; i++) {
		const char *path = last->recs[i]->path;

		if (all ? bk_path_within(path, z->path)
			: strcmp(path, z->path) == 0)
			n += keep(p, last, last->recs[i]);
	}
	if (n)
		warn_add(&p->warnings, true, z->path, 0,
			 "%zu folder%s of the last plan at or below it cannot "
			 "be seen now and %s kept",
			 n, n == 1 ? "" : "s", n == 1 ? "is" : "are");
}

static bool is_scanned(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->scanned.n; i++)
		if (bk_path_within(path, p->scanned.v[i]))
			return true;
	return false;
}

/* A root whose file system was mounted then and is not now. */
static bool is_unmounted(const struct plan *p, const struct walk *w,
			 const struct rec *r)
{
	return r->in && r->mount && !mounts_at(w->mounts, r->mount) &&
	       is_scanned(p, r->path);
}

/* Of record i of last, an end: what it ends is such a root, and kept. */
static bool ends_unmounted(const struct plan *p, const struct walk *w,
			   const struct plan *last, size_t i)
{
	const struct rec *end = last->recs[i];
	int set = plan_find_set(p, end->class, last->sets[end->set].name);

	while (set >= 0 && i-- > 0 && last->recs[i]->set == end->set) {
		const struct rec *r = last->recs[i];

		if (!r->in || !bk_path_within(end->path, r->path))
			continue;
		for (size_t k = 0; k < p->nrecs; k++)
			if (p->recs[k]->state == STATE_KNOWN &&
			    p->recs[k]->set == (size_t)set &&
			    strcmp(p->recs[k]->path, r->path) == 0)
				return is_unmounted(p, w, r);
		return false;
	}
	return false;
}

static void keep_of_mount(struct plan *p, const struct walk *w,
			  const struct plan *last, const char *mount)
{
	size_t n = 0;

	for (size_t i = 0; i < last->nrecs; i++) {
		const struct rec *r = last->recs[i];

		if (is_unmounted(p, w, r) && strcmp(r->mount, mount) == 0)
			n += keep(p, last, r);
	}
	if (n)
		warn_add(&p->warnings, true, mount, 0,
			 "nothing is mounted now where %zu folder%s of the "
			 "last plan %s, which %s kept",
			 n, n == 1 ? "" : "s", n == 1 ? "was" : "were",
			 n == 1 ? "is" : "are");
}

static void keep_unmounted(struct plan *p, const struct walk *w,
			   const struct plan *last)
{
	BK_AUTO_STRV struct bk_strv mounts = BK_STRV_INIT;

	for (size_t i = 0; i < last->nrecs; i++)
		if (is_unmounted(p, w, last->recs[i]) &&
		    !bk_strv_has(&mounts, last->recs[i]->mount))
			bk_strv_add(&mounts, last->recs[i]->mount);
	for (size_t i = 0; i < mounts.n; i++)
		keep_of_mount(p, w, last, mounts.v[i]);
	for (size_t i = 0; mounts.n && i < last->nrecs; i++)
		if (!last->recs[i]->in && ends_unmounted(p, w, last, i))
			(void)keep(p, last, last->recs[i]);
}

/* Something is mounted there that is not entered: it may hide what was. */
static bool is_covered(const struct zone *z)
{
	return (z->flags & ZONE_MOUNT) &&
	       !(z->flags & (ZONE_CONFIG | ZONE_ROOT | ZONE_CROSSED));
}

static bool has_unread(const struct zone *z)
{
	for (int i = 0; z->markers && i < MARKERS; i++)
		if (z->markers[i].present && z->markers[i].unread)
			return true;
	return false;
}

void plan_keep_known(struct plan *p, const struct walk *w,
		     const struct plan *last)
{
	const unsigned int unseen = ZONE_UNREADABLE | ZONE_GONE | ZONE_MISSING;

	for (size_t i = 0; i < w->nzones; i++) {
		const struct zone *z = w->zones[i];

		if (z->flags & unseen || is_covered(z))
			keep_below(p, last, z, true);
		else if (has_unread(z))
			keep_below(p, last, z, false);
	}
	keep_unmounted(p, w, last);
}
