/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a restore writes, and whether there is room for it, on each of the file
 * systems that it writes to. Hard links and holes are counted in full, so that
 * less may be needed; what is overwritten gives its space back.
 */
#ifndef ROOM_H
#define ROOM_H

#include <sys/types.h>

#include "listing.h"

struct room_place {
	dev_t dev;
	char *folder; /* one that is there */
	uint64_t block;
	uint64_t bytes, nodes; /* needed */
};

struct room {
	const char *target;
	uint64_t files, folders, others, bytes;
	struct room_place *places;
	size_t n;
	/* Of the folder that was looked at last. */
	char *dir;
	size_t place;
	bool there;
};
#define ROOM_INIT(t) ((struct room){ .target = (t) })
void room_free(struct room *m);

/* One more is to be written below the target. */
void room_add(struct room *m, const struct node *n);

/* What there is to be said before the first byte is written. */
void room_say(const struct room *m);

/* 73 where something does not fit. */
int room_check(const struct room *m, struct bk_err *err);

/* The path in the target at which a node comes to lie; the caller frees it. */
char *room_path(const char *target, const char *path);

#endif
