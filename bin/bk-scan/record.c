/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "file.h"
#include "fsid.h"
#include "stamp.h"

/*
 * A change that comes this soon after another may leave the time stamp as it
 * was: stamps are as coarse as a second on some file systems.
 */
static const uint64_t RACY_NS = 3000000000;

static struct cache *cache_of(const struct worker *w)
{
	return w->pool->walk->cache;
}

/* Only what others may still have to add to is touched by them. */
static void set_kept(struct cache *c, uint32_t i)
{
	__atomic_fetch_or(&c->state[i], REC_KEPT, __ATOMIC_RELAXED);
}

static uint64_t now_stamp(void)
{
	struct timespec t;

	/* at most a tick behind: that is on the safe side */
	clock_gettime(CLOCK_REALTIME_COARSE, &t);
	return stamp(t.tv_sec, (uint32_t)t.tv_nsec);
}

bool is_racy(uint64_t ctime, uint64_t now)
{
	/* the last second of 32 bits is where a file system's time ends */
	return ctime > now || now - ctime < RACY_NS ||
	       ctime / 1000000000 == INT32_MAX;
}

/* ---- folders ---------------------------------------------------------------- */

static void keep_top(struct worker *w, struct node *n, struct fsid id,
		     const char *fstype)
{
	struct node_more *more = node_more(cache_of(w), &w->arena, n);

	more->top = id;
	more->fstype = fstype;
}

/* The subfolder that is the top of this file system, of those known. */
static uint32_t find_known_top(const struct worker *w, const struct dir *d,
			       uint64_t id)
{
	const struct cache *c = cache_of(w);
	const struct image *m = &c->image;
	uint32_t up = d->parent->known;

	for (uint32_t i = 0; up != NO_NODE && i < m->ntops; i++) {
		uint32_t node = m->tops[i].node;

		if (m->parent[node] == up && m->tops[i].id == id && id &&
		    (c->state[node] & REC_STATE) != REC_LOST &&
		    m->recs[node].ino == d->ino &&
		    strcmp(image_name(m, node), d->name) == 0)
			return node;
	}
	return NO_NODE;
}

static void fill(struct node *n, const struct dir *d, const struct statx *st)
{
	n->ino = st->stx_ino;
	n->ctime = stamp(st->stx_ctime.tv_sec, st->stx_ctime.tv_nsec);
	n->mtime = fold(stamp(st->stx_mtime.tv_sec, st->stx_mtime.tv_nsec));
	if (d->scan)
		n->flags |= NODE_SCAN;
	/* a key that comes or goes shows other names, and moves no times */
	if (is_racy(n->ctime, now_stamp()) ||
	    st->stx_attributes & STATX_ATTR_ENCRYPTED)
		n->flags |= NODE_RACY;
}

/* d is the record that its folder, read again as well, has under its name. */
static void adopt(struct worker *w, struct dir *d, const struct statx *st)
{
	struct cache *c = cache_of(w);
	struct node *n = node_new(c, &w->arena, NULL, NULL);

	fill(n, d, st);
	d->node = n;
	node_set_old(n, d->known);
	__atomic_store_n(cache_fresh(c, d->known), n, __ATOMIC_RELAXED);
	set_kept(c, d->known);
}

bool record_dir(struct worker *w, struct dir *d, const struct statx *st,
		const char *fstype)
{
	struct cache *c = cache_of(w);
	struct fsid id = { 0 };
	bool top;

	if (!c)
		return true;
	top = !d->parent || fstype || d->dev != d->parent->dev;
	if (d->known != NO_NODE && !top &&
	    d->ino == c->image.recs[d->known].ino) {
		adopt(w, d, st);
		return true;
	}
	d->known = NO_NODE;
	if (top)
		id = fsid_of(d->fd);
	if (top && d->parent) {
		uint32_t known = find_known_top(w, d, id.id);

		if (known != NO_NODE) {
			set_kept(c, known);
			return false;
		}
	}
	d->node = node_new(c, &w->arena, d->parent ? d->parent->node : NULL,
			   d->name);
	fill(d->node, d, st);
	if (fstype)
		d->node->flags |= NODE_CROSSED;
	if (top) {
		d->node->flags |= NODE_TOP;
		keep_top(w, d->node, id, fstype);
	}
	if (!d->parent)
		cache_add_start(c, w->pool->starting, d->node, NO_NODE);
	return true;
}

void record_read(struct worker *w, struct dir *d, bool whole)
{
	struct cache *c = cache_of(w);
	struct node *n = d->node;
	bool own = !d->parent || d->zone != d->parent->zone;

	if (!c)
		return;
	n->files = w->files < UINT32_MAX ? (uint32_t)w->files : UINT32_MAX;
	n->marks = (uint16_t)w->found;
	if (!whole)
		n->flags |= NODE_BROKEN;
	/* a [scan] root may have been met in it */
	if (d->scan)
		n->flags |= NODE_SCAN;
	if (own && (d->zone->flags || d->zone->markers)) {
		struct node_more *more = node_more(c, &w->arena, n);

		more->zone = d->zone;
		more->markers = d->zone->markers;
	}
	if (w->pool->walk->sizes)
		node_more(c, &w->arena, n)->bytes = w->bytes;
}

/* The same, not entered either, as the image has it in this folder. */
static uint32_t find_closed(const struct cache *c, uint32_t up,
			    const char *name, unsigned int flags,
			    const char *fstype, int num)
{
	const struct image *m = &c->image;

	for (uint32_t i = up + 1; i < m->end[up]; i = m->end[i]) {
		const struct image_rec *r = &m->recs[i];
		const struct image_top *t;

		if (!(r->flags & NODE_CLOSED) || r->flags != flags ||
		    r->files != (uint32_t)num ||
		    strcmp(image_name(m, i), name) != 0)
			continue;
		t = fstype ? image_top_of(m, i) : NULL;
		if (!fstype ||
		    (t && strcmp(m->strings + t->fstype, fstype) == 0))
			return i;
	}
	return NO_NODE;
}

void record_closed(struct worker *w, struct dir *p, const char *name,
		   unsigned int flags, const char *fstype, int num)
{
	struct cache *c = cache_of(w);
	struct node *n;

	if (!c)
		return;
	if (p->known != NO_NODE) {
		uint32_t i = find_closed(c, p->known, name, flags, fstype, num);

		if (i != NO_NODE) {
			set_kept(c, i);
			return;
		}
	}
	n = node_new(c, &w->arena, p->node, name);
	n->flags = (uint16_t)flags;
	n->files = (uint32_t)num;
	if (fstype)
		node_more(c, &w->arena, n)->fstype = fstype;
}

/* ---- what is known ------------------------------------------------------------ */

static size_t slot_of(const struct worker *w, uint64_t ino)
{
	return (size_t)(ino * 0x9E3779B97F4A7C15u >> 32) & (w->nslots - 1);
}

void record_listing(struct worker *w, struct dir *d)
{
	const struct cache *c = cache_of(w);
	size_t n = 0, size = 16;

	if (!c || d->known == NO_NODE)
		return;
	for (uint32_t i = d->known + 1; i < c->image.end[d->known];
	     i = c->image.end[i])
		n++;
	while (size < 2 * n)
		size *= 2;
	if (size > w->maxslots) {
		w->slots = bk_realloc(w->slots, size, sizeof(*w->slots));
		w->maxslots = size;
	}
	w->nslots = size;
	memset(w->slots, 0xff, size * sizeof(*w->slots));
	for (uint32_t i = d->known + 1; i < c->image.end[d->known];
	     i = c->image.end[i]) {
		const struct image_rec *r = &c->image.recs[i];
		size_t at = slot_of(w, r->ino);

		if ((c->state[i] & REC_STATE) == REC_LOST ||
		    r->flags & (NODE_CLOSED | NODE_TOP))
			continue;
		while (w->slots[at] != NO_NODE)
			at = (at + 1) & (size - 1);
		w->slots[at] = i;
	}
}

/*
 * Where what changed was listed nobody looked at it: a subvolume may have got
 * the name and, in the list of its folder, the number.
 */
static bool is_there(const struct dir *d, const char *name, uint64_t ino)
{
	struct statx st;

	return statx(d->fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		     STATX_INO, &st) == 0 &&
	       st.stx_ino == ino &&
	       ((uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor) == d->dev;
}

bool record_keeps(struct worker *w, const struct dir *d, const char *name,
		  uint64_t ino, uint32_t *ret_known)
{
	struct cache *c = cache_of(w);
	size_t at;

	if (!c || d->known == NO_NODE)
		return false;
	for (at = slot_of(w, ino); w->slots[at] != NO_NODE;
	     at = (at + 1) & (w->nslots - 1)) {
		uint32_t i = w->slots[at];

		if (c->image.recs[i].ino != ino ||
		    strcmp(image_name(&c->image, i), name) != 0)
			continue;
		if ((c->state[i] & REC_STATE) == REC_AGAIN) {
			*ret_known = i;
			return false;
		}
		if (c->listed && !is_there(d, name, ino))
			return false;
		set_kept(c, i);
		return true;
	}
	return false;
}

/* ---- reading again --------------------------------------------------------------- */

struct node *record_again_failed(struct worker *w, uint32_t i, const char *path,
				 int num)
{
	struct node *n = node_new(cache_of(w), &w->arena, NULL, NULL);

	n->flags = visit_failed(w, i, path, num) ? NODE_UNREADABLE : NODE_GONE;
	n->files = n->flags == NODE_GONE ? 0 : (uint32_t)num;
	return n;
}

struct node *record_again_node(struct worker *w, struct dir *d, uint32_t i,
			       const struct statx *st)
{
	struct cache *c = cache_of(w);
	const struct image_rec *r = &c->image.recs[i];
	const struct image_top *t = image_top_of(&c->image, i);
	struct node *n = node_new(c, &w->arena, NULL, NULL);
	struct fsid id;

	d->node = n;
	fill(n, d, st);
	d->known = i;
	node_set_old(n, i);
	if (!t)
		return n;
	id = fsid_of(d->fd);
	/* what changed since this was asked is listed by the next scan */
	if (id.id == t->id)
		id = c->tops[t - c->image.tops];
	n->flags |= r->flags & (NODE_TOP | NODE_CROSSED);
	keep_top(w, n, id,
		 r->flags & NODE_CROSSED ? c->image.strings + t->fstype : NULL);
	if (id.id != t->id) {
		d->known = NO_NODE;
		node_set_old(n, NO_NODE);
	}
	return n;
}

/* Will it be met when its folder is read, or not be there any more? */
static bool in_turn(const struct cache *c, uint32_t i)
{
	uint32_t up = c->image.parent[i];

	return up != NO_NODE && (c->state[up] & REC_STATE) == REC_AGAIN &&
	       !(c->image.recs[i].flags & (NODE_TOP | NODE_CLOSED));
}

bool record_again(struct worker *w)
{
	struct cache *c = cache_of(w);
	BK_AUTO_FREE char *path = NULL;
	uint32_t k;
	int fd;

	if (!c || !c->nagain)
		return false;
	do {
		k = atomic_fetch_add(&w->pool->again, 1);
		if (k >= c->nagain)
			return false;
	} while (in_turn(c, c->again[k]));
	path = image_path(&c->image, c->again[k]);
	fd = visit_open(path);
	if (fd < 0)
		c->fresh[k] = record_again_failed(w, c->again[k], path, errno);
	else
		c->fresh[k] = visit_again(w, path, fd, c->again[k]);
	return true;
}

bool record_is_loop(const struct worker *w, const struct dir *top,
		    const struct dir *d)
{
	const struct cache *c = cache_of(w);
	uint32_t i;

	if (!c || !c->image.n || top->known == NO_NODE)
		return false;
	i = c->image.parent[top->known];
	for (; i != NO_NODE; i = c->image.parent[i]) {
		BK_AUTO_FREE char *path = NULL;
		BK_AUTO_CLOSE int fd = -1;
		struct stat st;

		if (c->image.recs[i].ino != d->ino)
			continue;
		path = image_path(&c->image, i);
		fd = walk_open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
		if (fd >= 0 && fstat(fd, &st) == 0 && st.st_ino == d->ino &&
		    ((uint64_t)gnu_dev_major(st.st_dev) << 32 |
		     gnu_dev_minor(st.st_dev)) == d->dev)
			return true;
	}
	return false;
}

/* ---- starts and points ------------------------------------------------------------- */

void record_point(struct worker *w, const struct point *pt, unsigned int flags,
		  int num, uint64_t bytes)
{
	struct cache *c = cache_of(w);
	uint32_t i;
	struct node *n;

	if (!c)
		return;
	i = c->state ? image_start(&c->image, pt->path) : NO_NODE;
	if (i != NO_NODE && c->image.recs[i].flags == flags &&
	    c->image.recs[i].files == (uint32_t)num) {
		cache_add_start(c, image_name(&c->image, i), NULL, i);
		return;
	}
	n = node_new(c, &w->arena, NULL, NULL);
	n->flags = (uint16_t)flags;
	n->files = (uint32_t)num;
	node_more(c, &w->arena, n)->bytes = bytes;
	cache_add_start(c, pt->path, n, NO_NODE);
}

bool record_start(struct worker *w, const struct point *pt, bool scan)
{
	struct cache *c = cache_of(w);
	uint32_t i = c && c->state ? image_start(&c->image, pt->path) : NO_NODE;

	w->pool->starting = pt->path;
	if (i == NO_NODE || (c->state[i] & REC_STATE) == REC_LOST)
		return false;
	/* its own marker counts if it is a root, whatever lies above */
	scan |= (pt->flags & ZONE_ROOT) != 0;
	if (scan != !!(c->image.recs[i].flags & NODE_SCAN))
		return false;
	cache_add_start(c, image_name(&c->image, i), NULL, i);
	return true;
}

/* It was there when it was proved, and cannot be read now. */
static bool is_closed(const struct cache *c, uint32_t i)
{
	return (c->state[i] & REC_STATE) == REC_AGAIN && *cache_fresh(c, i) &&
	       (*cache_fresh(c, i))->flags & NODE_CLOSED;
}

/*
 * Is it in what was proved or read again? What was a start is to become one:
 * that it was read does not count for itself, only for what is below.
 */
static bool is_met(const struct cache *c, const struct point *pt, uint32_t at)
{
	for (size_t i = 0; i < pt->nfrom; i++)
		if (cache_alive(c, pt->from[i]) &&
		    pt->from[i] != image_start(&c->image, pt->path))
			return true;
	return at != NO_NODE && c->image.parent[at] != NO_NODE &&
	       c->image.recs[at].ino == pt->ino && cache_alive(c, at) &&
	       !is_closed(c, at);
}

void record_points(struct worker *w)
{
	struct walk *walk = w->pool->walk;
	struct cache *c = walk->cache;

	if (!c || !c->state)
		return;
	for (size_t i = 0; i < walk->npoints; i++) {
		struct point *pt = &walk->points[i];
		uint32_t at[] = { image_find(&c->image, pt->path),
				  image_start(&c->image, pt->path) };

		pt->seen |= is_met(c, pt, at[0]);
		for (size_t k = 0; k < BK_COUNT(at); k++)
			if (at[k] != NO_NODE)
				c->state[at[k]] |= REC_POINT;
	}
}
