/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * list: the files that the catalog has, where their copies lie, and what is
 * where they were.
 */
#include "log.h"
#include "look.h"
#include "quarantine.h"

struct list {
	struct cold *c;
	struct catalog *cat;
	struct names names;
	bool found; /* anything, for the path that is looked for */
};

static const char *const states[] = { "ok", "bad", "absent" };

static json_t *copy_json(const struct list *l, const struct copy *k)
{
	json_t *o = json_object();

	bk_rec_set_str(o, "box", l->names.v[k->box]);
	bk_rec_set_str(o, "object", k->object);
	bk_rec_set_str(o, "state", states[k->state]);
	if (k->sealed.sha256[0]) {
		bk_rec_set_str(o, "sealed_sha256", k->sealed.sha256);
		bk_rec_set_int(o, "sealed_size", (int64_t)k->sealed.size);
		bk_rec_set_str(o, "recipients", k->sealed.print);
	}
	bk_rec_set_bool(o, "listed", k->listed);
	bk_rec_set_time(o, "pushed", k->pushed);
	if (k->last) {
		bk_rec_set_time(o, "first_proof", k->first);
		bk_rec_set_time(o, "last_proof", k->last);
		bk_rec_set_str(o, "how", k->how == 'r' ? "read" : "hash");
	}
	if (k->failed)
		bk_rec_set_time(o, "failed", k->failed);
	return o;
}

static void print_json(struct list *l, const struct entry *e, const char *local,
		       const struct copy *v, size_t n)
{
	json_t *o = entry_to_json(e), *copies = json_array();

	bk_rec_set_str(o, "local", local);
	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(copies, copy_json(l, &v[i]));
	(void)json_object_set_new(o, "copies", copies);
	bk_rec_json(&l->c->out, "file", o);
}

/* "fsn,usb?": '?' where it was never proved, '!' where it is wrong. */
static char *boxes_text(const struct list *l, const struct copy *v, size_t n)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		const char *name = l->names.v[v[i].box];

		bk_buf_addf(&b, "%s%s%s", i ? "," : "", *name ? name : "-",
			    v[i].state != COPY_OK ? "!"
			    : v[i].last		  ? ""
						  : "?");
	}
	return b.len ? bk_buf_steal(&b) : bk_strdup("-");
}

static void print_text(struct list *l, const struct entry *e, const char *local,
		       const struct copy *v, size_t n)
{
	BK_AUTO_FREE char *size = look_number(e->meta.size);
	BK_AUTO_FREE char *time = look_time(e->meta.mtime);
	BK_AUTO_FREE char *boxes = boxes_text(l, v, n);

	bk_rec_text(&l->c->out, e->path, size, time, boxes, local, NULL);
}

static int show(void *arg, struct entry *e, struct bk_err *err)
{
	struct list *l = arg;
	const char *local = e->until ? "old" : look_local(e);
	struct copy *v = NULL;
	ssize_t n;

	l->found = true;
	/* of folders and links only what is in them, or where they lead */
	if (e->meta.type == 'd')
		return 0;
	n = catalog_copies(l->cat, e, &v, err);
	if (n < 0)
		return -1;
	if (l->c->out.mode == BK_REC_JSON)
		print_json(l, e, local, v, (size_t)n);
	else
		print_text(l, e, local, v, (size_t)n);
	copies_free(v, (size_t)n);
	return 0;
}

/* 0; 3 where some paths are not there, 66 where none is; -1. */
static int show_paths(struct list *l, const struct bk_strv *paths, int64_t at,
		      struct bk_err *err)
{
	struct catalog_query q = { .at = at, .all = l->c->all };
	size_t missing = 0;

	if (paths->n == 0)
		return catalog_each(l->cat, &q, show, l, err);
	for (size_t i = 0; i < paths->n; i++) {
		q.below = paths->v[i];
		l->found = false;
		if (catalog_each(l->cat, &q, show, l, err) < 0)
			return -1;
		if (l->found)
			continue;
		bk_error("%s is not in cold storage", paths->v[i]);
		missing++;
	}
	if (missing == 0)
		return BK_EX_OK;
	return missing < paths->n ? BK_EX_PARTIAL : BK_EX_NOINPUT;
}

static int run(struct cold *c, char **args, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv paths = BK_STRV_INIT;
	CATALOG_AUTO struct catalog *cat = NULL;
	struct list l = { .c = c };
	int64_t at = 0;
	int status;

	if (look_paths(args, &paths, err) < 0 || look_at(c, &at, err) < 0)
		return -1;
	quarantine_settle(true);
	cat = catalog_open(false, 0, err);
	if (!cat || names_read(cat, &l.names, err) < 0)
		return -1;
	l.cat = cat;
	status = show_paths(&l, &paths, at, err);
	names_free(&l.names);
	return status;
}

int cmd_list(struct cold *c, char **args)
{
	struct bk_err err;
	int status = run(c, args, &err);

	if (status < 0)
		status = bk_log_err(&err);
	if (status != BK_EX_USAGE)
		bk_rec_end(&c->out, status);
	return status;
}
