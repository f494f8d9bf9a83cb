/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a restore could not set. restic passes over owners that only root may
 * give, and over attributes that a file system does not know, without a word;
 * so whatever was restored is looked at.
 */
#ifndef KEPT_H
#define KEPT_H

#include "listing.h"

enum kept_what {
	KEPT_MISSING,
	KEPT_KIND,
	KEPT_SIZE,
	KEPT_OWNER,
	KEPT_MODE,
	KEPT_TIME,
	KEPT_N
};

struct kept {
	const char *target;
	uint64_t looked_at;
	uint64_t count[KEPT_N];
	char *first[KEPT_N]; /* "'PATH' is ..., and was ..." */
	bool no_xattrs, no_acls;
};
#define KEPT_INIT(t) ((struct kept){ .target = (t) })
void kept_free(struct kept *k);

/* One of the things that were restored. */
void kept_look(struct kept *k, const struct node *n);

/* Of this folder: does its file system keep extended attributes, and ACLs? */
void kept_probe(struct kept *k, const char *folder);

/* Warns of each kind of loss once; true where things differ. */
bool kept_say(const struct kept *k);

/* "missing", "owners", ...: what was lost, as a list. */
json_t *kept_json(const struct kept *k);

#endif
