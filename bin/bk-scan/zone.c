/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "marker.h"
#include "mem.h"
#include "path.h"
#include "walk.h"

struct zone *zone_add(struct walk *w, const char *path, unsigned int flags)
{
	struct zone *z = bk_calloc(1, sizeof(*z));

	z->path = bk_strdup(path);
	z->flags = flags;
	if ((w->nzones & (w->nzones - 1)) == 0)
		w->zones = bk_realloc(w->zones, w->nzones ? 2 * w->nzones : 1,
				      sizeof(struct zone *));
	w->zones[w->nzones++] = z;
	return z;
}

static int compare_zones(const void *a, const void *b)
{
	struct zone *const *x = a, *const *y = b;

	return bk_path_compare((*x)->path, (*y)->path);
}

void zone_free(struct zone *z)
{
	for (int i = 0; z->markers && i < MARKERS; i++)
		marker_free(&z->markers[i]);
	free(z->markers);
	free(z->fstype);
	free(z->path);
	free(z);
}

/* A mount point that is also a configured path has two zones, for example. */
static void merge(struct zone *to, struct zone *z)
{
	to->flags |= z->flags;
	to->files += z->files;
	to->dirs += z->dirs;
	to->bytes += z->bytes;
	if (!to->markers) {
		to->markers = z->markers;
		z->markers = NULL;
	}
	if (!to->fstype) {
		to->fstype = z->fstype;
		z->fstype = NULL;
	}
	zone_free(z);
}

static struct zone *zone_above(const struct walk *w, size_t i)
{
	const char *path = w->zones[i]->path;

	while (i-- > 0)
		if (!(w->zones[i]->flags & ZONE_FILE) &&
		    bk_path_within(path, w->zones[i]->path))
			return w->zones[i];
	return NULL;
}

/* A file with a zone of its own was counted in its folder, if that was read. */
static void count_once(const struct walk *w, size_t i)
{
	const struct zone *z = w->zones[i];
	struct zone *up = zone_above(w, i);

	if (!up || !up->dirs || !up->files)
		return;
	up->files--;
	if (w->sizes && up->bytes >= z->bytes)
		up->bytes -= z->bytes;
}

void sort_zones(struct walk *w)
{
	size_t n = 0;

	if (w->nzones)
		qsort(w->zones, w->nzones, sizeof(*w->zones), compare_zones);
	for (size_t i = 0; i < w->nzones; i++) {
		if (n && strcmp(w->zones[n - 1]->path, w->zones[i]->path) == 0)
			merge(w->zones[n - 1], w->zones[i]);
		else
			w->zones[n++] = w->zones[i];
	}
	w->nzones = n;
	for (size_t i = 0; i < n; i++)
		if (w->zones[i]->flags & ZONE_FILE)
			count_once(w, i);
}
