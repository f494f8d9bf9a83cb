/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan.h"

#include "log.h"
#include "path.h"
#include "plan_in.h"
#include "rec.h"

static void decision_free(struct decision *d)
{
	for (size_t i = 0; i < d->npatterns; i++)
		bk_match_free(d->patterns[i]);
	free(d->patterns);
	free(d->path);
	free(d->set);
	free(d->marker);
	bk_strv_free(&d->boxes);
}

void plan_free(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		decision_free(&p->v[i]);
	free(p->v);
	free(p->host);
	bk_strv_free(&p->mounts);
	*p = (struct plan){ 0 };
}

static void add_pattern(struct decision *d, const char *pattern)
{
	if (bk_match_check(pattern))
		return; /* bk-scan has said so */
	d->patterns =
		bk_realloc(d->patterns, d->npatterns + 1, sizeof(*d->patterns));
	d->patterns[d->npatterns++] = bk_match_new(pattern, true);
}

static void take_root(struct decision *d, const json_t *o)
{
	const char *state = bk_rec_str(o, "state");
	const json_t *why = json_object_get(o, "why");
	const char *kind = bk_rec_str(why, "kind");
	BK_AUTO_STRV struct bk_strv patterns = BK_STRV_INIT;

	d->gone = state && strcmp(state, "ok") != 0;
	d->copies = bk_rec_int(o, "copies", 1) == 2 ? 2 : 1;
	d->release = bk_rec_bool(o, "delete", false);
	d->owner = (uid_t)bk_rec_int(o, "owner", (int64_t)(uid_t)-1);
	d->min_age = (uint64_t)bk_rec_int(o, "min_age", 0);
	if (kind && strcmp(kind, "marker") == 0)
		d->marker = bk_rec_get_path(why, "file");
	bk_plan_texts(o, "boxes", &d->boxes);
	bk_plan_texts(o, "exclude", &patterns);
	for (size_t i = 0; i < patterns.n; i++)
		add_pattern(d, patterns.v[i]);
}

static int add_decision(struct plan *p, const json_t *o, bool in,
			struct bk_err *err)
{
	const char *set;
	char *path = bk_plan_path(o, &set, err);
	struct decision *d;

	if (!path)
		return -1;
	p->v = bk_realloc(p->v, p->n + 1, sizeof(*p->v));
	d = &p->v[p->n++];
	*d = (struct decision){ .path = path, .in = in };
	d->set = bk_strdup(set);
	if (in)
		take_root(d, o);
	return 0;
}

static int take(void *plan, const char *type, const json_t *o,
		struct bk_err *err)
{
	struct plan *p = plan;
	const char *class = bk_rec_str(o, "class");

	if (strcmp(type, "mount") == 0) {
		BK_AUTO_FREE char *path = bk_plan_entered(o);

		if (path)
			bk_strv_add(&p->mounts, path);
	} else if (class && strcmp(class, "cold") == 0) {
		if (strcmp(type, "root") == 0)
			return add_decision(p, o, true, err);
		if (strcmp(type, "out") == 0)
			return add_decision(p, o, false, err);
	}
	return 0;
}

/* By path; of one path what begins first, and the most careful of those. */
static int compare(const void *a, const void *b)
{
	const struct decision *x = a, *y = b;
	int order = bk_path_compare(x->path, y->path);

	if (order == 0)
		order = (int)y->in - (int)x->in;
	if (order == 0)
		order = (int)x->release - (int)y->release;
	if (order == 0)
		order = (int)y->copies - (int)x->copies;
	return order ? order : strcmp(x->set, y->set);
}

static void settle(struct plan *p)
{
	size_t n = 0;

	if (p->n > 1)
		qsort(p->v, p->n, sizeof(*p->v), compare);
	for (size_t i = 0; i < p->n; i++) {
		if (n > 0 && strcmp(p->v[n - 1].path, p->v[i].path) == 0) {
			if (p->v[i].in)
				bk_warning("%s: is in two sets of cold "
					   "storage, taken as of '%s'",
					   p->v[i].path, p->v[n - 1].set);
			decision_free(&p->v[i]);
		} else {
			p->v[n++] = p->v[i];
		}
	}
	p->n = n;
}

int plan_scan(const char *config, bool dry, struct plan *ret,
	      struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv args = BK_STRV_INIT;
	BK_AUTO(plan_free) struct plan p = { 0 };
	BK_AUTO(bk_plan_free) struct bk_plan in = BK_PLAN_INIT;

	if (dry)
		bk_strv_add(&args, "--dry-run");
	bk_strv_add(&args, "list");
	bk_strv_add(&args, "cold");
	if (bk_plan_scan(config, args.v, take, &p, &in, err) < 0)
		return -1;
	settle(&p);
	p.host = bk_strdup(in.host);
	p.partial = in.partial;
	*ret = p;
	p = (struct plan){ 0 };
	return 0;
}

const struct decision *plan_at(const struct plan *p, const char *path)
{
	size_t low = 0, high = p->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = bk_path_compare(p->v[middle].path, path);

		if (order == 0)
			return &p->v[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct decision *plan_for(const struct plan *p, const char *path)
{
	const struct decision *best = NULL;

	for (size_t i = 0; i < p->n; i++)
		if (bk_path_within(path, p->v[i].path))
			best = &p->v[i];
	return best;
}

bool decision_excludes(const struct decision *d, const char *path)
{
	size_t n = strcmp(d->path, "/") == 0 ? 0 : strlen(d->path);

	if (!path[n])
		return false;
	for (size_t i = 0; i < d->npatterns; i++)
		if (bk_match_hits(d->patterns[i], path + n))
			return true;
	return false;
}
