/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One job of restic, run until it is done: its output is read as it comes,
 * its end is understood, what passes is tried again.
 *
 * A lost connection is tried again after growing pauses; a repository that
 * is locked is waited for, and a lock whose owner is provably dead (a process
 * of this host that is gone, or no sign of life for half an hour) is removed
 * by "restic unlock", which removes no other.
 */
#ifndef RUN_H
#define RUN_H

#include <jansson.h>
#include <stdint.h>

#include "exec.h"
#include "outcome.h"
#include "repo.h"

struct run {
	struct repo *repo;
	struct bk_strv args; /* the command and its arguments */
	int keep[3];	     /* descriptors for the child, -1 if unused */
	int in;		     /* its stdin; BK_EXEC_NULL as a rule */
	bool quiet;	     /* do not show what it says on stderr */
	bool show;	     /* pass on lines of stdout that are not JSON */
	/* Each line of stdout that is JSON, and each that is not. */
	void (*json)(void *arg, const json_t *o);
	void (*text)(void *arg, const char *line);
	/* Every half second, while it runs. */
	void (*tick)(void *arg, pid_t pid);
	void *arg;
	/* What it came to. */
	enum outcome outcome;
	int status;	    /* restic's exit status, or 128 + n */
	int exit;	    /* ours */
	char *message;	    /* the line that tells why, or NULL */
	struct bk_buf said; /* stderr of the last try, its end */
};

#define RUN_INIT(r)    \
	((struct run){ \
		.repo = (r), .keep = { -1, -1, -1 }, .in = BK_EXEC_NULL })

/*
 * Run it. 0 where restic ran and ended, well or not; -1 where it could not
 * be started or read.
 */
int run_restic(struct run *run, struct bk_err *err);
void run_free(struct run *run);

/*
 * The two halves of a single try, for a caller that feeds restic's stdin
 * (run->in = BK_EXEC_PIPE) meanwhile. run_finish() waits for the end; it does
 * not close c->in.
 */
int run_start(struct run *run, struct bk_child *c, struct bk_err *err);
int run_finish(struct run *run, struct bk_child *c, struct bk_err *err);

/* Why a run did not end well, as an error; returns -1. */
int run_err(const struct run *run, struct bk_err *err);

/* The command line as a person would type it. */
char *run_line(const struct run *run);

/*
 * Run a command whose stdout is one JSON text. NULL where it did not end
 * well: err says why and with which exit status.
 */
json_t *run_for_json(struct run *run, struct bk_err *err);

#endif
