/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What speaks for the copies of files that are to be released: a proof that is
 * old enough, another one made now on a connection of this run, and a manifest
 * that lists the file and was read and proved in this run, on every box that
 * the file belongs on. Of what is encrypted one file of its set must be seen
 * to open in this run, too, and the manifests are read with the same keys.
 */
#ifndef EVIDENCE_H
#define EVIDENCE_H

#include "age.h"
#include "cold.h"

/* A file that may be released. */
struct cand {
	struct entry e;	  /* the version that is to be there */
	boxset proved;	  /* boxes on which everything about it is right */
	int64_t when;	  /* of the oldest of these proofs */
	const char *why;  /* it stays; NULL: it may go */
	struct hold *old; /* it lies in the quarantine; owned */
};

struct evidence {
	struct cold *c;
	struct catalog *cat;
	bool dry; /* note nothing */
	int64_t settle;
	struct witness {
		struct box *box; /* connected in this run */
		bool refused;	 /* for this run; err says why */
		struct bk_err err;
		struct catalog_box known;
		unsigned int *gens; /* manifests that were proved */
		size_t ngens;
		bool sampled; /* one file was read back whole */
		/* "RECIPIENTS SET": one was seen to open, or not to */
		struct bk_strv opened, closed;
	} v[CATALOG_BOXES_MAX + 1];
	bool asked; /* for identities, which are here if there are any */
	struct age_identities ids;
	bool locked; /* something is for a key that is not among them */
	char *shut;  /* "is encrypted, and was not opened: ...", or NULL */
	/* the first thing that is wrong on a box: nothing more is released */
	bool wrong;
	struct bk_err err;
	uint64_t proofs, samples, manifests; /* that were good */
};

/* Before all else, where somebody named a file with the keys: 66, 77. */
int evidence_keys(struct evidence *ev, struct bk_err *err);
/*
 * Connect to these boxes; two of them must be two, and none of them on the
 * device of the files ("dev:8:1"). -1 with err.
 */
int evidence_connect(struct evidence *ev, boxset boxes, const char *device,
		     struct bk_err *err);
/*
 * Is there on each of the boxes a good copy of e, listed, and proved at least
 * `settle` ago? NULL, or why not; -1 in *ret_failed with err.
 */
const char *evidence_old(struct evidence *ev, const struct entry *e,
			 boxset boxes, bool *ret_failed, struct bk_err *err);
/*
 * Prove copies and manifests now. What is not proved has a reason why after
 * that. ev->wrong: a box has something else than it should; -1 with err: the
 * catalog failed, a box was lost, or we are to stop.
 */
int evidence_new(struct evidence *ev, struct cand *v, size_t n, boxset boxes,
		 struct bk_err *err);
void evidence_free(struct evidence *ev);

#endif
