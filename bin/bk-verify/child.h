/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Other programs, mostly tools of bk, run until a deadline at most.
 */
#ifndef CHILD_H
#define CHILD_H

#include <jansson.h>

#include "exec.h"
#include "tool.h"

struct child {
	struct bk_strv argv;
	char *const *env;
	uid_t uid; /* 0: as we are */
	gid_t gid;
	int in;		  /* its stdin, or BK_EXEC_NULL */
	int64_t deadline; /* monotonic ms; 0: none */
	/* What it prints: records, or lines or bytes as they are, or none. */
	void (*record)(void *arg, const json_t *o);
	void (*line)(void *arg, char *text);
	void (*data)(void *arg, const char *p, size_t n);
	/* What it says on stderr, line by line; NULL: nobody minds. */
	void (*message)(void *arg, const char *line);
	void *arg;
	/* How it ended. */
	int status;	/* its exit status, or 128 + n */
	bool late;	/* it was stopped at the deadline */
	char *why;	/* the last error that it told, or the last line */
	uint64_t bytes; /* of its output */
};
#define CHILD_INIT ((struct child){ .in = BK_EXEC_NULL })
#define AUTO_CHILD BK_AUTO(child_free)
void child_free(struct child *c);

/* Begin with another tool of bk, and with -c as we were given. */
void child_tool(struct child *c, const struct verify *v, const char *name);
/* Append these words. */
#define child_add(c, ...) \
	child_add_all(c, (const char *const[]){ __VA_ARGS__, NULL })
void child_add_all(struct child *c, const char *const *words);

/*
 * Run it to its end. -1 with err where it could not start, a signal asks us to
 * stop (75), it was late (75), or (76) it ended well without the end record of
 * the records that were wanted. How it ended is for the caller to judge.
 */
int child_run(struct child *c, struct bk_err *err);
/* The reason that it gave, as an error with this exit status; -1. */
int child_err(const struct child *c, int exit, struct bk_err *err);

#endif
