/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the commands share: options, configuration, walk and plan. Each
 * command is a function of (scan, arguments) that returns the exit status.
 */
#ifndef SCAN_H
#define SCAN_H

#include "cache.h"
#include "cli.h"
#include "plan.h"

enum color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct scan {
	struct bk_cli cli;
	bool accept; /* keep nothing of what cannot be seen */
	bool no_size;
	bool full;   /* what is known is read all the same */
	bool cached; /* nothing is read but what is known */
	enum color color;
	size_t count; /* -N */
	struct bk_conf *conf;
	struct mounts mounts;
	struct walk walk;
	struct cache cache;
	struct plan plan;
	struct filter filter;
};

/* What to look at; all zero: everything, without sizes. */
struct scan_how {
	const char *only; /* just this path and what is above it */
	bool only_way;	  /* nothing below it */
	bool sizes;
	bool no_last; /* leave the last plan out */
};

/* Read the configuration, walk, decide. 0, or an exit status, reported. */
int scan_run(struct scan *s, const struct scan_how *how);
void scan_free(struct scan *s);
/* The last plan that was kept; 66 where there is none. Not reported. */
int scan_load_last(const struct scan *s, struct plan *p, struct bk_err *err);
int scan_save(const struct scan *s, struct bk_err *err);
/* Where this is kept, for bk_dirs_path(): with -c FILE apart from others. */
char *scan_file(const struct scan *s, const char *name);
/* fresh.c: walk, with the help of the cache file, and keep that. */
int scan_walk(struct scan *s, const struct scan_how *how);
/* The warnings as messages on stderr: all, or those on the way to path. */
void scan_warn(const struct scan *s, const char *path);
/* CLASS arguments; none: all. 0, or 64 after a message. */
int scan_filter(struct scan *s, int argc, char **argv);
/* Is the set named by the filter there? Once the plan is. 0 or 64. */
int scan_check_set(const struct scan *s);
/*
 * An existing path without symbolic links above its last component, or NULL
 * after a message. The caller frees it.
 */
char *scan_path(const char *arg, int *ret_exit);
bool scan_is_below_root(const struct scan *s, const char *path);
/* "restic:home", "cold", "cold:photos x2 delete" */
void scan_add_class(struct bk_buf *b, const struct plan *p,
		    const struct rec *r);

int cmd_list(struct scan *s, int argc, char **argv);
int cmd_show(struct scan *s, int argc, char **argv);
int cmd_why(struct scan *s, int argc, char **argv);
int cmd_files(struct scan *s, int argc, char **argv);
int cmd_uncovered(struct scan *s, int argc, char **argv);
int cmd_diff(struct scan *s, int argc, char **argv);
int cmd_mark(struct scan *s, int argc, char **argv);
int cmd_unmark(struct scan *s, int argc, char **argv);

/* why.c: decisions and verdict on path. 0 covered, 1 not. */
int why_print(struct scan *s, const char *path, struct bk_rec *out);

#endif
