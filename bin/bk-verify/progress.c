/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dirs.h"
#include "file.h"
#include "log.h"
#include "mem.h"
#include "rec.h"
#include "str.h"

#define FILE_LIMIT ((size_t)64 << 20)
#define FAILURES_MAX 1000
/* Clocks that differ by less were just being set. */
#define FUTURE_SLACK 300

/* Reading. A time that lies in the future is that of a clock that was wrong. */

static int64_t read_time(const json_t *o, int64_t now)
{
	int64_t t = json_is_integer(o) ? (int64_t)json_integer_value(o) : 0;

	return t > 0 && t <= now + FUTURE_SLACK ? t : 0;
}

static struct progress_part *add_part(struct progress *p, const char *name)
{
	p->parts = bk_realloc(p->parts, p->n + 1, sizeof(*p->parts));
	p->parts[p->n] = (struct progress_part){ .name = bk_strdup(name) };
	return &p->parts[p->n++];
}

static struct progress_failure *add_failure(struct progress *p)
{
	p->failures =
		bk_realloc(p->failures, p->nfailures + 1, sizeof(*p->failures));
	p->failures[p->nfailures] = (struct progress_failure){ 0 };
	return &p->failures[p->nfailures++];
}

static void read_parts(struct progress *p, json_t *parts, int64_t now)
{
	const char *name;
	json_t *o;

	json_object_foreach(parts, name, o)
		add_part(p, name)->proved = read_time(o, now);
}

static void read_failures(struct progress *p, const json_t *list, int64_t now)
{
	size_t i;
	const json_t *o;

	json_array_foreach(list, i, o) {
		char *what = bk_rec_get_path(o, "what");
		const char *part = bk_rec_str(o, "part");
		char *message = bk_rec_get_path(o, "message");
		struct progress_failure *f;

		if (!what || !part || !message) {
			free(what);
			free(message);
			continue;
		}
		f = add_failure(p);
		f->what = what;
		f->part = bk_strdup(part);
		f->message = message;
		f->first = read_time(json_object_get(o, "first"), now);
		f->last = read_time(json_object_get(o, "last"), now);
	}
}

/* NULL with err; newer: of a bk that is newer than this one. */
static json_t *load(const char *file, bool *ret_newer, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	json_error_t why;
	json_t *o;

	if (bk_file_read(file, FILE_LIMIT, &b, err) < 0)
		return NULL;
	o = json_loadb(b.p ? b.p : "", b.len, JSON_REJECT_DUPLICATES, &why);
	if (json_is_object(o) && bk_rec_int(o, "v", -1) == 1)
		return o;
	*ret_newer = bk_rec_is_newer(o, file, err);
	if (!*ret_newer)
		(void)bk_err_set(err, BK_EX_DATAERR, 0, "'%s' is damaged: %s",
				 file,
				 o ? "not a progress of version 1" : why.text);
	json_decref(o);
	return NULL;
}

static bool is_about(const json_t *o, const char *subject, const char *place)
{
	const char *s = bk_rec_str(o, "subject"), *at = bk_rec_str(o, "place");

	return s && at && strcmp(s, subject) == 0 && strcmp(at, place) == 0;
}

int progress_read(struct progress *p, const char *subject, const char *place,
		  int64_t now, struct bk_err *err)
{
	BK_AUTO_FREE char *name = bk_asprintf("verify/%s.json", subject);
	BK_AUTO_JSON json_t *o = NULL;
	struct bk_err why = { 0 };
	bool newer = false;

	*p = PROGRESS_INIT;
	p->file = bk_dirs_path(BK_DIRS_STATE, name, err);
	if (!p->file)
		return -1;
	p->subject = bk_strdup(subject);
	p->place = bk_strdup(place);
	p->own = json_object();
	o = load(p->file, &newer, &why);
	/* what it knows of failures must not be lost */
	if (newer) {
		*err = why;
		return -1;
	}
	if (!o && why.exit != BK_EX_NOINPUT)
		bk_warning("%s; all of %s is to be proved anew", why.msg,
			   subject);
	if (o && !is_about(o, subject, place)) {
		bk_notice("%s is about another place than before, and is to "
			  "be proved anew",
			  subject);
		json_decref(o);
		o = NULL;
	}
	if (!o)
		return 0;
	p->since = read_time(json_object_get(o, "since"), now);
	p->last = read_time(json_object_get(o, "last"), now);
	read_parts(p, json_object_get(o, "parts"), now);
	read_failures(p, json_object_get(o, "failures"), now);
	if (json_is_object(json_object_get(o, "own"))) {
		json_decref(p->own);
		p->own = json_incref(json_object_get(o, "own"));
	}
	return 0;
}

/* Writing. */

static json_t *part_list(const struct progress *p)
{
	json_t *parts = json_object();

	for (size_t i = 0; i < p->n; i++)
		bk_rec_set_int(parts, p->parts[i].name, p->parts[i].proved);
	return parts;
}

static json_t *failure_list(const struct progress *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->nfailures; i++) {
		const struct progress_failure *f = &p->failures[i];
		json_t *o = json_object();

		bk_rec_set_path(o, "what", f->what);
		bk_rec_set_str(o, "part", f->part);
		bk_rec_set_path(o, "message", f->message);
		bk_rec_set_int(o, "first", f->first);
		bk_rec_set_int(o, "last", f->last);
		(void)json_array_append_new(list, o);
	}
	return list;
}

int progress_write(struct progress *p, struct bk_err *err)
{
	BK_AUTO_JSON json_t *o = json_object();
	BK_AUTO_FREE char *text = NULL;

	bk_rec_set_int(o, "v", 1);
	bk_rec_set_str(o, "subject", p->subject);
	bk_rec_set_str(o, "place", p->place);
	bk_rec_set_int(o, "since", p->since);
	bk_rec_set_int(o, "last", p->last);
	(void)json_object_set_new(o, "parts", part_list(p));
	(void)json_object_set_new(o, "failures", failure_list(p));
	(void)json_object_set(o, "own", p->own);
	text = json_dumps(o, JSON_COMPACT);
	if (!text)
		return bk_err_set(err, BK_EX_SOFTWARE, 0,
				  "cannot encode the progress of %s",
				  p->subject);
	return bk_file_write(p->file, text, strlen(text), 0600, err);
}

static void free_failure(struct progress_failure *f)
{
	free(f->what);
	free(f->part);
	free(f->message);
}

void progress_free(struct progress *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->parts[i].name);
	for (size_t i = 0; i < p->nfailures; i++)
		free_failure(&p->failures[i]);
	free(p->parts);
	free(p->failures);
	free(p->file);
	free(p->subject);
	free(p->place);
	json_decref(p->own);
	*p = PROGRESS_INIT;
}

/* Parts. */

struct progress_part *progress_part(struct progress *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->parts[i].name, name) == 0)
			return &p->parts[i];
	return NULL;
}

void progress_expect(struct progress *p, char *const *names, size_t n)
{
	struct progress old = *p;

	p->parts = NULL;
	p->n = 0;
	for (size_t i = 0; i < n; i++) {
		const struct progress_part *was = progress_part(&old, names[i]);
		struct progress_part *part = add_part(p, names[i]);

		if (was) {
			part->proved = was->proved;
			part->tried = was->tried;
		}
	}
	for (size_t i = 0; i < old.n; i++)
		free(old.parts[i].name);
	free(old.parts);
}

void progress_expect_bytes(struct progress *p, const char *const *more,
			   size_t n)
{
	BK_AUTO_STRV struct bk_strv names = BK_STRV_INIT;

	for (size_t i = 0; i < n; i++)
		bk_strv_add(&names, more[i]);
	for (unsigned int b = 0; b < 256; b++)
		bk_strv_addf(&names, "%02x", b);
	progress_expect(p, names.v, names.n);
}

void progress_prove(struct progress *p, const char *part, int64_t now)
{
	struct progress_part *found = progress_part(p, part);

	if (!found)
		return;
	found->tried = true;
	if (!progress_failed(p, part))
		found->proved = now;
}

/* Failures. */

const struct progress_failure *progress_failure(const struct progress *p,
						const char *what)
{
	for (size_t i = 0; i < p->nfailures; i++)
		if (strcmp(p->failures[i].what, what) == 0)
			return &p->failures[i];
	return NULL;
}

bool progress_failed(const struct progress *p, const char *part)
{
	for (size_t i = 0; i < p->nfailures; i++)
		if (strcmp(p->failures[i].part, part) == 0)
			return true;
	return false;
}

static struct progress_failure *find_failure(struct progress *p,
					     const char *what)
{
	for (size_t i = 0; i < p->nfailures; i++)
		if (strcmp(p->failures[i].what, what) == 0)
			return &p->failures[i];
	return NULL;
}

void progress_fail(struct progress *p, const char *part, const char *what,
		   const char *message, int64_t now)
{
	struct progress_part *found = progress_part(p, part);
	struct progress_failure *f = find_failure(p, what);

	if (found)
		found->tried = true;
	if (!f) {
		/* Where all is lost, the first thousand say enough. */
		if (p->nfailures >= FAILURES_MAX)
			return;
		f = add_failure(p);
		f->first = now;
	}
	free_failure(f);
	f->what = bk_strdup(what);
	f->part = bk_strdup(part);
	f->message = bk_strdup(message);
	f->last = now;
}

void progress_clear(struct progress *p, const char *what)
{
	struct progress_failure *f = find_failure(p, what);

	if (!f)
		return;
	free_failure(f);
	p->nfailures--;
	memmove(f, f + 1,
		(size_t)(&p->failures[p->nfailures] - f) * sizeof(*f));
}

/* What is due. */

/* A part in an order. */
struct turn {
	size_t index;
	bool failed;
	int64_t proved;
};

static int by_proof(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	if (x->failed != y->failed)
		return x->failed ? -1 : 1;
	if (x->proved != y->proved)
		return x->proved < y->proved ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* Those that can still be tried in this run, in the order of their turn. */
static struct turn *turns(const struct progress *p, size_t first, size_t *ret_n)
{
	struct turn *t = bk_calloc(p->n + 1, sizeof(*t));
	size_t n = 0;

	for (size_t i = first; i < p->n; i++)
		if (!p->parts[i].tried)
			t[n++] = (struct turn){
				i, progress_failed(p, p->parts[i].name),
				p->parts[i].proved
			};
	qsort(t, n, sizeof(*t), by_proof);
	*ret_n = n;
	return t;
}

static double age_of(int64_t proved, const struct progress_clock *c)
{
	double age = (double)(c->now - proved);

	if (proved == 0 || age > (double)c->cycle * 4)
		return (double)c->cycle * 4;
	return age > 0 ? age : 0;
}

static double sum_of_ages(const struct progress *p, size_t first,
			  const struct progress_clock *c)
{
	double sum = 0;

	for (size_t i = first; i < p->n; i++)
		sum += age_of(p->parts[i].proved, c);
	return sum;
}

static double score(double oldest, double sum, double n,
		    const struct progress_clock *c)
{
	double of_oldest = oldest / (0.75 * (double)c->cycle);
	double of_all = sum / n / (0.375 * (double)c->cycle);

	return of_oldest > of_all ? of_oldest : of_all;
}

size_t progress_due(const struct progress *p, size_t first,
		    const struct progress_clock *c, size_t **ret)
{
	size_t n, due = 0;
	BK_AUTO_FREE struct turn *t = turns(p, first, &n);
	double all = (double)(p->n - first), sum = sum_of_ages(p, first, c);
	size_t *list = bk_calloc(n + 1, sizeof(*list));

	for (size_t i = 0; i < n; i++) {
		double age = age_of(t[i].proved, c);

		if (!c->all && !t[i].failed && score(age, sum, all, c) < 1)
			break;
		/* As if it were proved by now. */
		sum -= age;
		list[due++] = t[i].index;
	}
	*ret = list;
	return due;
}

int64_t progress_oldest(const struct progress *p, size_t first)
{
	size_t n;
	BK_AUTO_FREE struct turn *t = turns(p, first, &n);

	return n > 0 ? (int64_t)t[0].index : -1;
}

double progress_score(const struct progress *p, size_t first,
		      const struct progress_clock *c)
{
	size_t n;
	BK_AUTO_FREE struct turn *t = turns(p, first, &n);

	if (n == 0)
		return 0;
	if (c->all || t[0].failed)
		return 5;
	return score(age_of(t[0].proved, c), sum_of_ages(p, first, c),
		     (double)(p->n - first), c);
}

static int64_t oldest_of(const struct progress *p, size_t first)
{
	int64_t oldest = INT64_MAX;

	for (size_t i = first; i < p->n; i++)
		if (p->parts[i].proved < oldest)
			oldest = p->parts[i].proved;
	return oldest == INT64_MAX ? 0 : oldest;
}

int64_t progress_next(const struct progress *p, size_t first,
		      const struct progress_clock *c)
{
	double cycle = (double)c->cycle, n = (double)(p->n - first);
	int64_t oldest = oldest_of(p, first), by_all;

	if (oldest == 0 || p->nfailures > 0 || p->n == first)
		return c->now;
	by_all = c->now +
		 (int64_t)(0.375 * cycle - sum_of_ages(p, first, c) / n);
	oldest += (int64_t)(0.75 * cycle);
	return oldest < by_all ? oldest : by_all;
}

double progress_share(const struct progress *p, size_t first,
		      const struct progress_clock *c, int64_t *ret_oldest)
{
	size_t n = 0;

	*ret_oldest = oldest_of(p, first);
	for (size_t i = first; i < p->n; i++) {
		const struct progress_part *part = &p->parts[i];

		if (part->proved != 0 &&
		    part->proved >= c->now - (int64_t)c->cycle &&
		    !progress_failed(p, part->name))
			n++;
	}
	return p->n > first ? (double)n / (double)(p->n - first) : 0;
}
