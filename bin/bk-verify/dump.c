/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The subject dump: the newest dump of a server is brought from its
 * repository, proved to be whole, loaded into a throw-away MariaDB, and dumped
 * again: what comes out must be what went in, object by object, to the byte.
 *
 * The parts are the dump itself ("whole") and each of its databases, which
 * have their turns. A stream has one part for all of them.
 */
#include "dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "child.h"
#include "dirs.h"
#include "echo.h"
#include "file.h"
#include "log.h"
#include "newest.h"
#include "path.h"
#include "place.h"
#include "scratch.h"
#include "sig.h"
#include "str.h"
#include "time.h"

#define WHOLE "whole"
#define ALL "*"
#define MANIFEST_LIMIT ((size_t)256 << 20)

struct dump {
	struct newest newest;
	char *root;	  /* a folder of ours alone */
	char *path;	  /* the dump, below it */
	bool stream;	  /* it is one file */
	json_t *manifest; /* of a folder */
	uint64_t bytes;
	char *release; /* of the server that it is of: "10.11", or NULL */
	struct bk_strv wanted; /* databases of this step */
	struct bk_strv failed; /* what failed in it */
	struct scratch scratch;
};

void dump_tidy(void)
{
	BK_AUTO_FREE char *path = bk_dirs_path(BK_DIRS_CACHE, "dump", NULL);
	struct bk_err err;

	scratch_tidy();
	if (path && bk_file_remove_tree(path, &err) < 0)
		bk_warning("what was restored to load it is left behind: %s",
			   err.msg);
}

static void dump_free(struct dump *d)
{
	scratch_stop(&d->scratch);
	dump_tidy();
	newest_free(&d->newest);
	bk_strv_free(&d->wanted);
	bk_strv_free(&d->failed);
	json_decref(d->manifest);
	free(d->root);
	free(d->path);
	free(d->release);
}

static void fail(struct subject *s, struct dump *d, const char *part,
		 const char *what, const char *text)
{
	BK_AUTO_BUF struct bk_buf when = BK_BUF_INIT;
	BK_AUTO_FREE char *message = NULL;

	bk_time_add_local(&when, d->newest.when);
	message = bk_asprintf("[mariadb %s] %s (snapshot %.8s of %s in [repo "
			      "%s]); first: see \"A dump that failed\" under "
			      "REPAIR in bk-verify(1)",
			      s->section->name, text, d->newest.id, when.p,
			      s->repo->name);
	bk_strv_add(&d->failed, what);
	progress_fail(&s->progress, part, what, message, s->clock.now);
}

/* This part was tried: what failed before and not now is mended. */
static void settle(struct subject *s, const struct dump *d, const char *part)
{
	struct progress *p = &s->progress;

	for (size_t i = p->nfailures; i-- > 0;) {
		BK_AUTO_FREE char *what = bk_strdup(p->failures[i].what);

		if (strcmp(p->failures[i].part, part) == 0 &&
		    !bk_strv_has(&d->failed, what))
			progress_clear(p, what);
	}
	progress_prove(p, part, s->clock.now);
	s->proved += !progress_failed(p, part);
}

/* ---- bringing it -------------------------------------------------------------------- */

static char *set_of(const struct subject *s)
{
	return bk_asprintf("mariadb:%s", s->section->name);
}

static int find(struct verify *v, struct subject *s, struct dump *d,
		struct bk_err *err)
{
	BK_AUTO_FREE char *set = set_of(s);

	if (newest_find(v, set, true, &d->newest, err) < 0)
		return -1;
	if (d->newest.id && d->newest.path)
		return 0;
	return bk_err_set(err, BK_EX_TEMPFAIL, 0,
			  "[mariadb %s] there is no dump yet",
			  s->section->name);
}

static void take_full(void *arg, const char *line)
{
	bool *full = arg;

	*full = *full || strstr(line, "no space left");
}

/* 0: it is there; 1: it failed, and err tells why; -1 with err. */
static int restore(struct verify *v, struct subject *s, struct dump *d,
		   struct bk_err *err)
{
	AUTO_CHILD struct child c = CHILD_INIT;
	BK_AUTO_FREE char *set = set_of(s);
	BK_AUTO_FREE char *target = bk_path_join(d->root, "restored");
	bool full = false;

	child_tool(&c, v, "bk-restic");
	child_add(&c, "restore", set, "--snapshot", d->newest.id, "--target",
		  target, "--no-verify", "--no-lock");
	c.message = take_full;
	c.arg = &full;
	c.deadline = step_deadline(v);
	if (child_run(&c, err) < 0)
		return -1;
	if (c.status == BK_EX_OK)
		return 0;
	(void)child_err(&c, c.status, err);
	if (full)
		return bk_err_set(err, BK_EX_IOERR, ENOSPC,
				  "there is no room for a dump in '%s'",
				  d->root);
	return c.status == BK_EX_NO || c.status == BK_EX_DATAERR ? 1 : -1;
}

/* 0: it is whole; 1: not, and err tells why; -1 with err. */
static int check_whole(struct verify *v, struct dump *d, struct bk_err *err)
{
	AUTO_CHILD struct child c = CHILD_INIT;

	child_tool(&c, v, "bk-dbdump");
	child_add(&c, "check", d->path);
	c.deadline = step_deadline(v);
	if (child_run(&c, err) < 0)
		return -1;
	if (c.status == BK_EX_OK)
		return 0;
	(void)child_err(&c, c.status, err);
	return c.status == BK_EX_DATAERR || c.status == BK_EX_NO ||
			       c.status == BK_EX_NOINPUT
		       ? 1
		       : -1;
}

static json_t *read_manifest(const char *folder, struct bk_err *err)
{
	BK_AUTO_FREE char *path = bk_path_join(folder, "manifest.json");
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	json_t *o;

	if (bk_file_read(path, MANIFEST_LIMIT, &b, err) < 0)
		return NULL;
	o = json_loadb(b.p ? b.p : "", b.len, 0, NULL);
	if (!json_is_object(o))
		(void)bk_err_set(err, BK_EX_DATAERR, 0, "'%s' is damaged",
				 path);
	return o;
}

/* What it is: a folder with a manifest, or a file. */
static int look(struct dump *d, struct bk_err *err)
{
	unsigned int major, minor;
	const char *version;
	struct stat st;

	if (lstat(d->path, &st) < 0)
		return bk_err_sys(err, "cannot look at '%s'", d->path);
	d->stream = !S_ISDIR(st.st_mode);
	d->bytes = (uint64_t)st.st_size;
	if (d->stream)
		return 0;
	d->manifest = read_manifest(d->path, err);
	if (!d->manifest)
		return -1;
	d->bytes = (uint64_t)bk_rec_int(d->manifest, "bytes", 0);
	version = bk_rec_str(d->manifest, "version");
	if (version && sscanf(version, "%u.%u", &major, &minor) == 2)
		d->release = bk_asprintf("%u.%u", major, minor);
	return 0;
}

/*
 * Whether all of it came, its own hashes tell: restic may only have failed to
 * set an owner. 0, 1, -1 as above; restic's word is first, where it had one.
 */
static int restore_whole(struct verify *v, struct subject *s, struct dump *d,
			 struct bk_err *err)
{
	int got = restore(v, s, d, err);
	struct bk_err why;

	if (got != 1)
		return got == 0 ? check_whole(v, d, err) : got;
	return check_whole(v, d, &why) == 0 ? 0 : 1;
}

/* 0: it is here, and whole; 1: it failed; -1 with err. */
static int bring(struct verify *v, struct subject *s, struct dump *d,
		 struct bk_err *err)
{
	BK_AUTO_FREE char *target = NULL, *text = NULL;
	int got;

	d->root = bk_dirs_path(BK_DIRS_CACHE, "dump", err);
	if (!d->root || bk_file_mkdirs(d->root, 0700, err) < 0)
		return -1;
	target = bk_path_join(d->root, "restored");
	d->path = bk_path_join(target, d->newest.path);
	got = restore_whole(v, s, d, err);
	if (got == 1 && bk_file_remove_tree(target, err) == 0)
		/* A prune may have moved the data meanwhile. */
		got = restore_whole(v, s, d, err);
	if (got == 1) {
		text = bk_asprintf("the dump is not whole: %s", err->msg);
		fail(s, d, WHOLE, WHOLE, text);
	}
	return got == 0 ? look(d, err) : got;
}

/* ---- its databases ---------------------------------------------------------------------- */

static bool is_loaded(const json_t *file)
{
	static const char *const kinds[] = { "schema", "rows", "post" };
	const char *kind = bk_rec_str(file, "kind");

	for (size_t i = 0; i < BK_COUNT(kinds); i++)
		if (kind && strcmp(kind, kinds[i]) == 0)
			return bk_rec_str(file, "db") != NULL;
	return false;
}

static void expect_parts(struct subject *s, const struct dump *d)
{
	const json_t *files = json_object_get(d->manifest, "files"), *o;
	BK_AUTO_STRV struct bk_strv names = BK_STRV_INIT;
	size_t i;

	bk_strv_add(&names, WHOLE);
	if (d->stream)
		bk_strv_add(&names, ALL);
	json_array_foreach(files, i, o) {
		const char *db = is_loaded(o) ? bk_rec_str(o, "db") : NULL;

		if (db && !bk_strv_has(&names, db))
			bk_strv_add(&names, db);
	}
	progress_expect(&s->progress, names.v, names.n);
}

static uint64_t size_of(const struct dump *d, const char *db)
{
	const json_t *files = json_object_get(d->manifest, "files"), *o;
	uint64_t bytes = d->stream ? d->bytes : 0;
	size_t i;

	json_array_foreach(files, i, o) {
		const char *of = bk_rec_str(o, "db");

		if (of && strcmp(of, db) == 0)
			bytes += (uint64_t)bk_rec_int(o, "bytes", 0);
	}
	return bytes;
}

/* Those whose turn it is, as the budget goes, one at least. */
static void choose(const struct verify *v, const struct subject *s,
		   struct dump *d)
{
	BK_AUTO_FREE size_t *due = NULL;
	size_t n = progress_due(&s->progress, 1, &s->clock, &due);
	int64_t oldest = progress_oldest(&s->progress, 1);
	uint64_t bytes = 0;

	if (n == 0 && v->named && oldest >= 0)
		due[n++] = (size_t)oldest;
	for (size_t i = 0; i < n; i++) {
		const char *db = s->progress.parts[due[i]].name;

		bytes += size_of(d, db);
		if (d->wanted.n > 0 && v->limited && bytes > v->bytes)
			break;
		bk_strv_add(&d->wanted, db);
	}
}

static void want_all(const struct subject *s, struct dump *d)
{
	bk_strv_free(&d->wanted);
	for (size_t i = 1; i < s->progress.n; i++)
		bk_strv_add(&d->wanted, s->progress.parts[i].name);
}

/* ---- loading it, and dumping it again ------------------------------------------------------ */

static void add_server(struct child *c, const struct dump *d)
{
	child_add(c, "--socket", d->scratch.socket, "--user", scratch_user());
}

/* 0; 1: it does not load, and err tells why; -1 with err. */
static int load(struct verify *v, struct subject *s, struct dump *d,
		struct bk_err *err)
{
	AUTO_CHILD struct child c = CHILD_INIT;

	child_tool(&c, v, "bk-dbdump");
	child_add(&c, "restore", s->section->name, "--from", d->path);
	for (size_t i = 0; i < d->wanted.n && !d->stream; i++)
		child_add(&c, "--db", d->wanted.v[i]);
	add_server(&c, d);
	c.deadline = step_deadline(v);
	if (child_run(&c, err) < 0)
		return -1;
	if (c.status == BK_EX_OK)
		return 0;
	(void)child_err(&c, BK_EX_DATAERR, err);
	return 1;
}

/* What stands for this database, and no other. */
static void add_pattern(struct child *c, const char *db)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	for (; *db; db++) {
		if (strchr("*?[", *db))
			bk_buf_addf(&b, "[%c]", *db);
		else
			bk_buf_addc(&b, *db);
	}
	bk_strv_take(&c->argv, bk_buf_steal(&b));
}

static bool has_dot(const struct bk_strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (strchr(l->v[i], '.'))
			return true;
	return false;
}

/* A stream becomes a file. */
struct copy {
	int fd;
	bool failed;
};

static void take_bytes(void *arg, const char *p, size_t n)
{
	struct copy *c = arg;

	c->failed = c->failed || bk_fd_write(c->fd, p, n) < 0;
}

/* 0; 1: it could not be dumped, and err tells why; -1 with err. */
static int dump_again(struct verify *v, struct subject *s, struct dump *d,
		      const char *path, struct bk_err *err)
{
	AUTO_CHILD struct child c = CHILD_INIT;
	BK_AUTO_CLOSE int fd = -1;
	struct copy copy = { -1, false };

	child_tool(&c, v, "bk-dbdump");
	child_add(&c, "dump");
	if (!d->stream)
		child_add(&c, "-o", path);
	add_server(&c, d);
	child_add(&c, s->section->name);
	if (d->stream || has_dot(&d->wanted))
		child_add(&c, ALL);
	for (size_t i = 0; i < d->wanted.n && !d->stream; i++)
		add_pattern(&c, d->wanted.v[i]);
	if (d->stream) {
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0)
			return bk_err_sys(err, "cannot make '%s'", path);
		copy.fd = fd;
		c.data = take_bytes;
		c.arg = &copy;
	}
	c.deadline = step_deadline(v);
	if (child_run(&c, err) < 0)
		return -1;
	if (copy.failed)
		return bk_err_set(err, BK_EX_IOERR, 0, "cannot write '%s'",
				  path);
	if (c.status == BK_EX_OK || c.status == BK_EX_PARTIAL)
		return 0;
	(void)child_err(&c, BK_EX_DATAERR, err);
	return 1;
}

/* ---- comparing ---------------------------------------------------------------------------- */

static const char *sum_of(const json_t *manifest, const char *path)
{
	const json_t *files = json_object_get(manifest, "files"), *o;
	size_t i;

	json_array_foreach(files, i, o) {
		const char *own = bk_rec_str(o, "path");

		if (own && strcmp(own, path) == 0)
			return bk_rec_str(o, "sha256");
	}
	return NULL;
}

/* Objects that are saved as text alone do not come back. */
static bool may_differ(const struct dump *d, const json_t *file)
{
	const char *kind = bk_rec_str(file, "kind");

	return bk_rec_int(d->manifest, "broken", 0) > 0 &&
	       strcmp(kind, "rows") != 0;
}

static int compare_folders(struct subject *s, struct dump *d,
			   const char *folder, struct bk_err *err)
{
	BK_AUTO_JSON json_t *again = read_manifest(folder, err);
	const json_t *files = json_object_get(d->manifest, "files"), *o;
	size_t i;

	if (!again)
		return -1;
	json_array_foreach(files, i, o) {
		const char *path = bk_rec_str(o, "path");
		const char *want = bk_rec_str(o, "sha256");
		const char *db = bk_rec_str(o, "db"), *got;
		BK_AUTO_FREE char *what = NULL, *text = NULL;

		if (!path || !want || !is_loaded(o) ||
		    !bk_strv_has(&d->wanted, db) || may_differ(d, o))
			continue;
		got = sum_of(again, path);
		if (got && strcmp(got, want) == 0)
			continue;
		what = bk_asprintf("object %s", path);
		text = bk_asprintf("database %s: %s %s", db, path,
				   got ? "is another one once it was loaded"
				       : "is not there once it was loaded");
		fail(s, d, db, what, text);
	}
	return 0;
}

/* Of another release, without a plugin, or without the server that has the
 * rows of a table, it does not tell. */
static int not_judged(const struct dump *d, const char *why, struct bk_err *err)
{
	BK_AUTO_FREE char *here = scratch_release();

	if (strstr(why, "nknown storage engine") || strstr(why, "plugin") ||
	    strstr(why, "rows are elsewhere") ||
	    strstr(why, "another storage engine"))
		return bk_err_set(err, BK_EX_UNAVAILABLE, 0,
				  "the MariaDB here cannot load the dump: %s",
				  why);
	if (d->release && here && strcmp(d->release, here) != 0)
		return bk_err_set(err, BK_EX_UNAVAILABLE, 0,
				  "the dump is of MariaDB %s, and %s is here: "
				  "%s",
				  d->release, here, why);
	return 0;
}

/* 0; 1: it is another one, and err tells; -1 with err. */
static int compare_again(struct subject *s, struct dump *d, const char *path,
			 struct bk_err *err)
{
	int got;

	if (!d->stream)
		return compare_folders(s, d, path, err);
	got = echo_compare(d->path, path, err);
	if (got == 1)
		(void)bk_err_set(err, BK_EX_DATAERR, 0,
				 "it is another one once it was loaded");
	return got;
}

/* A view may name another database: then all of them are loaded. */
static int load_wanted(struct verify *v, struct subject *s, struct dump *d,
		       struct bk_err *err)
{
	int got = load(v, s, d, err);

	if (got != 1 || d->wanted.n + 1 >= s->progress.n)
		return got;
	scratch_stop(&d->scratch);
	want_all(s, d);
	d->scratch.deadline = step_deadline(v);
	return scratch_start(&d->scratch, err) < 0 ? -1 : load(v, s, d, err);
}

/* All that is wanted of it. */
static int prove_loaded(struct verify *v, struct subject *s, struct dump *d,
			struct bk_err *err)
{
	BK_AUTO_FREE char *path = bk_path_join(d->root, "again");
	BK_AUTO_FREE char *text = NULL, *why = NULL;
	size_t failures = d->failed.n;
	int got = load_wanted(v, s, d, err);

	if (got == 0)
		got = dump_again(v, s, d, path, err);
	if (got == 0)
		got = compare_again(s, d, path, err);
	if (got < 0)
		return -1;
	why = bk_strdup(got == 1 ? err->msg : "its objects differ");
	if ((got == 1 || d->failed.n > failures) && not_judged(d, why, err) < 0)
		return -1;
	if (got == 1) {
		text = bk_asprintf("the dump does not come back: %s", why);
		fail(s, d, d->wanted.v[0], "load", text);
	}
	return 0;
}

static bool has_room(const struct dump *d, struct bk_err *err)
{
	struct statvfs fs;

	if (statvfs("/var/tmp", &fs) < 0 ||
	    (uint64_t)fs.f_bavail * fs.f_frsize > 2 * d->bytes + (256U << 20))
		return true;
	(void)bk_err_set(err, BK_EX_IOERR, ENOSPC,
			 "there is no room in '/var/tmp' to load a dump");
	return false;
}

/*
 * Where no server can be had, all that is proved is that the dump is whole,
 * and that is said.
 */
static int prove_databases(struct verify *v, struct subject *s, struct dump *d,
			   struct bk_err *err)
{
	int got;

	choose(v, s, d);
	if (d->wanted.n == 0)
		return 0;
	if (!has_room(d, err))
		return -1;
	d->scratch.deadline = step_deadline(v);
	got = scratch_start(&d->scratch, err);
	if (got < 0 && err->exit != BK_EX_UNAVAILABLE &&
	    err->exit != BK_EX_NOPERM)
		return -1;
	if (got < 0) {
		char whole[] = WHOLE, *names[] = { whole };

		bk_rec_set_str(s->progress.own, "only", err->msg);
		progress_expect(&s->progress, names, 1);
		return 0;
	}
	(void)json_object_del(s->progress.own, "only");
	if (prove_loaded(v, s, d, err) < 0)
		return -1;
	for (size_t i = 0; i < d->wanted.n; i++)
		settle(s, d, d->wanted.v[i]);
	return 0;
}

/* ---- a step -------------------------------------------------------------------------------- */

static int prove(struct verify *v, struct subject *s, struct dump *d,
		 struct bk_err *err)
{
	int got;

	if (place_check(s->repo, err) < 0 || find(v, s, d, err) < 0)
		return -1;
	got = bring(v, s, d, err);
	if (got < 0)
		return -1;
	budget_spend(v, s, d->bytes);
	if (got == 1)
		return 0;
	expect_parts(s, d);
	settle(s, d, WHOLE);
	return prove_databases(v, s, d, err);
}

static int step(struct verify *v, struct subject *s, struct bk_err *err)
{
	BK_AUTO(dump_free) struct dump d = { .scratch = SCRATCH_INIT };

	s->finished = true;
	return prove(v, s, &d, err);
}

static void prepare(struct verify *v, struct subject *s)
{
	BK_AUTO_STRV struct bk_strv names = BK_STRV_INIT;

	(void)v;
	bk_strv_add(&names, WHOLE);
	for (size_t i = 0; i < s->progress.n; i++)
		if (strcmp(s->progress.parts[i].name, WHOLE) != 0)
			bk_strv_add(&names, s->progress.parts[i].name);
	progress_expect(&s->progress, names.v, names.n);
}

const struct kind kind_dump = {
	.how = "loaded and dumped again",
	.first = 0,
	.prepare = prepare,
	.step = step,
};
