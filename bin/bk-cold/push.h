/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A push: what its parts (push.c decides, send.c sends, listing.c writes the
 * manifests) share.
 */
#ifndef PUSH_H
#define PUSH_H

#include "age.h"
#include "plan.h"
#include "source.h"
#include "target.h"

/* Counts for one set. */
struct tally {
	char *set;
	bool sealed; /* it is encrypted, for these */
	struct age_recipients to;
	bool refused;		       /* they cannot be had */
	struct bk_err err;	       /* why */
	uint64_t files, bytes;	       /* in it */
	uint64_t copied, copied_bytes; /* files proved on a box, in this run */
	uint64_t young;		       /* not old enough yet */
	uint64_t left;	 /* sockets, devices, FIFOs: not for copying */
	uint64_t failed; /* not copied as they should be */
	char *first;	 /* the first failure, for a message */
};

struct job;
struct push {
	struct cold *c;
	struct catalog *cat;
	struct plan plan;
	struct targets targets;
	struct tally **tallies;
	size_t ntallies;
	int64_t now;	   /* when it began */
	int64_t committed; /* milliseconds */

	struct job **jobs; /* on their way, in the order in which they began */
	size_t njobs, njobs_max;
	uint64_t sent;		/* bytes */
	int64_t started, shown; /* milliseconds */
};

/* That of a set; made where it is new. */
struct tally *push_tally(struct push *p, const char *set);
/* Count it, and report it where that was not done before. */
void push_failed(struct push *p, struct tally *t, const char *path,
		 const char *why, bool said);

/*
 * Copy a file to these boxes; returns as soon as there is room for another.
 * The result comes into catalog and tally later.
 */
int send_file(struct push *p, struct tally *t, const struct walk_item *i,
	      boxset boxes, struct bk_err *err);
/* Until all are done. */
int send_drain(struct push *p, struct bk_err *err);
/* Forget the jobs; the boxes must be closed before. */
void send_free(struct push *p);
/* Make what was proved durable. */
int push_commit(struct push *p, struct bk_err *err);

/* A manifest on each box of what is new there. Returns how many failed. */
int list_all(struct push *p, size_t *ret_failed, struct bk_err *err);

#endif
