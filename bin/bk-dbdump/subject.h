/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a statement of a dump is about, told from its first words. The forms
 * are those that a server itself writes in SHOW CREATE, and those of triggers
 * as people write them, with comments and any way to quote.
 */
#ifndef SUBJECT_H
#define SUBJECT_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

enum subject_kind {
	SUBJECT_SETTING,  /* SET, START TRANSACTION, COMMIT */
	SUBJECT_USE,	  /* name: the database */
	SUBJECT_DATABASE, /* it is created or altered */
	SUBJECT_OBJECT,	  /* word and name tell which one is created */
	SUBJECT_ROWS,	  /* of the table name */
	SUBJECT_ACCOUNT,  /* users, roles, grants */
	SUBJECT_MORE,	  /* about the object before it */
};

struct subject {
	enum subject_kind kind;
	const char *word; /* "table", "view", "package body" and so on */
	char *name;
	char *of; /* the table of a trigger */
	/*
	 * A trigger: where in CREATE TRIGGER a database stands before its name,
	 * and before that of its table; length 0: none does.
	 */
	struct subject_span {
		size_t at, len;
	} dbs[2];
};

void subject_read(const char *sql, size_t len, struct subject *ret);
void subject_free(struct subject *s);
/* Appends what EXECUTE IMMEDIATE 'text' executes; false: it is no such. */
bool subject_immediate(const char *sql, size_t len, struct bk_buf *ret);

#endif
