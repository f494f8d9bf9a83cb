/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a scan has to complain about. Warnings are collected, so that the plan
 * stream, the tree and the messages on stderr say the same.
 */
#ifndef WARN_H
#define WARN_H

#include <stdbool.h>
#include <stddef.h>

struct warning {
	char *path;  /* what it is about, or NULL; not in msg */
	size_t line; /* in that file, or 0 */
	char *msg;
	bool partial; /* something may be missing from the plan: status 3 */
};

struct warnings {
	struct warning *v;
	size_t n;
};

void warn_add(struct warnings *w, bool partial, const char *path, size_t line,
	      const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* In tree order, those without a path first, and each once. */
void warn_sort(struct warnings *w);
void warn_free(struct warnings *w);

#endif
