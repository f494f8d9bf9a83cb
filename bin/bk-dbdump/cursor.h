/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rows of a query as they come from the server, as text.
 *
 * Where they hold floating point numbers they come as a prepared statement
 * has them, for a server is slow to turn those into text; dates and times
 * must come as text then, too.
 */
#ifndef CURSOR_H
#define CURSOR_H

#include <stdbool.h>

#include "real.h"
#include "server.h"

struct cursor {
	struct server *server;
	char **row; /* of the last cursor_next() */
	unsigned long *lengths;
	unsigned int n; /* columns */
	/* what follows is for cursor.c alone */
	MYSQL_RES *result;
	MYSQL_STMT *statement;
	const struct reals *reals;
	struct cursor_column *columns;
};

/* reals NULL: as text from the server. */
int cursor_open(struct cursor *c, struct server *s, const char *sql,
		const struct reals *reals, struct bk_err *err);
/* 1: there is a row, 0: the end, -1: err */
int cursor_next(struct cursor *c, struct bk_err *err);
/* Reads what is left and throws it away. */
void cursor_close(struct cursor *c);

#endif
