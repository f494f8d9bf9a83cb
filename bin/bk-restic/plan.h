/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The plan of bk-scan, as far as it concerns restic.
 */
#ifndef PLAN_H
#define PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "plan_in.h"
#include "str.h"

enum plan_state { PLAN_OK, PLAN_MISSING, PLAN_UNREADABLE, PLAN_KNOWN };

/* One decision: from path downwards the set begins, or ends. */
struct plan_entry {
	char *path;
	bool in;
	bool nested; /* in, below another root of its set */
	enum plan_state state;
	char *mount;		/* mount point that holds it; in only */
	struct bk_strv exclude; /* patterns relative to path */
};

struct plan_set {
	char *name;
	struct bk_strv exclude;	    /* patterns for the whole set */
	struct plan_entry *entries; /* outer before inner */
	size_t nentries;
	struct bk_strv mounts; /* mount points crossed below its roots */
};

struct plan {
	struct plan_set *sets;
	size_t nsets;
	bool narrow; /* it has one set only */
	struct bk_plan in;
};

/* Read the stream from fd to its end (76 where it is cut off or no plan). */
int plan_read(int fd, struct plan *ret, struct bk_err *err);
/*
 * Run bk-scan with this configuration (NULL: the default) and read it. accept:
 * NULL, or the one set to read, whose roots that can no longer be seen are to
 * be dropped. dry: the plan is not to be recorded.
 */
int plan_scan(const char *config, const char *accept, bool dry,
	      struct plan *ret, struct bk_err *err);
/* How many warnings of a partial plan may concern this set. */
size_t plan_warnings(const struct plan *plan, const struct plan_set *set);
const struct plan_set *plan_find(const struct plan *plan, const char *name);
void plan_free(struct plan *plan);

#endif
