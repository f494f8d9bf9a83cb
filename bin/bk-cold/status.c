/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * status: the boxes, their room, the copies there and the age of their
 * proofs, and what is wrong.
 */
#include "log.h"
#include "look.h"
#include "release.h"
#include "snapshots.h"
#include "state.h"
#include "time.h"

struct status {
	struct cold *c;
	struct catalog *cat;
	struct catalog_box known;
	struct catalog_sum sum;
	/* one box */
	const char *name;
	const char *state; /* ok, offline, unreachable, wrong, unknown */
	char *message;	   /* of what is not ok */
	bool told_room;
	uint64_t free, total;
	bool has_proofs;
	int64_t proofs[CATALOG_SHARES];
	struct snapshots snapshots;
};

static void connect_box(struct status *s, int *ret_exit)
{
	BOX_AUTO struct box *b = NULL;
	struct bk_err err;
	int got;

	b = cold_open_box(s->c, s->cat, s->name, NULL, &err);
	if (b) {
		got = box_space(b, &s->free, &s->total, &err);
		s->told_room = got > 0;
		if (got >= 0)
			got = snapshots_find(b, &s->snapshots, &err);
		if (got >= 0) {
			s->state = "ok";
			return;
		}
	}
	s->state = err.exit == BK_EX_TEMPFAIL ? "unreachable" : "wrong";
	s->message = bk_strdup(err.msg);
	*ret_exit = err.exit == BK_EX_TEMPFAIL ? BK_EX_TEMPFAIL : BK_EX_NO;
}

static void print_json(struct status *s)
{
	json_t *o = json_object();

	bk_rec_set_str(o, "box", s->name);
	bk_rec_set_str(o, "state", s->state);
	if (s->message)
		bk_rec_set_path(o, "message", s->message);
	if (s->known.uuid)
		bk_rec_set_str(o, "id", s->known.uuid);
	if (s->known.peer && *s->known.peer)
		bk_rec_set_str(o, "peer", s->known.peer);
	if (s->told_room) {
		bk_rec_set_int(o, "free", (int64_t)s->free);
		bk_rec_set_int(o, "total", (int64_t)s->total);
	}
	bk_rec_set_int(o, "copies", (int64_t)s->sum.objects);
	bk_rec_set_int(o, "bytes", (int64_t)s->sum.there);
	bk_rec_set_int(o, "bad", (int64_t)s->sum.bad);
	bk_rec_set_int(o, "lacking", (int64_t)s->sum.pending);
	bk_rec_set_int(o, "unproved", (int64_t)s->sum.unproved);
	if (s->sum.oldest)
		bk_rec_set_time(o, "oldest_proof", s->sum.oldest);
	if (s->sum.newest)
		bk_rec_set_time(o, "newest_proof", s->sum.newest);
	if (s->has_proofs) {
		json_t *list = json_array();

		for (size_t i = 0; i < CATALOG_SHARES; i++)
			(void)json_array_append_new(list,
						    json_integer(s->proofs[i]));
		(void)json_object_set_new(o, "proofs", list);
	}
	if (s->snapshots.names.n > 0) {
		json_t *list = json_array();

		for (size_t i = 0; i < s->snapshots.names.n; i++)
			(void)json_array_append_new(
				list,
				json_string_nocheck(s->snapshots.names.v[i]));
		(void)json_object_set_new(o, "snapshots", list);
		bk_rec_set_path(o, "snapshot_folder", s->snapshots.folder);
	}
	bk_rec_json(&s->c->out, "box", o);
}

/* The last resort: how many, which, where. */
static void print_snapshots(struct status *s)
{
	const struct bk_strv *l = &s->snapshots.names;
	BK_AUTO_FREE char *count = NULL, *names = NULL;

	if (l->n == 0)
		return;
	count = bk_asprintf("%zu snapshot%s of the box", l->n,
			    l->n > 1 ? "s" : "");
	names = l->n > 1 ? bk_asprintf("%s to %s", l->v[0], l->v[l->n - 1])
			 : bk_strdup(l->v[0]);
	bk_rec_text(&s->c->out, s->name, "snapshots", count, names,
		    s->snapshots.folder, NULL);
}

static void add_age(struct bk_buf *b, int64_t t)
{
	int64_t age = bk_time_now() - t;

	bk_str_add_duration(b, age > 0 ? (uint64_t)age : 0);
}

static char *room_text(const struct status *s)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (!s->told_room)
		return bk_strdup("room unknown");
	bk_str_add_size(&b, s->free);
	bk_buf_adds(&b, " of ");
	bk_str_add_size(&b, s->total);
	bk_buf_adds(&b, " free");
	return bk_buf_steal(&b);
}

static char *copies_text(const struct catalog_sum *sum)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_str_add_count(&b, sum->objects);
	bk_buf_adds(&b, sum->objects == 1 ? " copy, " : " copies, ");
	bk_str_add_size(&b, sum->there);
	return bk_buf_steal(&b);
}

static char *proofs_text(const struct catalog_sum *sum)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (sum->newest) {
		bk_buf_adds(&b, "proved ");
		add_age(&b, sum->oldest);
		bk_buf_adds(&b, " to ");
		add_age(&b, sum->newest);
		bk_buf_adds(&b, " ago");
	}
	if (sum->unproved) {
		bk_buf_adds(&b, b.len ? ", " : "");
		bk_str_add_count(&b, sum->unproved);
		bk_buf_adds(&b, " never proved");
	}
	return b.len ? bk_buf_steal(&b) : bk_strdup("no proofs");
}

static char *trouble_text(const struct status *s)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (s->message)
		bk_buf_adds(&b, s->message);
	if (s->sum.bad) {
		bk_buf_adds(&b, b.len ? "; " : "");
		bk_str_add_count(&b, s->sum.bad);
		bk_buf_adds(&b, " wrong or missing");
	}
	if (s->sum.pending) {
		bk_buf_adds(&b, b.len ? "; " : "");
		bk_str_add_count(&b, s->sum.pending);
		bk_buf_adds(&b, s->sum.pending == 1 ? " file still to come"
						    : " files still to come");
	}
	return b.len ? bk_buf_steal(&b) : bk_strdup("");
}

static void print_text(struct status *s)
{
	BK_AUTO_FREE char *room = room_text(s);
	BK_AUTO_FREE char *copies = copies_text(&s->sum);
	BK_AUTO_FREE char *proofs = proofs_text(&s->sum);
	BK_AUTO_FREE char *trouble = trouble_text(s);

	bk_rec_text(&s->c->out, s->name, s->state, room, copies, proofs,
		    trouble, NULL);
	print_snapshots(s);
}

/* What is wrong there, one by one. */
static int print_bad(void *arg, const struct catalog_object *k,
		     struct bk_err *err)
{
	struct status *s = arg;
	const char *what = k->copy.state == COPY_ABSENT ? "missing" : "wrong";
	BK_AUTO_FREE char *when = NULL;
	json_t *o;

	(void)err;
	if (k->copy.state == COPY_OK)
		return 0;
	when = look_time(k->copy.failed);
	if (s->c->out.mode != BK_REC_JSON) {
		bk_rec_text(&s->c->out, s->name, what, k->object, k->path, when,
			    NULL);
		return 0;
	}
	o = json_object();
	bk_rec_set_str(o, "box", s->name);
	bk_rec_set_str(o, "result", what);
	bk_rec_set_str(o, "object", k->object);
	bk_rec_set_path(o, "path", k->path);
	bk_rec_set_time(o, "time", k->copy.failed);
	bk_rec_json(&s->c->out, "bad", o);
	return 0;
}

static int show_known(struct status *s, int *ret_exit, struct bk_err *err)
{
	int got = catalog_proofs(s->cat, s->known.id, s->proofs, err);

	if (got < 0 || catalog_sum(s->cat, s->known.id, &s->sum, err) < 0)
		return -1;
	s->has_proofs = got > 0;
	s->state = "offline";
	if (!s->c->offline)
		connect_box(s, ret_exit);
	if (s->sum.bad || s->sum.pending)
		*ret_exit = BK_EX_NO;
	if (s->c->out.mode == BK_REC_JSON)
		print_json(s);
	else
		print_text(s);
	return s->sum.bad ? catalog_each_object(s->cat, s->known.id, print_bad,
						s, err)
			  : 0;
}

static void show_unknown(struct status *s)
{
	s->state = "unknown";
	s->message = bk_asprintf("not initialised: bk-cold init %s", s->name);
	if (s->c->out.mode == BK_REC_JSON)
		print_json(s);
	else
		bk_rec_text(&s->c->out, s->name, s->state, "", "", "",
			    s->message, NULL);
}

static int show_box(struct status *s, int *ret_exit, struct bk_err *err)
{
	int got = catalog_box(s->cat, s->name, &s->known, err);

	if (got == 0)
		show_unknown(s);
	if (got > 0)
		got = show_known(s, ret_exit, err);
	catalog_box_free(&s->known);
	snapshots_free(&s->snapshots);
	free(s->message);
	return got;
}

/* How the last run of a job ended; nothing where it never ran. */
static void print_job(struct cold *c, const char *job)
{
	BK_AUTO_FREE char *name = bk_asprintf("cold %s", job);
	struct bk_err err;
	BK_AUTO_JSON json_t *o = bk_state_read("bk-cold", name, &err);
	const char *result = bk_rec_str(o, "result");
	const char *message = bk_rec_str(o, "message");
	BK_AUTO_FREE char *when = NULL;

	if (!o || !result)
		return;
	if (c->out.mode == BK_REC_JSON) {
		json_t *r = json_object();

		bk_rec_set_str(r, "job", job);
		bk_rec_set_str(r, "result", result);
		bk_rec_set_time(r, "end", bk_rec_time(o, "end", 0));
		bk_rec_set_str(r, "message", message ? message : "");
		bk_rec_json(&c->out, "job", r);
		return;
	}
	when = look_time(bk_rec_time(o, "end", 0));
	bk_rec_text(&c->out, job, result, when, message ? message : "", NULL);
}

static void print_sum(struct cold *c, const struct catalog_sum *sum)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	json_t *o;

	if (c->out.mode == BK_REC_JSON) {
		o = json_object();
		bk_rec_set_int(o, "files", (int64_t)sum->files);
		bk_rec_set_int(o, "bytes", (int64_t)sum->bytes);
		bk_rec_json(&c->out, "catalog", o);
		return;
	}
	bk_str_add_count(&b, sum->files);
	bk_buf_adds(&b, sum->files == 1 ? " file in cold storage, "
					: " files in cold storage, ");
	bk_str_add_size(&b, sum->bytes);
	bk_notice("%s", b.p);
}

static int run(struct cold *c, struct bk_err *err)
{
	CATALOG_AUTO struct catalog *cat = NULL;
	const struct bk_conf_section *box = NULL;
	struct catalog_sum sum;
	int exit = BK_EX_OK;

	quarantine_settle(true);
	cat = catalog_open(false, 0, err);
	if (!cat || catalog_sum(cat, 0, &sum, err) < 0)
		return -1;
	while ((box = bk_conf_next(c->conf, "box", box))) {
		struct status s = { .c = c, .cat = cat, .name = box->name };
		int got = BK_EX_OK;

		if (show_box(&s, &got, err) < 0)
			return -1;
		if (got == BK_EX_NO || exit == BK_EX_OK)
			exit = got;
	}
	if (release_status(c, cat, err) < 0)
		return -1;
	print_job(c, "push");
	print_job(c, "check");
	print_sum(c, &sum);
	return exit;
}

int cmd_status(struct cold *c, char **args)
{
	struct bk_err err;
	int status;

	if (args[0])
		return bk_cli_usage("status takes no operand");
	status = run(c, &err);
	if (status < 0)
		status = bk_log_err(&err);
	bk_rec_end(&c->out, status);
	return status;
}
