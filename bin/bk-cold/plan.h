/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The plan of bk-scan, as far as it concerns cold storage: a list of
 * decisions in the order of the tree, of which the nearest at or above a path
 * holds.
 */
#ifndef PLAN_H
#define PLAN_H

#include <sys/types.h>

#include "err.h"
#include "match.h"
#include "str.h"

struct decision {
	char *path;
	bool in; /* cold from here on; else no more */
	char *set;
	bool gone; /* it is missing, or cannot be seen now */
	unsigned int copies;
	bool release;	      /* local files are to go once they are safe */
	uid_t owner;	      /* whose files alone may go; 0: all */
	struct bk_strv boxes; /* named by a marker; else those of [cold] */
	uint64_t min_age;     /* seconds */
	char *marker;	      /* file that decided it, or NULL */
	struct bk_match **patterns; /* of paths below this one, "/a/b" */
	size_t npatterns;
};

struct plan {
	struct decision *v;
	size_t n;
	char *host;
	struct bk_strv mounts; /* other file systems that are entered */
	bool partial;	       /* it may lack something */
};

/* Run bk-scan with this configuration (NULL: the default) and read it. */
int plan_scan(const char *config, bool dry, struct plan *ret,
	      struct bk_err *err);
/* The decision about exactly this path, or NULL. */
const struct decision *plan_at(const struct plan *p, const char *path);
/* The nearest one at or above it, or NULL. */
const struct decision *plan_for(const struct plan *p, const char *path);
/* Does a pattern of d leave path, which lies below d->path, out? */
bool decision_excludes(const struct decision *d, const char *path);
void plan_free(struct plan *p);

#endif
