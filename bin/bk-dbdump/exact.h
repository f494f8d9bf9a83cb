/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Definitions of tables, where SHOW CREATE does not say them exactly.
 *
 * The server shows members of an ENUM or SET, and a DEFAULT that is a literal,
 * in UTF-8 of three bytes at most: '?' may stand for another character, or for
 * bytes that are none, and not all of cp932, say, comes back from there. What
 * they are is asked for, byte by byte, and put in their place.
 */
#ifndef EXACT_H
#define EXACT_H

#include <stdbool.h>

#include "server.h"

/* A column whose definition may be shown otherwise than it is. */
struct doubt {
	char *column;
	char *charset;
	bool set, members; /* SET; ENUM or SET with members in doubt */
};
struct doubts {
	struct doubt *v;
	size_t n;
};
void doubts_free(struct doubts *d);

/* As information_schema describes it; NULL where it does so. */
void doubts_add(struct doubts *d, const char *column, const char *data_type,
		const char *column_type, const char *charset,
		const char *value);

/*
 * Mend *text, which SHOW CREATE said of a table of the database in use: 1, or
 * 0 where it is not understood. -1: the server failed.
 */
int exact_table(struct server *s, const char *table, const struct doubts *d,
		char **text, struct bk_err *err);

#endif
