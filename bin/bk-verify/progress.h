/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How far the proof of a subject is, kept from run to run: which of its parts
 * were proved when, and what failed and was not proved since.
 *
 * A subject is proved in parts, the oldest proof first, so that each is proved
 * anew within the cycle, and the work is spread over it: a part is due when
 * its proof is older than three quarters of the cycle, or while all of them
 * together are older than they would be in an even rotation. One that failed
 * is due in every run. Nothing is tried twice in a run.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct progress_part {
	char *name;
	int64_t proved; /* 0: never */
	bool tried;	/* in this run, well or not; not kept */
};

struct progress_failure {
	char *what; /* a file, a part; names the failure */
	char *part; /* in which it is */
	char *message;
	int64_t first, last;
};

struct progress {
	char *file;    /* path; NULL: it is kept nowhere */
	char *subject; /* "packs:main" */
	char *place;   /* what it is about: another place was never proved */
	int64_t since; /* first run; 0: none yet */
	int64_t last;  /* last step */
	struct progress_part *parts;
	size_t n;
	struct progress_failure *failures;
	size_t nfailures;
	json_t *own; /* the subject's own */
};
#define PROGRESS_INIT ((struct progress){ 0 })

struct progress_clock {
	int64_t now;
	uint64_t cycle;
	bool all; /* everything is due, once */
};

/*
 * Read that of a subject; empty where there is none, and, with a warning,
 * where it is damaged or about another place.
 */
int progress_read(struct progress *p, const char *subject, const char *place,
		  int64_t now, struct bk_err *err);
/* Keep it, durably. */
int progress_write(struct progress *p, struct bk_err *err);
void progress_free(struct progress *p);

/* Its parts are these: new ones were never proved, others go. */
void progress_expect(struct progress *p, char *const *names, size_t n);
struct progress_part *progress_part(struct progress *p, const char *name);
/* "00" to "ff": names that begin with this byte. */
void progress_expect_bytes(struct progress *p, const char *const *more,
			   size_t n);

/* This was proved now; failures are not touched. */
void progress_prove(struct progress *p, const char *part, int64_t now);
/* This failed. The first message of a failure stays with its time. */
void progress_fail(struct progress *p, const char *part, const char *what,
		   const char *message, int64_t now);
/* It was proved since, or is no more. */
void progress_clear(struct progress *p, const char *what);
const struct progress_failure *progress_failure(const struct progress *p,
						const char *what);
bool progress_failed(const struct progress *p, const char *part);

/*
 * The parts that are due, among those from first on: *ret are n indices, the
 * most overdue first. The caller frees them.
 */
size_t progress_due(const struct progress *p, size_t first,
		    const struct progress_clock *c, size_t **ret);
/* The one that is proved next, though nothing be due; -1: all were tried. */
int64_t progress_oldest(const struct progress *p, size_t first);
/* How overdue: 1 and more is due. */
double progress_score(const struct progress *p, size_t first,
		      const struct progress_clock *c);
/* When that will be 1. */
int64_t progress_next(const struct progress *p, size_t first,
		      const struct progress_clock *c);
/* The share that was proved within the cycle, and the oldest proof. */
double progress_share(const struct progress *p, size_t first,
		      const struct progress_clock *c, int64_t *ret_oldest);

#endif
