/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All statements of a dump, in order, each with what it is about. A folder is
 * walked as its manifest has it, a stream from its start to its end.
 */
#ifndef WALK_H
#define WALK_H

#include "manifest.h"
#include "statement.h"
#include "subject.h"

/* Where a statement stands. */
struct place {
	const char *file;	/* "shop/item.sql", or the name of the stream */
	char *db;		/* in which it is; NULL: none yet */
	struct subject subject; /* what it, or the one before it, is about */
};

struct walk {
	const char *path;		 /* the folder, or the file */
	const struct manifest *manifest; /* NULL: a stream */
	/* NULL, or: is this file of a folder wanted at all? */
	bool (*enter)(void *arg, const struct manifest_file *f);
	int (*each)(void *arg, const struct place *p,
		    const struct statement *st, struct bk_err *err);
	void *arg;
};

int walk_dump(const struct walk *w, struct bk_err *err);

#endif
