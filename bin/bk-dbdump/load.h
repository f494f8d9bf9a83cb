/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A dump goes into a server: what is wanted of it, statement by statement.
 *
 * The first statement that fails ends it; the error names the file, the line,
 * the statement and what the server said.
 */
#ifndef LOAD_H
#define LOAD_H

#include "inventory.h"
#include "server.h"

struct load {
	struct server *server;
	struct inventory *inventory;
	const char *into; /* the database to be, instead of the one; NULL */
};

/*
 * Which of the databases, and of the tables, views and sequences that are
 * wanted, the server has already: "db", "db.table".
 */
int load_existing(const struct load *l, struct bk_strv *dbs,
		  struct bk_strv *tables, struct bk_err *err);
/* Is nothing in this database of the server? */
int load_is_empty(const struct load *l, const char *db, bool *ret,
		  struct bk_err *err);
/* Does the server take the longest statement? */
int load_check_packet(const struct load *l, struct bk_err *err);
/* Drop what is there of what is wanted, and nothing else. */
int load_drop(const struct load *l, struct bk_err *err);
/*
 * Path and manifest as of struct walk. A table whose rows are elsewhere, which
 * the server does not create because that cannot be reached, is left out with
 * a warning, as are views of it. Another one of an engine that the server does
 * not have is of its default engine then, with a warning.
 */
struct load_result {
	size_t left;	/* objects that were left out */
	size_t changed; /* tables of another engine */
};
int load_dump(const struct load *l, const char *path, const struct manifest *m,
	      struct load_result *ret, struct bk_err *err);
/*
 * Count the rows of each table: 65 where they are not those of the dump. all:
 * NULL, or how many there are in all tables together.
 */
int load_count(const struct load *l, const uint64_t *all, struct bk_err *err);

#endif
