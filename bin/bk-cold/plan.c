/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan.h"

#include "exec.h"
#include "log.h"
#include "path.h"
#include "rec.h"
#include "sig.h"

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
	const json_t *why = json_object_get(o, "why"), *v;
	const char *kind = bk_rec_str(why, "kind");
	size_t i;

	d->gone = state && strcmp(state, "ok") != 0;
	d->copies = bk_rec_int(o, "copies", 1) == 2 ? 2 : 1;
	d->release = bk_rec_bool(o, "delete", false);
	d->owner = (uid_t)bk_rec_int(o, "owner", (int64_t)(uid_t)-1);
	d->min_age = (uint64_t)bk_rec_int(o, "min_age", 0);
	if (kind && strcmp(kind, "marker") == 0)
		d->marker = bk_rec_get_path(why, "file");
	json_array_foreach(json_object_get(o, "boxes"), i, v)
		if (json_string_value(v))
			bk_strv_add(&d->boxes, json_string_value(v));
	json_array_foreach(json_object_get(o, "exclude"), i, v)
		if (json_string_value(v))
			add_pattern(d, json_string_value(v));
}

static int add_decision(struct plan *p, const json_t *o, bool in,
			struct bk_err *err)
{
	const char *set = bk_rec_str(o, "set");
	char *path = bk_rec_get_path(o, "path");
	struct decision *d;

	if (!set || !path || path[0] != '/') {
		free(path);
		return bk_err_set(err, BK_EX_PROTOCOL, 0,
				  "the plan has a record without set or path");
	}
	p->v = bk_realloc(p->v, p->n + 1, sizeof(*p->v));
	d = &p->v[p->n++];
	*d = (struct decision){ .path = path, .in = in };
	d->set = bk_strdup(set);
	if (in)
		take_root(d, o);
	return 0;
}

static void warn(const json_t *o)
{
	BK_AUTO_FREE char *path = bk_rec_get_path(o, "path");
	const char *message = bk_rec_str(o, "message");
	int64_t line = bk_rec_int(o, "line", 0);

	if (path && line > 0)
		bk_warning("%s:%lld: %s", path, (long long)line, message);
	else
		bk_warning("%s%s%s", path ? path : "", path ? ": " : "",
			   message ? message : "?");
}

static int add_record(struct plan *p, const json_t *o, struct bk_err *err)
{
	const char *type = bk_rec_str(o, "type");
	const char *class = bk_rec_str(o, "class");

	if (strcmp(type, "plan") == 0 && !p->host) {
		const char *host = bk_rec_str(o, "host");

		p->host = bk_strdup(host ? host : "");
	} else if (strcmp(type, "warning") == 0) {
		warn(o);
	} else if (strcmp(type, "mount") == 0) {
		BK_AUTO_FREE char *path = bk_rec_get_path(o, "path");

		if (path && bk_rec_bool(o, "crossed", false))
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

static int read_plan(int fd, struct plan *ret, struct bk_err *err)
{
	BK_AUTO(bk_rec_in_free)
	struct bk_rec_in in = { .lines = { .fd = fd, .stoppable = true } };
	BK_AUTO(plan_free) struct plan p = { 0 };
	json_t *o;
	int got;

	while ((got = bk_rec_next(&in, &o, err)) == 1) {
		got = add_record(&p, o, err);
		json_decref(o);
		if (got < 0)
			break;
	}
	if (got < 0)
		return -1;
	if (!p.host)
		return bk_err_set(err, BK_EX_PROTOCOL, 0,
				  "what was read is no plan of bk-scan");
	p.partial = in.status == BK_EX_PARTIAL;
	settle(&p);
	*ret = p;
	p = (struct plan){ 0 };
	return 0;
}

int plan_scan(const char *config, bool dry, struct plan *ret,
	      struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	struct bk_child c = BK_CHILD_INIT;
	struct bk_exec x = { .in = BK_EXEC_NULL,
			     .out = BK_EXEC_PIPE,
			     .err = BK_EXEC_INHERIT };
	int got, status;

	bk_strv_take(&argv, bk_exec_sibling("bk-scan"));
	bk_strv_add(&argv, "--json");
	if (config) {
		bk_strv_add(&argv, "-c");
		bk_strv_add(&argv, config);
	}
	if (dry)
		bk_strv_add(&argv, "--dry-run");
	bk_strv_add(&argv, "list");
	bk_strv_add(&argv, "cold");
	x.argv = argv.v;
	if (bk_exec_start(&x, &c, err) < 0)
		return -1;
	got = read_plan(c.out, ret, err);
	status = bk_sig_pending() ? bk_exec_stop(&c, 5000) : bk_exec_wait(&c);
	if (!bk_sig_pending() &&
	    (status == BK_EX_OK || status == BK_EX_PARTIAL))
		return got;
	if (got == 0)
		plan_free(ret);
	if (bk_sig_pending())
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "it was stopped during the scan");
	/* Its own end tells more than the stream that it cut off. */
	return bk_err_set(err, status, 0, "bk-scan ended with status %d",
			  status);
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
