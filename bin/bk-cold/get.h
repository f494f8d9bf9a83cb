/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A get: what its parts (get.c, supply.c fetches, twin.c links) share.
 */
#ifndef GET_H
#define GET_H

#include "age.h"
#include "wish.h"

/* ---- supply.c: boxes, connected when the first file is to come from there -- */

struct supplies {
	struct cold *c;
	const struct names *names;
	struct age_identities ids; /* where any is encrypted */
	void *arg;
	void (*on_bytes)(void *arg, uint64_t n); /* of the file on its way */
	struct supplier {
		struct box *box; /* NULL: not connected */
		bool away;	 /* could not be reached; to be tried again */
		bool refused;	 /* for this run; err says why */
		bool wrong;	 /* a copy there was missing or wrong */
		struct bk_err err;
		unsigned int losses;
	} v[CATALOG_BOXES_MAX + 1];
};

/*
 * The content of a file into fd: from a box that is connected, or another one
 * where it is missing or wrong, or the connection is lost; each trouble is
 * reported. *ret_box: its name. -1: no box has it, or it cannot be written.
 */
int supplies_fetch(struct supplies *s, const struct wish *w, int fd,
		   const char **ret_box, struct bk_err *err);
/*
 * Small files before their turn, into their wishes: those that the next box
 * has. What did not come this way is for supplies_fetch().
 */
void supplies_ahead(struct supplies *s, struct wish *const *v, size_t n);
/* Is none of these boxes to be had in this run? */
bool supplies_over(const struct supplies *s, boxset boxes);
void supplies_free(struct supplies *s);

/* ---- twin.c: files of several names ---------------------------------------- */

struct twin {
	char *path;
	struct stat st; /* of what was made */
	uint64_t ino, size;
	int64_t ctime;
	uint32_t ctime_ns;
	char sha256[65];
	struct twin *next;
};
struct twins {
	struct twin **buckets;
	size_t nbuckets, n;
};

/* One that came before and was the same file as e; or NULL. */
const struct twin *twins_find(const struct twins *t, const struct entry *e);
/* e came, as st; noted where it had several names. */
void twins_add(struct twins *t, const struct entry *e, const struct stat *st);
void twins_free(struct twins *t);

/* ---- get.c ------------------------------------------------------------------ */

struct get {
	struct cold *c;
	char *target; /* absolute */
	struct place *place;
	struct names names;
	struct wishes wishes;
	struct supplies supplies;
	struct twins twins;
	struct pending {
		struct place_file file;
		const struct wish *wish;
		const char *box;
	} * pending; /* files that are whole, and get their names together */
	size_t npending;
	off_t *made; /* folders, as places in wishes */
	size_t nmade;
	struct problem {
		char *text, *path;
		uint64_t count;
	} * problems;
	size_t nproblems;
	uint64_t more_problems;
	uint64_t files, links, bytes, failed;
	int64_t started, shown; /* milliseconds */
};

#endif
