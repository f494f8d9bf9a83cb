/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The boxes of a push: connected when the first file wants to go there,
 * connected anew after a while when the connection was lost, given up in the
 * end.
 */
#ifndef TARGET_H
#define TARGET_H

#include "cold.h"

struct target {
	struct catalog_box known;
	struct box *box; /* NULL: not connected */
	bool refused;	 /* for this run; err says why */
	struct bk_err err;
	unsigned int losses; /* since something was proved there */
	int64_t again;	     /* when to try again, milliseconds */
	uint64_t room;	     /* bytes that may still go there */
	bool told_room;	     /* the box says how much there is */
};

struct targets {
	struct cold *c;
	struct catalog *cat;
	char *host; /* its folder on every box */
	struct target *v;
	size_t n;
};

/*
 * The box with this name; a bit of it, or 0 with err where it was never
 * initialised (78).
 */
boxset targets_add(struct targets *t, const char *name, struct bk_err *err);
struct target *targets_find(struct targets *t, int id);

/*
 * Connect, where it is not: 0 it is; 1 not now, it will be tried again; -1 it
 * is refused for this run, t->err.
 */
int target_connect(struct targets *t, struct target *to);
/* Put bytes of this size there? Takes them off its room; -1: it is full. */
int target_reserve(struct target *to, uint64_t size, struct bk_err *err);
/* The boxes that are connected, for box_poll(). */
size_t targets_boxes(const struct targets *t, struct box **ret);
/* Two of them must not be one place. 77 where they are. */
int targets_distinct(const struct targets *t, struct bk_err *err);
void targets_free(struct targets *t);

#endif
