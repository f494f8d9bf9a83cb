/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A check: what its parts (check.c judges, prove.c proves, local.c looks
 * here and extra.c there) share. The catalog is not held meanwhile: a push may run.
 */
#ifndef CHECK_H
#define CHECK_H

#include "look.h"

struct check_counts {
	uint64_t proved, bytes;	     /* copies that are right */
	uint64_t wrong, missing;     /* copies that are not */
	uint64_t unknown;	     /* no answer, or none to believe */
	uint64_t left;		     /* not asked, for a limit */
	uint64_t local, local_wrong; /* files here, untouched since then */
	uint64_t manifests;	     /* that are damaged or missing */
	uint64_t extra, extra_bytes; /* objects that nobody knows */
	uint64_t lacking;	     /* files that are still to come there */
};

struct check_result {
	int box;
	char *object; /* NULL: of manifest gen, that it is no good */
	unsigned int gen;
	enum copy_state state;
	char how;
	int64_t time;
};

struct check {
	struct cold *c;
	struct catalog *cat; /* for reading */
	struct names names;
	char *host; /* its folder on every box */
	/* the box that is asked */
	struct catalog_box known;
	struct box *box;
	struct check_counts n;
	uint64_t due;	    /* copies there */
	uint64_t max_bytes; /* of the limits what is for this box; 0: none */
	int64_t until;	    /* milliseconds; 0: none */
	uint64_t asked;	    /* bytes */
	char *first;	    /* what was wrong first, of all boxes */
	int64_t shown;
	/* to be written down */
	struct check_result *results;
	size_t nresults;
	int64_t flushed;
	bool urgent; /* something wrong is among them */
};

/* Prove what is due on ck->box: manifests, then copies, oldest proofs first. */
int prove_manifests(struct check *ck, struct bk_err *err);
int prove_copies(struct check *ck, struct bk_err *err);
/* The local file, where this content is its newest one; once for all boxes. */
int prove_local(struct check *ck, const char *path, const char *sha256,
		struct bk_err *err);
/* What lies there and is in no catalog. */
int find_extra(struct check *ck, struct bk_err *err);

/* Is the time for this box over? */
bool check_over(const struct check *ck);
/*
 * Something wrong: counted by the caller; printed, as a record of type
 * "proof", "manifest" and so on, or a line of text.
 */
void check_say(struct check *ck, const char *type, const char *result,
	       const char *object, const char *path, const char *message);
/* Note a result for the catalog; takes nothing over. */
void check_note(struct check *ck, const struct check_result *r);
/* Write them down where nobody else writes for longer than wait_ms. */
int check_flush(struct check *ck, int wait_ms, struct bk_err *err);

#endif
