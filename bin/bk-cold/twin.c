/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "get.h"

/*
 * The inode alone may be that of a file of another file system; its time and
 * content are not the same then.
 */
static bool is_twin(const struct twin *t, const struct entry *e)
{
	const struct meta *m = &e->meta;

	return t->ino == m->ino && t->ctime == m->ctime &&
	       t->ctime_ns == m->ctime_ns && t->size == m->size &&
	       strcmp(t->sha256, e->sha256) == 0;
}

static struct twin **bucket(const struct twins *t, uint64_t ino)
{
	return &t->buckets[(ino * UINT64_C(0x9e3779b97f4a7c15)) >> 32 &
			   (t->nbuckets - 1)];
}

const struct twin *twins_find(const struct twins *t, const struct entry *e)
{
	const struct twin *one = NULL;

	if (e->meta.nlink > 1 && t->n > 0)
		one = *bucket(t, e->meta.ino);
	while (one && !is_twin(one, e))
		one = one->next;
	return one;
}

static void grow(struct twins *t)
{
	struct twins old = *t;

	t->nbuckets = old.nbuckets ? 2 * old.nbuckets : 64;
	t->buckets = bk_calloc(t->nbuckets, sizeof(struct twin *));
	for (size_t i = 0; i < old.nbuckets; i++)
		for (struct twin *one = old.buckets[i], *next; one;
		     one = next) {
			struct twin **b = bucket(t, one->ino);

			next = one->next;
			one->next = *b;
			*b = one;
		}
	free(old.buckets);
}

void twins_add(struct twins *t, const struct entry *e, const struct stat *st)
{
	struct twin *one, **b;

	if (e->meta.nlink <= 1 || twins_find(t, e))
		return;
	if (t->n >= t->nbuckets)
		grow(t);
	one = bk_malloc(sizeof(*one));
	*one = (struct twin){
		.path = bk_strdup(e->path),
		.st = *st,
		.ino = e->meta.ino,
		.size = e->meta.size,
		.ctime = e->meta.ctime,
		.ctime_ns = e->meta.ctime_ns,
	};
	memcpy(one->sha256, e->sha256, sizeof(one->sha256));
	b = bucket(t, one->ino);
	one->next = *b;
	*b = one;
	t->n++;
}

void twins_free(struct twins *t)
{
	for (size_t i = 0; i < t->nbuckets; i++)
		for (struct twin *one = t->buckets[i], *next; one; one = next) {
			next = one->next;
			free(one->path);
			free(one);
		}
	free(t->buckets);
	*t = (struct twins){ .buckets = NULL };
}
