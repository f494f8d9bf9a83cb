/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The catalog: which file lies on which box, under which name, and when that
 * was proved. SQLite, /var/lib/bk/cold/catalog.db, write-ahead log, synced at
 * each commit. All of it but the dates of proofs can be made anew from what
 * lies on the boxes (bk-cold rebuild).
 *
 * A path has versions, one after the other: a new one where its content or its
 * metadata changed. Of a file a version has a content, and a content copies,
 * one on each box. A version is listed on a box once a manifest there has it,
 * and its copy there was proved before.
 *
 * One bk-cold writes at a time. Changes become durable at catalog_commit();
 * those that were not are gone after catalog_close().
 */
#ifndef CATALOG_H
#define CATALOG_H

#include "entry.h"

enum { CATALOG_BOXES_MAX = 63 };
/* Boxes as a set of bits: 1 << id. */
typedef uint64_t boxset;
#define BOXSET(id) ((boxset)1 << (id))

struct catalog;

/*
 * write: created where there is none; 75 where another process writes for
 * longer than wait_ms. Else for reading: 66 where there is none. 65 where it
 * is damaged, or of a newer bk; it is never replaced.
 */
struct catalog *catalog_open(bool write, int wait_ms, struct bk_err *err);
int catalog_commit(struct catalog *c, struct bk_err *err);
void catalog_close(struct catalog *c);

/* ---- boxes ---- */

struct catalog_box {
	int id;		  /* 1 to CATALOG_BOXES_MAX */
	char *name;	  /* of the section */
	char *uuid;	  /* what its id file says */
	char *peer;	  /* box_peer() when last seen */
	unsigned int gen; /* of the newest manifest there */
};
/* 1, 0: not known, -1. */
int catalog_box(struct catalog *c, const char *name, struct catalog_box *ret,
		struct bk_err *err);
int catalog_box_by_id(struct catalog *c, int id, struct catalog_box *ret,
		      struct bk_err *err);
/* New, or (same uuid) renamed, or with another peer or gen. Sets b->id. */
int catalog_box_put(struct catalog *c, struct catalog_box *b,
		    struct bk_err *err);
void catalog_box_free(struct catalog_box *b);

/* ---- files ---- */

/* The newest version of a path: 1 and where it is listed; 0, -1. */
int catalog_find(struct catalog *c, const char *path, struct entry *ret,
		 boxset *ret_listed, struct bk_err *err);
/*
 * e becomes the newest version of its path, from e->since on; the one before
 * ends then. Sets e->id. What an id that is given says is not looked at.
 */
int catalog_add(struct catalog *c, struct entry *e, struct bk_err *err);
/*
 * The same without its metadata: is st what the newest version was like when
 * it was looked at, untouched since? 1, its id, and where it is listed; 0, -1.
 */
int catalog_known(struct catalog *c, const char *path, const struct stat *st,
		  int64_t *ret_id, boxset *ret_listed, struct bk_err *err);
/*
 * Version id is wanted on these boxes: pending there until it is listed, or
 * another version follows it.
 */
int catalog_want(struct catalog *c, int64_t id, boxset boxes,
		 struct bk_err *err);
/*
 * The same content and metadata as version id, but another inode or ctime:
 * only those are noted, so that it is known again.
 */
int catalog_touch(struct catalog *c, int64_t id, const struct meta *m,
		  struct bk_err *err);

/* ---- copies ---- */

enum copy_state { COPY_OK, COPY_BAD, COPY_ABSENT };
struct copy {
	int box;
	char *object;
	struct sealed sealed;
	int64_t pushed;	     /* seconds, as all times here */
	int64_t first, last; /* proofs that were good; last may be first */
	char how;	     /* the last one: h hashed there, r read back */
	enum copy_state state;
	bool listed;	/* this version, in a manifest of the box */
	int64_t failed; /* when a proof failed; 0: the last one was good */
};

/*
 * A copy of this content was proved just now, and lies there as object, sealed
 * as e says. how
 * NUL: it lies there since then, but was never proved.
 */
int catalog_copy_add(struct catalog *c, const struct entry *e, int box,
		     const char *object, int64_t now, char how,
		     struct bk_err *err);
/*
 * A later proof of what lies there as object. COPY_OK sets last (and first,
 * where there was none); others make what has it pending again, so that a push
 * copies it anew; first and last stay.
 */
int catalog_proof(struct catalog *c, int box, const char *object,
		  enum copy_state state, int64_t now, char how,
		  struct bk_err *err);
/* Version id is in manifest gen of the box. */
int catalog_list(struct catalog *c, int64_t id, int box, unsigned int gen,
		 struct bk_err *err);
/* The copies of an entry; -1, or how many. The caller frees: copies_free(). */
ssize_t catalog_copies(struct catalog *c, const struct entry *e,
		       struct copy **ret, struct bk_err *err);
void copies_free(struct copy *v, size_t n);

/* ---- manifests ---- */

/* A part (enum manifest_kind) of manifest gen lies there, and has this hash. */
int catalog_manifest_put(struct catalog *c, int box, unsigned int gen, int kind,
			 const char *sha256, struct bk_err *err);
/* All of them on a box, in order; each() as below. */
int catalog_each_manifest(struct catalog *c, int box,
			  int (*each)(void *arg, unsigned int gen, int kind,
				      const char *sha256, struct bk_err *err),
			  void *arg, struct bk_err *err);
/*
 * Manifest gen of the box is no good any more: what was listed in it is
 * pending again, so that a push lists it in another one.
 */
int catalog_unlist(struct catalog *c, int box, unsigned int gen,
		   struct bk_err *err);

/* ---- looking ---- */

/* What catalog_each() goes through; 0 and NULL: no matter. */
struct catalog_query {
	const char *below; /* this path and all below it */
	const char *path;  /* this path alone */
	const char *set;
	const struct bk_strv *but; /* not of these sets */
	int64_t at;		   /* as of that time; 0: the newest versions */
	bool all;		   /* every version */
	/*
	 * Wanted on the box with this id, not listed there, and ready for it: a
	 * file has a good copy there, which the entry's object and sealed tell.
	 */
	int ready;
	int wanted; /* wanted on that box and not listed there, ready or not */
	uint64_t limit; /* at most that many */
};
/* In the order of the paths' bytes; each() returns 0, or -1 with err. */
int catalog_each(struct catalog *c, const struct catalog_query *q,
		 int (*each)(void *arg, struct entry *e, struct bk_err *err),
		 void *arg, struct bk_err *err);

struct catalog_object {
	const char *object;
	const char *sha256;
	const char *path;
	uint64_t size;
	struct copy copy;
};
/*
 * All copies on a box, those whose last proof is oldest first. The catalog
 * may be changed by each().
 */
int catalog_each_object(struct catalog *c, int box,
			int (*each)(void *arg, const struct catalog_object *o,
				    struct bk_err *err),
			void *arg, struct bk_err *err);
/* Sets of which any copy is encrypted. */
int catalog_sealed_sets(struct catalog *c, struct bk_strv *ret,
			struct bk_err *err);
/* How many files of a set have a copy that is not; -1. */
int64_t catalog_unsealed(struct catalog *c, const char *set,
			 struct bk_err *err);
/* 1 where the catalog has an object of this name there; 0, -1. */
int catalog_has_object(struct catalog *c, int box, const char *object,
		       struct bk_err *err);

struct catalog_sum {
	uint64_t files, bytes;	 /* newest versions of files */
	uint64_t objects, there; /* copies on the box, their bytes */
	uint64_t bad;		 /* of them not good */
	uint64_t pending;	 /* files wanted there, not yet listed */
	uint64_t unproved;	 /* good copies that were never proved */
	int64_t oldest, newest;	 /* last proofs of good copies that were */
};
/* The highest id of a version. */
int catalog_last_id(struct catalog *c, int64_t *ret, struct bk_err *err);
int catalog_sum(struct catalog *c, int box, struct catalog_sum *ret,
		struct bk_err *err);

/*
 * How old the proofs of a box are: the copies, bad ones excepted, the oldest
 * proof first, in CATALOG_SHARES shares that are alike, and of each the oldest
 * proof (0: never). 0 where there is no copy, else 1.
 */
#define CATALOG_SHARES 64
int catalog_proofs(struct catalog *c, int box, int64_t ret[CATALOG_SHARES],
		   struct bk_err *err);

static inline void catalog_auto_close_(struct catalog **c)
{
	catalog_close(*c);
}
#define CATALOG_AUTO BK_AUTO(catalog_auto_close_)

#endif
