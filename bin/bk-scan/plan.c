/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "match.h"
#include "path.h"
#include "time.h"

/* ---- from the configuration ----------------------------------------------- */

static size_t add_set(struct plan *p, enum class class, const char *name,
		      const struct bk_conf_section *s)
{
	struct set *set;

	p->sets = bk_realloc(p->sets, p->nsets + 1, sizeof(*p->sets));
	set = &p->sets[p->nsets];
	*set = (struct set){
		.class = class,
		.name = bk_strdup(name),
		.section = s,
	};
	if (class == RESTIC && s) {
		set->repo = bk_strdup(bk_conf_str(s, "repo", ""));
		set->markers = bk_conf_bool(s, "markers", false);
		for (const struct bk_conf_value *v = NULL;
		     (v = bk_conf_value(s, "exclude", v));)
			bk_strv_add(&set->exclude, v->value);
	}
	return p->nsets++;
}

/* Without symbolic links where it is there, else as it is written. */
static char *real_path(const char *path)
{
	char *real = realpath(path, NULL);

	return real ? real : bk_path_clean(path);
}

static void add_choices(struct plan *p, const struct bk_conf_section *s,
			size_t set)
{
	const struct bk_conf_value *v = NULL;

	while ((v = bk_conf_value(s, "path", v))) {
		struct choice *c;
		char *path = real_path(v->value);

		if (!path)
			continue;
		p->choices = bk_realloc(p->choices, p->nchoices + 1,
					sizeof(*p->choices));
		c = &p->choices[p->nchoices++];
		*c = (struct choice){
			.path = path,
			.link = strcmp(path, v->value) == 0
					? NULL
					: bk_strdup(v->value),
			.set = set,
			.file = v->file,
			.line = v->line,
		};
	}
}

static void add_scanned(struct plan *p, const struct bk_conf *conf)
{
	const struct bk_conf_section *s = bk_conf_find(conf, "scan", NULL);
	const struct bk_conf_value *v = NULL;

	while ((v = bk_conf_value(s, "root", v))) {
		BK_AUTO_FREE char *path = real_path(v->value);

		if (path && !bk_strv_has(&p->scanned, path))
			bk_strv_add(&p->scanned, path);
	}
}

/* What restic would refuse; the configuration's reader knows less of it. */
static void check_patterns(struct plan *p, const struct bk_conf_section *s)
{
	const struct bk_conf_value *v = NULL;

	while ((v = bk_conf_value(s, "exclude", v))) {
		const char *why = bk_match_check(v->value);

		if (why)
			warn_add(&p->warnings, true, v->file, v->line,
				 "exclude '%s' %s", v->value, why);
	}
}

void plan_prepare(struct plan *p, const struct bk_conf *conf)
{
	const struct bk_conf_section *s = NULL;

	p->host = bk_strdup(conf->host);
	p->time = bk_time_now();
	add_scanned(p, conf);
	while ((s = bk_conf_next(conf, "backup", s)))
		add_choices(p, s, add_set(p, RESTIC, s->name, s));
	while ((s = bk_conf_next(conf, "cold", s)))
		if (*s->name)
			add_choices(p, s, add_set(p, COLD, s->name, s));
	add_set(p, COLD, "", NULL);
	for (size_t i = 0; i < p->nsets; i++)
		check_patterns(p, p->sets[i].section);
}

int plan_find_set(const struct plan *p, enum class class, const char *name)
{
	for (size_t i = 0; i < p->nsets; i++)
		if (p->sets[i].class == class &&
		    strcmp(p->sets[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* ---- records --------------------------------------------------------------- */

struct rec *plan_add(struct plan *p, bool in, size_t set, const char *path)
{
	struct rec *r = bk_calloc(1, sizeof(*r));

	r->in = in;
	r->class = p->sets[set].class;
	r->set = set;
	r->path = bk_strdup(path);
	r->copies = 1;
	if ((p->nrecs & (p->nrecs - 1)) == 0)
		p->recs = bk_realloc(p->recs, p->nrecs ? 2 * p->nrecs : 1,
				     sizeof(struct rec *));
	p->recs[p->nrecs++] = r;
	return r;
}

void rec_free(struct rec *r)
{
	free(r->path);
	free(r->file);
	free(r->link);
	free(r->mount);
	bk_strv_free(&r->exclude);
	bk_strv_free(&r->boxes);
	free(r);
}

static void add_all(struct bk_strv *to, const struct bk_strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		if (!bk_strv_has(to, from->v[i]))
			bk_strv_add(to, from->v[i]);
}

static void because(struct rec *r, enum why why, const char *file, size_t line)
{
	free(r->file);
	r->why = why;
	r->file = bk_strdup(file);
	r->line = line;
}

/* ---- deciding -------------------------------------------------------------- */

/* What holds at a folder, and below it unless a zone there says otherwise. */
struct held {
	const char *path;
	struct rec **in;	    /* by set; NULL: not in it */
	const struct choice **conf; /* by set: what config chose it */
	struct rec *cold;
};

struct decider {
	struct plan *plan;
	struct walk *walk;
	struct held *stack;
	size_t n;
	const struct zone *zone;
	const struct held *outer; /* of the zone above, or NULL */
	struct held now;
	bool cut;	    /* nothing is inherited */
	struct rec why_cut; /* why and file of that */
};

static const struct marker *marker_at(const struct zone *z,
				      enum marker_kind kind)
{
	const struct marker *m = z->markers ? &z->markers[kind] : NULL;

	return m && m->present && !m->refused ? m : NULL;
}

static char *marker_path(const struct zone *z, enum marker_kind kind)
{
	return bk_path_join(z->path, marker_name(kind));
}

static const struct choice *choice_at(const struct decider *d, size_t set)
{
	for (size_t i = 0; i < d->plan->nchoices; i++)
		if (d->plan->choices[i].set == set &&
		    strcmp(d->plan->choices[i].path, d->zone->path) == 0)
			return &d->plan->choices[i];
	return NULL;
}

static enum state state_of(const struct zone *z)
{
	if (z->flags & ZONE_MISSING)
		return STATE_MISSING;
	return z->flags & ZONE_UNREADABLE ? STATE_UNREADABLE : STATE_OK;
}

static struct rec *add_root(struct decider *d, size_t set)
{
	struct rec *r = plan_add(d->plan, true, set, d->zone->path);
	const struct mount *m = mounts_of(d->walk->mounts, r->path);

	r->state = state_of(d->zone);
	r->mount = m ? bk_strdup(m->path) : NULL;
	return r;
}

static void choose_by_config(struct rec *r, const struct choice *c)
{
	because(r, WHY_CONFIG, c->file, c->line);
	if (c->link)
		r->link = bk_strdup(c->link);
}

static void add_out(struct decider *d, size_t set, enum why why,
		    const char *file)
{
	because(plan_add(d->plan, false, set, d->zone->path), why, file, 0);
}

/* The sets that a .backup here chooses; chosen has room for each. */
static void choose(struct decider *d, const struct marker *m, bool *chosen)
{
	struct plan *p = d->plan;
	BK_AUTO_FREE char *path = marker_path(d->zone, MARKER_BACKUP);
	bool fallback = m->sets.n == 0, any = false;

	for (size_t i = 0; i < m->sets.n; i++) {
		int set = plan_find_set(p, RESTIC, m->sets.v[i]);

		if (set >= 0) {
			chosen[set] = any = true;
			continue;
		}
		fallback = true;
		warn_add(&p->warnings, true, path, m->sets_line,
			 "there is no [backup %s]; the folder goes where "
			 "markers without a set go",
			 m->sets.v[i]);
	}
	for (size_t i = 0; fallback && i < p->nsets; i++)
		if (p->sets[i].markers)
			chosen[i] = any = true;
	if (!any)
		warn_add(&p->warnings, true, path, 0,
			 "nothing takes this folder: no [backup] section has "
			 "'markers = yes'");
}

static void decide_set(struct decider *d, size_t set, const struct marker *m,
		       bool chosen)
{
	const struct choice *c = choice_at(d, set);
	struct rec *was = d->outer ? d->outer->in[set] : NULL, *r;
	BK_AUTO_FREE char *path = marker_path(d->zone, MARKER_BACKUP);

	if (c)
		d->now.conf[set] = c;
	if (chosen || c || (m && d->now.conf[set])) {
		/* a farther marker's tuning ends where a nearer one stands */
		if (!chosen && !c && was && was->why == WHY_CONFIG)
			return;
		r = d->now.in[set] = add_root(d, set);
		if (chosen) {
			because(r, WHY_MARKER, path, 0);
			add_all(&r->exclude, &m->exclude);
		} else {
			choose_by_config(r, d->now.conf[set]);
		}
		return;
	}
	if (m)
		d->now.in[set] = NULL;
	if (was && d->cut)
		add_out(d, set, d->why_cut.why, d->why_cut.file);
	else if (was && m)
		add_out(d, set, WHY_SET, path);
}

static void decide_restic(struct decider *d)
{
	const struct marker *m = marker_at(d->zone, MARKER_BACKUP);
	BK_AUTO_FREE bool *chosen = bk_calloc(d->plan->nsets, sizeof(bool));

	if (m)
		choose(d, m, chosen);
	for (size_t i = 0; i < d->plan->nsets; i++)
		if (d->plan->sets[i].class == RESTIC)
			decide_set(d, i, m, chosen[i]);
}

/* Only files of whoever made the marker may be deleted for it, root aside. */
static void allow_delete(struct rec *r, const struct rec *outer, uid_t uid)
{
	bool anyone = uid == 0 || (outer && outer->del && !outer->has_owner);

	r->del = true;
	r->has_owner = !anyone;
	r->owner = anyone ? 0 : uid;
}

static void inherit_cold(struct rec *r, const struct rec *outer)
{
	if (!outer)
		return;
	r->copies = outer->copies;
	r->del = outer->del;
	r->has_owner = outer->has_owner;
	r->owner = outer->owner;
}

static void tune(struct rec *r, const struct marker *m)
{
	add_all(&r->exclude, &m->exclude);
	add_all(&r->boxes, &m->boxes);
	if (m->has_age && (!r->has_age || r->min_age < m->min_age)) {
		r->has_age = true;
		r->min_age = m->min_age;
	}
}

static void tune_by_config(struct rec *r, const struct choice *c,
			   const struct set *set, const struct rec *outer)
{
	const struct bk_conf_section *s = set->section;
	unsigned int copies = (unsigned int)bk_conf_u64(s, "copies", 1);

	choose_by_config(r, c);
	if (copies > r->copies)
		r->copies = copies;
	if (bk_conf_bool(s, "delete", false))
		allow_delete(r, outer, 0);
	for (const struct bk_conf_value *v = NULL;
	     (v = bk_conf_value(s, "exclude", v));)
		bk_strv_add(&r->exclude, v->value);
	if (bk_conf_value(s, "min-age", NULL)) {
		r->has_age = true;
		r->min_age = bk_conf_duration(s, "min-age", 0);
	}
}

/* The set that a cold decision here belongs to; -1: there is none. */
static int cold_set(const struct decider *d)
{
	const struct plan *p = d->plan;

	for (size_t i = 0; i < p->nsets; i++)
		if (p->sets[i].class == COLD && choice_at(d, i))
			return (int)i;
	for (int k = MARKER_COLD; k <= MARKER_DELETE; k++)
		if (marker_at(d->zone, (enum marker_kind)k))
			return plan_find_set(p, COLD, "");
	return -1;
}

static void apply_choices(struct decider *d, struct rec *r,
			  const struct rec *outer)
{
	for (size_t i = d->plan->nsets; i-- > 0;) {
		const struct set *set = &d->plan->sets[i];
		const struct choice *c = choice_at(d, i);

		if (set->class == COLD && c)
			tune_by_config(r, c, set, outer);
	}
}

static void apply_markers(struct decider *d, struct rec *r,
			  const struct rec *outer)
{
	for (int k = MARKER_COLD; k <= MARKER_DELETE; k++) {
		const struct marker *m =
			marker_at(d->zone, (enum marker_kind)k);
		BK_AUTO_FREE char *path = NULL;

		if (!m)
			continue;
		path = marker_path(d->zone, (enum marker_kind)k);
		because(r, WHY_MARKER, path, 0);
		tune(r, m);
		if (k == MARKER_REDUNDANT)
			r->copies = 2;
		if (k == MARKER_DELETE && !(r->del && !r->has_owner))
			allow_delete(r, outer, m->uid);
	}
}

static void decide_cold(struct decider *d)
{
	struct rec *was = d->outer ? d->outer->cold : NULL, *r;
	const struct rec *outer = d->cut ? NULL : was;
	int set = cold_set(d);

	if (set < 0) {
		if (was && d->cut)
			add_out(d, was->set, d->why_cut.why, d->why_cut.file);
		return;
	}
	r = add_root(d, (size_t)set);
	inherit_cold(r, outer);
	apply_choices(d, r, outer);
	apply_markers(d, r, outer);
	d->now.cold = r;
	if (was && was->set != r->set)
		add_out(d, was->set, d->cut ? d->why_cut.why : WHY_SET,
			d->cut ? d->why_cut.file : r->file);
}

/* Where what was inherited ends. */
static void decide_cut(struct decider *d)
{
	const struct zone *z = d->zone;
	bool nobackup = marker_at(z, MARKER_NOBACKUP) != NULL;
	size_t n = d->plan->nsets;

	d->cut = nobackup || (z->flags & ZONE_MOUNT);
	if (!d->cut)
		return;
	d->now.cold = NULL;
	memset(d->now.in, 0, n * sizeof(*d->now.in));
	memset(d->now.conf, 0, n * sizeof(*d->now.conf));
	if (nobackup) {
		d->why_cut.why = WHY_MARKER;
		d->why_cut.file = marker_path(z, MARKER_NOBACKUP);
	} else {
		d->why_cut.why = WHY_MOUNT;
		d->why_cut.file = bk_strdup(z->fstype ? z->fstype : "unknown");
	}
	for (size_t i = 0; nobackup && i < n; i++) {
		const struct choice *c = choice_at(d, i);

		if (c)
			warn_add(&d->plan->warnings, false, d->why_cut.file, 0,
				 "%s:%zu names this very folder, so it is in "
				 "[%s %s] all the same",
				 c->file, c->line,
				 d->plan->sets[i].class == RESTIC ? "backup"
								  : "cold",
				 d->plan->sets[i].name);
	}
}

static void *copy(const void *p, size_t n)
{
	void *q = bk_calloc(n, sizeof(void *));

	if (p)
		memcpy(q, p, n * sizeof(void *));
	return q;
}

static void count(struct rec *r, const struct zone *z)
{
	if (!r)
		return;
	r->files += z->files;
	r->dirs += z->dirs;
	r->bytes += z->bytes;
}

static void decide(struct decider *d, const struct zone *z)
{
	size_t n = d->plan->nsets;

	while (d->n && !bk_path_within(z->path, d->stack[d->n - 1].path)) {
		struct held *s = &d->stack[--d->n];

		free(s->in);
		free(s->conf);
	}
	d->zone = z;
	d->outer = d->n ? &d->stack[d->n - 1] : NULL;
	d->now = (struct held){
		.path = z->path,
		.in = copy(d->outer ? d->outer->in : NULL, n),
		.conf = copy(d->outer ? d->outer->conf : NULL, n),
		.cold = d->outer ? d->outer->cold : NULL,
	};
	decide_cut(d);
	decide_restic(d);
	decide_cold(d);
	for (size_t i = 0; i < n; i++)
		count(d->now.in[i], z);
	count(d->now.cold, z);
	free(d->why_cut.file);
	d->why_cut.file = NULL;
	d->stack = bk_realloc(d->stack, d->n + 1, sizeof(*d->stack));
	d->stack[d->n++] = d->now;
}

/* ---- finishing ------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct rec *const *x = a, *const *y = b;

	if ((*x)->set != (*y)->set)
		return (*x)->set < (*y)->set ? -1 : 1;
	return bk_path_compare((*x)->path, (*y)->path);
}

/* Sort, find what is nested, drop ends of what never began. */
static void finish(struct plan *p)
{
	size_t n = 0, depth = 0;
	BK_AUTO_FREE struct rec **roots =
		bk_calloc(p->nrecs + 1, sizeof(struct rec *));

	if (p->nrecs)
		qsort(p->recs, p->nrecs, sizeof(*p->recs), compare);
	for (size_t i = 0; i < p->nrecs; i++) {
		struct rec *r = p->recs[i];

		while (depth &&
		       (roots[depth - 1]->set != r->set ||
			!bk_path_within(r->path, roots[depth - 1]->path)))
			depth--;
		if (!r->in && !depth) {
			rec_free(r);
			continue;
		}
		r->nested = r->in && depth;
		if (r->in)
			roots[depth++] = r;
		p->recs[n++] = r;
	}
	p->nrecs = n;
}

void plan_make(struct plan *p, struct walk *w, const struct plan *last)
{
	struct decider d = { .plan = p, .walk = w };

	p->sizes = w->sizes;
	for (size_t i = 0; i < w->nzones; i++)
		decide(&d, w->zones[i]);
	while (d.n) {
		d.n--;
		free(d.stack[d.n].in);
		free(d.stack[d.n].conf);
	}
	free(d.stack);
	if (last)
		plan_keep_known(p, w, last);
	finish(p);
	plan_check(p, w);
	for (size_t i = 0; i < w->warnings.n; i++) {
		const struct warning *v = &w->warnings.v[i];

		warn_add(&p->warnings, v->partial, v->path, v->line, "%s",
			 v->msg);
	}
	warn_sort(&p->warnings);
}

int plan_status(const struct plan *p)
{
	for (size_t i = 0; i < p->warnings.n; i++)
		if (p->warnings.v[i].partial)
			return BK_EX_PARTIAL;
	return BK_EX_OK;
}

/* The first record of the set, in the order of p->recs, not before path. */
static size_t find_rec(const struct plan *p, size_t set, const char *path)
{
	size_t lo = 0, hi = p->nrecs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct rec *r = p->recs[mid];

		if (r->set < set ||
		    (r->set == set && bk_path_compare(r->path, path) < 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct rec *plan_at(const struct plan *p, size_t set, const char *path)
{
	BK_AUTO_FREE char *at = bk_strdup(path);

	for (;;) {
		size_t i = find_rec(p, set, at);
		char *slash;

		if (i < p->nrecs && p->recs[i]->set == set &&
		    strcmp(p->recs[i]->path, at) == 0)
			return p->recs[i];
		if (!at[1])
			return NULL;
		slash = strrchr(at, '/');
		slash[slash == at] = '\0';
	}
}

static const char *first_hit(const struct bk_strv *patterns, const char *path,
			     bool below)
{
	for (size_t i = 0; i < patterns->n; i++) {
		struct bk_match *m = bk_match_new(patterns->v[i], below);
		bool hit = bk_match_hits(m, path);

		bk_match_free(m);
		if (hit)
			return patterns->v[i];
	}
	return NULL;
}

const char *plan_pattern(const struct plan *p, const struct rec *r,
			 const char *path)
{
	const char *below = path + (r->path[1] ? strlen(r->path) : 0);
	const char *hit = first_hit(&r->exclude, below, true);

	return hit ? hit : first_hit(&p->sets[r->set].exclude, path, false);
}

bool filter_takes(const struct filter *f, const struct plan *p,
		  const struct rec *r)
{
	if (r->class == RESTIC)
		return f->restic &&
		       (!f->set || strcmp(p->sets[r->set].name, f->set) == 0);
	if (!f->cold)
		return false;
	return !r->in ||
	       ((!f->del || r->del) && (!f->redundant || r->copies > 1));
}

void plan_free(struct plan *p)
{
	for (size_t i = 0; i < p->nsets; i++) {
		free(p->sets[i].name);
		free(p->sets[i].repo);
		bk_strv_free(&p->sets[i].exclude);
	}
	for (size_t i = 0; i < p->nchoices; i++) {
		free(p->choices[i].path);
		free(p->choices[i].link);
	}
	for (size_t i = 0; i < p->nrecs; i++)
		rec_free(p->recs[i]);
	for (size_t i = 0; i < p->nmounts; i++) {
		free(p->mounts[i].path);
		free(p->mounts[i].fstype);
	}
	free(p->sets);
	free(p->choices);
	free(p->recs);
	free(p->mounts);
	free(p->host);
	bk_strv_free(&p->scanned);
	warn_free(&p->warnings);
	*p = (struct plan){ 0 };
}
