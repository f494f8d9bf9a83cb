/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The subject repo: restic's own check, with a part of the data each time.
 *
 * restic divides the packs by the first byte of their names: part N of T has
 * those in which it leaves N - 1 when divided by T. So the proof is kept by
 * that byte, and T can follow the size of the repository.
 *
 * The check runs beside backups, without a lock. What it finds so may come
 * from a prune that went on meanwhile: it counts if it is found again with
 * the lock, which is held for lock-time at most.
 */
#include <inttypes.h>
#include <stdio.h>

#include "child.h"
#include "log.h"
#include "place.h"
#include "sig.h"
#include "str.h"
#include "time.h"
#include "tool.h"

#define METADATA "metadata"
#define WEEK ((uint64_t)7 * 86400)
/* No step is worth its metadata that reads less than this. */
#define STEP_BYTES ((uint64_t)1 << 30)
/* restic fills packs up to about this size. */
#define PACK_BYTES ((uint64_t)16 << 20)
/* Where hashes prove all of it, restic reads all of it so much more rarely. */
#define RARELY 12

struct found {
	char *result, *message;
	struct bk_strv packs;
};

static void found_free(struct found *f)
{
	free(f->result);
	free(f->message);
	bk_strv_free(&f->packs);
}

static void take_check(void *arg, const json_t *o)
{
	struct found *f = arg;
	const char *type = bk_rec_str(o, "type");
	const char *result = bk_rec_str(o, "result");
	const char *message = bk_rec_str(o, "message");
	const json_t *packs = json_object_get(o, "packs");

	if (strcmp(type, "check") != 0 || !result || !message || f->result)
		return;
	f->result = bk_strdup(result);
	f->message = bk_strdup(message);
	for (size_t i = 0; i < json_array_size(packs); i++) {
		const char *id = json_string_value(json_array_get(packs, i));

		if (id)
			bk_strv_add(&f->packs, id);
	}
}

/* Its exit status; -1 with err. subset NULL: metadata alone. */
static int run_check(const struct verify *v, const struct subject *s,
		     const char *subset, bool lock, int64_t deadline,
		     struct found *f, struct bk_err *err)
{
	AUTO_CHILD struct child c = CHILD_INIT;

	child_tool(&c, v, "bk-restic");
	child_add(&c, "--json", "check", s->repo->name);
	if (!lock)
		child_add(&c, "--no-lock");
	if (subset)
		child_add(&c, "--subset", subset);
	c.record = take_check;
	c.arg = f;
	c.deadline = deadline;
	if (child_run(&c, err) < 0)
		return -1;
	if (c.status != BK_EX_OK)
		(void)child_err(&c, c.status, err);
	if (c.status != BK_EX_OK && !f->message)
		f->message = bk_strdup(err->msg);
	return c.status;
}

/* ---- parts of the data -------------------------------------------------------- */

static void count_line(void *arg, char *text)
{
	(void)text;
	++*(uint64_t *)arg;
}

/* About how many bytes of data there are. */
static int estimate(struct verify *v, struct subject *s, uint64_t *ret,
		    struct bk_err *err)
{
	const struct subject *packs = subject_beside(v, s, BK_VERIFY_PACKS);
	AUTO_CHILD struct child c = CHILD_INIT;
	uint64_t n = 0;

	*ret = packs ? (uint64_t)bk_rec_int(packs->progress.own, "bytes", 0)
		     : 0;
	if (*ret > 0)
		return 0;
	child_tool(&c, v, "bk-restic");
	child_add(&c, "exec", s->repo->name, "--", "list", "packs", "--no-lock",
		  "--quiet");
	c.line = count_line;
	c.arg = &n;
	if (child_run(&c, err) < 0)
		return -1;
	*ret = (n + 1) * PACK_BYTES;
	/* What is wrong there the check tells better. */
	return 0;
}

/* How many parts, so that each is a step of good size. */
static unsigned int parts_for(const struct verify *v, const struct subject *s,
			      uint64_t bytes)
{
	const struct bk_conf_section *conf =
		bk_conf_find(v->conf, "verify", NULL);
	uint64_t most = bk_conf_size(conf, "budget-bytes", (uint64_t)20 << 30);
	uint64_t days = s->clock.cycle / 86400;
	uint64_t step = bytes / (days > 2 ? days / 2 : 1);
	int64_t t = bk_rec_int(s->progress.own, "t", 1);

	if (step < STEP_BYTES)
		step = STEP_BYTES;
	if (most > 0 && step > most)
		step = most;
	t = t < 1 || t > 256 ? 1 : t;
	while (t < 256 && bytes / (uint64_t)t > step)
		t *= 2;
	return (unsigned int)t;
}

static bool covers(unsigned int n, unsigned int t, unsigned int byte)
{
	return byte % t == n - 1;
}

/* A failure of part "3/8" is told by that; one of metadata by its name. */
static bool parse_part(const char *what, unsigned int *n, unsigned int *t)
{
	return sscanf(what, "%u/%u", n, t) == 2 && *t >= 1 && *n >= 1 &&
	       *n <= *t;
}

/* The part that is to be read next; false: none. */
static bool choose_part(struct verify *v, struct subject *s, unsigned int *n,
			unsigned int *t, uint64_t *bytes, struct bk_err *err)
{
	const struct progress *p = &s->progress;
	BK_AUTO_FREE size_t *due = NULL;
	int64_t oldest = progress_oldest(p, 1);

	for (size_t i = 0; i < p->nfailures; i++)
		if (parse_part(p->failures[i].what, n, t))
			return true;
	if (oldest < 1 ||
	    (progress_due(p, 1, &s->clock, &due) == 0 && !v->named))
		return false;
	if (estimate(v, s, bytes, err) < 0)
		return false;
	*t = parts_for(v, s, *bytes);
	*n = (unsigned int)(oldest - 1) % *t + 1;
	*bytes /= *t;
	return true;
}

/* ---- the result --------------------------------------------------------------- */

static void clear_covered(struct progress *p, unsigned int n, unsigned int t)
{
	for (size_t i = p->nfailures; i-- > 0;) {
		unsigned int fn, ft;
		BK_AUTO_FREE char *what = bk_strdup(p->failures[i].what);

		if (strcmp(what, METADATA) == 0 ||
		    (t > 0 && parse_part(what, &fn, &ft) && ft >= t &&
		     covers(n, t, fn - 1)))
			progress_clear(p, what);
	}
}

static void mark(struct subject *s, unsigned int n, unsigned int t, bool good)
{
	struct progress *p = &s->progress;

	if (good)
		clear_covered(p, n, t);
	for (size_t i = 0; i < p->n; i++) {
		bool there =
			i == 0 || (t > 0 && covers(n, t, (unsigned int)i - 1));

		if (there && good) {
			progress_prove(p, p->parts[i].name, s->clock.now);
			s->proved++;
		} else if (there) {
			p->parts[i].tried = true;
			p->parts[i].proved = 0;
		}
	}
}

static char *describe(const struct subject *s, const struct found *f,
		      const char *doubt)
{
	const char *name = s->repo->name;
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "");
	if (f->packs.n > 0 &&
	    !(f->message && strstr(f->message, f->packs.v[0])))
		bk_buf_addf(&b, "pack %s%s: ", f->packs.v[0],
			    f->packs.n > 1 ? " and others" : "");
	return bk_asprintf("[repo %s] %s%s%s; first: let nothing prune it, and "
			   "see REPAIR in bk-verify(1)",
			   name, b.p, f->message ? f->message : "damaged",
			   doubt);
}

static void fail(struct subject *s, const char *subset, const struct found *f,
		 const char *doubt)
{
	BK_AUTO_FREE char *message = describe(s, f, doubt);

	progress_fail(&s->progress, METADATA, subset ? subset : METADATA,
		      message, s->clock.now);
}

/* What a check found without a lock: is it so with one? 1: no. */
static int confirm(struct verify *v, struct subject *s, const char *subset,
		   const struct found *first, struct bk_err *err)
{
	const struct bk_conf_section *conf =
		bk_conf_find(v->conf, "verify", NULL);
	int64_t hold = (int64_t)bk_conf_duration(conf, "lock-time", 900);
	BK_AUTO(found_free) struct found f = { 0 };
	BK_AUTO_FREE char *doubt = NULL;
	int status;

	bk_notice("%s: %s; looking again with the lock", s->name,
		  first->message);
	status = run_check(v, s, subset, true, bk_time_mono_ms() + hold * 1000,
			   &f, err);
	if (status < 0 && bk_sig_pending())
		return -1;
	if (status == BK_EX_OK)
		return 1;
	if (status == BK_EX_DATAERR) {
		fail(s, subset, &f, "");
		return 0;
	}
	doubt = bk_asprintf(" (found without the lock, not confirmed: %s)",
			    err->msg);
	fail(s, subset, first, doubt);
	return 0;
}

/* The repository itself, its password, or what is in it? */
static bool is_failure(int status)
{
	return status == BK_EX_NO || status == BK_EX_DATAERR ||
	       status == BK_EX_NOINPUT || status == BK_EX_NOPERM;
}

static int judge(struct verify *v, struct subject *s, const char *subset,
		 int status, const struct found *f, bool *good,
		 struct bk_err *err)
{
	int got;

	*good = status == BK_EX_OK;
	if (*good)
		return 0;
	if (!is_failure(status))
		return -1;
	if (status == BK_EX_NO || status == BK_EX_DATAERR) {
		got = confirm(v, s, subset, f, err);
		*good = got == 1;
		return got < 0 ? -1 : 0;
	}
	fail(s, subset, f, "");
	return 0;
}

/* A part that takes too long is halved for the next time. */
static void note_late(struct subject *s, unsigned int t)
{
	if (t > 0 && t < 256 && !bk_sig_pending())
		bk_rec_set_int(s->progress.own, "t", (int64_t)t * 2);
}

static int step(struct verify *v, struct subject *s, struct bk_err *err)
{
	BK_AUTO(found_free) struct found f = { 0 };
	BK_AUTO_FREE char *subset = NULL;
	unsigned int n = 0, t = 0;
	uint64_t bytes = 0;
	bool good = false;
	int status;

	if (place_check(s->repo, err) < 0)
		return -1;
	err->exit = BK_EX_OK;
	if (choose_part(v, s, &n, &t, &bytes, err))
		subset = bk_asprintf("%u/%u", n, t);
	else if (err->exit != BK_EX_OK)
		return -1;
	status = run_check(v, s, subset, false, step_deadline(v), &f, err);
	if (status < 0) {
		note_late(s, t);
		return -1;
	}
	if (judge(v, s, subset, status, &f, &good, err) < 0)
		return -1;
	mark(s, n, t, good);
	budget_spend(v, s, bytes);
	/* Damage is no reason to read the rest of the data today. */
	s->finished = !good;
	return 0;
}

/* ---- when --------------------------------------------------------------------- */

/* Do hashes prove all of its files? */
static bool is_hashed(struct verify *v, const struct subject *s)
{
	struct subject *packs = subject_beside(v, s, BK_VERIFY_PACKS);
	int64_t oldest;

	return packs &&
	       progress_share(&packs->progress, 0, &packs->clock, &oldest) >= 1;
}

static void prepare(struct verify *v, struct subject *s)
{
	static const char *const more[] = { METADATA };

	progress_expect_bytes(&s->progress, more, 1);
	if (is_hashed(v, s))
		s->clock.cycle *= RARELY;
}

static double score(struct verify *v, struct subject *s)
{
	const struct progress *p = &s->progress;
	const struct progress_part *metadata = &p->parts[0];
	uint64_t cycle = bk_verify_cycle(v->conf);
	double data = progress_score(p, 1, &s->clock), own;
	double age = (double)(s->clock.now - metadata->proved);

	cycle = cycle < WEEK ? cycle : WEEK;
	own = metadata->tried	      ? 0
	      : p->nfailures > 0      ? 5
	      : metadata->proved == 0 ? 5
				      : age / (0.75 * (double)cycle);
	return own > data ? own : data;
}

const struct kind kind_repo = {
	.how = "restic check",
	.first = 1,
	.prepare = prepare,
	.score = score,
	.step = step,
};
