/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: is on the boxes what the catalog says? Every answer is written down.
 */
#include "check.h"

#include <poll.h>

#include "log.h"
#include "name.h"
#include "quarantine.h"
#include "sig.h"
#include "time.h"

enum { FLUSH_MS = 10000, FLUSH_MAX = 2000, LAST_MS = 600000, LINES = 20 };

bool check_over(const struct check *ck)
{
	return ck->until && bk_time_mono_ms() >= ck->until;
}

/* ---- saying ---------------------------------------------------------------- */

static void say_json(struct check *ck, const char *type, const char *result,
		     const char *object, const char *path, const char *message)
{
	json_t *o = json_object();

	if (strcmp(type, "local") != 0)
		bk_rec_set_str(o, "box", ck->known.name);
	bk_rec_set_str(o, "result", result);
	if (strcmp(object, "-") != 0)
		bk_rec_set_path(o, "object", object);
	if (path)
		bk_rec_set_path(o, "path", path);
	if (message)
		bk_rec_set_path(o, "message", message);
	bk_rec_json(&ck->c->out, type, o);
}

void check_say(struct check *ck, const char *type, const char *result,
	       const char *object, const char *path, const char *message)
{
	bool local = strcmp(type, "local") == 0;
	bool bad = strcmp(result, "wrong") == 0 ||
		   strcmp(result, "missing") == 0 ||
		   strcmp(result, "unreadable") == 0;

	if (bad && !ck->first)
		ck->first = bk_asprintf("%s%s: %s is %s", local ? "" : "box ",
					local ? "here" : ck->known.name,
					path ? path : object, result);
	if (ck->c->out.mode == BK_REC_JSON) {
		say_json(ck, type, result, object, path, message);
		return;
	}
	if (strcmp(result, "ok") == 0)
		return;
	/* a push that did not come far leaves very many of these */
	if (strcmp(type, "lacking") == 0 && ck->n.lacking > LINES)
		return;
	bk_log_progress(NULL);
	bk_rec_text(&ck->c->out, local ? "-" : ck->known.name, result, object,
		    path ? path : "-", message ? message : "", NULL);
}

/* "1 234 copies proved (12 GiB), 1 wrong" */
static char *counts_text(const struct check_counts *n)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_str_add_count(&b, n->proved);
	bk_buf_adds(&b, n->proved == 1 ? " copy proved (" : " copies proved (");
	bk_str_add_size(&b, n->bytes);
	bk_buf_addc(&b, ')');
	bk_str_add_part(&b, n->wrong, "wrong");
	bk_str_add_part(&b, n->missing, "missing");
	bk_str_add_part(&b, n->local_wrong, "local files wrong");
	bk_str_add_part(&b, n->manifests,
			"parts of manifests damaged or missing");
	bk_str_add_part(&b, n->unknown, "without an answer");
	bk_str_add_part(&b, n->left, "left for another time");
	bk_str_add_part(&b, n->lacking, "files still to come");
	bk_str_add_part(&b, n->extra, "unknown objects (");
	if (n->extra) {
		bk_str_add_size(&b, n->extra_bytes);
		bk_buf_addc(&b, ')');
	}
	return bk_buf_steal(&b);
}

static json_t *counts_json(const struct check_counts *n)
{
	json_t *o = json_object();

	bk_rec_set_int(o, "proved", (int64_t)n->proved);
	bk_rec_set_int(o, "bytes", (int64_t)n->bytes);
	bk_rec_set_int(o, "wrong", (int64_t)n->wrong);
	bk_rec_set_int(o, "missing", (int64_t)n->missing);
	bk_rec_set_int(o, "local", (int64_t)n->local);
	bk_rec_set_int(o, "local_wrong", (int64_t)n->local_wrong);
	bk_rec_set_int(o, "manifests", (int64_t)n->manifests);
	bk_rec_set_int(o, "unknown", (int64_t)n->unknown);
	bk_rec_set_int(o, "left", (int64_t)n->left);
	bk_rec_set_int(o, "lacking", (int64_t)n->lacking);
	bk_rec_set_int(o, "extra", (int64_t)n->extra);
	return o;
}

/* ---- results --------------------------------------------------------------- */

void check_note(struct check *ck, const struct check_result *r)
{
	struct check_result *to;

	ck->results =
		bk_realloc(ck->results, ck->nresults + 1, sizeof(*ck->results));
	to = &ck->results[ck->nresults++];
	*to = *r;
	to->object = r->object ? bk_strdup(r->object) : NULL;
	if (!r->object || r->state != COPY_OK)
		ck->urgent = true;
}

static int write_result(struct catalog *cat, const struct check_result *r,
			struct bk_err *err)
{
	if (!r->object)
		return catalog_unlist(cat, r->box, r->gen, err);
	return catalog_proof(cat, r->box, r->object, r->state, r->time, r->how,
			     err);
}

static void drop_results(struct check *ck)
{
	for (size_t i = 0; i < ck->nresults; i++)
		free(ck->results[i].object);
	free(ck->results);
	ck->results = NULL;
	ck->nresults = 0;
	ck->urgent = false;
}

int check_flush(struct check *ck, int wait_ms, struct bk_err *err)
{
	CATALOG_AUTO struct catalog *cat = NULL;
	int64_t now = bk_time_mono_ms();

	if (ck->c->cli.dry_run)
		drop_results(ck);
	if (ck->nresults == 0 ||
	    (wait_ms == 0 && !ck->urgent && ck->nresults < FLUSH_MAX &&
	     now - ck->flushed < FLUSH_MS))
		return 0;
	cat = catalog_open(true, wait_ms, err);
	if (!cat)
		return -1;
	for (size_t i = 0; i < ck->nresults; i++)
		if (write_result(cat, &ck->results[i], err) < 0)
			return -1;
	if (catalog_commit(cat, err) < 0)
		return -1;
	drop_results(ck);
	ck->flushed = now;
	return 0;
}

/* ---- boxes ----------------------------------------------------------------- */

static int ask_box(struct check *ck, struct bk_err *err)
{
	struct catalog_sum sum;

	if (catalog_sum(ck->cat, ck->known.id, &sum, err) < 0)
		return -1;
	ck->due = sum.objects;
	if (prove_manifests(ck, err) < 0 || prove_copies(ck, err) < 0)
		return -1;
	return find_extra(ck, err);
}

static void finish_box(struct check *ck, const char *name,
		       const struct bk_err *err)
{
	BK_AUTO_FREE char *text = counts_text(&ck->n);
	json_t *o;

	bk_log_progress(NULL);
	if (err)
		bk_error("%s", err->msg);
	if (ck->box)
		bk_notice("box %s: %s", name, text);
	if (ck->c->out.mode != BK_REC_JSON)
		return;
	o = counts_json(&ck->n);
	bk_rec_set_str(o, "box", name);
	bk_rec_set_bool(o, "reached", ck->box != NULL);
	if (err)
		bk_rec_set_path(o, "message", err->msg);
	bk_rec_json(&ck->c->out, "check", o);
}

static void add_counts(struct check_counts *to, const struct check_counts *n)
{
	to->proved += n->proved;
	to->bytes += n->bytes;
	to->wrong += n->wrong;
	to->missing += n->missing;
	to->unknown += n->unknown;
	to->left += n->left;
	to->local += n->local;
	to->local_wrong += n->local_wrong;
	to->manifests += n->manifests;
	to->extra += n->extra;
	to->extra_bytes += n->extra_bytes;
	to->lacking += n->lacking;
}

/* One that cannot be reached may be so after a while. */
static struct box *open_box(struct check *ck, const char *name,
			    struct bk_err *err)
{
	static const int pauses[] = { 0, 2000, 5000 };
	struct pollfd stop = { .fd = bk_sig_fd(), .events = POLLIN };
	struct box *b = NULL;

	for (size_t i = 0; i < BK_COUNT(pauses) && !b; i++) {
		if (i > 0 && (err->exit != BK_EX_TEMPFAIL || check_over(ck)))
			break;
		(void)poll(&stop, 1, pauses[i]);
		if (bk_sig_pending())
			break;
		b = cold_open_box(ck->c, ck->cat, name, &ck->known, err);
	}
	return b;
}

/* 0, or the exit status of what kept it from being asked. */
static int check_box(struct check *ck, const char *name,
		     struct check_counts *sum)
{
	struct bk_err err = { 0 };
	int got = -1;

	ck->n = (struct check_counts){ 0 };
	ck->asked = 0;
	ck->known = (struct catalog_box){ .name = NULL };
	ck->box = open_box(ck, name, &err);
	if (ck->box)
		got = ask_box(ck, &err);
	if (got < 0 && !ck->first)
		ck->first = bk_strdup(err.msg);
	finish_box(ck, name, got < 0 ? &err : NULL);
	box_close(ck->box);
	ck->box = NULL;
	catalog_box_free(&ck->known);
	add_counts(sum, &ck->n);
	return got < 0 ? err.exit : 0;
}

/* Of what may still be asked this box's share, those behind it counted. */
static void share(struct check *ck, const struct check_counts *sum,
		  int64_t until, size_t boxes)
{
	uint64_t max = ck->c->max_bytes, used = sum->bytes;
	int64_t now = bk_time_mono_ms();

	ck->max_bytes = 0;
	if (max)
		ck->max_bytes = max > used ? (max - used) / boxes : 1;
	if (max && ck->max_bytes == 0)
		ck->max_bytes = 1;
	ck->until =
		until ? now + (until > now ? until - now : 0) / (int64_t)boxes
		      : 0;
}

/* Those named, or all that are configured and known. */
static int find_boxes(struct check *ck, char **args, struct bk_strv *ret,
		      struct bk_err *err)
{
	const struct bk_conf_section *s = NULL;

	for (; *args; args++) {
		if (!cold_section(ck->c, *args, err))
			return -1;
		bk_strv_add(ret, *args);
	}
	if (ret->n > 0)
		return 0;
	while ((s = bk_conf_next(ck->c->conf, "box", s))) {
		struct catalog_box known = { 0 };
		int got = catalog_box(ck->cat, s->name, &known, err);

		if (got < 0)
			return -1;
		if (got > 0)
			bk_strv_add(ret, s->name);
		catalog_box_free(&known);
	}
	if (ret->n > 0)
		return 0;
	return bk_err_set(err, BK_EX_NOINPUT, 0,
			  "no box is initialised: bk-cold init BOX");
}

/* What is wrong there comes before what kept us from looking. */
static int rank(int status)
{
	switch (status) {
	case BK_EX_OK:
		return 0;
	case BK_EX_PARTIAL:
		return 1;
	case BK_EX_TEMPFAIL:
		return 2;
	case BK_EX_NO:
		return 4;
	default:
		return 3;
	}
}

static int worse(int a, int b)
{
	return rank(a) >= rank(b) ? a : b;
}

static int judge(const struct check_counts *n)
{
	if (n->wrong || n->missing || n->manifests || n->local_wrong)
		return BK_EX_NO;
	if (n->unknown)
		return BK_EX_TEMPFAIL;
	return n->lacking ? BK_EX_PARTIAL : BK_EX_OK;
}

static int run(struct check *ck, char **args, struct check_counts *sum,
	       struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv boxes = BK_STRV_INIT;
	int64_t start = bk_time_mono_ms(), until = 0;
	int status = BK_EX_OK;

	quarantine_settle(ck->c->cli.dry_run);
	ck->cat = catalog_open(false, 0, err);
	if (!ck->cat || names_read(ck->cat, &ck->names, err) < 0 ||
	    find_boxes(ck, args, &boxes, err) < 0)
		return -1;
	ck->host = name_of_host(ck->c->conf->host);
	ck->flushed = start;
	if (ck->c->max_time)
		until = start + (int64_t)ck->c->max_time * 1000;
	for (size_t i = 0; i < boxes.n && !bk_sig_pending(); i++) {
		int got;

		share(ck, sum, until, boxes.n - i);
		got = check_box(ck, boxes.v[i], sum);
		status = worse(status, got);
	}
	status = worse(status, judge(sum));
	return check_flush(ck, LAST_MS, err) < 0 ? -1 : status;
}

static void check_free(struct check *ck)
{
	drop_results(ck);
	names_free(&ck->names);
	catalog_close(ck->cat);
	free(ck->host);
	free(ck->first);
}

int cmd_check(struct cold *c, char **args)
{
	struct check ck = { .c = c };
	struct check_counts sum = { 0 };
	int64_t start = bk_time_now();
	BK_AUTO_FREE char *text = NULL, *message = NULL;
	BK_AUTO_JSON json_t *counts = NULL;
	struct bk_err err = { 0 };
	int status = run(&ck, args, &sum, &err);

	if (status < 0)
		status = bk_log_err(&err);
	text = counts_text(&sum);
	message = bk_asprintf("%s%s%s", text, ck.first || err.exit ? "; " : "",
			      ck.first	 ? ck.first
			      : err.exit ? err.msg
					 : "");
	counts = counts_json(&sum);
	if (!*args && !c->cli.dry_run)
		cold_state(c, "check", start, status, message, counts);
	check_free(&ck);
	bk_rec_end(&c->out, status);
	return status;
}
