/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The database below the catalog, for catalog*.c alone.
 */
#ifndef CATALOG_DB_H
#define CATALOG_DB_H

#include <sqlite3.h>

#include "catalog.h"

struct catalog {
	sqlite3 *db;
	char *path;
	int lock;     /* of the writer */
	bool changed; /* in a transaction */
	struct db_statement {
		const char *sql; /* told apart by its address */
		sqlite3_stmt *stmt;
	} * statements;
	size_t nstatements;
};

/* What SQLite has to say; -1. */
int db_fail(const struct catalog *c, struct bk_err *err);
int db_run(struct catalog *c, const char *sql, struct bk_err *err);
/* sql must live as long as the catalog; ready for db_bind_*(). */
sqlite3_stmt *db_query(struct catalog *c, const char *sql, struct bk_err *err);
/* 1: there is a row; 0: no more, q was reset; -1. */
int db_row(struct catalog *c, sqlite3_stmt *q, struct bk_err *err);
/* Run one that changes something, in the transaction. q NULL: -1. */
int db_write(struct catalog *c, sqlite3_stmt *q, struct bk_err *err);
/* The number that sql gives, -1 on failure. */
int64_t db_pragma(struct catalog *c, const char *sql);

void db_bind_text(sqlite3_stmt *q, int i, const char *s);
void db_bind_path(sqlite3_stmt *q, int i, const char *path);
/* A column as text or bytes; the caller frees it. */
char *db_text(sqlite3_stmt *q, int i);

/* Columns of "copy k" that tell how it lies there. */
#define SEALED_COLUMNS "k.sealed, k.sealed_size, k.recipients"
enum { SEALED_NCOLUMNS = 3 };
struct sealed db_sealed(sqlite3_stmt *q, int i);

/* Columns of "file f LEFT JOIN content n" that make an entry. */
#define ENTRY_COLUMNS "f.id, f.path, name, n.sha256, meta, since, until"
enum { ENTRY_NCOLUMNS = 7 };
int db_entry(const struct catalog *c, sqlite3_stmt *q, struct entry *ret,
	     struct bk_err *err);
/* The id of its content; 0 where there is none, -1. */
int64_t db_content(struct catalog *c, const struct entry *e, bool create,
		   struct bk_err *err);

/* The number that a query about one text finds; -1 with err. */
int64_t db_number(struct catalog *c, const char *sql, const char *text,
		  struct bk_err *err);

#endif
