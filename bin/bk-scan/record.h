/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between the walk and the cache: what the walk meets becomes a node, and
 * what is known already is not walked. Without a cache all this does nothing.
 */
#ifndef RECORD_H
#define RECORD_H

#include <sys/stat.h>

#include "cache.h"
#include "visit.h"

/*
 * d is open and was looked at, as st says, at this time; crossed: it is what
 * fstype is mounted at. False where what is known of it holds: it need not
 * be read.
 */
bool record_dir(struct worker *w, struct dir *d, const struct statx *st,
		const char *fstype);
/* What is below d is about to be listed. */
void record_listing(struct worker *w, struct dir *d);
/*
 * Is the subfolder known, so that nobody has to go there? Where it is, but is
 * to be read again itself, ret_known is its record.
 */
bool record_keeps(struct worker *w, const struct dir *d, const char *name,
		  uint64_t ino, uint32_t *ret_known);
/* d was read, and has its zone. */
void record_read(struct worker *w, struct dir *d, bool whole);
/* name in p is not entered: flags of NODE_CLOSED. */
void record_closed(struct worker *w, struct dir *p, const char *name,
		   unsigned int flags, const char *fstype, int num);
/* Read the next of the records that are to be read again; false: none left. */
bool record_again(struct worker *w);
/*
 * What record i, which is to be read again, becomes: d was looked at, or it
 * was there when it was proved, and cannot be opened now.
 */
struct node *record_again_node(struct worker *w, struct dir *d, uint32_t i,
			       const struct statx *st);
struct node *record_again_failed(struct worker *w, uint32_t i, const char *path,
				 int num);
/* A time stamp that another change may not move. Both in nanoseconds. */
bool is_racy(uint64_t ctime, uint64_t now);
/* Is d below itself, by the way that the cache knows above this folder? */
bool record_is_loop(const struct worker *w, const struct dir *top,
		    const struct dir *d);
/* A start that is missing, denied, or a file of this size. */
void record_point(struct worker *w, const struct point *pt, unsigned int flags,
		  int num, uint64_t bytes);
/* A start that is known and holds. */
bool record_start(struct worker *w, const struct point *pt, bool scan);
/* Points that lie in what is known have been seen. */
void record_points(struct worker *w);

#endif
