/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * uncovered: the largest folders below the [scan] roots of which nothing is
 * in the plan. A folder of which something is gives a line for the files
 * that lie in it directly and are not.
 */
#include <stdlib.h>

#include "path.h"
#include "sig.h"
#include "tree.h"

struct spot {
	char *path;
	uint64_t files, bytes;
	bool own; /* only what lies directly in it */
};

struct level {
	uint64_t files, bytes; /* uncovered, directly in it */
	uint64_t sub_files, sub_bytes;
	bool covered; /* something at or below it is */
	size_t first; /* spots from here on lie below it */
};

struct tally {
	struct spot *spots;
	size_t nspots, maxspots;
	struct level *levels;
	size_t nlevels, maxlevels;
};

static void on_enter(void *arg, const char *path, bool covered)
{
	struct tally *t = arg;

	(void)path;
	if (t->nlevels == t->maxlevels) {
		t->maxlevels = t->maxlevels ? 2 * t->maxlevels : 64;
		t->levels =
			bk_realloc(t->levels, t->maxlevels, sizeof(*t->levels));
	}
	t->levels[t->nlevels++] = (struct level){
		.covered = covered,
		.first = t->nspots,
	};
}

static void add_spot(struct tally *t, const char *path, const struct level *l,
		     bool own)
{
	if (t->nspots == t->maxspots) {
		t->maxspots = t->maxspots ? 2 * t->maxspots : 64;
		t->spots = bk_realloc(t->spots, t->maxspots, sizeof(*t->spots));
	}
	t->spots[t->nspots++] = (struct spot){
		.path = bk_strdup(path),
		.files = l->files + (own ? 0 : l->sub_files),
		.bytes = l->bytes + (own ? 0 : l->sub_bytes),
		.own = own,
	};
}

static void on_leave(void *arg, const char *path)
{
	struct tally *t = arg;
	struct level l = t->levels[--t->nlevels];
	struct level *outer = t->nlevels ? &t->levels[t->nlevels - 1] : NULL;

	if (l.covered) {
		if (l.files)
			add_spot(t, path, &l, true);
		if (outer)
			outer->covered = true;
		return;
	}
	while (t->nspots > l.first)
		free(t->spots[--t->nspots].path);
	add_spot(t, path, &l, false);
	if (outer) {
		outer->sub_files += l.files + l.sub_files;
		outer->sub_bytes += l.bytes + l.sub_bytes;
	}
}

static void on_file(void *arg, const char *path, bool covered, uint64_t size)
{
	struct tally *t = arg;
	struct level *l;

	(void)path;
	if (!t->nlevels)
		return;
	l = &t->levels[t->nlevels - 1];
	if (covered) {
		l->covered = true;
	} else {
		l->files++;
		l->bytes += size;
	}
}

static void on_files(void *arg, bool covered, uint64_t n, uint64_t bytes)
{
	struct tally *t = arg;
	struct level *l = &t->levels[t->nlevels - 1];

	if (covered)
		return;
	l->files += n;
	l->bytes += bytes;
}

static int by_size(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	if (x->files != y->files)
		return x->files > y->files ? -1 : 1;
	return bk_path_compare(x->path, y->path);
}

static void print(const struct spot *s, struct bk_rec *out)
{
	BK_AUTO_BUF struct bk_buf size = BK_BUF_INIT;
	BK_AUTO_FREE char *files = NULL;
	json_t *o;

	if (out->mode == BK_REC_JSON) {
		o = json_object();
		bk_rec_set_path(o, "path", s->path);
		bk_rec_set_int(o, "bytes", (int64_t)s->bytes);
		bk_rec_set_int(o, "files", (int64_t)s->files);
		bk_rec_set_bool(o, "own", s->own);
		bk_rec_json(out, "uncovered", o);
		return;
	}
	if (out->mode == BK_REC_NUL) {
		bk_rec_text(out, s->path, NULL);
		return;
	}
	bk_str_add_size(&size, s->bytes);
	files = bk_asprintf("%llu", (unsigned long long)s->files);
	bk_rec_text(out, size.p, files, s->own ? "files" : "folder", s->path,
		    NULL);
}

static int by_path(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return bk_path_compare(*x, *y);
}

static void walk_roots(struct tree *t)
{
	const struct bk_strv *scanned = &t->scan->plan.scanned;
	BK_AUTO_FREE const char **roots =
		bk_calloc(scanned->n + 1, sizeof(*roots));

	for (size_t i = 0; i < scanned->n; i++)
		roots[i] = scanned->v[i];
	if (scanned->n)
		qsort(roots, scanned->n, sizeof(*roots), by_path);
	tree_walk(t, roots, scanned->n);
}

int cmd_uncovered(struct scan *s, int argc, char **argv)
{
	struct bk_rec out = bk_rec_stdout(s->cli.mode);
	struct tally tally = { 0 };
	struct tree t = {
		.scan = s,
		.sizes = !s->no_size,
		.all = true,
		.arg = &tally,
		.enter = on_enter,
		.leave = on_leave,
		.file = on_file,
		.files = on_files,
	};
	int status = scan_filter(s, argc, argv);

	if (status == BK_EX_OK)
		status = scan_run(s, &(struct scan_how){ 0 });
	if (status != BK_EX_OK)
		return status;
	scan_warn(s, NULL);
	tree_open(&t);
	if (s->cached)
		tree_cached(&t);
	else
		walk_roots(&t);
	status = t.failed ? BK_EX_PARTIAL : plan_status(&s->plan);
	tree_close(&t);
	if (tally.nspots)
		qsort(tally.spots, tally.nspots, sizeof(*tally.spots), by_size);
	for (size_t i = 0; i < tally.nspots; i++) {
		if (i < s->count && !bk_sig_pending())
			print(&tally.spots[i], &out);
		free(tally.spots[i].path);
	}
	free(tally.spots);
	free(tally.levels);
	bk_rec_end(&out, status);
	return status;
}
