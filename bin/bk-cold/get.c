/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * get: bring files back, from a box that has them right.
 */
#include "get.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "identity.h"
#include "log.h"
#include "path.h"
#include "quarantine.h"
#include "sig.h"
#include "time.h"

enum { SHOW_MS = 200, PROBLEMS = 20, WINDOW = 128 };
#define WINDOW_BYTES ((uint64_t)12 << 20)

/* ---- what became of it ----------------------------------------------------- */

static void report(struct get *g, const struct wish *w, const char *result,
		   const char *box, const char *message)
{
	json_t *o;

	if (g->c->out.mode != BK_REC_JSON)
		return;
	o = json_object();
	bk_rec_set_path(o, "path", w->entry.path);
	bk_rec_set_str(o, "result", result);
	if (w->entry.meta.type == 'f')
		bk_rec_set_int(o, "bytes", (int64_t)w->entry.meta.size);
	if (box)
		bk_rec_set_str(o, "box", box);
	if (message)
		bk_rec_set_path(o, "message", message);
	bk_rec_json(&g->c->out, "got", o);
}

static void failed(struct get *g, const struct wish *w, const char *why)
{
	bk_error("%s: %s", w->entry.path, why);
	g->failed++;
	report(g, w, "failed", NULL, why);
}

/* The same is true of many files, so it is said once. */
static void add_problems(struct get *g, const struct wish *w,
			 const struct bk_strv *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		size_t k = 0;

		while (k < g->nproblems &&
		       strcmp(g->problems[k].text, problems->v[i]) != 0)
			k++;
		if (k == PROBLEMS) {
			g->more_problems++;
			continue;
		}
		if (k == g->nproblems) {
			g->problems = bk_realloc(g->problems, k + 1,
						 sizeof(*g->problems));
			g->problems[g->nproblems++] = (struct problem){
				.text = bk_strdup(problems->v[i]),
				.path = bk_strdup(w->entry.path),
			};
		}
		g->problems[k].count++;
	}
}

static void say_problems(const struct get *g)
{
	for (size_t i = 0; i < g->nproblems; i++) {
		const struct problem *p = &g->problems[i];

		if (p->count == 1)
			bk_warning("%s: %s", p->path, p->text);
		else
			bk_warning("%s: %s; and %llu more", p->path, p->text,
				   (unsigned long long)p->count - 1);
	}
	if (g->more_problems)
		bk_warning("%llu other problems with owners, modes, times or "
			   "attributes",
			   (unsigned long long)g->more_problems);
	for (int id = 1; id <= CATALOG_BOXES_MAX; id++)
		if (g->supplies.v[id].wrong)
			bk_warning("box %s has copies that are missing or "
				   "wrong; find them all: bk-cold check %s",
				   g->names.v[id], g->names.v[id]);
}

static void show_progress(struct get *g, uint64_t more)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	int64_t now = bk_time_mono_ms(), ms = now - g->started;
	uint64_t bytes = g->bytes + more, left = g->wishes.bytes - bytes;

	if (now - g->shown < SHOW_MS)
		return;
	g->shown = now;
	bk_str_add_count(&b, g->files);
	bk_buf_addc(&b, '/');
	bk_str_add_count(&b, g->wishes.files);
	bk_buf_adds(&b, " files, ");
	bk_str_add_size(&b, bytes);
	bk_buf_adds(&b, " of ");
	bk_str_add_size(&b, g->wishes.bytes);
	if (ms > 0 && bytes > 0 && bytes <= g->wishes.bytes) {
		bk_buf_adds(&b, ", ");
		bk_str_add_size(&b, bytes * 1000 / (uint64_t)ms);
		bk_buf_adds(&b, "/s, ");
		bk_str_add_duration(&b, (uint64_t)((double)left * (double)ms /
						   (double)bytes / 1000));
		bk_buf_adds(&b, " left");
	}
	bk_log_progress(b.p);
}

/* ---- one of them ----------------------------------------------------------- */

static int get_folder(struct get *g, const struct wish *w, off_t where,
		      struct bk_err *err)
{
	int made = place_folder(g->place, w->entry.path, err);

	if (made <= 0)
		return made;
	g->made = bk_realloc(g->made, g->nmade + 1, sizeof(*g->made));
	g->made[g->nmade++] = where;
	return 0;
}

static int get_link(struct get *g, const struct wish *w, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv problems = BK_STRV_INIT;

	if (place_symlink(g->place, &w->entry, &problems, err) < 0)
		return -1;
	add_problems(g, w, &problems);
	g->links++;
	report(g, w, "ok", NULL, NULL);
	return 0;
}

/* Another name of one that came before: 1, 0 where it is none. */
static int get_name(struct get *g, const struct wish *w, struct bk_err *err)
{
	const struct twin *t = twins_find(&g->twins, &w->entry);
	int got = t ? place_link(g->place, t->path, &t->st, w->entry.path, err)
		    : 0;

	if (got <= 0)
		return got;
	g->files++;
	g->bytes += w->entry.meta.size;
	report(g, w, "linked", NULL, NULL);
	return 1;
}

static void came(struct get *g, const struct pending *p, const struct stat *st)
{
	twins_add(&g->twins, &p->wish->entry, st);
	g->files++;
	g->bytes += p->wish->entry.meta.size;
	report(g, p->wish, "ok", p->box, NULL);
}

/* What is whole goes to the disk, and gets its name then. */
static int settle(struct get *g, struct bk_err *err)
{
	BK_AUTO_FREE struct place_file *files =
		bk_calloc(g->npending, sizeof(*files));
	struct bk_err lost = { 0 };
	int got;

	for (size_t i = 0; i < g->npending; i++)
		files[i] = g->pending[i].file;
	got = place_flush(g->place, files, g->npending, &lost);
	for (size_t i = 0; i < g->npending; i++) {
		struct pending *p = &g->pending[i];
		struct bk_err why;
		struct stat st;

		if (got == 0 &&
		    place_end(&p->file, p->wish->entry.path, &st, &why) == 0)
			came(g, p, &st);
		else
			failed(g, p->wish, got == 0 ? why.msg : lost.msg);
		place_drop(&p->file);
	}
	g->npending = 0;
	if (got < 0 && err)
		*err = lost;
	return got;
}

static int get_file(struct get *g, const struct wish *w, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv problems = BK_STRV_INIT;
	PLACE_FILE_AUTO struct place_file f = PLACE_FILE_INIT;
	const char *box = NULL;
	int got;

	/* the other name may be among those that have none yet */
	if (w->entry.meta.nlink > 1 && settle(g, err) < 0)
		return -1;
	got = get_name(g, w, err);
	if (got != 0)
		return got < 0 ? -1 : 0;
	if (place_begin(g->place, w->entry.path, &f, err) < 0 ||
	    supplies_fetch(&g->supplies, w, f.fd, &box, err) < 0)
		return -1;
	meta_apply(f.fd, &w->entry.meta, &problems);
	add_problems(g, w, &problems);
	g->pending[g->npending++] =
		(struct pending){ .file = f, .wish = w, .box = box };
	f = PLACE_FILE_INIT;
	return 0;
}

static void on_bytes(void *arg, uint64_t n)
{
	show_progress(arg, n);
}

/* Can nothing that follows come either? */
static bool is_over(const struct get *g, const struct wish *w,
		    const struct bk_err *err)
{
	return bk_sig_pending() || err->num == ENOSPC || err->num == EDQUOT ||
	       err->num == EROFS ||
	       (w->entry.meta.type == 'f' &&
		supplies_over(&g->supplies, g->wishes.boxes));
}

static int get_one(struct get *g, const struct wish *w, off_t where,
		   struct bk_err *err)
{
	struct bk_err why = { 0 };
	int got = 0;

	if (w->found == PLACE_SAME)
		report(g, w, "there", NULL, NULL);
	if (w->found == PLACE_OTHER)
		report(g, w, "other", NULL, "something else is there");
	if (w->found != PLACE_FREE)
		return 0;
	if (w->entry.meta.type == 'd')
		got = get_folder(g, w, where, &why);
	else if (w->entry.meta.type == 'l')
		got = get_link(g, w, &why);
	else if (w->nsupplies > 0)
		got = get_file(g, w, &why);
	else
		report(g, w, "lost", NULL, "no box has it");
	if (got == 0)
		return 0;
	if (is_over(g, w, &why)) {
		*err = why;
		return -1;
	}
	failed(g, w, why.msg);
	return 0;
}

/* Some wishes, the last of them a large file or none. */
struct window {
	struct wish v[WINDOW];
	off_t where[WINDOW];
	struct wish *small[WINDOW];
	size_t n, nsmall;
	uint64_t bytes;
};

static int fill(struct get *g, struct window *win, struct bk_err *err)
{
	int got = 1;

	win->n = win->nsmall = 0;
	win->bytes = 0;
	while (win->n < WINDOW && win->bytes < WINDOW_BYTES) {
		struct wish *w = &win->v[win->n];
		uint64_t size;

		*w = WISH_INIT;
		win->where[win->n] = wishes_tell(&g->wishes);
		got = wishes_next(&g->wishes, w, err);
		if (got <= 0)
			break;
		win->n++;
		size = w->entry.meta.size;
		if (w->entry.meta.type != 'f' || w->found != PLACE_FREE ||
		    w->nsupplies == 0)
			continue;
		if (size > BOX_SMALL_MAX)
			break;
		win->small[win->nsmall++] = w;
		win->bytes += size;
	}
	return got < 0 ? -1 : 0;
}

static int get_window(struct get *g, struct window *win, struct bk_err *err)
{
	int got = 0;

	/* one by itself comes as fast the other way */
	if (win->nsmall > 1)
		supplies_ahead(&g->supplies, win->small, win->nsmall);
	for (size_t i = 0; got == 0 && i < win->n; i++) {
		if (bk_sig_pending())
			got = bk_err_set(err, BK_EX_TEMPFAIL, 0,
					 "it was stopped");
		else
			got = get_one(g, &win->v[i], win->where[i], err);
		show_progress(g, 0);
	}
	/* also of what came before it was stopped */
	if (settle(g, got < 0 ? NULL : err) < 0)
		got = -1;
	return got;
}

static int get_all(struct get *g, struct bk_err *err)
{
	BK_AUTO_FREE struct window *win = bk_calloc(1, sizeof(*win));
	BK_AUTO_FREE struct pending *pending =
		bk_calloc(WINDOW, sizeof(*pending));
	int got;

	g->pending = pending;
	do {
		got = fill(g, win, err);
		if (got == 0)
			got = get_window(g, win, err);
		for (size_t i = 0; i < win->n; i++)
			wish_free(&win->v[i]);
	} while (got == 0 && win->n > 0);
	g->pending = NULL;
	return got;
}

/* The deepest ones first: then each can still be entered. */
static int dress_folders(struct get *g, struct bk_err *err)
{
	for (size_t i = g->nmade; i-- > 0;) {
		BK_AUTO_STRV struct bk_strv problems = BK_STRV_INIT;
		WISH_AUTO struct wish w = WISH_INIT;
		struct bk_err why;

		if (wishes_seek(&g->wishes, g->made[i], err) < 0 ||
		    wishes_next(&g->wishes, &w, err) <= 0)
			return -1;
		if (place_dress(g->place, &w.entry, &problems, &why) < 0)
			failed(g, &w, why.msg);
		else
			report(g, &w, "ok", NULL, NULL);
		add_problems(g, &w, &problems);
	}
	return 0;
}

/* ---- before ---------------------------------------------------------------- */

static void add_boxes(const struct get *g, struct bk_buf *b)
{
	const char *sep = " from ";

	for (int id = 1; id <= CATALOG_BOXES_MAX; id++)
		if (g->wishes.from[id]) {
			bk_buf_addf(b, "%sbox %s", sep, g->names.v[id]);
			sep = " and ";
		}
}

static void say_what(const struct get *g)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	const struct wishes *ws = &g->wishes;

	bk_str_add_count(&b, ws->files);
	bk_buf_adds(&b, ws->files == 1 ? " file, " : " files, ");
	bk_str_add_size(&b, ws->bytes);
	if (ws->links) {
		bk_buf_adds(&b, ", ");
		bk_str_add_count(&b, ws->links);
		bk_buf_adds(&b, " symbolic links");
	}
	add_boxes(g, &b);
	bk_buf_addf(&b, ", %s %s", g->c->in_place ? "below" : "into",
		    g->target);
	if (ws->there) {
		bk_buf_adds(&b, "; ");
		bk_str_add_count(&b, ws->there);
		bk_buf_adds(&b, " are there already");
	}
	if (ws->other) {
		bk_buf_adds(&b, "; ");
		bk_str_add_count(&b, ws->other);
		bk_buf_adds(&b, " stay as they are, something else is there");
	}
	bk_notice("%s", b.p);
}

static int check_room(const struct get *g, struct bk_err *err)
{
	for (size_t i = 0; i < g->wishes.nneeds; i++) {
		const struct need *n = &g->wishes.needs[i];
		BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

		if (n->bytes <= n->free)
			continue;
		bk_str_add_size(&b, n->bytes);
		bk_buf_adds(&b, " are needed, ");
		bk_str_add_size(&b, n->free);
		bk_buf_adds(&b, " are free");
		return bk_err_set(err, BK_EX_IOERR, 0,
				  "there is too little room for %s and what "
				  "else goes there: %s",
				  n->path, b.p);
	}
	return 0;
}

static int confirm(const struct get *g, struct bk_err *err)
{
	char answer[8] = "";

	if (!g->c->in_place || g->c->yes || !isatty(STDIN_FILENO) ||
	    !isatty(STDERR_FILENO))
		return 0;
	(void)fputs("Nothing is overwritten. Go on? [y/N] ", stderr);
	if (bk_sig_await(STDIN_FILENO) &&
	    fgets(answer, sizeof(answer), stdin) &&
	    (answer[0] == 'y' || answer[0] == 'Y'))
		return 0;
	return bk_err_set(err, BK_EX_NO, 0, "nothing was brought back");
}

static int list_dry(struct get *g, struct bk_err *err)
{
	WISH_AUTO struct wish w = WISH_INIT;
	int got;

	while ((got = wishes_next(&g->wishes, &w, err)) > 0) {
		const struct entry *e = &w.entry;
		BK_AUTO_FREE char *size = look_number(e->meta.size);
		const char *box =
			w.nsupplies ? g->names.v[w.supplies[0].box] : "-";
		json_t *o;

		if (w.found != PLACE_FREE || e->meta.type == 'd') {
			/* not to come, or only with what is in it */
		} else if (g->c->out.mode != BK_REC_JSON) {
			bk_rec_text(&g->c->out, e->path, size, box, NULL);
		} else {
			o = json_object();
			bk_rec_set_path(o, "path", e->path);
			bk_rec_set_int(o, "bytes", (int64_t)e->meta.size);
			bk_rec_set_str(o, "box", box);
			bk_rec_json(&g->c->out, "would-get", o);
		}
		wish_free(&w);
	}
	return got;
}

/* ---- the whole ------------------------------------------------------------- */

static int choose(struct get *g, char **args, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv paths = BK_STRV_INIT;
	CATALOG_AUTO struct catalog *cat = NULL;
	int64_t at = 0;
	int box = 0;

	if (look_paths(args, &paths, err) < 0 || look_at(g->c, &at, err) < 0)
		return -1;
	quarantine_settle(g->c->cli.dry_run);
	cat = catalog_open(false, 0, err);
	if (!cat || names_read(cat, &g->names, err) < 0)
		return -1;
	if (g->c->box && !cold_section(g->c, g->c->box, err))
		return -1;
	for (int id = 1; g->c->box && id <= CATALOG_BOXES_MAX; id++)
		if (strcmp(g->names.v[id], g->c->box) == 0)
			box = id;
	if (g->c->box && !box)
		return bk_err_set(err, BK_EX_NOINPUT, 0,
				  "the catalog knows no box %s", g->c->box);
	if (wishes_choose(&g->wishes, cat, g->place, &paths, at, box,
			  g->c->numeric_owner, err) < 0)
		return -1;
	if (g->wishes.files + g->wishes.links + g->wishes.there +
			    g->wishes.other + g->wishes.lost ==
		    0 &&
	    g->wishes.missing)
		return bk_err_set(err, BK_EX_NOINPUT, 0,
				  "nothing was brought back");
	return 0;
}

static int work(struct get *g, struct bk_err *err)
{
	int got;

	if (check_room(g, err) < 0)
		return -1;
	if (g->c->cli.dry_run)
		return list_dry(g, err);
	if (g->wishes.sealed &&
	    cold_identities(g->c, &g->supplies.ids, err) < 0)
		return -1;
	if (confirm(g, err) < 0)
		return -1;
	place_close(g->place);
	g->place = place_open(g->target, true, err);
	if (!g->place)
		return -1;
	g->started = bk_time_mono_ms();
	got = get_all(g, err);
	/* also of what came before it was stopped */
	if (dress_folders(g, got < 0 ? NULL : err) < 0)
		got = -1;
	bk_log_progress(NULL);
	if (place_sync(g->place, got < 0 ? NULL : err) < 0)
		got = -1;
	return got;
}

static int judge(const struct get *g)
{
	const struct wishes *ws = &g->wishes;

	if (g->failed || g->nproblems || ws->other || ws->lost || ws->missing)
		return BK_EX_PARTIAL;
	return BK_EX_OK;
}

static void print_sum(struct get *g, int status)
{
	const struct wishes *ws = &g->wishes;
	BK_AUTO_FREE char *files = look_number(g->files + g->links);
	BK_AUTO_FREE char *bytes = look_number(g->bytes);
	json_t *o;

	if (g->c->out.mode != BK_REC_JSON) {
		bk_rec_text(&g->c->out, g->target, files, bytes,
			    status == BK_EX_OK ? "ok" : "partial", NULL);
		return;
	}
	o = json_object();
	bk_rec_set_path(o, "target", g->target);
	bk_rec_set_int(o, "files", (int64_t)g->files);
	bk_rec_set_int(o, "links", (int64_t)g->links);
	bk_rec_set_int(o, "bytes", (int64_t)g->bytes);
	bk_rec_set_int(o, "there", (int64_t)ws->there);
	bk_rec_set_int(o, "other", (int64_t)ws->other);
	bk_rec_set_int(o, "lost", (int64_t)ws->lost);
	bk_rec_set_int(o, "missing", (int64_t)ws->missing);
	bk_rec_set_int(o, "failed", (int64_t)g->failed);
	bk_rec_set_bool(o, "problems", g->nproblems > 0);
	bk_rec_json(&g->c->out, "get", o);
}

static int run(struct get *g, char **args, struct bk_err *err)
{
	g->target = look_path(g->c->in_place ? "/" : g->c->to, err);
	if (!g->target)
		return -1;
	g->place = place_open(g->target, false, err);
	if (!g->place || choose(g, args, err) < 0)
		return -1;
	say_what(g);
	if (work(g, err) < 0)
		return -1;
	say_problems(g);
	return judge(g);
}

static void get_free(struct get *g)
{
	for (size_t i = 0; i < g->nproblems; i++) {
		free(g->problems[i].text);
		free(g->problems[i].path);
	}
	free(g->problems);
	free(g->made);
	free(g->target);
	twins_free(&g->twins);
	supplies_free(&g->supplies);
	names_free(&g->names);
	wishes_free(&g->wishes);
	place_close(g->place);
}

int cmd_get(struct cold *c, char **args)
{
	struct get g = { .c = c };
	struct bk_err err = { 0 };
	int status;

	if (!args[0])
		return bk_cli_usage("get wants a path");
	if (c->in_place == (c->to != NULL))
		return bk_cli_usage("get wants --to DIR, or --in-place");
	g.supplies = (struct supplies){
		.c = c, .names = &g.names, .arg = &g, .on_bytes = on_bytes
	};
	status = run(&g, args, &err);
	if (status < 0) {
		say_problems(&g);
		status = bk_log_err(&err);
	} else if (!c->cli.dry_run) {
		print_sum(&g, status);
	}
	get_free(&g);
	if (status != BK_EX_USAGE)
		bk_rec_end(&c->out, status);
	return status;
}
