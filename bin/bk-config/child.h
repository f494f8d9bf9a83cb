/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Other programs, run to their end, and what they say.
 */
#ifndef CHILD_H
#define CHILD_H

#include <jansson.h>

#include "exec.h"
#include "tool.h"

struct said {
	struct bk_buf out, err;
	int status; /* 128 + n: killed by signal n */
};
#define SAID_INIT ((struct said){ BK_BUF_INIT, BK_BUF_INIT, 0 })
#define AUTO_SAID BK_AUTO(said_free)
void said_free(struct said *s);

/* Begin an argument vector: another tool of bk, with -c as we were given. */
void child_tool(const struct tool *t, const char *name, struct bk_strv *argv);
/* Append these words. */
#define child_add(argv, ...) \
	child_add_all(argv, (const char *const[]){ __VA_ARGS__, NULL })
void child_add_all(struct bk_strv *argv, const char *const *words);

/* Run it with /dev/null as stdin; -1 where it cannot start, or hangs. */
int child_run(const struct bk_strv *argv, int timeout_ms, struct said *ret,
	      struct bk_err *err);
/* The same with this text as stdin. */
int child_feed(const struct bk_strv *argv, const char *text, int timeout_ms,
	       struct said *ret, struct bk_err *err);

/*
 * Run it with our own stdin, stdout and stderr, and wait for as long as it
 * takes. in and out: descriptors instead of these, or BK_EXEC_INHERIT.
 * Returns its status.
 */
int child_pass(const struct bk_strv *argv, int in, int out, struct bk_err *err);

/*
 * The last line of what it said that is no blank, without "NAME: error: " in
 * front; "it gave no reason" where there is none. The caller frees it.
 */
char *said_why(const struct said *s);

/* Each line, without its newline and "NAME: warning: ". */
void said_lines(const struct bk_buf *b, struct bk_strv *ret);

/*
 * The records that it wrote to stdout, the end record not among them; NULL
 * where that one is missing.
 */
json_t *said_records(const struct said *s);

/* The command line as a person would type it; the caller frees it. */
char *child_line(const struct bk_strv *argv);

#endif
