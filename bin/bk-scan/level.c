/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "prove.h"

const struct top *level_top(const struct proof *f, uint32_t node)
{
	for (size_t i = 0; i < f->ntops; i++)
		if (f->tops[i].node == node)
			return &f->tops[i];
	return NULL;
}

static void close_level(struct prover *p, struct level *l)
{
	if (l->fd < 0)
		return;
	close(l->fd);
	l->fd = -1;
	p->nopen--;
}

void level_pop(struct prover *p)
{
	close_level(p, &p->levels[--p->n]);
	p->path[p->n > 1 ? p->levels[p->n - 1].len : 0] = '\0';
}

/* Half of the descriptors, spread over the way, without the first. */
static void thin_out(struct prover *p)
{
	bool drop = false;

	for (size_t i = p->n; i-- > 1;) {
		if (p->levels[i].fd < 0)
			continue;
		if (drop)
			close_level(p, &p->levels[i]);
		drop = !drop;
	}
}

const char *level_path(const struct prover *p, size_t from)
{
	const char *s = p->path + p->levels[from].len;

	return *s == '/' ? s + 1 : s;
}

int level_open(struct prover *p, size_t k)
{
	size_t from = k;

	while (p->levels[from].fd < 0)
		if (from-- == 0)
			return -1;
	while (from < k) {
		size_t to = k;
		BK_AUTO_FREE char *rel = NULL;
		const char *start = level_path(p, from);

		while (to > from + 1 &&
		       p->levels[to].len - p->levels[from].len > REL_MAX)
			to--;
		rel = bk_memdup(start,
				(size_t)(p->path + p->levels[to].len - start));
		if (p->nopen >= p->proof->slots)
			thin_out(p);
		if (p->levels[from].fd < 0)
			return level_open(p, k);
		p->levels[to].fd =
			openat(p->levels[from].fd, rel,
			       O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (p->levels[to].fd < 0)
			return -1;
		p->nopen++;
		from = to;
	}
	return p->levels[k].fd;
}

void level_name(struct prover *p, size_t at, const char *name)
{
	size_t len = strlen(name);

	if (at + len + 2 > p->size) {
		p->size = 2 * (at + len + 2);
		p->path = bk_realloc(p->path, p->size, 1);
	}
	if (at)
		p->path[at++] = '/';
	memcpy(p->path + at, name, len + 1);
}

struct level *level_push(struct prover *p, uint32_t node)
{
	struct level *l;
	size_t at = p->n > 1 ? p->levels[p->n - 1].len : 0;

	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 32;
		p->levels = bk_realloc(p->levels, p->cap, sizeof(*p->levels));
	}
	if (p->n)
		level_name(p, at, image_name(&p->proof->c->image, node));
	l = &p->levels[p->n++];
	*l = (struct level){ .node = node, .fd = -1 };
	if (p->proof->c->image.recs[node].flags & NODE_TOP)
		l->top = level_top(p->proof, node);
	else if (p->n > 1)
		l->top = l[-1].top;
	if (p->n > 1)
		l->len = strlen(p->path + at) + at;
	return l;
}
