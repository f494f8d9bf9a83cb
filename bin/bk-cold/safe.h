/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rules for one local file that is to be released: all of them must hold
 * from before its bytes are hashed until it is away. Numbers are those of the
 * rules in safe.c.
 *
 * Errors: 77 a rule forbids it, the message is the reason why it is left; 75
 * somebody writes to it, or changed it meanwhile; 65 its bytes or metadata are
 * not those that were copied; 74 it cannot be read.
 */
#ifndef SAFE_H
#define SAFE_H

#include <sys/stat.h>

#include "entry.h"
#include "plan.h"

/* The folder that a decision is about: everything is opened below it. */
struct safe_top {
	const struct decision *d; /* NULL: only looking */
	char *path;
	int fd;
	struct statx st;
	bool marked;	     /* a marker decided it, */
	struct statx marker; /* which was like this */
};
#define SAFE_TOP_INIT ((struct safe_top){ .fd = -1 })

/* Open a folder without any rule; 66 where it is not there. */
int safe_top_look(struct safe_top *t, const char *path, struct bk_err *err);
/* With the rules about the folder: its file system, its marker. */
int safe_top_open(struct safe_top *t, const struct decision *d,
		  struct bk_err *err);
/* Is the marker still the same, and the folder in its place? 77 */
int safe_top_holds(const struct safe_top *t, struct bk_err *err);
void safe_top_close(struct safe_top *t);

struct safe {
	const struct safe_top *top;
	int dir;    /* the folder it is in */
	char *name; /* in it */
	int fd;
	struct statx st; /* once its bytes were flushed, before hashing */
	struct meta meta;
};
#define SAFE_INIT ((struct safe){ .dir = -1, .fd = -1 })

/* The folder of path, which lies below the top, and its name there. */
int safe_folder(const struct safe_top *t, const char *path, int *ret_dir,
		const char **ret_name, struct bk_err *err);
/*
 * Open path, and take a lease on it. older: it must not have been changed
 * since then (seconds).
 */
int safe_open(struct safe *f, const struct safe_top *t, const char *path,
	      int64_t older, struct bk_err *err);
/* The same for one that lies in dir (which f takes over) as name. */
int safe_open_moved(struct safe *f, const struct safe_top *t, int dir,
		    const char *name, struct bk_err *err);
/*
 * Hash it, and compare all with what was copied. moved: it was renamed since,
 * so its ctime is another.
 */
int safe_compare(struct safe *f, const struct entry *e, bool moved,
		 struct bk_err *err);
/*
 * Is it, here and under this name, what was compared, with the lease held and
 * no other name? moved: it was renamed since.
 */
int safe_holds(const struct safe *f, int dir, const char *name, bool moved,
	       struct bk_err *err);
/* It was renamed by us: what it is like now is what it must stay. */
int safe_again(struct safe *f, struct bk_err *err);
void safe_close(struct safe *f);

#define SAFE_AUTO BK_AUTO(safe_close)
#define SAFE_TOP_AUTO BK_AUTO(safe_top_close)

#endif
