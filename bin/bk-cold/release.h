/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A release: what its parts (release.c finds and decides, go.c takes away,
 * undo.c brings back) share.
 */
#ifndef RELEASE_H
#define RELEASE_H

#include "evidence.h"
#include "look.h"
#include "plan.h"
#include "quarantine.h"

/* How much of a set may go in this run. */
struct allowance {
	char *set;
	uint64_t files; /* the catalog has in it */
	uint64_t taken;
	bool over; /* the brake was reported */
};

struct release {
	struct cold *c;
	struct catalog *cat;
	struct plan plan;
	struct evidence ev;
	struct names names;
	bool dry;
	/* [cold] */
	int64_t proof_max_age, age, quarantine;
	uint64_t max_delete;
	unsigned int max_percent;

	struct allowance *allowances;
	size_t nallowances;
	uint64_t moved, moved_bytes, gone, gone_bytes;
	uint64_t waiting; /* too young, or not proved for long enough */
	uint64_t left;	  /* for another reason */
	uint64_t failed;
	bool braked; /* it would have been more */
	bool over;   /* nothing more in this run */
	char *first; /* the first thing that failed */
};

/* The folder that is worked on. */
struct place {
	struct release *r;
	const struct decision *d;
	struct safe_top top;
	boxset boxes;
	struct cand *v;
	size_t n;
	struct bk_strv folders; /* in which something was done */
};

/* A file stays. ordinary: it may well go later, by itself. */
void release_left(struct release *r, const char *path, const char *why,
		  bool ordinary);
/* It stays, and somebody should look into it. */
void release_failed(struct release *r, const char *path, const char *why);
/* One record or line: what was, or would be, done to it. */
void release_say(struct release *r, const char *type, const char *path,
		 uint64_t size);

/* Prove the candidates of the folder, and take those away that are. */
int release_batch(struct place *p, struct bk_err *err);
/* Forget the candidates. */
void release_clear(struct place *p);
/* What is in quarantine, for status. */
int release_status(struct cold *c, struct catalog *cat, struct bk_err *err);

#endif
