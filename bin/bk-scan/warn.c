/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "warn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "mem.h"
#include "path.h"

void warn_add(struct warnings *w, bool partial, const char *path, size_t line,
	      const char *fmt, ...)
{
	struct warning *v;
	va_list ap;

	w->v = bk_realloc(w->v, w->n + 1, sizeof(*w->v));
	v = &w->v[w->n++];
	v->path = path ? bk_strdup(path) : NULL;
	v->line = line;
	v->partial = partial;
	v->from = w->from;
	va_start(ap, fmt);
	if (vasprintf(&v->msg, fmt, ap) < 0)
		abort();
	va_end(ap);
}

static void drop(struct warning *v)
{
	free(v->path);
	free(v->msg);
}

void warn_keep(struct warnings *w, const void *arg,
	       bool (*holds)(const void *arg, uint32_t record))
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++) {
		if (w->v[i].from && !holds(arg, w->v[i].from - 1))
			drop(&w->v[i]);
		else
			w->v[n++] = w->v[i];
	}
	w->n = n;
}

static int compare(const void *a, const void *b)
{
	const struct warning *x = a, *y = b;
	int order;

	if (!x->path || !y->path)
		order = !!x->path - !!y->path;
	else
		order = bk_path_compare(x->path, y->path);
	if (!order)
		order = (x->line > y->line) - (x->line < y->line);
	return order ? order : strcmp(x->msg, y->msg);
}

void warn_sort(struct warnings *w)
{
	size_t n = 0;

	if (w->n)
		qsort(w->v, w->n, sizeof(*w->v), compare);
	for (size_t i = 0; i < w->n; i++) {
		if (n && compare(&w->v[n - 1], &w->v[i]) == 0) {
			drop(&w->v[i]);
		} else {
			w->v[n++] = w->v[i];
		}
	}
	w->n = n;
}

void warn_free(struct warnings *w)
{
	for (size_t i = 0; i < w->n; i++)
		drop(&w->v[i]);
	free(w->v);
	*w = (struct warnings){ 0 };
}
