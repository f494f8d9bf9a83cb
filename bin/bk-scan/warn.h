/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a scan has to complain about. Warnings are collected, so that the plan
 * stream, the tree and the messages on stderr say the same.
 */
#ifndef WARN_H
#define WARN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct warning {
	char *path;  /* what it is about, or NULL; not in msg */
	size_t line; /* in that file, or 0 */
	char *msg;
	bool partial; /* something may be missing from the plan: status 3 */
	/*
	 * 0, or 1 + the record that was read again when this was noticed: it
	 * counts if the way to that is still there when all is read.
	 */
	uint32_t from;
};

struct warnings {
	struct warning *v;
	size_t n;
	uint32_t from; /* of what is added now */
};

void warn_add(struct warnings *w, bool partial, const char *path, size_t line,
	      const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Leave those out whose record, if they are from one, does not hold. */
void warn_keep(struct warnings *w, const void *arg,
	       bool (*holds)(const void *arg, uint32_t record));
/* In tree order, those without a path first, and each once. */
void warn_sort(struct warnings *w);
void warn_free(struct warnings *w);

#endif
