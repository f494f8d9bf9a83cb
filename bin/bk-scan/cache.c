/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cache.h"

#include <stdatomic.h>
#include <string.h>

#include "mem.h"

enum { BLOCK_SIZE = 64 << 10 };

/* ---- nodes ----------------------------------------------------------------- */

static void *take(struct cache *c, struct node_arena *a, size_t size)
{
	struct node_block *b = a->block;

	size = (size + 7) & ~(size_t)7;
	if (!b || b->used + size > BLOCK_SIZE) {
		b = bk_malloc(sizeof(*b) + BLOCK_SIZE);
		b->used = 0;
		b->next = atomic_load(&c->blocks);
		while (!atomic_compare_exchange_weak(&c->blocks, &b->next, b))
			;
		a->block = b;
	}
	b->used += size;
	return memset(b->mem + b->used - size, 0, size);
}

struct node *node_new(struct cache *c, struct node_arena *a,
		      struct node *parent, const char *name)
{
	size_t len = strlen(name) + 1;
	struct node *n;

	/* a start has its path elsewhere: it may be of any length */
	if (!parent)
		len = 1;
	n = take(c, a, sizeof(*n) + len);
	n->old = NO_NODE;
	if (!parent)
		return n;
	memcpy(n->name, name, len);
	n->next = atomic_load_explicit(&parent->child, memory_order_relaxed);
	while (!atomic_compare_exchange_weak(&parent->child, &n->next, n))
		;
	return n;
}

struct node_more *node_more(struct cache *c, struct node_arena *a,
			    struct node *n)
{
	if (!n->more) {
		n->more = take(c, a, sizeof(*n->more));
		n->more->bytes = NO_SIZE;
	}
	return n->more;
}

void cache_add_start(struct cache *c, const char *path, struct node *node,
		     uint32_t old)
{
	c->starts = bk_realloc(c->starts, c->nstarts + 1, sizeof(*c->starts));
	c->starts[c->nstarts++] = (struct cache_start){ path, node, old };
}

void cache_free(struct cache *c)
{
	struct node_block *b = atomic_load(&c->blocks);

	while (b) {
		struct node_block *next = b->next;

		free(b);
		b = next;
	}
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
		       struct cache_at *at)
{
	const struct image *m = &it->cache->image;
	struct cache_frame f = { .next = atomic_load(&n->child) };

	*at = (struct cache_at){
		.depth = (uint32_t)it->n,
		.name = name,
		.node = n,
		.old = n->old,
		.bytes = n->more ? n->more->bytes : NO_SIZE,
		.rec = {
			.ino = n->ino,
			.ctime = n->ctime,
			.mtime = n->mtime,
			.files = n->files,
			.flags = n->flags,
			.marks = n->marks,
		},
	};
	if (n->old != NO_NODE) {
		f.at = n->old + 1;
		f.end = m->end[n->old];
	}
	push(it, f);
}

static void yield_old(struct cache_iter *it, uint32_t i, struct cache_at *at)
{
	const struct image *m = &it->cache->image;
	struct node *n = fresh_of(it->cache, i);

	if (n) {
		yield_node(it, n, image_name(m, i), at);
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
		yield_node(it, s->node, s->path, at);
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
			struct node *n = f->next;

			f->next = n->next;
			yield_node(it, n, n->name, at);
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
