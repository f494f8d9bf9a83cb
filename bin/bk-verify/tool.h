/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the parts of bk-verify share: a run, its budget, its subjects.
 */
#ifndef TOOL_H
#define TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "cli.h"
#include "conf.h"
#include "progress.h"
#include "rec.h"
#include "verify.h"

struct subject;

struct verify {
	struct bk_cli cli;
	struct bk_conf *conf;
	struct bk_rec out;
	bool all;   /* --all: everything, once */
	bool named; /* subjects were named: also what is not due */

	struct subject *subjects;
	size_t n;
	/* Of this run. */
	int64_t start;	    /* wall clock */
	int64_t deadline;   /* monotonic ms; 0: none */
	uint64_t bytes;	    /* that may still be read */
	bool limited;	    /* bytes counts */
	unsigned int steps; /* that were taken */
};

/* How a step, and with it all that a subject did in this run, came out. */
enum outcome {
	OUTCOME_IDLE,	 /* nothing was tried */
	OUTCOME_PROVED,	 /* all that was tried is as it should be */
	OUTCOME_FAILED,	 /* something is not */
	OUTCOME_UNKNOWN, /* it could not be told; try later */
	OUTCOME_ERROR,	 /* it could not be told; a person is needed */
};

struct subject {
	enum bk_verify_kind kind;
	const struct bk_conf_section *section;
	const struct bk_conf_section *repo; /* NULL: of a box */
	char *name;			    /* "packs:main" */
	char *job;			    /* "verify packs:main" */
	struct progress progress;
	struct progress_clock clock;

	enum outcome outcome;
	int exit;      /* of an unknown one or an error */
	char *why;     /* the same in words, or NULL */
	bool finished; /* no more of it in this run */
	uint64_t bytes;
	size_t proved; /* parts, in this run */
	void *data;    /* the kind's own, for this run */
};

/* One kind of subject. */
struct kind {
	/* What it does, for people: "read by restic". */
	const char *how;
	/* Parts in front of this one have a cycle of their own. */
	size_t first;
	/* Bring the parts of the progress up to date, without any network. */
	void (*prepare)(struct verify *v, struct subject *s);
	/* How overdue is it? 1 and more: due. NULL: as its parts are. */
	double (*score)(struct verify *v, struct subject *s);
	/*
	 * Prove what is most overdue, for some minutes at most. What is wrong
	 * goes into the progress. -1 with err where it could not be told: 75,
	 * try later; else a person is needed.
	 */
	int (*step)(struct verify *v, struct subject *s, struct bk_err *err);
	/* Free data; NULL: there is none. */
	void (*close)(struct subject *s);
	/* What was gone, or is new, shall be so; NULL: it makes no difference. */
	void (*accept)(struct verify *v, struct subject *s);
};
extern const struct kind kind_repo, kind_packs, kind_drill, kind_cold,
	kind_dump, kind_age;
const struct kind *subject_kind(const struct subject *s);

/* All subjects of the configuration, with their progress. */
int subjects_open(struct verify *v, struct bk_err *err);
void subjects_free(struct verify *v);
/* The other subject of the same repository, or NULL. */
struct subject *subject_beside(struct verify *v, const struct subject *s,
			       enum bk_verify_kind kind);
/* Is it meant by "packs", or "packs:main"? */
bool subject_is(const struct subject *s, const char *name);

/* Milliseconds left of the budget; INT64_MAX where there is no end. */
int64_t time_left(const struct verify *v);
/* Is there time, and are there bytes, for a step? */
bool budget_left(const struct verify *v);
/*
 * When a step must have ended (monotonic ms; 0: never): all the time that is
 * left, and never hardly any.
 */
int64_t step_deadline(const struct verify *v);
/* Count what a step has read. */
void budget_spend(struct verify *v, struct subject *s, uint64_t bytes);

/* The judgement on a subject: exit status and a text that the caller frees. */
struct verdict {
	int exit;
	char *message;
	double share;	/* proved within the cycle, 0 to 1 */
	int64_t oldest; /* proof among the parts; 0: one was never proved */
	int64_t next;	/* when it is due */
};
void verdict_of(struct verify *v, struct subject *s, struct verdict *ret);
void verdict_free(struct verdict *d);

/* The state file of its job. */
void state_write(struct verify *v, struct subject *s);

int cmd_accept(struct verify *v, char **args);
int cmd_run(struct verify *v, char **args);
int cmd_status(struct verify *v, char **args);

#endif
