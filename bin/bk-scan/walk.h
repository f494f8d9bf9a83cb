/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The walk over the file system, by many threads at once.
 *
 * What it yields is not a list of files but a few zones: folders that a
 * decision may hang on, each with the number of files and folders counted
 * from it down to the next zones. plan.c works on these alone.
 */
#ifndef WALK_H
#define WALK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"
#include "marker.h"
#include "mount.h"
#include "str.h"
#include "warn.h"

enum {
	ZONE_ROOT = 1,	      /* a [scan] root */
	ZONE_CONFIG = 2,      /* a path of the configuration */
	ZONE_MARKED = 4,      /* holds markers, be they trusted or not */
	ZONE_MOUNT = 8,	      /* a mount point that is not crossed */
	ZONE_CROSSED = 16,    /* one that is */
	ZONE_UNREADABLE = 32, /* could not be read, or not to its end */
	ZONE_GONE = 64,	      /* was listed, but is no folder any more */
	ZONE_MISSING = 128,   /* a root or configured path that is not there */
	ZONE_FILE = 256,      /* a configured path that is no folder */
};

struct zone {
	char *path;
	unsigned int flags;
	struct marker *markers; /* MARKERS of them, or NULL */
	char *fstype;		/* of a mount point */
	bool point; /* not met on the way, but looked for: missing, say */
	_Atomic uint64_t files;
	_Atomic uint64_t dirs; /* itself among them */
	_Atomic uint64_t bytes;
};

/* A place to start at or to tell apart: a [scan] root, a configured path. */
struct point {
	char *path;	    /* without symbolic links */
	unsigned int flags; /* ZONE_ROOT, ZONE_CONFIG */
	bool seen;
	uint64_t dev, ino;
	uint32_t *from; /* it was met below these, see struct dir */
	size_t nfrom;
};

struct cache;

struct walk {
	/* what to do */
	const struct mounts *mounts;
	struct point *points; /* in tree order, each path once */
	size_t npoints;
	unsigned int jobs;
	bool cross;		/* enter mounts of local disks */
	struct bk_strv fstypes; /* other types to enter then */
	bool sizes;		/* stat each file for its size */
	bool no_openat2;	/* as if the kernel had none (tests) */
	const char *only;	/* just the way to this path, and below it */
	bool only_way;		/* not below it */
	struct cache *cache;	/* what is known, and to be kept; or NULL */

	/* what came out */
	struct zone **zones; /* in tree order, each path once */
	size_t nzones;
	struct warnings warnings;
	uint64_t dirs, files;
};

struct zone *zone_add(struct walk *w, const char *path, unsigned int flags);
void zone_free(struct zone *z);
/* Into tree order, each path and each file once; when all is counted. */
void sort_zones(struct walk *w);
/* -1 with err where it cannot be done at all, or a signal is pending. */
int walk_run(struct walk *w, struct bk_err *err);
/* Frees what came out, the points, and fstypes. */
void walk_free(struct walk *w);

/*
 * Open a folder by its clean absolute path of any length, following no
 * symbolic link. -1 with errno.
 */
int walk_open(const char *path, int flags);

#endif
