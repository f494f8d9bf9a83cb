/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Child processes. No shell is ever involved; arguments are vectors.
 *
 * A child starts with default signal actions, in the caller's process group,
 * with descriptors 0 to 2 as told and no others but those in keep, and gets
 * SIGTERM if its parent dies. A program that cannot be executed is an error
 * of bk_exec_start(), not a status of the child.
 */
#ifndef BK_EXEC_H
#define BK_EXEC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"
#include "str.h"

enum {
	BK_EXEC_NULL = -1, /* /dev/null */
	BK_EXEC_INHERIT = -2,
	BK_EXEC_PIPE = -3, /* make a pipe; our end is in struct bk_child */
};

struct bk_exec {
	char *const *argv; /* argv[0] is looked up in $PATH */
	char *const *env;  /* "K=V" sets, "K" removes; NULL: as it is */
	int in, out, err;  /* a descriptor, or one of the above */
	const int *keep;   /* further descriptors to inherit */
	size_t nkeep;
	uid_t uid; /* as whom, with gid and no other group; 0: as we are */
	gid_t gid;
};

struct bk_child {
	pid_t pid;	  /* 0: none */
	int in, out, err; /* our ends of the pipes, or -1 */
};
#define BK_CHILD_INIT ((struct bk_child){ 0, -1, -1, -1 })

/* The caller keeps the descriptors that it passed. 69: not found. */
int bk_exec_start(const struct bk_exec *x, struct bk_child *ret,
		  struct bk_err *err);
/*
 * Wait for the end of the child and close our ends. Returns its exit status,
 * or 128 + n where signal n ended it. -1 only where there is no child.
 */
int bk_exec_wait(struct bk_child *c);
/* The same; a signal that asks us to stop goes on to the child meanwhile. */
int bk_exec_wait_forward(struct bk_child *c);
/* Send a signal to a child that was not waited for yet. */
void bk_exec_kill(struct bk_child *c, int sig);
/* SIGTERM, SIGKILL after grace milliseconds, and wait. */
int bk_exec_stop(struct bk_child *c, int grace_ms);

/*
 * Run to the end and collect stdout and stderr, each at most limit bytes.
 * out or err_out may be NULL: that one goes where x says. Returns the status
 * as bk_exec_wait() does; -1 with err where it could not start, produced
 * more than limit (65), ran longer than timeout_ms (75; 0: no limit), or
 * was stopped because a signal is pending; it is dead then.
 */
int bk_exec_run(const struct bk_exec *x, size_t limit, int timeout_ms,
		struct bk_buf *out, struct bk_buf *err_out, struct bk_err *err);

/*
 * The path of a program as execvp(3) finds it, or NULL (69). The caller
 * frees it.
 */
char *bk_exec_find(const char *name, struct bk_err *err);

/*
 * The path of another tool of the suite: beside this program, else its name
 * alone, to be found in $PATH. The caller frees it.
 */
char *bk_exec_sibling(const char *name);

/* A shell-quoted command line, for people and dry runs. */
void bk_exec_add_line(struct bk_buf *b, char *const *argv);

#endif
