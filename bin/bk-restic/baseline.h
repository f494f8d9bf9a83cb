/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the last good backup of a set held: the measure for the next one.
 *
 * A disk that is not mounted, a folder that is gone, a plan that became empty
 * all look like a successful backup of less. Compared with the baseline they
 * are seen, and the old snapshots are held: "forget" leaves the set alone
 * until a run is good again, or was accepted by --accept.
 */
#ifndef BASELINE_H
#define BASELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "plan.h"
#include "str.h"

struct baseline {
	bool known;	       /* there was a good run */
	bool damaged;	       /* what was recorded cannot be read */
	bool held;	       /* a later run was suspicious */
	char *why;	       /* of held */
	char *snapshot;	       /* the newest snapshot, good or not */
	int64_t time;	       /* of the last good run */
	int64_t files, bytes;  /* it held */
	struct bk_strv roots;  /* its roots ... */
	struct bk_strv on;     /* ... and the mount point of each */
	struct bk_strv mounts; /* mount points below the roots */
};

/*
 * Never fails: a file that is missing is an unknown baseline; one that cannot
 * be read is held, and compares badly.
 */
void baseline_read(const char *set, struct baseline *ret);
int baseline_write(const char *set, const struct baseline *b,
		   struct bk_err *err);
void baseline_free(struct baseline *b);

/* Make what the plan says the measure for the next run. */
void baseline_take(struct baseline *b, const struct plan_set *set);

/*
 * Everything in the plan, or absent from it, that must not pass for a good
 * backup, one text each. Roots that are merely no longer chosen, though
 * their folder is there, are reported as a notice.
 */
void baseline_compare(const struct baseline *b, const struct plan_set *set,
		      struct bk_strv *problems);

/* The set shrank by more than percent: a text for people, else NULL. */
char *baseline_shrunk(const struct baseline *b, int64_t files, int64_t bytes,
		      unsigned int percent);

#endif
