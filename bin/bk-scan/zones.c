/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From what is known to zones: the same that a full walk would have made.
 */
#include <string.h>

#include "cache.h"
#include "log.h"
#include "mem.h"
#include "path.h"
#include "visit.h"

struct maker {
	struct cache *cache;
	struct walk *walk;
	const char **names;  /* by depth */
	struct zone **zones; /* by depth: what is counted there */
	size_t cap;
	uint32_t seen; /* so far */
	bool changed;
};

static char *path_of(const struct maker *k, uint32_t depth)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	for (uint32_t i = 0; i <= depth; i++) {
		if (b.len > 1)
			bk_buf_addc(&b, '/');
		bk_buf_adds(&b, k->names[i]);
	}
	return bk_buf_steal(&b);
}

static void set_depth(struct maker *k, const struct cache_at *at)
{
	if (at->depth >= k->cap) {
		k->cap = k->cap ? 2 * k->cap : 64;
		k->names = bk_realloc(k->names, k->cap, sizeof(*k->names));
		k->zones = bk_realloc(k->zones, k->cap, sizeof(*k->zones));
	}
	k->names[at->depth] = at->name;
	k->zones[at->depth] = at->depth ? k->zones[at->depth - 1] : NULL;
}

/* ---- markers ------------------------------------------------------------------ */

static void load_mark(const struct image *m, const struct image_mark *k,
		      struct marker *ret)
{
	enum marker_kind kind = (enum marker_kind)k->kind;

	*ret = (struct marker){
		.present = true,
		.uid = k->uid,
		.unread = k->flags & MARK_UNREAD,
		.ino = k->ino,
		.size = k->size,
		.ctime = k->ctime,
		.mtime = k->mtime,
		.mode = k->mode,
	};
	if (k->refused) {
		ret->refused = bk_strdup(m->strings + k->refused);
	} else if (k->flags & MARK_BIG) {
		marker_too_big(ret);
	} else if (k->len) {
		bk_buf_add(&ret->text, m->strings + k->text, k->len);
		marker_parse(ret, kind, ret->text.p, ret->text.len);
	}
}

/* Those of a record that is as it was. */
static struct marker *load_marks(struct maker *k, const struct cache_at *at)
{
	const struct image *m = &k->cache->image;
	struct marker *marks = NULL;

	for (uint32_t i = image_mark_at(m, at->old);
	     i < m->nmarks && m->marks[i].node == at->old; i++) {
		enum marker_kind kind = (enum marker_kind)m->marks[i].kind;
		BK_AUTO_FREE char *dir = path_of(k, at->depth);
		BK_AUTO_FREE char *path = bk_path_join(dir, marker_name(kind));

		if (!marks)
			marks = bk_calloc(MARKERS, sizeof(*marks));
		load_mark(m, &m->marks[i], &marks[kind]);
		marker_warn(&k->walk->warnings, path, &marks[kind]);
	}
	return marks;
}

static void tell_ignored(struct maker *k, const struct cache_at *at)
{
	for (int i = 0; i < MARKERS; i++) {
		BK_AUTO_FREE char *dir = NULL;

		if (!(at->rec.marks & 1u << i))
			continue;
		dir = path_of(k, at->depth);
		bk_info("'%s/%s' does not count: it is below no [scan] root",
			dir[1] ? dir : "", marker_name((enum marker_kind)i));
	}
}

static struct marker *take_marks(struct maker *k, const struct cache_at *at)
{
	struct marker *marks;

	if (!at->rec.marks)
		return NULL;
	if (!at->node && (at->rec.flags & NODE_SCAN))
		return load_marks(k, at);
	if (!at->node)
		tell_ignored(k, at);
	if (!at->more || !at->more->zone)
		return NULL;
	marks = at->more->zone->markers;
	at->more->zone->markers = NULL;
	return marks;
}

/* ---- zones -------------------------------------------------------------------- */

static const char *fstype_of(const struct maker *k, const struct cache_at *at)
{
	const struct image_top *t;

	if (at->node)
		return at->more ? at->more->fstype : NULL;
	t = image_top_of(&k->cache->image, at->old);
	return t ? k->cache->image.strings + t->fstype : NULL;
}

static unsigned int point_flags(const struct maker *k,
				const struct cache_at *at)
{
	const struct walk *w = k->walk;
	unsigned int flags = 0;
	BK_AUTO_FREE char *path = NULL;

	if (at->more && at->more->zone)
		return at->more->zone->flags & (ZONE_ROOT | ZONE_CONFIG);
	if (at->node || !(k->cache->state[at->old] & REC_POINT))
		return 0;
	path = path_of(k, at->depth);
	for (size_t i = 0; i < w->npoints; i++)
		if (strcmp(w->points[i].path, path) == 0)
			flags |= w->points[i].flags;
	return flags;
}

/* A start that was looked for and is not there, or is no folder. */
static unsigned int start_flags(const struct cache_at *at)
{
	if (at->rec.flags & NODE_FILE)
		return ZONE_FILE;
	return at->rec.flags & NODE_GONE ? ZONE_MISSING : ZONE_UNREADABLE;
}

static unsigned int flags_of(const struct maker *k, const struct cache_at *at)
{
	unsigned int f = at->rec.flags, flags = 0;

	if (at->depth == 0 && f & NODE_CLOSED)
		return point_flags(k, at) | start_flags(at);
	if (f & NODE_MOUNT)
		flags |= ZONE_MOUNT;
	if (f & NODE_CROSSED)
		flags |= ZONE_CROSSED;
	if (f & (NODE_UNREADABLE | NODE_BROKEN))
		flags |= ZONE_UNREADABLE;
	if (f & NODE_GONE)
		flags |= ZONE_GONE;
	return flags | point_flags(k, at);
}

/* What a walk said when it met this, for it is not met again. */
static void warn_closed(struct maker *k, const struct cache_at *at,
			const char *path, unsigned int flags)
{
	struct warnings *w = &k->walk->warnings;
	unsigned int f = at->rec.flags;
	bool start = at->depth == 0;

	if (start && f & (NODE_GONE | NODE_UNREADABLE))
		warn_start(w, path, flags,
			   f & NODE_GONE ? 0 : (int)at->rec.files);
	else if (f & NODE_LOOP)
		warn_add(w, false, path, 0, "%s", loop_warning);
	else if (f & NODE_UNREADABLE)
		warn_add(w, true, path, 0, "cannot be read: %s",
			 strerror((int)at->rec.files));
	else if (f & NODE_BROKEN)
		warn_add(w, true, path, 0, "cannot be read to its end");
}

static void count(struct zone *z, const struct cache_at *at)
{
	bool file = at->rec.flags & NODE_FILE;

	if (at->rec.flags & NODE_CLOSED && !file)
		return;
	z->dirs += !file;
	z->files += file ? 1 : at->rec.files;
	if (at->bytes != NO_SIZE)
		z->bytes += at->bytes;
}

static void add_zone(struct maker *k, const struct cache_at *at,
		     unsigned int flags, struct marker *marks)
{
	BK_AUTO_FREE char *path = path_of(k, at->depth);
	struct zone *z =
		zone_add(k->walk, path, flags | (marks ? ZONE_MARKED : 0));
	const char *fstype = NULL;

	z->markers = marks;
	if (flags & (ZONE_MOUNT | ZONE_CROSSED))
		fstype = fstype_of(k, at);
	if (fstype)
		z->fstype = bk_strdup(fstype);
	k->zones[at->depth] = z;
	if (k->cache->only)
		warn_closed(k, at, path, flags);
}

/* Is it what the image says at this very place? */
static bool is_same(const struct maker *k, const struct cache_at *at)
{
	const struct image_rec *r;

	if (at->old != k->seen)
		return false;
	r = &k->cache->image.recs[at->old];
	return !at->node ||
	       (at->rec.ino == r->ino && at->rec.ctime == r->ctime &&
		at->rec.mtime == r->mtime && at->rec.files == r->files &&
		at->rec.flags == r->flags && at->rec.marks == r->marks &&
		!at->rec.marks);
}

/* What is asked for has a zone of its own, as it has after a walk to it. */
static bool is_asked(const struct maker *k, const struct cache_at *at)
{
	return k->cache->only && (k->cache->state[at->old] & REC_POINT);
}

static void make(struct maker *k)
{
	struct cache_iter it = { .cache = k->cache };
	struct cache_at at;

	while (cache_next(&it, &at)) {
		struct marker *marks;
		unsigned int flags;

		set_depth(k, &at);
		marks = take_marks(k, &at);
		flags = flags_of(k, &at);
		if (at.depth == 0 && at.rec.flags & NODE_CLOSED &&
		    !k->cache->only) {
			/* the walk itself has a zone of it */
			k->changed |= !is_same(k, &at);
			k->seen++;
			continue;
		}
		if (flags || marks || at.depth == 0 || is_asked(k, &at))
			add_zone(k, &at, flags, marks);
		count(k->zones[at.depth], &at);
		k->walk->dirs += !(at.rec.flags & NODE_CLOSED);
		k->walk->files += at.rec.files;
		k->changed |= !is_same(k, &at);
		k->seen++;
	}
	cache_iter_free(&it);
}

static bool holds(const void *cache, uint32_t record)
{
	return cache_alive(cache, record);
}

void cache_zones(struct cache *c, struct walk *w)
{
	struct maker k = { .cache = c, .walk = w };
	struct zone **was = w->zones;
	size_t nwas = w->nzones;

	w->zones = NULL;
	w->nzones = 0;
	w->dirs = w->files = 0;
	warn_keep(&w->warnings, c, holds);
	make(&k);
	c->changed = k.changed || c->renew || k.seen != c->image.n;
	for (size_t i = 0; i < nwas; i++) {
		struct zone *z = was[i];

		if (!z->point) {
			zone_free(z);
			continue;
		}
		zone_add(w, z->path, z->flags)->point = true;
		w->zones[w->nzones - 1]->files = z->files;
		w->zones[w->nzones - 1]->bytes = z->bytes;
		zone_free(z);
	}
	free(was);
	free(k.names);
	free(k.zones);
}
