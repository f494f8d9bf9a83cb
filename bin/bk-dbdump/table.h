/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A table's columns and key: how its rows are read, and written as SQL.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "str.h"
#include "value.h"

/* Values longer than this, all big columns of a row together, are fetched in
 * slices, where a key lets us find the row again. */
#define TABLE_BIG (4U << 20)

struct column {
	char *name;
	char *expr; /* in a SELECT */
	enum value_kind kind;
	const char *charset; /* of VALUE_RAW; '!' first: no ASCII in it */
	bool big;	     /* may hold more than 64 KiB */
	bool huge;	     /* more than 16 MiB */
	bool seekable;	     /* its literals compare as its values do */
	bool integer;
	bool temporal;
	/* Of a type whose order the server does not keep: where UUIDs of old
	 * and new versions meet, it depends on how they came. */
	bool unordered;
};

struct table {
	struct column *columns;
	size_t n;
	size_t nbig;
	size_t *key;  /* columns of the key, in order */
	size_t nkey;  /* 0: there is none that serves */
	char *order;  /* "ORDER BY ..." or "" */
	char *index;  /* the key's name, quoted; NULL */
	bool seek;    /* rows can be found again by the key */
	bool period;  /* the columns of its history have names */
	bool lost;    /* a column of the key is not read */
	bool reals;   /* there are floating point numbers */
	bool small;   /* enough to be sorted by the server */
	bool history; /* of a system-versioned table */
};

void table_free(struct table *t);

/* The name in struct column; NULL for what is known to be like UTF-8. */
const char *table_charset(const char *name);
/* Has it no character that is none of three bytes of UTF-8? */
bool table_charset_is_safe(const char *name);

/* A column as information_schema describes it. */
struct column_info {
	const char *name, *data_type, *column_type, *charset, *extra,
		*generation;
};
/* Adds it, unless the server fills it by itself. false: rows cannot be kept
 * with their history. */
bool table_add_column(struct table *t, const struct column_info *info);
/* The columns that system versioning adds without naming them. */
void table_add_period(struct table *t);
/* A column of the chosen key, by name; part: only a prefix of it. */
void table_add_key(struct table *t, const char *name, bool part);
/* All is known now. */
void table_finish(struct table *t, const char *index);

/* Expressions of all columns; big ones as NULL, with their lengths behind. */
void table_add_select(const struct table *t, struct bk_buf *b);
/* From how many bytes on a value of a big column is fetched by itself. */
unsigned long table_big(const struct table *t);
/* "INSERT INTO `name` (`a`,`b`) VALUES\n" */
void table_add_insert(const struct table *t, const char *name,
		      struct bk_buf *b);

#endif
