/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is known of the tree: the folders of the cache file that still hold,
 * and those that were read by this walk.
 *
 * A walk that records makes a node of each folder that it meets. A re-scan
 * first proves the records of the image (prove.c), reads again those that
 * moved, and leaves the rest where it is: a node then replaces one record,
 * and keeps those of its subfolders that were met again under their names.
 */
#ifndef CACHE_H
#define CACHE_H

#include "fsid.h"
#include "image.h"
#include "walk.h"

/* Of a record of the image, while a re-scan runs. */
enum {
	REC_SAME = 0,  /* proved */
	REC_AGAIN = 1, /* is there, to be read again */
	REC_LOST = 2,  /* not there any more, with all below it */
	REC_STATE = 3,
	REC_KEPT = 4, /* met again when its folder was read again */
	REC_POINT = 8,
};

/* What only few nodes have. */
struct node_more {
	struct zone *zone; /* that it was given, or NULL; till cache_zones() */
	struct marker *markers; /* MARKERS of them, or NULL */
	struct fsid top;	/* NODE_TOP */
	const char *fstype;	/* of a mount point */
	uint64_t bytes;
};

/*
 * There may be millions, so they refer to each other by 32 bits: where it is
 * in the arena, in units of 4 bytes; 0: none.
 */
typedef uint32_t node_ref;

struct node {
	uint64_t ino, ctime;
	_Atomic node_ref child; /* the first, in no order */
	node_ref next;
	node_ref more; /* a struct node_more */
	uint32_t mtime;
	uint32_t files;
	uint16_t flags, marks;
	char name[]; /* in its folder; what is in none has node_old() here */
} __attribute__((packed, aligned(4)));

/* Blocks of memory, which threads take one by one. */
struct arena {
	_Atomic(char **) blocks; /* made with the first of them */
	_Atomic uint32_t nblocks;
};

struct cache_start {
	const char *path;
	struct node *node; /* NULL: record old */
	uint32_t old;
};

struct cache {
	struct image image; /* n is 0 where there is none */
	unsigned char *state;
	uint32_t *again;     /* records to be read again, rising */
	struct node **fresh; /* what each of these became */
	uint32_t nagain;
	struct cache_start *starts;
	size_t nstarts;
	struct arena arena;
	bool only;    /* nothing was walked: it is all there is */
	bool changed; /* the image does not say it any more */
	uint32_t proved;
	uint64_t began;	   /* the walk, as a time stamp */
	struct fsid *tops; /* of each of the image, before it was proved */
	bool listed;	   /* of one of them what changed is, unseen */
	bool renew;	   /* the image is worth being written anew */
};

/* memory of one thread */
struct node_arena {
	node_ref at, end; /* what is left of its block */
};

/* parent and name NULL: in no folder. */
struct node *node_new(struct cache *c, struct node_arena *a,
		      struct node *parent, const char *name);
/* Of one in no folder: the record whose kept subfolders it has, or NO_NODE. */
uint32_t node_old(const struct node *n);
void node_set_old(struct node *n, uint32_t old);
/* A node that is to be a start itself, and is in no folder. */
void cache_add_start(struct cache *c, const char *path, struct node *node,
		     uint32_t old);
/* What record i, which is to be read again, becomes. */
struct node **cache_fresh(const struct cache *c, uint32_t i);
struct node_more *node_more(struct cache *c, struct node_arena *a,
			    struct node *n);
/* What it has of that so far, or NULL. */
struct node_more *node_has(const struct cache *c, const struct node *n);
void cache_free(struct cache *c);

/* One folder after the other, in tree order. */
struct cache_frame {
	uint32_t at, end; /* of records */
	bool all;	  /* else those that were kept */
	node_ref next;
};

struct cache_at {
	uint32_t depth;
	const char *name; /* a start's path */
	struct image_rec rec;
	uint64_t bytes;	   /* NO_SIZE: not known */
	struct node *node; /* NULL: as the image says */
	const struct node_more *more;
	uint32_t old; /* record, or NO_NODE */
};

struct cache_iter {
	const struct cache *cache;
	struct cache_frame *frames;
	size_t n, cap, start;
};

bool cache_next(struct cache_iter *it, struct cache_at *at);
void cache_iter_free(struct cache_iter *it);

/* Has no folder on the way to this record, and itself, changed its place? */
bool cache_alive(const struct cache *c, uint32_t i);

/* prove.c */
struct mounts;
/*
 * Look at each record of the image, with this many threads: state and again.
 * False where a signal is pending.
 */
bool cache_prove(struct cache *c, const struct mounts *m, unsigned int jobs,
		 int max_fds);

/* zones.c: the zones of w, from what is known. */
void cache_zones(struct cache *c, struct walk *w);

/* save.c: the file. 0, or -1; it is whole, or as it was. */
struct cache_key {
	uint64_t conf, host;
};
int cache_save(struct cache *c, const char *path, const struct cache_key *key,
	       const struct walk *w, int64_t verified, struct bk_err *err);

/* Every start of the image is one, and nothing is walked: for cache_zones(). */
void cache_take_all(struct cache *c, const struct walk *w);

#endif
