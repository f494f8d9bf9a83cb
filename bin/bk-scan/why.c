/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * why: the decisions on the way to a path, from the outermost, and what
 * comes of them.
 */
#include <stdlib.h>

#include "log.h"
#include "path.h"
#include "scan.h"

static void print(struct bk_rec *out, const char *what, const char *class,
		  const char *path, const char *why)
{
	json_t *o;

	if (out->mode == BK_REC_NUL)
		return;
	if (out->mode == BK_REC_TEXT) {
		bk_rec_text(out, what, class, path, why, NULL);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "what", what);
	bk_rec_set_str(o, "class", class);
	bk_rec_set_path(o, "path", path);
	bk_rec_set_path(o, "why", why);
	bk_rec_json(out, "why", o);
}

static int compare(const void *a, const void *b)
{
	const struct rec *const *x = a, *const *y = b;
	int order = bk_path_compare((*x)->path, (*y)->path);

	/* what ends comes before what begins at the same place */
	return order ? order : (int)(*x)->in - (int)(*y)->in;
}

static void print_chain(const struct plan *p, const char *path,
			struct bk_rec *out)
{
	BK_AUTO_FREE const struct rec **way =
		bk_calloc(p->nrecs + 1, sizeof(*way));
	size_t n = 0;

	for (size_t i = 0; i < p->nrecs; i++)
		if (bk_path_within(path, p->recs[i]->path))
			way[n++] = p->recs[i];
	if (n)
		qsort(way, n, sizeof(*way), compare);
	for (size_t i = 0; i < n; i++) {
		BK_AUTO_FREE char *why = rec_why(way[i]);
		BK_AUTO_BUF struct bk_buf class = BK_BUF_INIT;

		scan_add_class(&class, p, way[i]);
		print(out, way[i]->in ? "begins" : "ends", class.p,
		      way[i]->path, why);
	}
}

/* The verdict for a set that decides something on the way. */
static bool print_verdict(const struct plan *p, const struct rec *r,
			  const char *path, struct bk_rec *out)
{
	BK_AUTO_BUF struct bk_buf class = BK_BUF_INIT;
	BK_AUTO_FREE char *why = rec_why(r);
	const char *hit = r->in ? plan_pattern(p, r, path) : NULL;

	scan_add_class(&class, p, r);
	if (hit) {
		free(why);
		why = bk_asprintf("exclude %s", hit);
	}
	print(out, r->in && !hit ? "yes" : "no", class.p, path, why);
	return r->in && !hit;
}

static bool print_verdicts(const struct scan *s, enum class class,
			   const char *path, struct bk_rec *out)
{
	const struct plan *p = &s->plan;
	bool covered = false, any = false;

	for (size_t i = 0; i < p->nsets; i++) {
		const struct rec *r =
			p->sets[i].class == class ? plan_at(p, i, path) : NULL;

		if (!r)
			continue;
		any = true;
		covered |= print_verdict(p, r, path, out);
	}
	if (!any)
		print(out, "no", class_name(class), path,
		      scan_is_below_root(s, path)
			      ? "nothing at or above it says so"
			      : "nothing at or above it says so, and it is "
				"below no [scan] root");
	return covered;
}

int why_print(struct scan *s, const char *path, struct bk_rec *out)
{
	bool covered;

	print_chain(&s->plan, path, out);
	covered = print_verdicts(s, RESTIC, path, out);
	covered |= print_verdicts(s, COLD, path, out);
	scan_warn(s, path);
	return covered ? BK_EX_OK : BK_EX_NO;
}

int cmd_why(struct scan *s, int argc, char **argv)
{
	struct bk_rec out = bk_rec_stdout(s->cli.mode);
	BK_AUTO_FREE char *path = NULL;
	int status;

	if (argc != 1)
		return bk_cli_usage("why: which PATH?");
	path = scan_path(argv[0], &status);
	if (!path)
		return status;
	status = scan_filter(s, 0, NULL);
	if (status == BK_EX_OK)
		status = scan_run(s, &(struct scan_how){ .only = path,
							 .only_way = true });
	if (status != BK_EX_OK)
		return status;
	status = why_print(s, path, &out);
	bk_rec_end(&out, BK_EX_OK);
	return status;
}
