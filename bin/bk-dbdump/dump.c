/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dump.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catalog.h"
#include "exec.h"
#include "folder.h"
#include "globals.h"
#include "grants.h"
#include "log.h"
#include "proof.h"
#include "rec.h"
#include "rows.h"
#include "servers.h"
#include "sig.h"
#include "sink.h"
#include "snapshot.h"
#include "text.h"
#include "time.h"

#define HEAD                                                              \
	"-- A dump by bk-dbdump. The last line proves that it is whole. " \
	"Load it with:\n-- mariadb --binary-mode <FILE\n"

/* How often definitions are read that change meanwhile. */
#define LOOKS 5

/* How long a consumer may take to end after each signal. */
#define GRACE_MS 10000

/* One attempt at a dump. */
struct dump {
	const struct dump_options *o;
	struct output *out;
	struct server server; /* for all but rows */
	struct catalog catalog;
	struct snapshot snapshot;
	struct rows_sum sum;
};

void dump_result_free(struct dump_result *r)
{
	free(r->version);
	json_decref(r->position);
	bk_strv_free(&r->warnings);
	*r = (struct dump_result){ 0 };
}

/* A snapshot that is held keeps the server from cleaning up. */
static int guard(void *arg, struct bk_err *err)
{
	const struct dump *d = arg;
	uint64_t max = d->o->max_hold;
	int64_t held = bk_time_mono_ms() - d->snapshot.since;

	if (max == 0 || d->snapshot.n == 0 || held < (int64_t)max * 1000)
		return 0;
	return bk_err_set(err, BK_EX_TEMPFAIL, 0,
			  "it took longer than %" PRIu64 " seconds, for which "
			  "it may hold its point in time",
			  max);
}

static int check_broken(struct dump *d, struct bk_err *err)
{
	uint64_t n = catalog_broken(&d->catalog);

	for (size_t i = 0; i < d->catalog.n; i++) {
		const struct database *db = &d->catalog.v[i];

		for (size_t k = 0; k < db->n; k++) {
			const struct object *o = &db->v[k];

			if (!o->broken)
				continue;
			bk_warning("%s %s.%s is broken: %s",
				   object_word(o->kind), db->name, o->name,
				   o->broken);
			if (d->o->save_broken)
				continue;
			return bk_err_set(
				err, BK_EX_NO, 0,
				"%s %s.%s is broken (%" PRIu64 " in all); "
				"--broken=save keeps its text and goes on",
				object_word(o->kind), db->name, o->name, n);
		}
	}
	return 0;
}

/* What is there, and its definitions; 0, -1, CATALOG_MOVED. */
static int look(struct server *s, const struct dump_options *o, bool check,
		struct catalog *ret, struct bk_err *err)
{
	int got = catalog_list(s, o->selection, ret, err);

	/* What cannot be seen cannot be defined, either. */
	if (got == 0 && check)
		got = grants_check(s, o, ret, err);
	if (got == 0)
		got = catalog_define(s, ret, err);
	if (got < 0)
		catalog_free(ret);
	return got;
}

/*
 * A table that was made or renamed in this second could be so again without
 * looking different. Waits until that is over.
 */
static int settle(const struct dump *d, struct bk_err *err)
{
	int64_t end = bk_time_mono_ms() + d->catalog.fresh_ms;
	int64_t left;

	while ((left = end - bk_time_mono_ms()) > 0) {
		if (bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "it was interrupted");
		(void)poll(NULL, 0, (int)left);
	}
	return 0;
}

/*
 * Is all still as it was defined? exact: is nothing new or gone, either?
 * 0, -1, CATALOG_MOVED.
 */
static int verify(struct dump *d, bool exact, struct bk_err *err)
{
	BK_AUTO(catalog_free) struct catalog now = CATALOG_INIT;
	BK_AUTO_FREE char *changed = NULL;
	int got = look(&d->server, d->o, false, &now, err);

	if (got == -1 && err->exit == BK_EX_NOINPUT)
		return exact ? CATALOG_MOVED : 0;
	if (got < 0)
		return got;
	changed = catalog_changed(&d->catalog, &now, exact);
	if (!changed)
		return 0;
	bk_err_set(err, BK_EX_NO, 0,
		   "the definition of %s was changed during the dump", changed);
	return CATALOG_MOVED;
}

/*
 * The snapshot, and definitions that are the same before and after it was
 * taken. exact: also of what came or went between.
 */
static int begin(struct dump *d, bool exact, struct bk_err *err)
{
	int got = look(&d->server, d->o, true, &d->catalog, err);

	if (got == 0)
		got = settle(d, err);
	if (got == 0)
		got = snapshot_open(&d->o->login, d->o->connections,
				    d->o->stage, &d->catalog, &d->snapshot,
				    err);
	if (got == 0)
		got = verify(d, exact, err);
	if (got == 0)
		got = catalog_sequences(&d->server, &d->catalog, err);
	return got;
}

static int prepare(struct dump *d, struct bk_err *err)
{
	int got;

	if (server_connect(&d->o->login, &d->server, err) < 0)
		return -1;
	/* Where tables come and go all the time, it will never be exact. */
	for (int i = 1; i <= LOOKS; i++) {
		got = begin(d, i < LOOKS, err);
		if (got == 0 && i == LOOKS)
			bk_strv_add(&d->catalog.warnings,
				    "tables or other objects come and go all "
				    "the time: those in the dump were there "
				    "some seconds before its point in time");
		if (got != CATALOG_MOVED || i == LOOKS)
			break;
		snapshot_close(&d->snapshot);
		catalog_free(&d->catalog);
	}
	if (got != 0)
		return got;
	return check_broken(d, err);
}

static int write_text(struct dump *d, const struct part *part,
		      const struct bk_buf *text, struct bk_err *err)
{
	if (text->len == 0)
		return 0;
	if (bk_sig_pending())
		return bk_err_set(err, BK_EX_TEMPFAIL, 0, "it was interrupted");
	if (d->out->begin(d->out, part, err) < 0 ||
	    sink_add(&d->out->sink, text->p, text->len, err) < 0)
		return -1;
	return d->out->end(d->out, 0, err);
}

static int write_texts(struct dump *d, enum manifest_kind kind,
		       struct bk_err *err)
{
	BK_AUTO_FREE size_t *order = text_order(&d->catalog);

	for (size_t i = 0; i < d->catalog.n; i++) {
		const struct database *db = &d->catalog.v[order[i]];
		const struct part part = { kind, db->name, NULL };
		BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;

		if (kind == MANIFEST_SCHEMA)
			text_add_schema(db, &text);
		else
			text_add_post(db, &text);
		if (write_text(d, &part, &text, err) < 0)
			return -1;
	}
	return 0;
}

static int write_globals(struct dump *d, struct bk_err *err)
{
	static const struct part part = { MANIFEST_GLOBALS, NULL, NULL };
	BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;

	if (!d->o->globals)
		return 0;
	if (globals_add(&d->server, &d->catalog, &text, err) < 0)
		return -1;
	return write_text(d, &part, &text, err);
}

static int write_servers(struct dump *d, struct bk_err *err)
{
	static const struct part part = { MANIFEST_SERVERS, NULL, NULL };
	BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;

	if (!d->o->globals)
		return 0;
	if (servers_add(&d->server, &text, err) < 0)
		return -1;
	return write_text(d, &part, &text, err);
}

/* Of the tables that a snapshot covers, or of those that it does not. */
static int write_rows(struct dump *d, bool transactional, struct bk_err *err)
{
	const struct object **tables =
		bk_calloc(catalog_objects(&d->catalog) + 1, sizeof(*tables));
	size_t n = 0;
	int got = 0;

	for (size_t i = 0; i < d->catalog.n; i++) {
		const struct database *db = &d->catalog.v[i];

		for (size_t k = 0; k < db->n; k++) {
			const struct object *o = &db->v[k];

			if (o->kind == OBJECT_TABLE && o->rows && !o->broken &&
			    o->transactional == transactional)
				tables[n++] = o;
		}
	}
	/* Who holds the locks reads what is locked: nobody else can be kept
	 * from it by those who wait for them. */
	if (n > 0 && !transactional)
		got = rows_dump(&d->snapshot.locks, 1, tables, n, d->out,
				&d->sum, err);
	else if (n > 0)
		got = rows_dump(d->snapshot.v, d->snapshot.n, tables, n, d->out,
				&d->sum, err);
	free(tables);
	return got;
}

static int write_all(struct dump *d, struct bk_err *err)
{
	int got;

	if (write_servers(d, err) < 0 ||
	    write_texts(d, MANIFEST_SCHEMA, err) < 0 ||
	    write_globals(d, err) < 0)
		return -1;
	got = write_rows(d, false, err);
	snapshot_unlock(&d->snapshot);
	if (got == 0)
		got = write_rows(d, true, err);
	if (got < 0)
		return got;
	return write_texts(d, MANIFEST_POST, err);
}

static void report(struct dump *d, struct dump_result *ret)
{
	dump_result_free(ret);
	ret->databases = d->catalog.n;
	ret->objects = catalog_objects(&d->catalog);
	ret->broken = catalog_broken(&d->catalog);
	ret->rows = d->sum.rows;
	ret->largest = d->sum.largest;
	ret->start = d->snapshot.start;
	ret->held_ms = (uint64_t)(bk_time_mono_ms() - d->snapshot.since);
	ret->version = bk_strdup(server_version(&d->server));
	ret->position = json_incref(d->snapshot.position);
	for (size_t i = 0; i < d->catalog.warnings.n; i++)
		bk_strv_add(&ret->warnings, d->catalog.warnings.v[i]);
}

/*
 * All but the end of it. CATALOG_MOVED: something was changed meanwhile, and
 * it may be tried again.
 */
static int attempt(const struct dump_options *o, struct output *out,
		   struct dump_result *ret, struct bk_err *err)
{
	struct dump d = { .o = o, .out = out };
	int got;

	bk_err_set(err, BK_EX_NO, 0,
		   "definitions were changed while they were read");
	out->sink.guard = guard;
	out->sink.arg = &d;
	got = prepare(&d, err);
	if (got == 0)
		got = write_all(&d, err);
	if (got == 0)
		got = verify(&d, false, err);
	if (got == 0)
		report(&d, ret);
	out->sink.guard = NULL;
	snapshot_close(&d.snapshot);
	catalog_free(&d.catalog);
	server_close(&d.server);
	return got;
}

static void say_again(const struct bk_err *err)
{
	bk_notice("%s: trying once more", err->msg);
}

/* A stream has no parts. */
static int stream_begin(struct output *o, const struct part *part,
			struct bk_err *err)
{
	(void)o;
	(void)part;
	(void)err;
	return 0;
}

static int stream_end(struct output *o, uint64_t rows, struct bk_err *err)
{
	(void)o;
	(void)rows;
	(void)err;
	return 0;
}

static int add_trailer(struct sink *s, struct dump_result *r,
		       struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	proof_add_counts(&b, r->objects, r->rows, r->broken);
	if (sink_add(s, b.p, b.len, err) < 0 ||
	    sink_digest(s, r->sha256, err) < 0)
		return -1;
	bk_buf_clear(&b);
	r->bytes = s->bytes;
	bk_buf_addf(&b,
		    "-- bk-dbdump: complete objects=%" PRIu64 " rows=%" PRIu64
		    " broken=%" PRIu64 " sha256=%s bytes=%" PRIu64 "\n",
		    r->objects, r->rows, r->broken, r->sha256, r->bytes);
	if (sink_add(s, b.p, b.len, err) < 0)
		return -1;
	return sink_flush(s, err);
}

/*
 * 0, -1 or CATALOG_MOVED; take: fd is closed where it succeeds. *ret_begun:
 * something was written.
 */
static int stream(const struct dump_options *o, int fd, bool take,
		  bool *ret_begun, struct dump_result *ret, struct bk_err *err)
{
	struct output out = { .begin = stream_begin, .end = stream_end };
	int got;

	(void)signal(SIGPIPE, SIG_IGN);
	if (sink_open(&out.sink, fd, take, err) < 0)
		return -1;
	got = sink_add(&out.sink, HEAD, strlen(HEAD), err);
	if (got == 0)
		got = attempt(o, &out, ret, err);
	if (got == 0)
		got = add_trailer(&out.sink, ret, err);
	/* A consumer's input ends only when that is proved, or it is gone. */
	if (take && got < 0)
		out.sink.own = false;
	*ret_begun = out.sink.bytes > 0;
	sink_close(&out.sink);
	return got;
}

int dump_stream(const struct dump_options *o, int fd, struct dump_result *ret,
		struct bk_err *err)
{
	bool begun = false;
	int got = stream(o, fd, false, &begun, ret, err);

	if (got == CATALOG_MOVED && !begun && !bk_sig_pending()) {
		say_again(err);
		got = stream(o, fd, false, &begun, ret, err);
	}
	return got < 0 ? -1 : 0;
}

static json_t *manifest_of(const struct dump_result *r)
{
	json_t *o = bk_rec_object("manifest");
	json_t *warnings = json_array();

	bk_rec_set_str(o, "tool", "bk-dbdump " BK_VERSION);
	bk_rec_set_str(o, "version", r->version);
	bk_rec_set_time(o, "time", r->start);
	bk_rec_set_int(o, "held_ms", (int64_t)r->held_ms);
	if (r->position)
		(void)json_object_set(o, "position", r->position);
	bk_rec_set_int(o, "databases", (int64_t)r->databases);
	bk_rec_set_int(o, "objects", (int64_t)r->objects);
	bk_rec_set_int(o, "broken", (int64_t)r->broken);
	bk_rec_set_int(o, "largest", (int64_t)r->largest);
	for (size_t i = 0; i < r->warnings.n; i++) {
		BK_AUTO_FREE char *s = bk_str_to_utf8(r->warnings.v[i],
						      strlen(r->warnings.v[i]));

		(void)json_array_append_new(warnings, json_string(s));
	}
	(void)json_object_set_new(o, "warnings", warnings);
	return o;
}

static int folder(const struct dump_options *o, const char *path,
		  struct dump_result *ret, struct bk_err *err)
{
	BK_AUTO(folder_close) struct folder f = { .out.sink.fd = -1 };
	BK_AUTO_JSON json_t *manifest = NULL;
	int got;

	if (folder_open(&f, path, err) < 0)
		return -1;
	got = attempt(o, &f.out, ret, err);
	if (got < 0)
		return got;
	manifest = manifest_of(ret);
	if (folder_finish(&f, manifest, err) < 0)
		return -1;
	memcpy(ret->sha256, f.manifest.sha256, sizeof(ret->sha256));
	ret->bytes = f.manifest.bytes;
	return 0;
}

int dump_folder(const struct dump_options *o, const char *path,
		struct dump_result *ret, struct bk_err *err)
{
	int got = folder(o, path, ret, err);

	if (got == CATALOG_MOVED && !bk_sig_pending()) {
		say_again(err);
		got = folder(o, path, ret, err);
	}
	return got < 0 ? -1 : 0;
}

static bool ended_within(const struct bk_child *c, int ms)
{
	int64_t end = bk_time_mono_ms() + ms;
	siginfo_t info = { 0 };

	do {
		if (waitid(P_PID, (id_t)c->pid, &info,
			   WEXITED | WNOHANG | WNOWAIT) < 0 ||
		    info.si_pid != 0)
			return true;
		(void)poll(NULL, 0, 20);
	} while (bk_time_mono_ms() < end);
	return false;
}

/* Its input stays open until it is gone, for the end of it would be success. */
static void stop_consumer(struct bk_child *c)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGKILL };

	for (size_t i = 0; i < BK_COUNT(signals); i++) {
		bk_exec_kill(c, signals[i]);
		if (ended_within(c, GRACE_MS))
			break;
	}
	(void)bk_exec_wait(c);
}

static int feed(const struct dump_options *o, char *const *argv,
		int *ret_status, struct dump_result *ret, struct bk_err *err)
{
	struct bk_exec x = { .argv = argv,
			     .in = BK_EXEC_PIPE,
			     .out = BK_EXEC_INHERIT,
			     .err = BK_EXEC_INHERIT };
	struct bk_child c = BK_CHILD_INIT;
	bool begun;
	int got;

	if (bk_exec_start(&x, &c, err) < 0)
		return -1;
	got = stream(o, c.in, true, &begun, ret, err);
	if (got < 0) {
		stop_consumer(&c);
		return got;
	}
	c.in = -1;
	*ret_status = bk_exec_wait_forward(&c);
	return 0;
}

int dump_exec(const struct dump_options *o, char *const *argv, int *ret_status,
	      struct dump_result *ret, struct bk_err *err)
{
	int got = feed(o, argv, ret_status, ret, err);

	if (got == CATALOG_MOVED && !bk_sig_pending()) {
		say_again(err);
		got = feed(o, argv, ret_status, ret, err);
	}
	return got < 0 ? -1 : 0;
}
