/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Threads go depth first, each on its own way. Whoever meets an idle one
 * hands it half of what it has left nearest to the root, where most lies
 * below. A descriptor is open only where names are left to open, and when
 * they run short the upper ones are closed and opened again on the way back,
 * from the path, in pieces that the kernel takes.
 */
#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "path.h"
#include "record.h"
#include "sig.h"
#include "visit.h"

/* ---- descriptors ---------------------------------------------------------- */

static void close_fd(struct worker *w, struct dir *d)
{
	if (d->fd < 0)
		return;
	close(d->fd);
	d->fd = -1;
	atomic_fetch_sub(&w->pool->nfds, 1);
}

void release_fd(struct worker *w, struct dir *d)
{
	if (atomic_fetch_sub(&d->users, 1) == 1)
		close_fd(w, d);
}

void unref_dir(struct dir *d)
{
	while (d && atomic_fetch_sub(&d->refs, 1) == 1) {
		struct dir *parent = d->parent;

		free(d);
		d = parent;
	}
}

/* Close what only this thread uses, but for the deepest. */
bool shed_fds(struct worker *w)
{
	bool any = false;

	for (size_t i = 0; i + 1 < w->n; i++) {
		struct dir *d = w->frames[i].dir;

		if (d->fd < 0 || atomic_load(&d->users) != 1)
			continue;
		close_fd(w, d);
		any = true;
	}
	return any;
}

static int reopen(struct dir *d)
{
	BK_AUTO_FREE char *path = dir_path(d, NULL);
	int fd = walk_open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
	struct statx st;

	if (fd < 0)
		return -1;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_INO, &st) == 0 &&
	    st.stx_ino == d->ino &&
	    ((uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor) == d->dev)
		return fd;
	close(fd);
	errno = ESTALE;
	return -1;
}

/* The descriptor of d, which this thread has a chunk of. */
int dir_fd(struct worker *w, struct dir *d)
{
	if (d->fd >= 0)
		return d->fd;
	d->fd = reopen(d);
	if (d->fd >= 0)
		atomic_fetch_add(&w->pool->nfds, 1);
	return d->fd;
}

/* ---- work, and who does it ------------------------------------------------ */

static void push_frame(struct worker *w, struct chunk c)
{
	if (w->n == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 16;
		w->frames = bk_realloc(w->frames, w->cap, sizeof(*w->frames));
	}
	w->frames[w->n++] = c;
}

/* The names that were read are this thread's next work. */
void push_chunk(struct worker *w, struct dir *d)
{
	struct chunk c = {
		.dir = d,
		.names = bk_memdup(w->names.p, w->names.len),
		.end = w->names.len,
	};

	atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&d->users, 1, memory_order_relaxed);
	push_frame(w, c);
}

/* The second half of the names of c, or NULL where there is but one. */
static struct chunk *split(struct chunk *c)
{
	size_t half = c->pos + (c->end - c->pos) / 2;
	struct chunk *new;

	half += strlen(c->names + half) + 1;
	if (half >= c->end)
		return NULL;
	new = bk_calloc(1, sizeof(*new));
	new->dir = c->dir;
	new->end = c->end - half;
	new->names = bk_memdup(c->names + half, new->end);
	c->end = half;
	atomic_fetch_add(&c->dir->refs, 1);
	atomic_fetch_add(&c->dir->users, 1);
	return new;
}

/* Half of the uppermost work of w, or all of that where there is more. */
static struct chunk *cut_off(struct worker *w)
{
	struct chunk *c;

	/* open, for whoever shares a folder must not open it again */
	if (dir_fd(w, w->frames[0].dir) < 0)
		return NULL;
	c = split(&w->frames[0]);
	if (c || w->n == 1)
		return c;
	c = bk_malloc(sizeof(*c));
	*c = w->frames[0];
	w->n--;
	memmove(w->frames, w->frames + 1, w->n * sizeof(*c));
	return c;
}

static void *worker_main(void *arg);

/* Called with the lock held, when all threads have something to do. */
static void add_thread(struct pool *p)
{
	pthread_attr_t attr;
	int n = atomic_load(&p->threads);

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 << 10);
	if (pthread_create(&p->ids[n - 1], &attr, worker_main, p) == 0)
		atomic_store(&p->threads, n + 1);
	pthread_attr_destroy(&attr);
}

static void give(struct worker *w)
{
	struct pool *p = w->pool;
	struct chunk *c = cut_off(w);

	if (!c)
		return;
	pthread_mutex_lock(&p->lock);
	c->next = p->queue;
	p->queue = c;
	atomic_fetch_add(&p->queued, 1);
	if (atomic_load(&p->idle) > 0)
		pthread_cond_signal(&p->wake);
	else if (atomic_load(&p->threads) < (int)p->walk->jobs)
		add_thread(p);
	pthread_mutex_unlock(&p->lock);
}

/* Threads cost something to start: a small tree is done by one. */
static bool wanted(struct worker *w)
{
	struct pool *p = w->pool;

	if (atomic_load_explicit(&p->queued, memory_order_relaxed) > 0)
		return false;
	if (atomic_load_explicit(&p->idle, memory_order_relaxed) > 0)
		return true;
	return w->visited > 64 &&
	       atomic_load_explicit(&p->threads, memory_order_relaxed) <
		       (int)p->walk->jobs;
}

/* Of a folder that is read again: the record of the subfolder goes ahead. */
static char *take_known(char *name, uint32_t *ret)
{
	*ret = 0;
	for (int i = 0; i < KNOWN_LEN; i++)
		*ret |= (uint32_t)(name[i] & 0x7f) << 7 * i;
	return name + KNOWN_LEN;
}

static void step(struct worker *w)
{
	struct chunk *c = &w->frames[w->n - 1];
	struct dir *d = c->dir;
	char *names = c->names, *name = names + c->pos;
	uint32_t known = NO_NODE;
	bool last;

	c->pos += strlen(name) + 1;
	if (d->known != NO_NODE)
		name = take_known(name, &known);
	last = c->pos == c->end;
	if (last)
		w->n--;
	visit_child(w, d, name, known, last);
	if (last) {
		free(names);
		unref_dir(d);
	}
}

static void drop_frames(struct worker *w)
{
	while (w->n > 0) {
		struct chunk *c = &w->frames[--w->n];

		free(c->names);
		release_fd(w, c->dir);
		unref_dir(c->dir);
	}
}

static void show_progress(struct pool *p)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "scanning: ");
	bk_str_add_count(&b, atomic_load(&p->dirs));
	bk_buf_adds(&b, " folders, ");
	bk_str_add_count(&b, atomic_load(&p->files));
	bk_buf_adds(&b, " files");
	bk_log_progress(b.p);
}

static int64_t mono_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The first thread looks after signals and the progress line. */
static void tend(struct pool *p, int64_t *due)
{
	int64_t now = mono_ms();

	if (bk_sig_pending())
		atomic_store(&p->stop, true);
	if (now < *due)
		return;
	*due = now + 200;
	show_progress(p);
}

static void work(struct worker *w, int64_t *due)
{
	struct pool *p = w->pool;

	while (w->n > 0 &&
	       !atomic_load_explicit(&p->stop, memory_order_relaxed)) {
		step(w);
		if (due)
			tend(p, due);
		if (w->n > 0 && wanted(w))
			give(w);
	}
	drop_frames(w);
}

/* With the lock held. The next chunk, or NULL where all is done. */
static struct chunk *wait_chunk(struct pool *p, int64_t *due)
{
	struct timespec t;
	struct chunk *c;

	atomic_fetch_add(&p->idle, 1);
	while (!p->queue && atomic_load(&p->idle) < atomic_load(&p->threads)) {
		if (!due) {
			pthread_cond_wait(&p->wake, &p->lock);
			continue;
		}
		clock_gettime(CLOCK_REALTIME, &t);
		t.tv_nsec += 50000000;
		t.tv_sec += t.tv_nsec / 1000000000;
		t.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&p->wake, &p->lock, &t);
		tend(p, due);
	}
	c = p->queue;
	if (!c) {
		pthread_cond_broadcast(&p->wake);
		return NULL;
	}
	p->queue = c->next;
	atomic_fetch_sub(&p->queued, 1);
	atomic_fetch_sub(&p->idle, 1);
	return c;
}

static void run(struct worker *w, int64_t *due)
{
	struct pool *p = w->pool;
	struct chunk *c;

	for (;;) {
		work(w, due);
		if (due)
			tend(p, due);
		if (!atomic_load(&p->stop) && record_again(w))
			continue;
		pthread_mutex_lock(&p->lock);
		c = wait_chunk(p, due);
		pthread_mutex_unlock(&p->lock);
		if (!c)
			break;
		push_frame(w, *c);
		free(c);
	}
}

static void worker_free(struct worker *w)
{
	free(w->frames);
	free(w->ents);
	free(w->slots);
	bk_buf_free(&w->names);
}

static void *worker_main(void *arg)
{
	struct worker w = { .pool = arg, .ents = bk_malloc(ENTS_SIZE) };

	run(&w, NULL);
	worker_free(&w);
	return NULL;
}

/* ---- starts --------------------------------------------------------------- */

/* The mark of a point by which the walk knows it again. */
static int identify(struct worker *w, struct point *pt)
{
	int fd = walk_open(pt->path, O_PATH | O_NOFOLLOW), num;
	struct statx st;

	if (fd < 0)
		return -1;
	num = statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_INO | STATX_SIZE,
		    &st);
	close(fd);
	if (num < 0)
		return -1;
	/* A link that leads nowhere now, to a disk that is not mounted say. */
	if (S_ISLNK(st.stx_mode) && pt->flags) {
		errno = ENOENT;
		return -1;
	}
	if (!S_ISDIR(st.stx_mode) && (pt->flags & ZONE_ROOT)) {
		errno = ENOTDIR;
		return -1;
	}
	if (!S_ISDIR(st.stx_mode)) {
		struct zone *z =
			zone_new(w->pool, pt->path, pt->flags | ZONE_FILE);

		z->point = true;
		z->files = 1;
		z->bytes = st.stx_size;
		record_point(w, pt, NODE_FILE, 0, st.stx_size);
		pt->seen = true;
		return 0;
	}
	pt->dev = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
	pt->ino = st.stx_ino;
	return 0;
}

void warn_start(struct warnings *w, const char *path, unsigned int flags,
		int num)
{
	const char *what =
		flags & ZONE_ROOT ? "[scan] root" : "path of the configuration";

	if (num)
		warn_add(w, true, path, 0, "%s cannot be read: %s", what,
			 strerror(num));
	else
		warn_add(w, true, path, 0, "%s does not exist", what);
}

static void point_failed(struct worker *w, struct point *pt, int num)
{
	struct warnings *warn = &w->pool->walk->warnings;

	pt->seen = true;
	if (num == ENOENT || num == ENOTDIR || num == ELOOP) {
		zone_new(w->pool, pt->path, pt->flags | ZONE_MISSING)->point =
			true;
		record_point(w, pt, NODE_GONE, 0, 0);
		warn_start(warn, pt->path, pt->flags, 0);
		return;
	}
	zone_new(w->pool, pt->path, pt->flags | ZONE_UNREADABLE)->point = true;
	record_point(w, pt, NODE_UNREADABLE, num, 0);
	warn_start(warn, pt->path, pt->flags, num);
}

/* Below a [scan] root, with no uncrossed mount between? */
static bool in_scan(const struct walk *w, const struct point *pt)
{
	for (size_t i = 0; i < w->npoints; i++) {
		const struct point *r = &w->points[i];

		if ((r->flags & ZONE_ROOT) &&
		    bk_path_within(pt->path, r->path) &&
		    mounts_of(w->mounts, pt->path) ==
			    mounts_of(w->mounts, r->path))
			return true;
	}
	return false;
}

static bool off_way(const struct walk *w, const char *path)
{
	return w->only && !bk_path_within(w->only, path) &&
	       (w->only_way || !bk_path_within(path, w->only));
}

static void start(struct worker *w, struct point *pt)
{
	bool scan = in_scan(w->pool->walk, pt);
	int fd;

	if (record_start(w, pt, scan))
		return;
	fd = visit_open(pt->path);
	if (fd < 0)
		point_failed(w, pt, errno);
	else
		visit_start(w, pt, fd, scan);
}

/* All that was begun, and all that is to be read again, to its end. */
static void finish(struct worker *w, int64_t *due)
{
	struct pool *p = w->pool;
	const struct cache *c = p->walk->cache;
	uint32_t done = atomic_load(&p->again);
	uint32_t again = c && done < c->nagain ? c->nagain - done : 0;

	pthread_mutex_lock(&p->lock);
	for (; again > 64 && atomic_load(&p->threads) < (int)p->walk->jobs;
	     again /= 2)
		add_thread(p);
	pthread_mutex_unlock(&p->lock);
	run(w, due);
	/* the threads have ended, or are about to */
	for (int t = atomic_load(&p->threads) - 1; t > 0; t--)
		pthread_join(p->ids[t - 1], NULL);
	atomic_store(&p->threads, 1);
	atomic_store(&p->idle, 0);
}

/*
 * Walk from the points that were not met so far and lie below no other of
 * them. False where there are none.
 */
static bool pass(struct worker *w, int64_t *due)
{
	struct walk *walk = w->pool->walk;
	const char *outer = NULL;
	bool any = false;

	for (size_t i = 0; i < walk->npoints; i++) {
		struct point *pt = &walk->points[i];

		if (pt->seen || (outer && bk_path_within(pt->path, outer)))
			continue;
		outer = pt->path;
		any = true;
		start(w, pt);
		pt->seen = true;
		finish(w, due);
	}
	if (any)
		record_points(w);
	return any;
}

/* As many descriptors as there may be; half of what is left for the rest. */
static int fd_budget(struct walk *w)
{
	struct rlimit l = { 1024, 1024 };
	int max;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max < 65536 ? l.rlim_max : 65536;
		(void)setrlimit(RLIMIT_NOFILE, &l);
		(void)getrlimit(RLIMIT_NOFILE, &l);
	}
	max = l.rlim_cur < 65536 ? (int)l.rlim_cur - 24 : 65536;
	if (max < 8)
		max = 8;
	if (w->jobs > (unsigned int)max / 4)
		w->jobs = (unsigned int)max / 4;
	return max - 2 * (int)w->jobs > 0 ? max - 2 * (int)w->jobs : 1;
}

static void prepare(struct worker *w)
{
	struct walk *walk = w->pool->walk;

	for (size_t i = 0; i < walk->npoints; i++) {
		struct point *pt = &walk->points[i];

		if (off_way(walk, pt->path))
			pt->seen = true;
		else if (identify(w, pt) < 0)
			point_failed(w, pt, errno);
	}
}

int walk_run(struct walk *walk, struct bk_err *err)
{
	struct pool p = {
		.walk = walk,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.wake = PTHREAD_COND_INITIALIZER,
		.threads = 1,
		.no_openat2 = walk->no_openat2,
	};
	struct worker w = { .pool = &p, .ents = bk_malloc(ENTS_SIZE) };
	int64_t due = mono_ms() + 500;

	if (walk->jobs < 1)
		walk->jobs = 1;
	p.max_fds = fd_budget(walk);
	p.ids = bk_calloc(walk->jobs, sizeof(*p.ids));
	if (walk->cache && walk->cache->image.n &&
	    !cache_prove(walk->cache, walk->mounts, walk->jobs, p.max_fds))
		p.stop = true;
	prepare(&w);
	while (!atomic_load(&p.stop) && pass(&w, &due))
		;
	bk_log_progress(NULL);
	worker_free(&w);
	free(p.ids);
	walk->dirs = p.dirs;
	walk->files = p.files;
	if (p.stop || bk_sig_pending())
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "stopped by a signal");
	if (walk->cache && walk->cache->state)
		cache_zones(walk->cache, walk);
	sort_zones(walk);
	return 0;
}

void walk_free(struct walk *w)
{
	for (size_t i = 0; i < w->nzones; i++)
		zone_free(w->zones[i]);
	free(w->zones);
	for (size_t i = 0; i < w->npoints; i++) {
		free(w->points[i].path);
		free(w->points[i].from);
	}
	free(w->points);
	bk_strv_free(&w->fstypes);
	warn_free(&w->warnings);
}
