/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * files: all that the plan covers, but folders, as restic would take it.
 */
#include "log.h"
#include "tree.h"

static void on_dir(void *arg, const char *path, bool covered)
{
	(void)arg;
	(void)path;
	(void)covered;
}

static void on_leave(void *arg, const char *path)
{
	(void)arg;
	(void)path;
}

static void on_file(void *arg, const char *path, bool covered, uint64_t size)
{
	struct bk_rec *out = arg;
	json_t *o;

	(void)size;
	if (!covered)
		return;
	if (out->mode != BK_REC_JSON) {
		bk_rec_text(out, path, NULL);
		return;
	}
	o = json_object();
	bk_rec_set_path(o, "path", path);
	bk_rec_json(out, "file", o);
}

static void walk_roots(struct tree *t)
{
	const struct plan *p = &t->scan->plan;
	BK_AUTO_FREE const char **roots =
		bk_calloc(t->nrecs + 1, sizeof(*roots));
	size_t n = 0;

	for (size_t i = 0; i < t->nrecs; i++) {
		const struct rec *r = t->recs[i];

		if (!r->in || !filter_takes(&t->scan->filter, p, r))
			continue;
		if (r->state == STATE_MISSING)
			continue;
		if (r->state == STATE_KNOWN) {
			bk_warning("%s: cannot be seen now", r->path);
			t->failed = true;
			continue;
		}
		roots[n++] = r->path;
	}
	tree_walk(t, roots, n);
}

int cmd_files(struct scan *s, int argc, char **argv)
{
	struct bk_rec out = bk_rec_stdout(s->cli.mode);
	struct tree t = {
		.scan = s,
		.arg = &out,
		.enter = on_dir,
		.leave = on_leave,
		.file = on_file,
	};
	int status;

	if (argc == 0)
		return bk_cli_usage("files: which CLASS?");
	if (s->cached)
		return bk_cli_usage("files: the cache has no names of files");
	status = scan_filter(s, argc, argv);
	if (status == BK_EX_OK)
		status = scan_run(s, &(struct scan_how){ 0 });
	if (status != BK_EX_OK)
		return status;
	tree_open(&t);
	scan_warn(s, NULL);
	walk_roots(&t);
	status = t.failed ? BK_EX_PARTIAL : plan_status(&s->plan);
	tree_close(&t);
	bk_rec_end(&out, status);
	return status;
}
