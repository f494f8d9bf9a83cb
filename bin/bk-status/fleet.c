/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-status --fleet, --forget-host: all hosts that meet on a box.
 */
#include <stdio.h>

#include "box.h"
#include "entry.h"
#include "log.h"
#include "status.h"
#include "str.h"
#include "text.h"

struct fleet {
	struct entry *v;
	size_t n;
};

static void add_live(struct fleet *f, const char *host, int64_t now,
		     json_t *jobs)
{
	f->v[f->n++] = (struct entry){
		.host = bk_strdup(host),
		.time = now,
		.jobs = json_incref(jobs),
		.live = true,
	};
}

static void add_file(struct fleet *f, const struct box_file *file, int64_t now)
{
	struct entry *e = &f->v[f->n++];
	BK_AUTO_FREE char *host = box_host_name(file->name);

	if (!host)
		host = bk_strdup(file->name);
	if (!file->problem) {
		entry_parse(e, host, &file->data, now);
		return;
	}
	*e = (struct entry){
		.host = bk_strdup(host),
		.problem = bk_asprintf("its entry %s", file->problem),
	};
}

static int worst_first(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int rank = entry_rank(y) - entry_rank(x);

	return rank ? rank : strcmp(x->host, y->host);
}

/* This host as it is, not as it was when it published last. */
static void make_fleet(struct fleet *f, struct status *s, json_t *jobs,
		       const struct box_files *files)
{
	BK_AUTO_FREE char *own = box_file_name(s->conf->host);

	f->v = bk_calloc(files->n + 1, sizeof(*f->v));
	add_live(f, s->conf->host, s->now, jobs);
	for (size_t i = 0; i < files->n; i++)
		if (!own || strcmp(files->v[i].name, own) != 0)
			add_file(f, &files->v[i], s->now);
	qsort(f->v, f->n, sizeof(*f->v), worst_first);
}

static size_t count_wrong(const struct fleet *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += entry_wrong(&f->v[i]);
	return n;
}

/* Text. */

enum { STATE_WIDTH = 9, HOST_WIDTH = 24 };

static char *fleet_verdict(const struct fleet *f)
{
	size_t wrong = count_wrong(f);

	if (wrong)
		return bk_asprintf("fleet: NOT SAFE: %zu of %zu host%s.", wrong,
				   f->n, f->n == 1 ? "" : "s");
	return bk_asprintf("fleet: all is well. %zu host%s.", f->n,
			   f->n == 1 ? "" : "s");
}

static size_t shown_columns(const char *s)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_str_add_term(&b, s);
	return b.p ? bk_str_columns(b.p) : 0;
}

static void print_entry(const struct text *t, const struct entry *e,
			size_t width, int64_t now)
{
	size_t indent = STATE_WIDTH + width + 2;
	BK_AUTO_FREE char *say = entry_say(e, now);
	int rank = entry_rank(e);
	const char *color =
		text_color(rank > BK_HEALTH_UNKNOWN ? BK_HEALTH_UNKNOWN
						    : (enum bk_health)rank);

	text_cell(t, entry_state(e), STATE_WIDTH, false, color);
	if (shown_columns(e->host) <= width) {
		text_cell(t, e->host, width + 2, false, NULL);
	} else {
		text_wrap(t, e->host, STATE_WIDTH, STATE_WIDTH, NULL);
		(void)printf("%*s", (int)indent, "");
	}
	text_wrap(t, say, indent, indent, NULL);
}

static void print_fleet(const struct status *s, const struct fleet *f)
{
	struct text t = text_stdout(s->verbose);
	BK_AUTO_FREE char *verdict = fleet_verdict(f);
	size_t width = 0;

	text_wrap(&t, verdict, 0, 0,
		  text_color(count_wrong(f) ? BK_HEALTH_UNKNOWN
					    : BK_HEALTH_OK));
	if (s->quiet)
		return;
	for (size_t i = 0; i < f->n; i++) {
		size_t n = shown_columns(f->v[i].host);

		if (n > width && n <= HOST_WIDTH)
			width = n;
	}
	(void)putchar('\n');
	for (size_t i = 0; i < f->n; i++)
		print_entry(&t, &f->v[i], width, s->now);
}

/* Records. */

static void print_record(struct status *s, const struct entry *e)
{
	BK_AUTO_FREE char *say = entry_say(e, s->now);
	json_t *o = json_object();

	bk_rec_set_str(o, "host", e->host);
	if (e->time > 0)
		bk_rec_set_time(o, "time", e->time);
	bk_rec_set_bool(o, "safe", !entry_wrong(e));
	bk_rec_set_str(o, "health", entry_state(e));
	bk_rec_set_str(o, "text", say);
	bk_rec_json(&s->out, "status", o);
	if (e->jobs)
		status_records(s, e->jobs);
}

static void print_all(struct status *s, const struct fleet *f)
{
	if (s->out.mode == BK_REC_TEXT)
		print_fleet(s, f);
	for (size_t i = 0; i < f->n; i++) {
		if (s->out.mode == BK_REC_JSON)
			print_record(s, &f->v[i]);
		else if (s->out.mode == BK_REC_NUL)
			bk_rec_text(&s->out, f->v[i].host, NULL);
	}
}

static bool has_file(const struct box_files *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].name, name) == 0)
			return true;
	return false;
}

/* Where it is missing, the others may be, too: a disk that is not mounted. */
static bool has_own(const struct box_files *l, const char *host)
{
	BK_AUTO_FREE char *name = box_file_name(host);

	return !name || l->left_out || has_file(l, name);
}

int cmd_fleet(struct status *s)
{
	BOX_AUTO struct box box = BOX_INIT;
	BOX_FILES_AUTO struct box_files files = BOX_FILES_INIT;
	BK_AUTO_JSON json_t *jobs = NULL;
	struct fleet f = { NULL, 0 };
	int exit = BK_EX_OK;
	struct bk_err err;

	if (box_open(&box, s->conf, &err) < 0)
		return bk_log_err(&err);
	jobs = status_jobs(s, &exit);
	if (!jobs)
		return exit;
	if (box_read(&box, &files, &err) < 0)
		return bk_log_err(&err);
	if (!has_own(&files, s->conf->host))
		bk_warning("box %s: there is no status of this host; is it the "
			   "right box, and does bk-status.timer run?",
			   box.name);
	if (files.left_out)
		bk_warning("box %s: %zu more hosts are not shown", box.name,
			   files.left_out);
	make_fleet(&f, s, jobs, &files);
	exit = count_wrong(&f) || files.left_out ? BK_EX_NO : BK_EX_OK;
	print_all(s, &f);
	for (size_t i = 0; i < f.n; i++)
		entry_free(&f.v[i]);
	free(f.v);
	return exit;
}

/* Forgetting. */

static int forget(struct status *s, const char *host, struct bk_err *err)
{
	BOX_AUTO struct box box = BOX_INIT;
	BOX_FILES_AUTO struct box_files files = BOX_FILES_INIT;
	BK_AUTO_FREE char *name = box_file_name(host);
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (box_open(&box, s->conf, err) < 0 || box_list(&box, &files, err) < 0)
		return -1;
	if (!name || !has_file(&files, name))
		return bk_err_set(err, BK_EX_NOINPUT, 0,
				  "box %s knows no host '%s'", box.name, host);
	if (s->cli.dry_run) {
		box_add_line(&b, &box, "rm", name);
		bk_rec_raw(&s->out, b.p);
		return 0;
	}
	if (box_remove(&box, name, err) < 0)
		return -1;
	bk_notice("forgotten: %s", host);
	return 0;
}

int cmd_forget_host(struct status *s, const char *host)
{
	struct bk_err err;

	return forget(s, host, &err) < 0 ? bk_log_err(&err) : BK_EX_OK;
}
