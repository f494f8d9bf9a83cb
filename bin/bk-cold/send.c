/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files on their way to boxes: each is read once for all of its boxes, many
 * at a time.
 *
 * A job goes by rounds: in one it reads its file and sends it to the boxes
 * that can be had now; a box that was lost gets it in another.
 */
#include "push.h"

#include <errno.h>
#include <poll.h>

#include "log.h"
#include "name.h"
#include "sig.h"
#include "time.h"

enum {
	CHUNK = 256 * 1024,
	POLL_MS = 500,
	COMMIT_MS = 2000,
	PROGRESS_MS = 200,
	EVERY = 16
};

enum step {
	STEP_COMPARE, /* hash it: it may be what lies there already */
	STEP_WAIT,    /* for a box */
	STEP_READ,
	STEP_PROVE,
};

struct part {
	struct job *job;
	struct target *to;
	struct upload *u;
};

struct job {
	struct push *p;
	struct tally *t;
	struct source src;
	struct entry e;	     /* what it is now */
	struct entry before; /* what the catalog had; path NULL: nothing */
	bool untouched;	     /* by its times it is what it was before */
	enum step step;
	boxset want;	       /* boxes that are to have it */
	boxset waiting;	       /* of them, those that still need a round */
	struct age_seal *seal; /* of this round, where it is encrypted */
	char *name;	       /* and what it is to be called there */
	struct part *parts;
	size_t nparts, going; /* of this round; not done yet */
	bool counted;	      /* in the tally as copied */
	bool reported;	      /* as failed */
	bool failed;	      /* it is over, as soon as nothing is going */
};

/* One buffer is enough: what is read goes on at once. */
static unsigned char chunk[CHUNK];
static struct bk_buf sealed;

static void job_free(struct job *j)
{
	source_close(&j->src);
	entry_free(&j->e);
	entry_free(&j->before);
	age_seal_free(j->seal);
	free(j->name);
	free(j->parts);
	free(j);
}

static void stop_parts(struct job *j, const struct bk_err *err)
{
	for (size_t i = 0; i < j->nparts; i++)
		if (j->parts[i].u)
			upload_abort(j->parts[i].u, err);
}

/* It counts as failed; said: why was told before. */
static void report(struct job *j, const char *why, bool said)
{
	if (!j->reported)
		push_failed(j->p, j->t, j->e.path, why, said);
	j->reported = true;
}

/* No copy of it can be had, for a reason that is here. */
static void fail_job(struct job *j, const struct bk_err *err)
{
	report(j, err->msg, false);
	j->failed = true;
	j->waiting = 0;
	/* the uploads end with a reason of ours, not with 75 */
	stop_parts(j, &(struct bk_err){ .exit = BK_EX_NO, .msg = "given up" });
}

/* One box does not get it; the others do. */
static void fail_part(struct job *j, const struct target *to,
		      const struct bk_err *err)
{
	j->waiting &= ~BOXSET(to->known.id);
	report(j, err->msg, to->refused);
}

/* Boxes on which its content lies already as it should, as far as is known. */
static boxset good_copies(struct job *j, struct bk_err *err)
{
	const struct entry *e = *j->e.sha256 ? &j->e : &j->before;
	struct copy *v = NULL;
	ssize_t n = catalog_copies(j->p->cat, e, &v, err);
	boxset good = 0;

	for (ssize_t i = 0; i < n; i++)
		if (v[i].state == COPY_OK &&
		    (v[i].sealed.sha256[0] != '\0') == j->t->sealed)
			good |= BOXSET(v[i].box);
	copies_free(v, n > 0 ? (size_t)n : 0);
	return good;
}

/* Its content is known now: have the catalog know it too. */
static int note_version(struct job *j, struct bk_err *err)
{
	struct catalog *cat = j->p->cat;
	const struct entry *b = &j->before;

	if (b->path && strcmp(b->sha256, j->e.sha256) == 0 &&
	    strcmp(b->set, j->e.set) == 0 && meta_same(&b->meta, &j->e.meta)) {
		j->e.id = b->id;
		if (!j->untouched &&
		    catalog_touch(cat, b->id, &j->e.meta, err) < 0)
			return -1;
	} else if (catalog_add(cat, &j->e, err) < 0) {
		return -1;
	}
	return catalog_want(cat, j->e.id, j->want, err);
}

/* Same times, other bytes: nobody would notice the loss of the old ones. */
static bool has_rotted(const struct job *j)
{
	return j->untouched && strcmp(j->before.sha256, j->e.sha256) != 0;
}

/* The file was read to its end. */
static int end_reading(struct job *j, struct bk_err *err)
{
	bool again = j->e.id != 0;
	char hash[65];

	if (source_end(&j->src, hash, err) < 0)
		return -1;
	if (again && strcmp(hash, j->e.sha256) != 0)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "has other bytes each time it is read");
	memcpy(j->e.sha256, hash, sizeof(hash));
	if (has_rotted(j))
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "its bytes changed, its times did not: is "
				  "the disk failing? If it is right as it is, "
				  "touch it");
	return again ? 0 : note_version(j, err);
}

/* Comparing: without a box, a piece at each turn. */
static void compare(struct job *j)
{
	struct bk_err err;
	ssize_t n = 1;

	for (int i = 0; i < 16 && n > 0; i++) {
		n = source_read(&j->src, chunk, CHUNK, &err);
		if (n < 0) {
			fail_job(j, &err);
			return;
		}
	}
	if (n > 0)
		return;
	err.exit = 0;
	if (end_reading(j, &err) < 0) {
		fail_job(j, &err);
		return;
	}
	j->waiting = j->want & ~good_copies(j, &err);
	j->step = STEP_WAIT;
}

static void on_done(void *arg, struct upload *u, const struct bk_err *err)
{
	struct part *part = arg;
	struct job *j = part->job;
	struct target *to = part->to;
	char how = box_hashes_there(to->box) ? 'h' : 'r';
	struct bk_err mine;

	part->u = NULL;
	j->going--;
	if (!err) {
		to->losses = 0;
		if (catalog_copy_add(j->p->cat, &j->e, to->known.id,
				     upload_name(u), bk_time_now(), how,
				     &mine) < 0) {
			fail_job(j, &mine);
			return;
		}
		if (!j->counted) {
			j->counted = true;
			j->t->copied++;
			j->t->copied_bytes += j->e.meta.size;
		}
	} else if (err->exit == BK_EX_TEMPFAIL && !j->failed) {
		j->waiting |= BOXSET(to->known.id);
	} else if (!j->failed) {
		fail_part(j, to, err);
	}
}

/* Has every connected box that it waits for a free place? */
static boxset startable(struct job *j)
{
	struct targets *t = &j->p->targets;
	boxset ready = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct target *to = &t->v[i];
		boxset bit = BOXSET(to->known.id);
		int got;

		if (!(j->waiting & bit))
			continue;
		got = target_connect(t, to);
		if (got < 0)
			fail_part(j, to, &to->err);
		if (got != 0)
			continue;
		if (box_uploads(to->box) >= box_uploads_max(to->box))
			return 0;
		ready |= bit;
	}
	return ready;
}

/* Where a file of the box lies, nothing can lie below it. */
static char *object_name(const struct job *j, const struct target *to)
{
	const char *host = j->p->plan.host;
	struct bk_err err;
	char *name;
	int taken = 0;

	if (j->seal)
		return bk_strdup(j->name);
	name = name_of_object(host, j->e.path);
	for (char *p = strchr(name, '/'); p && !taken; p = strchr(p + 1, '/')) {
		*p = '\0';
		taken = catalog_has_object(j->p->cat, to->known.id, name, &err);
		*p = '/';
	}
	if (taken <= 0)
		return name;
	free(name);
	return name_of_object_alone(host, j->e.path);
}

static void start_part(struct job *j, struct target *to)
{
	BK_AUTO_FREE char *name = object_name(j, to);
	struct part *part = &j->parts[j->nparts];
	uint64_t size = j->seal ? j->e.sealed.size : j->e.meta.size;
	struct bk_err err;

	if (target_reserve(to, size, &err) < 0) {
		fail_part(j, to, &err);
		return;
	}
	*part = (struct part){ .job = j, .to = to };
	part->u = box_upload(to->box, j->p->targets.host, name, size, on_done,
			     part);
	j->nparts++;
	j->going++;
	j->waiting &= ~BOXSET(to->known.id);
}

/*
 * With another key each time: what is read may be other bytes than last time.
 */
static int start_seal(struct job *j, struct bk_err *err)
{
	struct sealed *s = &j->e.sealed;

	if (!j->t->sealed)
		return 0;
	age_seal_free(j->seal);
	j->seal = age_seal_new(&j->t->to, j->e.meta.size, err);
	if (!j->seal)
		return -1;
	free(j->name);
	j->name = name_of_sealed(j->p->plan.host);
	*s = (struct sealed){ .size = age_seal_total(j->seal) };
	memcpy(s->print, j->t->to.print, sizeof(s->print));
	return 0;
}

static void start_round(struct job *j)
{
	struct targets *t = &j->p->targets;
	boxset ready = startable(j);
	struct bk_err err;

	if (!ready)
		return;
	if (source_rewind(&j->src, &err) < 0 || start_seal(j, &err) < 0) {
		fail_job(j, &err);
		return;
	}
	free(j->parts);
	j->parts = bk_calloc(t->n, sizeof(*j->parts));
	j->nparts = j->going = 0;
	j->step = STEP_READ;
	for (size_t i = 0; i < t->n; i++)
		if (ready & BOXSET(t->v[i].known.id))
			start_part(j, &t->v[i]);
}

/* How much more may be read: what all of its boxes take now. */
static size_t room(const struct job *j)
{
	size_t most = CHUNK, more;

	for (size_t i = 0; i < j->nparts; i++)
		if (j->parts[i].u && upload_room(j->parts[i].u) < most)
			most = upload_room(j->parts[i].u);
	if (!j->seal)
		return most;
	/* it gets longer; at least one byte, or it waits for more room */
	more = age_seal_room(j->seal, most) - most;
	return most > more ? most - more : 0;
}

static void write_parts(struct job *j, const void *p, size_t n)
{
	for (size_t i = 0; i < j->nparts; i++)
		if (j->parts[i].u && n > 0)
			upload_write(j->parts[i].u, p, n);
}

static int write_sealed(struct job *j, size_t n, struct bk_err *err)
{
	bk_buf_clear(&sealed);
	if (age_seal_add(j->seal, chunk, n, &sealed, err) < 0)
		return -1;
	write_parts(j, sealed.p, sealed.len);
	return 0;
}

/* What is still to come of it: where nothing was to be encrypted, all. */
static int end_seal(struct job *j, struct bk_err *err)
{
	bk_buf_clear(&sealed);
	if (age_seal_end(j->seal, &sealed, j->e.sealed.sha256, err) < 0)
		return -1;
	write_parts(j, sealed.p, sealed.len);
	return 0;
}

static void finish_parts(struct job *j)
{
	const char *sha256 = j->seal ? j->e.sealed.sha256 : j->e.sha256;
	struct bk_err err;

	if (end_reading(j, &err) < 0 || (j->seal && end_seal(j, &err) < 0)) {
		fail_job(j, &err);
		return;
	}
	j->step = STEP_PROVE;
	for (size_t i = 0; i < j->nparts; i++)
		if (j->parts[i].u)
			upload_finish(j->parts[i].u, sha256);
}

static void read_on(struct job *j)
{
	struct bk_err err;
	size_t n;

	if (j->going == 0) {
		/* all were lost: read it again when one is back */
		j->step = STEP_PROVE;
		return;
	}
	while (!j->failed && (n = room(j)) > 0) {
		ssize_t got = source_read(&j->src, chunk, n, &err);

		if (got < 0) {
			fail_job(j, &err);
		} else if (got == 0) {
			finish_parts(j);
			return;
		} else if (j->src.at > j->e.meta.size) {
			(void)bk_err_set(&err, BK_EX_TEMPFAIL, 0,
					 "was changed meanwhile");
			fail_job(j, &err);
		} else {
			if (!j->seal)
				write_parts(j, chunk, (size_t)got);
			else if (write_sealed(j, (size_t)got, &err) < 0)
				fail_job(j, &err);
			j->p->sent += (uint64_t)got;
		}
	}
}

/* Moves a job; true where it is over. */
static bool turn(struct job *j)
{
	if (!j->failed) {
		if (j->step == STEP_COMPARE)
			compare(j);
		if (j->step == STEP_PROVE && j->going == 0)
			j->step = STEP_WAIT;
		if (j->step == STEP_WAIT && j->waiting)
			start_round(j);
		if (j->step == STEP_READ)
			read_on(j);
	}
	if (j->going > 0)
		return false;
	return j->failed || (j->waiting == 0 &&
			     (j->step == STEP_WAIT || j->step == STEP_PROVE));
}

static void check_leases(struct push *p)
{
	struct bk_err err;

	if (!source_broken())
		return;
	(void)bk_err_set(&err, BK_EX_TEMPFAIL, 0, "a program writes to it");
	for (size_t i = 0; i < p->njobs; i++)
		if (!p->jobs[i]->failed && !source_is_held(&p->jobs[i]->src))
			fail_job(p->jobs[i], &err);
}

static void show_progress(struct push *p)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	int64_t now = bk_time_mono_ms(), ms = now - p->started;
	uint64_t files = 0;

	if (now - p->shown < PROGRESS_MS)
		return;
	p->shown = now;

	for (size_t i = 0; i < p->ntallies; i++)
		files += p->tallies[i]->copied;
	bk_str_add_count(&b, files);
	bk_buf_adds(&b, " files, ");
	bk_str_add_size(&b, p->sent);
	if (ms > 0) {
		bk_buf_adds(&b, ", ");
		bk_str_add_size(&b, p->sent * 1000 / (uint64_t)ms);
		bk_buf_adds(&b, "/s");
	}
	bk_log_progress(b.p);
}

int push_commit(struct push *p, struct bk_err *err)
{
	p->committed = bk_time_mono_ms();
	return catalog_commit(p->cat, err);
}

/* Can any job do something before a box says something? */
static bool is_idle(const struct push *p)
{
	for (size_t i = 0; i < p->njobs; i++)
		if (p->jobs[i]->step == STEP_COMPARE && !p->jobs[i]->failed)
			return false;
	return true;
}

static int wait_for_boxes(struct push *p, int ms, struct bk_err *err)
{
	struct box *boxes[CATALOG_BOXES_MAX];
	size_t n = targets_boxes(&p->targets, boxes);
	struct pollfd f = { .fd = bk_sig_fd(), .events = POLLIN };

	if (n > 0)
		return box_poll(boxes, n, ms, err);
	if (ms)
		(void)poll(&f, 1, ms);
	if (bk_sig_pending())
		return bk_err_set(err, BK_EX_TEMPFAIL, 0, "it was stopped");
	return 0;
}

static void turn_all(struct push *p)
{
	size_t n = 0;

	check_leases(p);
	for (size_t i = 0; i < p->njobs; i++) {
		if (turn(p->jobs[i]))
			job_free(p->jobs[i]);
		else
			p->jobs[n++] = p->jobs[i];
	}
	p->njobs = n;
	show_progress(p);
}

/* Until fewer than `most` jobs are left. */
static int pump(struct push *p, size_t most, struct bk_err *err)
{
	for (;;) {
		turn_all(p);
		if (bk_time_mono_ms() - p->committed > COMMIT_MS &&
		    push_commit(p, err) < 0)
			return -1;
		if (p->njobs < most)
			return 0;
		if (wait_for_boxes(p, is_idle(p) ? POLL_MS : 0, err) < 0)
			return -1;
	}
}

void send_free(struct push *p)
{
	for (size_t i = 0; i < p->njobs; i++)
		job_free(p->jobs[i]);
	free(p->jobs);
	p->jobs = NULL;
	p->njobs = 0;
	bk_buf_free(&sealed);
	sealed = BK_BUF_INIT;
}

int send_drain(struct push *p, struct bk_err *err)
{
	return pump(p, 1, err);
}

static void find_before(struct job *j, const struct walk_item *i)
{
	boxset listed;
	struct bk_err err;

	if (catalog_find(j->p->cat, i->path, &j->before, &listed, &err) != 1 ||
	    j->before.meta.type != 'f') {
		entry_free(&j->before);
		j->before = ENTRY_INIT;
		return;
	}
	j->untouched = meta_untouched(&j->before.meta, i->st);
}

int send_file(struct push *p, struct tally *t, const struct walk_item *i,
	      boxset boxes, struct bk_err *err)
{
	struct job *j = bk_calloc(1, sizeof(*j));
	struct bk_err why;

	*j = (struct job){ .p = p, .t = t, .src = SOURCE_INIT };
	j->want = j->waiting = boxes;
	j->step = STEP_WAIT;
	j->e.path = bk_strdup(i->path);
	j->e.set = bk_strdup(t->set);
	j->e.since = bk_time_now();
	find_before(j, i);
	if (source_open(&j->src, i, &why) < 0) {
		push_failed(p, t, i->path, why.msg, false);
		job_free(j);
		return 0;
	}
	meta_copy(&j->e.meta, &j->src.meta);
	/* what has another size cannot be what lies there */
	if (j->untouched)
		j->waiting &= ~good_copies(j, &why);
	else if (j->before.path && j->before.meta.size == j->e.meta.size)
		j->step = STEP_COMPARE;
	if (j->waiting == 0) {
		/* all is there, but for the manifests */
		int got = catalog_want(p->cat, j->before.id, boxes, err);

		job_free(j);
		return got;
	}
	p->jobs = bk_realloc(p->jobs, p->njobs + 1, sizeof(struct job *));
	p->jobs[p->njobs++] = j;
	if (p->njobs % EVERY)
		return 0;
	turn_all(p);
	if (p->njobs > 0 && wait_for_boxes(p, 0, err) < 0)
		return -1;
	return pump(p, p->njobs_max, err);
}
