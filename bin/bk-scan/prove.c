/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The proof of the records: one statx(2) each, by a path from the nearest
 * folder above that holds many, which is open. What cannot be proved in any
 * way is lost, and its folder is read again: that is always right.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "fsid.h"
#include "marker.h"
#include "mem.h"
#include "path.h"
#include "prove.h"
#include "sig.h"
#include "stamp.h"
#include "visit.h"

enum {
	MANY = 256, /* folders below one that is worth a descriptor */
	RUN = 64,   /* changed folders in a row: the next will be too */
	PROBE = 16, /* of those one in so many is looked at */
};

/* Only ever upwards, from the same to again to lost; other threads may too. */
static void worsen(struct cache *c, uint32_t i, unsigned char state)
{
	unsigned char was = __atomic_load_n(&c->state[i], __ATOMIC_RELAXED);

	while (was < state &&
	       !__atomic_compare_exchange_n(&c->state[i], &was, state, true,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static void lose(struct cache *c, uint32_t i)
{
	worsen(c, i, REC_LOST);
	if (c->image.parent[i] != NO_NODE)
		worsen(c, c->image.parent[i], REC_AGAIN);
}

static uint64_t dev_of(const struct statx *st)
{
	return (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor;
}

/* ---- one record -------------------------------------------------------------- */

/* Where the path of the deepest level ends. */
static size_t end_of_way(const struct prover *p)
{
	return p->n > 1 ? p->levels[p->n - 1].len : 0;
}

/*
 * An open folder above name in the deepest level, and ret_rel the path from
 * there; name NULL: that level itself. After name, the path is to be cut.
 */
static int reach(struct prover *p, const char *name, const char **ret_rel)
{
	const struct image *m = &p->proof->c->image;
	size_t k = p->n - 1, at = end_of_way(p);

	if (name) {
		level_name(p, at, name);
	} else if (k > 0) {
		k--;
	}
	while (k > 0 && p->levels[k].fd < 0 &&
	       m->end[p->levels[k].node] - p->levels[k].node < MANY &&
	       at - p->levels[k].len < REL_MAX)
		k--;
	if (p->levels[k].fd < 0 && level_open(p, k) < 0)
		return -1;
	*ret_rel = level_path(p, k);
	return p->levels[k].fd;
}

/* statx(2) of name in the deepest level; NULL: of that itself. */
static int look(struct prover *p, const char *name, struct statx *st)
{
	const char *rel;
	int fd = reach(p, name, &rel), result = -1;

	if (fd >= 0)
		result = statx(fd, rel,
			       AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT |
				       (*rel ? 0 : AT_EMPTY_PATH),
			       STATX_TYPE | STATX_MODE | STATX_INO | STATX_UID |
				       STATX_SIZE | STATX_CTIME | STATX_MTIME |
				       STATX_MNT_ID,
			       st);
	if (name)
		p->path[end_of_way(p)] = '\0';
	return result;
}

static bool same_times(const struct statx *st, uint64_t ctime, uint32_t mtime)
{
	return stamp(st->stx_ctime.tv_sec, st->stx_ctime.tv_nsec) == ctime &&
	       fold(stamp(st->stx_mtime.tv_sec, st->stx_mtime.tv_nsec)) ==
		       mtime;
}

/* A mount of a folder onto itself is no border. */
static bool is_same_mount(const struct proof *f, uint32_t node)
{
	BK_AUTO_FREE char *path = image_path(&f->c->image, node);
	const struct mount *m = mounts_at(f->mounts, path);

	return m && m->same;
}

/*
 * A level that the range began below has not been looked at: whoever has it
 * in his range says whether it is right.
 */
static bool know_level(struct prover *p, size_t k)
{
	struct level *l = &p->levels[k];
	struct statx st;

	if (l->known)
		return true;
	if (level_open(p, k) < 0 ||
	    statx(p->levels[k].fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0 ||
	    !(st.stx_mask & STATX_MNT_ID))
		return false;
	l->dev = dev_of(&st);
	l->mnt = st.stx_mnt_id;
	l->known = true;
	return true;
}

/* Is the deepest level, of which this is, where it was? */
static bool same_place(struct prover *p, const struct statx *st)
{
	const struct proof *f = p->proof;
	size_t k = p->n - 1;
	struct level *l;
	const struct top *t;

	if (!(st->stx_mask & STATX_MNT_ID) || (k > 0 && !know_level(p, k - 1)))
		return false;
	l = &p->levels[k];
	l->known = true;
	l->dev = dev_of(st);
	l->mnt = st->stx_mnt_id;
	if (k > 0 && l[-1].dev == l->dev &&
	    (l[-1].mnt == l->mnt || is_same_mount(f, l->node)))
		return true;
	t = level_top(f, l->node);
	return t && t->dev == l->dev && t->mnt == l->mnt;
}

/*
 * The text of a marker in the deepest level. To write to it through a mapping
 * need not move its times.
 */
static bool same_text(struct prover *p, const struct image_mark *k)
{
	const struct image *m = &p->proof->c->image;
	BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;
	BK_AUTO_CLOSE int fd = -1;
	const char *rel;
	int dirfd;

	if (!k->len)
		return true;
	dirfd = reach(p, marker_name((enum marker_kind)k->kind), &rel);
	if (dirfd >= 0)
		fd = openat(dirfd, rel,
			    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
				    O_CLOEXEC);
	p->path[end_of_way(p)] = '\0';
	return fd >= 0 && bk_fd_read(fd, MARKER_MAX, &text) == 0 &&
	       text.len == k->len &&
	       memcmp(text.p, m->strings + k->text, k->len) == 0;
}

/* Each marker that the image has of record i; else it is read again. */
static void prove_marks(struct prover *p, uint32_t i, uint64_t mnt)
{
	struct cache *c = p->proof->c;
	const struct image *m = &c->image;
	unsigned int marks = m->recs[i].marks;

	for (uint32_t k = image_mark_at(m, i);
	     k < m->nmarks && m->marks[k].node == i; k++) {
		const struct image_mark *w = &m->marks[k];
		struct statx st;

		marks &= ~(1u << w->kind);
		if (w->flags & (MARK_UNREAD | MARK_RACY) ||
		    look(p, marker_name(w->kind), &st) < 0 ||
		    st.stx_ino != w->ino || st.stx_size != w->size ||
		    st.stx_uid != w->uid || st.stx_mode != w->mode ||
		    st.stx_mnt_id != mnt ||
		    !same_times(&st, w->ctime, w->mtime) || !same_text(p, w))
			worsen(c, i, REC_AGAIN);
	}
	/* one that was listed, and gone when it was looked at */
	if (marks && (m->recs[i].flags & NODE_SCAN))
		worsen(c, i, REC_AGAIN);
}

/* What the file system itself says did not change need not be looked at. */
static bool prove_listed(struct prover *p, uint32_t i, const struct top *t)
{
	struct cache *c = p->proof->c;
	const struct image_rec *r = &c->image.recs[i];

	if (r->flags & NODE_CLOSED) {
		lose(c, i);
		return false;
	}
	if (r->flags & (NODE_RACY | NODE_BROKEN) ||
	    inodes_has(&t->changed, r->ino))
		worsen(c, i, REC_AGAIN);
	if (r->marks)
		prove_marks(p, i, t->mnt);
	return true;
}

/*
 * Where all changes, to look at each before it is read is a waste. Reading
 * its folder, which is to be read again too, tells whether it is there.
 */
static bool assume(struct prover *p, uint32_t i)
{
	struct cache *c = p->proof->c;
	uint32_t up = c->image.parent[i];

	if (p->run < RUN || up == NO_NODE || p->assumed >= PROBE ||
	    c->image.recs[i].flags & (NODE_CLOSED | NODE_TOP | NODE_CROSSED) ||
	    __atomic_load_n(&c->state[up], __ATOMIC_RELAXED) != REC_AGAIN) {
		p->assumed = 0;
		return false;
	}
	p->assumed++;
	worsen(c, i, REC_AGAIN);
	return true;
}

/* False where it is lost, with all below it. The level is pushed. */
static bool prove(struct prover *p, uint32_t i)
{
	struct cache *c = p->proof->c;
	const struct image_rec *r = &c->image.recs[i];
	const struct top *t;
	struct statx st;

	if (__atomic_load_n(&c->state[i], __ATOMIC_RELAXED) == REC_LOST)
		return false;
	t = p->levels[p->n - 1].top;
	if (t && t->listed)
		return prove_listed(p, i, t);
	if (assume(p, i))
		return true;
	if (r->flags & NODE_CLOSED || look(p, NULL, &st) < 0 ||
	    !S_ISDIR(st.stx_mode) || st.stx_ino != r->ino ||
	    !same_place(p, &st)) {
		lose(c, i);
		return false;
	}
	if (r->flags & (NODE_RACY | NODE_BROKEN) ||
	    !same_times(&st, r->ctime, r->mtime)) {
		worsen(c, i, REC_AGAIN);
		p->run++;
		return true;
	}
	p->run = 0;
	if (r->marks)
		prove_marks(p, i, st.stx_mnt_id);
	return true;
}

/* ---- ranges ------------------------------------------------------------------- */

static bool push_start(struct prover *p, uint32_t i)
{
	const char *path = image_name(&p->proof->c->image, i);

	level_push(p, i);
	p->levels[0].fd = walk_open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
	if (p->levels[0].fd < 0)
		return false;
	p->nopen++;
	return true;
}

/* Leave the levels that the new way does not go through. */
static void keep_way(struct prover *p, const uint32_t *way, size_t n)
{
	size_t same = 0;

	while (same < n && same < p->n && p->levels[same].node == way[same])
		same++;
	while (p->n > same)
		level_pop(p);
}

/* Begin anew, with the way to record i. False where that cannot be gone. */
static bool enter(struct prover *p, uint32_t i)
{
	const struct image *m = &p->proof->c->image;
	BK_AUTO_FREE uint32_t *way = NULL;
	size_t n = 0;

	for (uint32_t k = i; k != NO_NODE; k = m->parent[k])
		n++;
	way = bk_calloc(n, sizeof(*way));
	for (uint32_t k = i, at = (uint32_t)n; k != NO_NODE; k = m->parent[k])
		way[--at] = k;
	keep_way(p, way, n - 1);
	if (n > 1 && p->n == 0 && !push_start(p, way[0]))
		return false;
	while (p->n + 1 < n)
		level_push(p, way[p->n]);
	return n < 2 ||
	       (p->levels[n - 2].top && p->levels[n - 2].top->listed) ||
	       know_level(p, p->n - 1);
}

static void prove_range(struct prover *p, uint32_t from, uint32_t to)
{
	struct cache *c = p->proof->c;
	const struct image *m = &c->image;

	while (from < to && !enter(p, from)) {
		lose(c, from);
		from = m->end[from];
	}
	for (uint32_t i = from; i < to;) {
		bool ok;

		while (p->n > m->recs[i].depth)
			level_pop(p);
		if (m->recs[i].depth == 0)
			ok = push_start(p, i) && prove(p, i);
		else
			ok = level_push(p, i) && prove(p, i);
		if (!ok)
			lose(c, i);
		i = ok ? i + 1 : m->end[i];
	}
}

static void *prover_main(void *arg)
{
	struct proof *f = arg;
	struct prover p = { .proof = f, .path = bk_strdup(""), .size = 1 };
	uint32_t n = f->c->image.n;

	for (;;) {
		uint32_t from = atomic_fetch_add(&f->next, 1);

		if ((uint64_t)from * f->step >= n || atomic_load(&f->stop))
			break;
		from *= f->step;
		prove_range(&p, from, n - from < f->step ? n : from + f->step);
		if (bk_sig_pending())
			atomic_store(&f->stop, true);
	}
	while (p.n > 0)
		level_pop(&p);
	free(p.levels);
	free(p.path);
	return NULL;
}

static void run(struct proof *f, unsigned int jobs)
{
	BK_AUTO_FREE pthread_t *ids = bk_calloc(jobs, sizeof(*ids));
	unsigned int n = 0, wanted = f->c->image.n / 512;
	pthread_attr_t attr;

	if (wanted + 1 < jobs)
		jobs = wanted + 1;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 << 10);
	while (n + 1 < jobs &&
	       pthread_create(&ids[n], &attr, prover_main, f) == 0)
		n++;
	pthread_attr_destroy(&attr);
	prover_main(f);
	for (unsigned int i = 0; i < n; i++)
		pthread_join(ids[i], NULL);
}

/* ---- before and after ----------------------------------------------------------- */

/* Let btrfs say what changed; where it will not, each folder is looked at. */
static void list_changed(struct proof *f, const struct image_top *t,
			 struct top *top, int fd, const struct fsid *id)
{
	struct cache *c = f->c;
	const struct image *m = &c->image;
	size_t limit = (m->end[t->node] - t->node) / 2 + 1000;

	if (!t->gen)
		return;
	if (!id->live || t->live != id->live) {
		c->renew |= id->live != 0;
		return;
	}
	if (btrfs_changed(fd, t->gen, limit, &top->changed) == 0)
		top->listed = c->listed = true;
	/* what changed long ago is not to be listed for ever */
	if (top->listed ? top->changed.n > limit / 4 : errno == EFBIG)
		c->renew = true;
}

/* Is the file system or subvolume still the one that it was? */
static bool check_top(struct proof *f, uint32_t i)
{
	const struct image *m = &f->c->image;
	const struct image_top *t = &m->tops[i];
	BK_AUTO_FREE char *path = image_path(m, t->node);
	BK_AUTO_CLOSE int fd = t->id == 0 ? -1 : visit_open(path);
	struct top top = { .node = t->node };
	struct statx st;
	struct fsid id;

	if (fd < 0)
		return false;
	/* what is in memory alone is in no tree, and not in the generation */
	if (t->gen && syncfs(fd) < 0)
		return false;
	id = fsid_of(fd);
	if (id.id != t->id ||
	    statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0 ||
	    !(st.stx_mask & STATX_MNT_ID) || st.stx_ino != m->recs[t->node].ino)
		return false;
	top.dev = dev_of(&st);
	top.mnt = st.stx_mnt_id;
	f->c->tops[i] = id;
	list_changed(f, t, &top, fd, &id);
	f->tops[f->ntops++] = top;
	return true;
}

static void check_tops(struct proof *f)
{
	struct image *m = &f->c->image;

	f->tops = bk_calloc(m->ntops + 1, sizeof(*f->tops));
	f->c->tops = bk_calloc(m->ntops + 1, sizeof(*f->c->tops));
	for (uint32_t i = 0; i < m->ntops; i++) {
		uint32_t node = m->tops[i].node;

		if (m->recs[node].flags & NODE_CLOSED)
			continue;
		if (!check_top(f, i))
			lose(f->c, node);
		/* what is mounted is seen by opening it: nothing else tells */
		else if (m->recs[node].flags & NODE_CROSSED)
			worsen(f->c, m->parent[node], REC_AGAIN);
	}
}

/* Where something is mounted now, the folder that holds it is read again. */
static void check_mounts(struct proof *f)
{
	struct image *m = &f->c->image;

	for (size_t i = 0; i < f->mounts->n; i++) {
		const struct mount *v = &f->mounts->v[i];
		BK_AUTO_FREE char *dir = bk_path_parent(v->path);
		uint32_t at = image_find(m, v->path), up;

		if (v->same || (at != NO_NODE && m->parent[at] == NO_NODE))
			continue;
		up = image_find(m, dir);
		if (at != NO_NODE && !(m->recs[at].flags & NODE_CROSSED))
			lose(f->c, at);
		else if (up != NO_NODE)
			worsen(f->c, up, REC_AGAIN);
	}
}

static void list_again(struct cache *c)
{
	const struct image *m = &c->image;
	uint32_t n = 0;

	for (int pass = 0; pass < 2; pass++) {
		n = 0;
		for (uint32_t i = 0; i < m->n;) {
			if (c->state[i] == REC_LOST) {
				i = m->end[i];
				continue;
			}
			if (c->state[i] == REC_AGAIN) {
				if (pass)
					c->again[n] = i;
				n++;
			} else {
				c->proved += (uint32_t)pass;
			}
			i++;
		}
		if (!pass)
			c->again = bk_calloc(n + 1, sizeof(*c->again));
	}
	c->nagain = n;
	c->fresh = bk_calloc(n + 1, sizeof(*c->fresh));
}

bool cache_prove(struct cache *c, const struct mounts *mounts,
		 unsigned int jobs, int max_fds)
{
	struct proof f = { .c = c, .mounts = mounts };

	c->state = bk_calloc(c->image.n + 1, 1);
	if (jobs < 1)
		jobs = 1;
	f.slots = (unsigned int)max_fds / jobs;
	f.slots = f.slots < 3 ? 3 : f.slots > 64 ? 64 : f.slots;
	f.step = c->image.n / (jobs * 4);
	f.step = f.step < 256 ? 256 : f.step > 4096 ? 4096 : f.step;
	check_tops(&f);
	check_mounts(&f);
	run(&f, jobs);
	for (size_t i = 0; i < f.ntops; i++)
		free(f.tops[i].changed.v);
	free(f.tops);
	list_again(c);
	return !atomic_load(&f.stop);
}
