/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SQL text, taken apart into the statements that a server takes one by one,
 * as the mariadb client does it: a statement ends with the delimiter (';'
 * until a line "DELIMITER x" names another) that stands neither in quotes nor
 * in a comment.
 *
 * What a backslash and a double quote mean depends on the sql_mode of the
 * session, so the caller says it before each statement.
 */
#ifndef STATEMENT_H
#define STATEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/* No server takes more at once. */
#define STATEMENT_MAX ((size_t)1 << 30)

struct statements {
	int fd;
	uint64_t left;	   /* bytes to read; UINT64_MAX: to the end */
	size_t limit;	   /* bytes a statement; 0: STATEMENT_MAX */
	size_t chunk;	   /* bytes a read; 0: 256 KiB */
	bool no_backslash; /* NO_BACKSLASH_ESCAPES */
	bool ansi_quotes;  /* ANSI_QUOTES */

	struct bk_buf buf;
	size_t at, next; /* in buf: what was returned last, and what follows */
	uint64_t line;	 /* of at; 0 before the first */
	char delimiter[16];
	bool stop[256]; /* bytes that may end code */
	bool eof;
};

struct statement {
	const char *p; /* not terminated */
	size_t len;
	uint64_t line; /* in which it begins, the first is 1 */
	bool comment;  /* a line "-- ...", between two statements */
};

/*
 * The next one: 1 and *ret, valid until the next call; 0 at the end; -1 with
 * err: 65 where the text ends within a statement, or one is too long.
 */
int statements_next(struct statements *s, struct statement *ret,
		    struct bk_err *err);
void statements_free(struct statements *s);

#endif
