/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What get is to bring back: chosen from the catalog, written down in an
 * unnamed file so that neither memory nor the catalog is held meanwhile, and
 * read again one by one.
 */
#ifndef WISH_H
#define WISH_H

#include <stdio.h>
#include <sys/types.h>

#include "look.h"
#include "place.h"

struct supply {
	int box;
	char *object;
	struct sealed sealed;
};

/* One file, folder or link. */
struct wish {
	struct entry entry;
	enum place_found found;	 /* where it is to be */
	struct supply *supplies; /* good ones first */
	size_t nsupplies;
	/* what came before it was its turn: its content, from a box */
	int came; /* the box, or 0 */
	struct bk_buf data;
};
#define WISH_INIT ((struct wish){ .supplies = NULL })
#define WISH_AUTO BK_AUTO(wish_free)
void wish_free(struct wish *w);

/* A file system that files are to come to. */
struct need {
	dev_t dev;
	uint64_t bytes, free;
	char *path; /* of the first of them */
};

struct wishes {
	FILE *f;
	uint64_t files, bytes; /* that are to come */
	uint64_t links;	       /* symbolic links that are to come */
	uint64_t there;	       /* files and links that are there already */
	uint64_t other;	       /* something else is there */
	uint64_t lost;	       /* no box has them */
	uint64_t sealed;       /* to come, and encrypted somewhere */
	size_t missing;	       /* paths that match nothing */
	boxset boxes;	       /* that have any of the files */
	uint64_t from[CATALOG_BOXES_MAX + 1]; /* files by their first supply */
	struct need *needs;
	size_t nneeds;
};
#define WISHES_INIT ((struct wishes){ .f = NULL })

/*
 * Everything at and below paths as of a time (0: now), and the folders above
 * them; only from this box (0: any). Owners are those of this host that have
 * the names, unless numeric. What is in the way or lost is reported.
 */
int wishes_choose(struct wishes *ws, struct catalog *cat, struct place *place,
		  const struct bk_strv *paths, int64_t at, int box,
		  bool numeric, struct bk_err *err);
/* The next one: 1, 0 at the end, -1. */
int wishes_next(struct wishes *ws, struct wish *ret, struct bk_err *err);
/* Where the next one is, 0 for the first, and going there. */
off_t wishes_tell(const struct wishes *ws);
int wishes_seek(struct wishes *ws, off_t where, struct bk_err *err);
void wishes_free(struct wishes *ws);

#endif
