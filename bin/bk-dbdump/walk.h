/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All statements of a dump, in order, each with what it is about. A folder is
 * walked as its manifest has it, a stream from its start to its end; in both,
 * comments of their own say where a part and an object begin (bk-dbdump(1)).
 */
#ifndef WALK_H
#define WALK_H

#include "manifest.h"
#include "statement.h"

/* Where a statement stands. */
struct place {
	const char *file; /* "shop/item.sql", or the name of the stream */
	enum manifest_kind part;
	char *db;    /* NULL: globals, or nothing yet */
	char *table; /* rows only */
	char *kind;  /* of the object, such as "table"; NULL: settings */
	char *name;  /* of the object */
	char *of;    /* the table of a trigger */
};

struct walk {
	const char *path;		 /* the folder, or the file */
	const struct manifest *manifest; /* NULL: a stream */
	/* NULL or: is a statement in this part wanted at all? */
	bool (*enter)(void *arg, const struct place *p);
	int (*each)(void *arg, const struct place *p,
		    const struct statement *st, struct bk_err *err);
	void *arg;
};

int walk_dump(const struct walk *w, struct bk_err *err);

#endif
