/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a check has found: problems with their remedies, the worst first.
 */
#ifndef REPORT_H
#define REPORT_H

#include "rec.h"

enum level {
	LEVEL_ERROR,   /* a run would fail, or be partial */
	LEVEL_WARNING, /* it works, and is not as it should be */
	LEVEL_NOTE,    /* good to know */
};

struct finding {
	enum level level;
	char *about, *problem, *remedy;
};

struct report {
	struct finding *v;
	size_t n;
};

/*
 * remedy: a command, or what to do, in a few words; NULL where the problem
 * says it. The same problem of the same thing is added once.
 */
void report_add(struct report *r, enum level level, const char *about,
		const char *remedy, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Write them; returns how bad the worst is, or LEVEL_NOTE + 1. */
int report_print(struct report *r, struct bk_rec *out);
void report_free(struct report *r);

#endif
