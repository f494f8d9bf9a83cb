/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A second walk, with the plan at hand: in tree order, file by file, patterns
 * included. It is what files and uncovered are made of.
 */
#ifndef TREE_H
#define TREE_H

#include <sys/stat.h>

#include "buf.h"
#include "scan.h"

struct owned;

struct tree {
	struct scan *scan;
	bool sizes; /* stat each file */
	bool all;   /* go where nothing is covered, too */
	void *arg;
	/* path of a folder; covered by a class of scan->filter? */
	void (*enter)(void *arg, const char *path, bool covered);
	void (*leave)(void *arg, const char *path);
	void (*file)(void *arg, const char *path, bool covered, uint64_t size);

	/* tree_cached(): that many files are directly in the folder entered */
	void (*files)(void *arg, bool covered, uint64_t n, uint64_t bytes);

	/* its own */
	const struct rec **recs; /* of the filter, by path alone */
	size_t nrecs;
	struct owned *patterns; /* of recs and of sets */
	size_t npatterns;
	const struct zone **borders; /* no walk from above gets below them */
	size_t nborders;
	struct bk_buf path;
	bool failed; /* something could not be read */
};

/*
 * Walk from each of these, folders or files in tree order, that the walk from
 * another does not come to.
 */
void tree_walk(struct tree *t, const char *const *paths, size_t n);
/*
 * The same from the cache alone: folders only, of those below a [scan] root;
 * what lies in one is as covered as it is itself.
 */
void tree_cached(struct tree *t);
/* Compile what tree_walk() needs; after scan_run(). */
void tree_open(struct tree *t);
void tree_close(struct tree *t);

#endif
