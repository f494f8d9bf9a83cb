/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a dump holds, and which of it is to be restored.
 */
#ifndef INVENTORY_H
#define INVENTORY_H

#include "walk.h"

#include "str.h"

struct item {
	const char *kind; /* "database", "table", "view" and so on */
	char *db, *name;
	char *of; /* the table of a trigger, else NULL */
	bool wanted;
	bool filled;  /* a table: rows of it were seen, in a stream */
	bool counted; /* rows is known, of a table in a folder */
	uint64_t rows;
};

struct inventory {
	struct item *items; /* in the order of the dump */
	size_t n, cap, last;
	bool globals;	  /* it has users and grants */
	uint64_t largest; /* bytes of the longest statement */
};
#define INVENTORY_INIT ((struct inventory){ NULL })

/* What the command line asks for. */
struct wanted {
	const struct bk_strv *dbs;    /* none: all */
	const struct bk_strv *tables; /* "table" or "db.table"; none: all */
	bool globals;
};

/* Read it; m as of struct walk. All of it is wanted. */
int inventory_read(const char *path, const struct manifest *m,
		   struct inventory *ret, struct bk_err *err);
/*
 * Choose of it: 66 where a name is not in the dump, 64 where a table without
 * its database could be one of several.
 */
int inventory_choose(struct inventory *inv, const struct wanted *w,
		     struct bk_err *err);
/* Is it found by the name of a table: one, a view or a sequence? */
bool inventory_tabular(const struct item *it);
/* The one called "db.name", where into is the database's name. */
struct item *inventory_label(const struct inventory *inv, const char *into,
			     const char *label);
/* This table is not wanted after all, and what belongs to it neither. */
void inventory_spare(struct inventory *inv, struct item *it);
void inventory_free(struct inventory *inv);

/* The databases of what is wanted, in order. */
void inventory_dbs(const struct inventory *inv, struct bk_strv *ret);
/* Is anything of this database wanted? */
bool inventory_wants_db(const struct inventory *inv, const char *db);
bool inventory_wants_table(struct inventory *inv, const char *db,
			   const char *table);
/* Is what stands here? */
bool inventory_wants(struct inventory *inv, const struct place *p);

#endif
