/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A last look at a finished plan: mount points below its roots, and roots of
 * which nothing, or not all, can be stored.
 */
#include "match.h"
#include "path.h"
#include "plan.h"

static bool below_root(const struct plan *p, const char *path)
{
	for (size_t i = 0; i < p->nrecs; i++)
		if (p->recs[i]->in && bk_path_within(path, p->recs[i]->path))
			return true;
	return false;
}

static void warn_hidden(struct plan *p, const char *path)
{
	warn_add(&p->warnings, true, path, 0,
		 "is hidden by the sandbox of this unit: what is there cannot "
		 "be seen (a drop-in can change that)");
}

static void add_mount(struct plan *p, const struct walk *w,
		      const struct zone *z)
{
	const struct mount *m = mounts_at(w->mounts, z->path);

	if (!(z->flags & (ZONE_MOUNT | ZONE_CROSSED)) ||
	    !below_root(p, z->path))
		return;
	if (m && m->hides)
		warn_hidden(p, z->path);
	p->mounts = bk_realloc(p->mounts, p->nmounts + 1, sizeof(*p->mounts));
	p->mounts[p->nmounts++] = (struct plan_mount){
		.path = bk_strdup(z->path),
		.fstype = bk_strdup(z->fstype ? z->fstype : "unknown"),
		.crossed = z->flags & ZONE_CROSSED,
	};
}

static void warn_if_hit(struct plan *p, size_t set, const char *pattern)
{
	struct bk_match *m = bk_match_new(pattern, false);

	for (size_t i = 0; i < p->nrecs; i++) {
		const struct rec *r = p->recs[i];

		if (r->in && r->set == set && bk_match_hits(m, r->path))
			warn_add(&p->warnings, true, r->path, 0,
				 "is chosen, but 'exclude = %s' of [backup %s] "
				 "leaves it out",
				 pattern, p->sets[set].name);
	}
	bk_match_free(m);
}

/* Roots that the patterns of their own set keep from being stored. */
static void warn_excluded(struct plan *p)
{
	for (size_t i = 0; i < p->nsets; i++)
		for (size_t k = 0; k < p->sets[i].exclude.n; k++)
			warn_if_hit(p, i, p->sets[i].exclude.v[k]);
}

void plan_check(struct plan *p, const struct walk *w)
{
	for (size_t i = 0; i < p->nrecs; i++) {
		const struct mount *m = mounts_of(w->mounts, p->recs[i]->path);

		if (p->recs[i]->in && m && m->hides)
			warn_hidden(p, p->recs[i]->path);
	}
	warn_excluded(p);
	for (size_t i = 0; i < w->nzones; i++)
		add_mount(p, w, w->zones[i]);
}
