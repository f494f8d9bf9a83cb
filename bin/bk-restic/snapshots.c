/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-restic snapshots: what is in the repository.
 */
#include <inttypes.h>
#include <stdio.h>

#include "log.h"
#include "restic.h"
#include "time.h"

void snapshots_free(struct snapshots *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].id);
		free(l->v[i].host);
		bk_strv_free(&l->v[i].paths);
	}
	free(l->v);
	*l = (struct snapshots){ 0 };
}

static bool has_tag(const json_t *tags, const char *tag)
{
	for (size_t i = 0; i < json_array_size(tags); i++) {
		const char *t = json_string_value(json_array_get(tags, i));

		if (t && strcmp(t, tag) == 0)
			return true;
	}
	return false;
}

static void add_snapshot(struct snapshots *l, const json_t *o)
{
	const char *id = bk_rec_str(o, "id");
	const char *host = bk_rec_str(o, "hostname");
	const json_t *sum = json_object_get(o, "summary");
	const json_t *paths = json_object_get(o, "paths");
	struct snapshot *s;

	if (!id)
		return;
	l->v = bk_realloc(l->v, l->n + 1, sizeof(*l->v));
	s = &l->v[l->n++];
	*s = (struct snapshot){
		.id = bk_strdup(id),
		.host = bk_strdup(host ? host : ""),
		.time = bk_rec_time(o, "time", 0),
		.stream = has_tag(json_object_get(o, "tags"), "stdin"),
		.files = bk_rec_int(sum, "total_files_processed", -1),
		.bytes = bk_rec_int(sum, "total_bytes_processed", -1),
	};
	for (size_t i = 0; i < json_array_size(paths); i++)
		if (json_string_value(json_array_get(paths, i)))
			bk_strv_add(&s->paths, json_string_value(json_array_get(
						       paths, i)));
}

static int by_time(const void *a, const void *b)
{
	const struct snapshot *x = a, *y = b;

	return (x->time > y->time) - (x->time < y->time);
}

int snapshots_read(struct restic *r, struct repo *repo, const char *set,
		   struct snapshots *ret, struct bk_err *err)
{
	BK_AUTO(run_free) struct run run = RUN_INIT(repo);
	BK_AUTO_JSON json_t *array = NULL;

	*ret = (struct snapshots){ 0 };
	bk_strv_add(&run.args, "snapshots");
	bk_strv_add(&run.args, "--json");
	if (r->no_lock)
		bk_strv_add(&run.args, "--no-lock");
	add_filter(r, set, &run.args);
	run.quiet = true;
	array = run_for_json(&run, err);
	if (!array)
		return -1;
	for (size_t i = 0; i < json_array_size(array); i++)
		add_snapshot(ret, json_array_get(array, i));
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_time);
	return 0;
}

static void print_json(struct restic *r, const char *set,
		       const struct snapshot *s)
{
	json_t *o = json_object(), *paths = json_array();

	bk_rec_set_str(o, "set", set);
	bk_rec_set_str(o, "id", s->id);
	bk_rec_set_time(o, "time", s->time);
	bk_rec_set_str(o, "host", s->host);
	bk_rec_set_bool(o, "stream", s->stream);
	if (s->files >= 0)
		bk_rec_set_int(o, "files", s->files);
	if (s->bytes >= 0)
		bk_rec_set_int(o, "bytes", s->bytes);
	for (size_t i = 0; i < s->paths.n; i++)
		(void)json_array_append_new(paths, json_string(s->paths.v[i]));
	(void)json_object_set_new(o, "paths", paths);
	bk_rec_json(&r->out, "snapshot", o);
}

static void print_text(struct restic *r, const char *set,
		       const struct snapshot *s)
{
	BK_AUTO_BUF struct bk_buf when = BK_BUF_INIT, what = BK_BUF_INIT;
	BK_AUTO_FREE char *id = bk_memdup(s->id, strnlen(s->id, 8));

	bk_time_add_local(&when, s->time);
	if (s->stream && s->paths.n > 0)
		bk_buf_adds(&what, s->paths.v[0]);
	else
		bk_buf_addf(&what, "%zu root%s", s->paths.n,
			    s->paths.n == 1 ? "" : "s");
	if (s->files >= 0) {
		bk_buf_adds(&what, ", ");
		bk_str_add_count(&what, (uint64_t)s->files);
		bk_buf_adds(&what, " files");
	}
	if (s->bytes >= 0) {
		bk_buf_adds(&what, ", ");
		bk_str_add_size(&what, (uint64_t)s->bytes);
	}
	bk_rec_text(&r->out, id, when.p, set, s->host, what.p, NULL);
}

static int list_set(struct restic *r, const struct set *set, void *arg)
{
	struct repo repo = { .lock = -1 };
	struct snapshots list;
	struct bk_err err;
	int exit = BK_EX_OK;

	(void)arg;
	if (open_set(r, set, &repo, &err) < 0 ||
	    snapshots_read(r, &repo, set->name, &list, &err) < 0) {
		exit = bk_log_err(&err);
	} else {
		for (size_t i = 0; i < list.n; i++) {
			if (r->out.mode == BK_REC_JSON)
				print_json(r, set->name, &list.v[i]);
			else
				print_text(r, set->name, &list.v[i]);
		}
		snapshots_free(&list);
	}
	repo_close(&repo);
	return exit;
}

int cmd_snapshots(struct restic *r, char **args)
{
	return each_set(r, args, true, list_set, NULL);
}

/* find */
