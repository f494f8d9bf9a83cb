/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cache.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "mem.h"

enum {
	UNIT = 4,
	BLOCK_UNITS = 16384,
	BLOCKS = 1 << 18, /* as many as 32 bits have place for */
};

/* ---- nodes ----------------------------------------------------------------- */

static void *at_ref(const struct cache *c, node_ref r)
{
	char *const *blocks = atomic_load(&c->arena.blocks);

	return blocks[r / BLOCK_UNITS] + (size_t)(r % BLOCK_UNITS) * UNIT;
}

/* Mostly not in memory, as long as nobody writes there. */
static char **get_blocks(struct arena *arena)
{
	char **blocks = atomic_load(&arena->blocks), **new;

	if (blocks)
		return blocks;
	new = bk_calloc(BLOCKS, sizeof(*new));
	if (atomic_compare_exchange_strong(&arena->blocks, &blocks, new))
		return new;
	free(new);
	return blocks;
}

static void take_block(struct arena *arena, struct node_arena *a)
{
	char **blocks = get_blocks(arena);
	uint32_t k = atomic_fetch_add(&arena->nblocks, 1);
	bool last = k >= BLOCKS - 1;

	/* that much memory is not to be had, as more is not to be named */
	char *block = bk_malloc(last ? SIZE_MAX : (size_t)BLOCK_UNITS * UNIT);

	blocks[k] = block;
	a->at = k * BLOCK_UNITS;
	a->end = a->at + BLOCK_UNITS;
	/* 0 is none */
	a->at += k == 0;
}

/* align is in units, too. */
static node_ref take(struct cache *c, struct node_arena *a, size_t size,
		     uint32_t align)
{
	uint32_t units = (uint32_t)((size + UNIT - 1) / UNIT);
	node_ref r;

	if (a->end - a->at < units + align)
		take_block(&c->arena, a);
	a->at += -a->at % align;
	r = a->at;
	a->at += units;
	memset(at_ref(c, r), 0, (size_t)units * UNIT);
	return r;
}

struct node *node_new(struct cache *c, struct node_arena *a,
		      struct node *parent, const char *name)
{
	size_t len = parent ? strlen(name) + 1 : sizeof(uint32_t);
	node_ref r = take(c, a, offsetof(struct node, name) + len, 1);
	struct node *n = at_ref(c, r);

	if (!parent) {
		node_set_old(n, NO_NODE);
		return n;
	}
	memcpy(n->name, name, len);
	n->next = atomic_load_explicit(&parent->child, memory_order_relaxed);
	while (!atomic_compare_exchange_weak(&parent->child, &n->next, r))
		;
	return n;
}

uint32_t node_old(const struct node *n)
{
	uint32_t old;

	memcpy(&old, n->name, sizeof(old));
	return old;
}

void node_set_old(struct node *n, uint32_t old)
{
	memcpy(n->name, &old, sizeof(old));
}

struct node_more *node_has(const struct cache *c, const struct node *n)
{
	return n->more ? at_ref(c, n->more) : NULL;
}

struct node_more *node_more(struct cache *c, struct node_arena *a,
			    struct node *n)
{
	struct node_more *more = node_has(c, n);

	if (more)
		return more;
	n->more = take(c, a, sizeof(*more), _Alignof(struct node_more) / UNIT);
	more = at_ref(c, n->more);
	more->bytes = NO_SIZE;
	return more;
}

void cache_add_start(struct cache *c, const char *path, struct node *node,
		     uint32_t old)
{
	c->starts = bk_realloc(c->starts, c->nstarts + 1, sizeof(*c->starts));
	c->starts[c->nstarts++] = (struct cache_start){ path, node, old };
}

void cache_free(struct cache *c)
{
	char **blocks = atomic_load(&c->arena.blocks);

	for (uint32_t k = atomic_load(&c->arena.nblocks); k-- > 0;)
		free(blocks[k]);
	free(blocks);
	image_free(&c->image);
	free(c->state);
	free(c->again);
	free(c->fresh);
	free(c->starts);
	free(c->tops);
	*c = (struct cache){ 0 };
}

/* ---- in tree order ---------------------------------------------------------- */

struct node **cache_fresh(const struct cache *c, uint32_t i)
{
	uint32_t lo = 0, hi = c->nagain;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (c->again[mid] < i)
			lo = mid + 1;
		else
			hi = mid;
	}
	return &c->fresh[lo];
}

static struct node *fresh_of(const struct cache *c, uint32_t i)
{
	if ((c->state[i] & REC_STATE) != REC_AGAIN)
		return NULL;
	return c->nagain ? *cache_fresh(c, i) : NULL;
}

static void push(struct cache_iter *it, struct cache_frame f)
{
	if (it->n == it->cap) {
		it->cap = it->cap ? 2 * it->cap : 64;
		it->frames = bk_realloc(it->frames, it->cap, sizeof(f));
	}
	it->frames[it->n++] = f;
}

static void yield_node(struct cache_iter *it, struct node *n, const char *name,
		       uint32_t old, struct cache_at *at)
{
	const struct image *m = &it->cache->image;
	const struct node_more *more = node_has(it->cache, n);
	struct cache_frame f = { .next = atomic_load(&n->child) };

	*at = (struct cache_at){
		.depth = (uint32_t)it->n,
		.name = name,
		.node = n,
		.more = more,
		.old = old,
		.bytes = more ? more->bytes : NO_SIZE,
		.rec = {
			.ino = n->ino,
			.ctime = n->ctime,
			.mtime = n->mtime,
			.files = n->files,
			.flags = n->flags,
			.marks = n->marks,
		},
	};
	if (old != NO_NODE) {
		f.at = old + 1;
		f.end = m->end[old];
	}
	push(it, f);
}

static void yield_old(struct cache_iter *it, uint32_t i, struct cache_at *at)
{
	const struct image *m = &it->cache->image;
	struct node *n = fresh_of(it->cache, i);

	if (n) {
		yield_node(it, n, image_name(m, i), node_old(n), at);
		return;
	}
	*at = (struct cache_at){
		.depth = (uint32_t)it->n,
		.name = image_name(m, i),
		.rec = m->recs[i],
		.old = i,
		.bytes = m->bytes ? m->bytes[i] : NO_SIZE,
	};
	push(it, (struct cache_frame){
			 .at = i + 1, .end = m->end[i], .all = true });
}

static bool next_start(struct cache_iter *it, struct cache_at *at)
{
	const struct cache_start *s;

	if (it->start == it->cache->nstarts)
		return false;
	s = &it->cache->starts[it->start++];
	if (s->node)
		yield_node(it, s->node, s->path, node_old(s->node), at);
	else
		yield_old(it, s->old, at);
	return true;
}

bool cache_next(struct cache_iter *it, struct cache_at *at)
{
	const struct cache *c = it->cache;

	while (it->n > 0) {
		struct cache_frame *f = &it->frames[it->n - 1];

		while (f->at < f->end) {
			uint32_t i = f->at;

			f->at = c->image.end[i];
			if (!f->all && !(c->state[i] & REC_KEPT))
				continue;
			yield_old(it, i, at);
			return true;
		}
		if (f->next) {
			struct node *n = at_ref(c, f->next);

			f->next = n->next;
			yield_node(it, n, n->name, NO_NODE, at);
			return true;
		}
		it->n--;
	}
	return next_start(it, at);
}

void cache_iter_free(struct cache_iter *it)
{
	free(it->frames);
}

bool cache_alive(const struct cache *c, uint32_t i)
{
	for (uint32_t k = i; k != NO_NODE; k = c->image.parent[k]) {
		uint32_t up = c->image.parent[k];

		if ((c->state[k] & REC_STATE) == REC_LOST)
			return false;
		if (up != NO_NODE && (c->state[up] & REC_STATE) == REC_AGAIN &&
		    !(c->state[k] & REC_KEPT))
			return false;
	}
	return true;
}

void cache_take_all(struct cache *c, const struct walk *w)
{
	const struct image *m = &c->image;

	c->only = true;
	c->state = bk_calloc(m->n + 1, 1);
	for (uint32_t i = 0; i < m->n; i = m->end[i])
		cache_add_start(c, image_name(m, i), NULL, i);
	for (size_t i = 0; i < w->npoints; i++) {
		uint32_t at = image_find(m, w->points[i].path);

		if (at != NO_NODE)
			c->state[at] |= REC_POINT;
	}
}
