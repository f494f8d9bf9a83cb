/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The subject drill: files of the newest snapshot of a set are restored, for
 * real, into a folder that nobody else sees, and compared.
 *
 * Which part a file belongs to follows from its path alone, so each is
 * restored once in a cycle. What one restore brings is bounded by drill-size;
 * a file that is larger is compared as it comes, and needs no room. restic
 * runs without a lock; what looks like damage is tried again, for a prune may
 * have moved the data meanwhile.
 */
#include "drill.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "child.h"
#include "compare.h"
#include "dirs.h"
#include "file.h"
#include "log.h"
#include "newest.h"
#include "path.h"
#include "place.h"
#include "sig.h"
#include "str.h"
#include "time.h"

/* Of a step, and of one restore in it. */
#define STEP_BYTES ((uint64_t)2 << 30)
#define STEP_FILES ((uint64_t)20000)
#define BATCH_FILES ((size_t)2000)
#define BATCH_PATTERNS ((size_t)512 << 10)
#define TRIES 2

struct drill {
	char *id; /* of the snapshot */
	int64_t when;
	struct sample_sizes sizes;
	struct sample all; /* all files, if whole: there are not too many */
	bool whole;
	/* One step. */
	bool wanted[SAMPLE_PARTS];
	struct sample sample;
	struct bk_strv failed; /* what failed in it */
	char *root;	       /* the folder */
	uint64_t same, changed;
};

static char *drill_path(struct bk_err *err)
{
	return bk_dirs_path(BK_DIRS_CACHE, "drill", err);
}

static int tidy(const char *path)
{
	struct bk_err err;

	if (bk_file_remove_tree(path, &err) == 0)
		return 0;
	bk_warning("what was restored for a drill is left behind: %s", err.msg);
	return -1;
}

void drill_tidy(void)
{
	BK_AUTO_FREE char *path = drill_path(NULL);

	if (path)
		(void)tidy(path);
}

/* ---- what failed ---------------------------------------------------------------- */

static void fail(struct subject *s, unsigned int part, const char *what,
		 const char *text)
{
	struct drill *d = s->data;
	BK_AUTO_BUF struct bk_buf when = BK_BUF_INIT;
	BK_AUTO_FREE char *message = NULL;
	char name[16];

	(void)snprintf(name, sizeof(name), "%02x", part & 0xff);
	bk_time_add_local(&when, d->when);
	message = bk_asprintf("[backup %s] %s (snapshot %.8s of %s in [repo "
			      "%s]); first: see \"A drill that failed\" under "
			      "REPAIR in bk-verify(1)",
			      s->section->name, text, d->id, when.p,
			      s->repo->name);
	bk_strv_add(&d->failed, what);
	progress_fail(&s->progress, name, what, message, s->clock.now);
}

static void fail_file(void *arg, const struct sample_file *f, const char *path,
		      const char *why)
{
	BK_AUTO_FREE char *what = bk_asprintf("file %s", path);
	BK_AUTO_FREE char *text = bk_asprintf("%s %s", path, why);

	fail(arg, f->part, what, text);
}

/* What failed before, and not this time. */
static void clear_part(struct subject *s, const char *part)
{
	struct drill *d = s->data;
	struct progress *p = &s->progress;

	for (size_t i = p->nfailures; i-- > 0;) {
		BK_AUTO_FREE char *what = bk_strdup(p->failures[i].what);

		if (strcmp(p->failures[i].part, part) == 0 &&
		    !bk_strv_has(&d->failed, what))
			progress_clear(p, what);
	}
}

static void prove_parts(struct subject *s)
{
	const struct drill *d = s->data;
	struct progress *p = &s->progress;

	for (size_t i = 0; i < p->n && i < SAMPLE_PARTS; i++) {
		if (!d->wanted[i])
			continue;
		clear_part(s, p->parts[i].name);
		progress_prove(p, p->parts[i].name, s->clock.now);
		s->proved += !progress_failed(p, p->parts[i].name);
	}
}

/* ---- the snapshot, and what is in it ------------------------------------------- */

/* The newest one, into d; also whether the repository answers at all. */
static int find_newest(struct verify *v, const struct subject *s,
		       struct drill *d, struct bk_err *err)
{
	struct newest n;

	if (newest_find(v, s->section->name, false, &n, err) < 0)
		return -1;
	free(d->id);
	d->id = n.id ? bk_strdup(n.id) : NULL;
	d->when = n.when;
	newest_free(&n);
	if (d->id)
		return 0;
	return bk_err_set(err, BK_EX_TEMPFAIL, 0,
			  "[backup %s] there is no snapshot yet",
			  s->section->name);
}

/* Takes f. */
static void add_file(struct sample *l, const struct sample_file *f)
{
	if (l->n % 1024 == 0)
		l->v = bk_realloc(l->v, l->n + 1024, sizeof(*l->v));
	l->v[l->n++] = *f;
	l->bytes += f->size;
}

static void measure_node(void *arg, char *text)
{
	struct drill *d = arg;
	BK_AUTO_JSON json_t *o = json_loads(text, 0, NULL);
	struct sample_file f;

	if (!sample_parse(o, &f))
		return;
	d->sizes.bytes[f.part] += f.size;
	d->sizes.files[f.part]++;
	d->whole = d->whole && d->all.n < STEP_FILES;
	if (d->whole)
		add_file(&d->all, &f);
	else
		sample_file_free(&f);
}

static void take_node(void *arg, char *text)
{
	struct drill *d = arg;
	BK_AUTO_JSON json_t *o = json_loads(text, 0, NULL);
	struct sample_file f;

	if (!sample_parse(o, &f))
		return;
	if (d->wanted[f.part])
		add_file(&d->sample, &f);
	else
		sample_file_free(&f);
}

/* All nodes of the snapshot. What it cannot list the subject repo judges. */
static int list(struct verify *v, struct subject *s,
		void (*take)(void *arg, char *text), struct bk_err *err)
{
	AUTO_CHILD struct child c = CHILD_INIT;
	struct drill *d = s->data;

	child_tool(&c, v, "bk-restic");
	child_add(&c, "exec", s->repo->name, "--", "ls", "--json", "--no-lock",
		  "--quiet", d->id);
	c.line = take;
	c.arg = d;
	c.deadline = step_deadline(v);
	if (child_run(&c, err) < 0)
		return -1;
	if (c.status == BK_EX_OK)
		return 0;
	return bk_err_set(err, BK_EX_TEMPFAIL, 0,
			  "[backup %s] snapshot %.8s cannot be listed: %s",
			  s->section->name, d->id,
			  c.why ? c.why : "no reason was given");
}

/* ---- one restore ------------------------------------------------------------------ */

/* What restic complained of. */
struct said {
	unsigned int metadata; /* owners and the like, which were not set */
	unsigned int other;
	bool full;
	char *first;
};

static bool is_about_metadata(const char *text)
{
	static const char *const words[] = { "chown", "chmod",	"xattr",
					     "Xattr", "utimes", "UtimesNano" };

	if (!strstr(text, "not permitted") && !strstr(text, "not supported"))
		return false;
	for (size_t i = 0; i < BK_COUNT(words); i++)
		if (strstr(text, words[i]))
			return true;
	return false;
}

static void take_message(void *arg, const char *line)
{
	struct said *said = arg;
	const char *text = strstr(line, "restic: ");
	const char *last = text;

	/* "bk-restic: warning: restic: ignoring error for ..." */
	while (last && (last = strstr(last + 1, "restic: ")))
		text = last;
	if (!text || !strstr(line, "warning: "))
		return;
	text += strlen("restic: ");
	if (strstr(text, "There were ") || strstr(text, "errors"))
		return;
	said->full = said->full || strstr(text, "no space left") ||
		     strstr(text, "quota exceeded");
	if (is_about_metadata(text)) {
		said->metadata++;
		return;
	}
	said->other++;
	if (!said->first)
		said->first = bk_strdup(text);
}

static int write_patterns(const char *path, const struct sample_file *f,
			  size_t n, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		BK_AUTO_FREE char *pattern = sample_pattern(&f[i]);

		bk_buf_add(&b, pattern, strlen(pattern) + 1);
	}
	return bk_file_write(path, b.p, b.len, 0600, err);
}

/* 0: it is there; 1: not all of it, and said tells why; -1 with err. */
static int restore_once(struct verify *v, struct subject *s,
			const char *patterns, const char *target,
			struct said *said, struct bk_err *err)
{
	AUTO_CHILD struct child c = CHILD_INIT;
	struct drill *d = s->data;

	child_tool(&c, v, "bk-restic");
	child_add(&c, "restore", s->section->name, "--snapshot", d->id,
		  "--target", target, "--no-verify", "--no-lock", "--patterns",
		  patterns);
	c.message = take_message;
	c.arg = said;
	c.deadline = step_deadline(v);
	if (child_run(&c, err) < 0)
		return -1;
	if (c.status == BK_EX_OK)
		return 0;
	if (said->full)
		return bk_err_set(err, BK_EX_IOERR, ENOSPC,
				  "there is no room for a drill in '%s': lower "
				  "drill-size of [verify]",
				  d->root);
	(void)child_err(&c, c.status, err);
	if (c.status != BK_EX_NO && c.status != BK_EX_DATAERR)
		return -1;
	if (!said->first && !said->metadata)
		said->first = bk_strdup(err->msg);
	return said->other == 0 && said->metadata > 0 ? 0 : 1;
}

static size_t count_found(const struct sample_file *f, size_t n)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += f[i].found;
	return found;
}

/* What did not come back, and why as restic has it. */
static void judge_missing(struct subject *s, const struct sample_file *f,
			  size_t n, size_t failures, const char *why)
{
	BK_AUTO_FREE char *text = bk_asprintf("did not come back%s%s",
					      why ? ": " : "", why ? why : "");
	BK_AUTO_FREE char *all =
		bk_asprintf("it cannot be restored: %s", why ? why : "?");
	const struct drill *d = s->data;

	if (why && count_found(f, n) == 0) {
		fail(s, f->part, "restore", all);
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (!f[i].found)
			fail_file(s, &f[i], f[i].path, text);
	if (why && d->failed.n == failures)
		fail(s, f->part, "restore", all);
}

static int restore_batch(struct verify *v, struct subject *s,
			 struct sample_file *f, size_t n, struct bk_err *err)
{
	struct drill *d = s->data;
	struct compare c = { .sample = &d->sample, .bad = fail_file, .arg = s };
	BK_AUTO_FREE char *patterns = bk_path_join(d->root, "patterns");
	BK_AUTO_FREE char *target = bk_path_join(d->root, "restored");
	BK_AUTO_FREE char *why = NULL;
	size_t failures = d->failed.n;
	int got = 1;

	if (write_patterns(patterns, f, n, err) < 0)
		return -1;
	for (unsigned int i = 0; i < TRIES && got == 1; i++) {
		struct said said = { 0 };

		if (tidy(target) < 0)
			return bk_err_set(err, BK_EX_IOERR, 0,
					  "cannot remove '%s'", target);
		got = restore_once(v, s, patterns, target, &said, err);
		free(why);
		why = got == 1 ? said.first : NULL;
		if (got != 1)
			free(said.first);
	}
	if (got < 0)
		return -1;
	if (access(target, F_OK) == 0 && compare_tree(&c, target, err) < 0)
		return -1;
	d->same += c.same;
	d->changed += c.changed;
	judge_missing(s, f, n, failures, why);
	return tidy(target);
}

/* ---- a file as a stream --------------------------------------------------------------- */

static void take_data(void *arg, const char *p, size_t n)
{
	compare_add(arg, p, n);
}

/* 0: it came; 1: it did not; -1 with err. */
static int stream_once(struct verify *v, struct subject *s,
		       struct sample_file *f, struct compare *c,
		       struct bk_err *err)
{
	AUTO_CHILD struct child child = CHILD_INIT;
	struct drill *d = s->data;
	struct compare_stream stream;
	int got;

	child_tool(&child, v, "bk-restic");
	child_add(&child, "exec", s->repo->name, "--", "dump", "--no-lock",
		  "--quiet", d->id, f->path);
	compare_begin(&stream, f);
	child.data = take_data;
	child.arg = &stream;
	got = child_run(&child, err);
	if (got == 0 && child.status != BK_EX_OK) {
		(void)child_err(&child, BK_EX_TEMPFAIL, err);
		got = 1;
	}
	if (got == 0)
		compare_end(c, &stream);
	else if (stream.live >= 0)
		(void)close(stream.live);
	return got;
}

static int stream_file(struct verify *v, struct subject *s,
		       struct sample_file *f, struct bk_err *err)
{
	struct drill *d = s->data;
	struct compare c = { .bad = fail_file, .arg = s };
	BK_AUTO_FREE char *text = NULL;
	struct drill now = { .id = NULL };
	int got = 1;

	for (unsigned int i = 0; i < TRIES && got == 1; i++)
		got = stream_once(v, s, f, &c, err);
	f->found = true;
	d->same += c.same;
	d->changed += c.changed;
	if (got <= 0)
		return got;
	text = bk_asprintf("did not come back: %s", err->msg);
	/* Is it the repository, or the way to it? */
	got = find_newest(v, s, &now, err);
	free(now.id);
	if (got < 0)
		return -1;
	fail_file(s, f, f->path, text);
	return 0;
}

/* ---- all of a step -------------------------------------------------------------------- */

/* How much a restore may bring. */
static uint64_t room(struct verify *v, const struct drill *d)
{
	const struct bk_conf_section *conf =
		bk_conf_find(v->conf, "verify", NULL);
	uint64_t size = bk_conf_size(conf, "drill-size", (uint64_t)1 << 30);
	struct statvfs fs;
	uint64_t half;

	if (statvfs(d->root, &fs) < 0)
		return size;
	half = (uint64_t)fs.f_bavail * fs.f_frsize / 2;
	return half < size ? half : size;
}

static bool is_streamed(const struct drill *d, const struct sample_file *f,
			uint64_t most)
{
	if (f->link || sample_is_vague(f))
		return false;
	return f->size > most ||
	       strlen(f->path) + strlen(d->root) + sizeof("/restored") >
		       PATH_MAX;
}

/* How many files from f on are one restore. */
static size_t batch(const struct drill *d, const struct sample_file *f,
		    size_t n, uint64_t most)
{
	uint64_t bytes = 0;
	size_t patterns = 0, some = 0;

	while (some < n && some < BATCH_FILES && patterns < BATCH_PATTERNS &&
	       !is_streamed(d, &f[some], most) &&
	       (some == 0 || bytes + f[some].size <= most)) {
		bytes += f[some].size;
		patterns += 2 * strlen(f[some].path) + 32;
		some++;
	}
	return some;
}

static int drill_files(struct verify *v, struct subject *s, struct bk_err *err)
{
	struct drill *d = s->data;
	struct sample_file *f = d->sample.v;
	size_t left = d->sample.n;

	while (left > 0) {
		uint64_t most = room(v, d);
		size_t n = batch(d, f, left, most);
		int got = n > 0 ? restore_batch(v, s, f, n, err)
				: stream_file(v, s, f, err);

		if (got < 0)
			return -1;
		n = n > 0 ? n : 1;
		f += n;
		left -= n;
	}
	return 0;
}

/* Parts that are due, as many as make a step of good size. */
static size_t choose(struct verify *v, struct subject *s)
{
	struct drill *d = s->data;
	BK_AUTO_FREE size_t *due = NULL;
	size_t n = progress_due(&s->progress, 0, &s->clock, &due), some = 0;
	int64_t oldest = progress_oldest(&s->progress, 0);
	uint64_t bytes = 0, files = 0, most = STEP_BYTES;

	memset(d->wanted, 0, sizeof(d->wanted));
	if (n == 0 && v->named && oldest >= 0)
		due[n++] = (size_t)oldest;
	if (v->limited && v->bytes < most)
		most = v->bytes;
	for (; some < n; some++) {
		bytes += d->sizes.bytes[due[some]];
		files += d->sizes.files[due[some]];
		if (some > 0 && (bytes > most || files > STEP_FILES))
			break;
		d->wanted[due[some]] = true;
	}
	return some;
}

/* The files of the parts that are wanted. */
static int gather(struct verify *v, struct subject *s, struct bk_err *err)
{
	struct drill *d = s->data;

	if (!d->whole)
		return list(v, s, take_node, err);
	for (size_t i = 0; i < d->all.n; i++) {
		struct sample_file f = d->all.v[i];

		if (!d->wanted[f.part])
			continue;
		f.path = bk_strdup(f.path);
		add_file(&d->sample, &f);
	}
	return 0;
}

static int drill_parts(struct verify *v, struct subject *s, struct bk_err *err)
{
	struct drill *d = s->data;
	int got;

	sample_free(&d->sample);
	bk_strv_free(&d->failed);
	d->same = d->changed = 0;
	if (gather(v, s, err) < 0 || bk_file_mkdirs(d->root, 0700, err) < 0)
		return -1;
	sample_sort(&d->sample);
	got = drill_files(v, s, err);
	(void)tidy(d->root);
	if (got < 0)
		return -1;
	budget_spend(v, s, d->sample.bytes);
	prove_parts(s);
	bk_info("%s: %" PRIu64 " files are as the live ones, byte by byte, "
		"%" PRIu64 " changed since and are as the snapshot says",
		s->name, d->same, d->changed);
	return 0;
}

static int step(struct verify *v, struct subject *s, struct bk_err *err)
{
	struct drill *d = s->data;

	if (place_check(s->repo, err) < 0)
		return -1;
	if (!d->root && !(d->root = drill_path(err)))
		return -1;
	if (!d->id) {
		d->whole = true;
		if (find_newest(v, s, d, err) < 0 ||
		    list(v, s, measure_node, err) < 0)
			return -1;
	}
	if (choose(v, s) == 0) {
		s->finished = true;
		return 0;
	}
	return drill_parts(v, s, err);
}

static void prepare(struct verify *v, struct subject *s)
{
	(void)v;
	progress_expect_bytes(&s->progress, NULL, 0);
	s->data = bk_calloc(1, sizeof(struct drill));
}

static void close_drill(struct subject *s)
{
	struct drill *d = s->data;

	sample_free(&d->sample);
	sample_free(&d->all);
	bk_strv_free(&d->failed);
	free(d->id);
	free(d->root);
	free(d);
	s->data = NULL;
}

const struct kind kind_drill = {
	.how = "restored and compared",
	.first = 0,
	.prepare = prepare,
	.step = step,
	.close = close_drill,
};
