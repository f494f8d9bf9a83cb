/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which databases and tables are chosen, by patterns: "db" means all of it,
 * "db.table" one table or view. '*' stands for any bytes, '?' for one, [a-z]
 * for one of these; a backslash takes the special meaning from what follows.
 * Without include patterns everything is chosen.
 */
#ifndef SELECT_H
#define SELECT_H

#include <stdbool.h>

#include "err.h"
#include "str.h"

struct selection {
	struct bk_strv include;
	struct bk_strv exclude;
	struct bk_strv schema_only;
	bool fold; /* the server ignores the case of ASCII letters */
};
#define SELECTION_INIT \
	((struct selection){ BK_STRV_INIT, BK_STRV_INIT, BK_STRV_INIT, false })

enum selected { SELECTED_NO, SELECTED_SCHEMA, SELECTED_ALL };

void selection_free(struct selection *s);
/* 64 where one of the patterns is malformed. */
int selection_check(const struct selection *s, struct bk_err *err);
/* Can anything in this database be chosen? */
bool selection_db(const struct selection *s, const char *db);
/* Is the whole of it: what is no table and no view is chosen by that. */
bool selection_whole(const struct selection *s, const char *db);
enum selected selection_table(const struct selection *s, const char *db,
			      const char *table);
/* Does it name databases by a wildcard, so that all must be seen? */
bool selection_wild(const struct selection *s);

/*
 * One pattern: does it take this database, or (table not NULL) this table of
 * it by name? A pattern without a table takes the whole database and so no
 * table by name.
 */
bool pattern_takes(const char *pattern, const char *db, const char *table,
		   bool fold);
/* Is there a part for the table? */
bool pattern_has_table(const char *pattern);
/* Both parts of one without wildcards, as names; *table NULL: there is none.
 * The caller frees them. */
void pattern_split(const char *pattern, char **db, char **table);
/* Without any wildcard, of both parts or of that of the database? */
bool pattern_literal(const char *pattern);
bool pattern_literal_db(const char *pattern);

#endif
