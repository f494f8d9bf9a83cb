/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of the proof: the way from a start down to the record that is
 * looked at. prove.c has the records and the threads.
 */
#ifndef PROVE_H
#define PROVE_H

#include <stdatomic.h>

#include "btrfs.h"
#include "cache.h"

enum { REL_MAX = 3000 }; /* bytes of a path from an open folder */

/* A top of a file system that is the same, and what it is called now. */
struct top {
	uint32_t node;
	uint64_t dev, mnt;
	bool listed; /* what changed is, and need not be looked for */
	struct inodes changed;
};

struct proof {
	struct cache *c;
	const struct mounts *mounts;
	struct top *tops;
	size_t ntops;
	uint32_t step;
	unsigned int slots; /* descriptors of a thread */
	_Atomic uint32_t next;
	_Atomic bool stop;
};

/* A folder on the way to the record that is looked at. */
struct level {
	uint32_t node;
	int fd;	    /* -1: not open */
	size_t len; /* of the path from the start to it */
	uint64_t dev, mnt;
	bool known;	       /* these are */
	const struct top *top; /* of its file system */
};

struct prover {
	struct proof *proof;
	struct level *levels;
	size_t n, cap;
	unsigned int nopen;
	unsigned int run;     /* changed ones in a row */
	unsigned int assumed; /* since one was looked at */
	char *path;	      /* from the start to the deepest level */
	size_t size;
};

/* The top that this record is, of a file system that is the same, or NULL. */
const struct top *level_top(const struct proof *f, uint32_t node);
/* One level deeper, to a child of the deepest; not opened. */
struct level *level_push(struct prover *p, uint32_t node);
void level_pop(struct prover *p);
/* Open level k, step by step from the nearest one above that is. -1: errno. */
int level_open(struct prover *p, size_t k);
/* The path of the deepest level, or of a name in it, seen from this one. */
const char *level_path(const struct prover *p, size_t from);
/* Put name into the path behind its first bytes. */
void level_name(struct prover *p, size_t at, const char *name);

#endif
