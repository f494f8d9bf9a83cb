/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The journal of releases, in the catalog: each file that was taken away, or
 * was about to be. A step is committed, and by that durable, before and after
 * anything is done to a file; what a crash left is settled by hold_replay().
 *
 * moving -> held -> deleting -> gone; held -> returning -> back; moving ->
 * back where nothing came of it; lost: somebody else took it away.
 */
#ifndef HOLD_H
#define HOLD_H

#include "catalog.h"

enum hold_state {
	HOLD_MOVING,	/* into the quarantine, perhaps */
	HOLD_HELD,	/* in the quarantine */
	HOLD_DELETING,	/* from there, perhaps */
	HOLD_GONE,	/* only on the boxes */
	HOLD_RETURNING, /* to where it was, perhaps */
	HOLD_BACK,	/* where it was */
	HOLD_LOST,	/* neither here nor there, and not by us */
};
#define HOLD_BIT(state) (1U << (state))

struct hold {
	int64_t id;
	char *path;   /* where it was */
	char *top;    /* the folder with the quarantine */
	char *place;  /* its name in there */
	int64_t file; /* the version in the catalog that it is */
	enum hold_state state;
	uint64_t ino, size;
	int64_t began, moved, ended; /* seconds; 0: not yet */
};
#define HOLD_AUTO BK_AUTO(hold_free)
void hold_free(struct hold *h);

/* New, as HOLD_MOVING; sets id and began. Not committed. */
int hold_add(struct catalog *c, struct hold *h, struct bk_err *err);
/* Another state, now; committed. */
int hold_set(struct catalog *c, struct hold *h, enum hold_state state,
	     struct bk_err *err);
/*
 * Those in these states (HOLD_BIT()s), at or below a path (NULL: all), in the
 * order of their paths; the catalog may be changed by each(), which returns 0,
 * or -1 with err.
 */
int hold_each(struct catalog *c, unsigned int states, const char *below,
	      int (*each)(void *arg, struct hold *h, struct bk_err *err),
	      void *arg, struct bk_err *err);

/* The version with this id: 1, 0, -1. */
int hold_entry(struct catalog *c, int64_t file, struct entry *ret,
	       struct bk_err *err);
/* The manifest of the box that lists it; 0: none, -1. */
int64_t hold_listed(struct catalog *c, int64_t file, int box,
		    struct bk_err *err);
/* The hash of a part of a manifest: 1, 0, -1. */
int hold_manifest(struct catalog *c, int box, unsigned int gen, int kind,
		  char ret[static 65], struct bk_err *err);
/* How many files the catalog has in a set. */
int64_t hold_count(struct catalog *c, const char *set, struct bk_err *err);

#endif
