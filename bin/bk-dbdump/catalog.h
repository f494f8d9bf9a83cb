/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is chosen of a server, and its definitions.
 */
#ifndef CATALOG_H
#define CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "exact.h"
#include "select.h"
#include "server.h"
#include "str.h"
#include "table.h"

enum object_kind {
	OBJECT_SEQUENCE,
	OBJECT_TABLE,
	OBJECT_VIEW,
	OBJECT_FUNCTION,
	OBJECT_PROCEDURE,
	OBJECT_PACKAGE,
	OBJECT_PACKAGE_BODY,
	OBJECT_TRIGGER,
	OBJECT_EVENT,
};
const char *object_word(enum object_kind kind);

struct database;
#define ENGINE_ROCKSDB "ROCKSDB"

struct object {
	enum object_kind kind;
	const struct database *db;
	char *name;
	char *file;   /* tables: as InnoDB names it, else NULL */
	char *engine; /* tables, else NULL */
	char *broken; /* why it cannot be dumped, or NULL */
	char *text;   /* CREATE ... */
	char *state;  /* sequence: the statement that moves it on */
	/* Under what it was created; NULL for tables and sequences. */
	char *sql_mode, *client, *connection, *collation, *time_zone;
	char *on;		/* trigger: its table */
	uint64_t number;	/* trigger: its turn among those of the table */
	struct bk_strv columns; /* view */
	struct table table;
	struct doubts doubts; /* columns that text may have otherwise */
	bool rows;	      /* they are dumped */
	bool transactional;   /* a snapshot covers it */
	bool remote;	      /* its rows are elsewhere */
	bool hidden;	      /* listed by its name alone: was it opened? */
	uint64_t estimated_rows, estimated_bytes;
	/*
	 * Tables. What was renamed, exchanged or made anew is found by these
	 * two; a partition that changed places and came back is found only
	 * while it is read.
	 */
	char *created; /* when the server says that it was, in seconds */
	uint64_t id;   /* of InnoDB, of all partitions together, or 0 */
	bool partitioned;
};

struct database {
	char *name;
	char *file; /* as InnoDB names it */
	char *text;
	char *collation;
	bool whole;
	struct object *v; /* by kind, then by name, as strcmp() has it */
	size_t n;
};

struct catalog {
	struct database *v; /* by name */
	size_t n;
	struct bk_strv warnings;
	/* For so many milliseconds a table may still be changed in the second
	 * in which it was made, so that it would look like the same. */
	int64_t fresh_ms;
};
#define CATALOG_INIT ((struct catalog){ NULL })

/*
 * Lists what is chosen: names, engines, columns, without definitions. 66
 * where a pattern without wildcards matches nothing.
 */
int catalog_list(struct server *s, const struct selection *selection,
		 struct catalog *ret, struct bk_err *err);
/*
 * Adds the definitions. CATALOG_MOVED where something is gone meanwhile: then
 * all has to be read anew.
 */
enum { CATALOG_MOVED = -2 };
int catalog_define(struct server *s, struct catalog *c, struct bk_err *err);
/*
 * Where sequences stand. Read once the snapshot is there, for a value that a
 * row of it has must not come again.
 */
int catalog_sequences(struct server *s, struct catalog *c, struct bk_err *err);
void catalog_free(struct catalog *c);

/* By kind and name, or NULL. A trigger's on is looked at by no one. */
struct object *catalog_find(const struct database *db, enum object_kind kind,
			    const char *name);

/*
 * The name of what of before is not the same in after, in the sense that rows
 * or definitions that were read meanwhile cannot be trusted; NULL: nothing.
 * exact: what is new or gone counts, too. The caller frees it.
 */
char *catalog_changed(const struct catalog *before, const struct catalog *after,
		      bool exact);
/*
 * Is a table that others cannot change now, for the connection reads it, the
 * one of the catalog? 0, -1, CATALOG_MOVED.
 */
int catalog_same_table(struct server *s, const struct object *o,
		       struct bk_err *err);

/* Those of the server itself are never dumped as they are, nor restored to. */
bool catalog_is_own(const char *db);
/* Tables of such an engine have their rows elsewhere, or none. */
bool catalog_is_remote(const char *engine);

/* `db`.`name`, as messages have it: db.name */
char *object_label(const struct object *o);
uint64_t catalog_objects(const struct catalog *c);
uint64_t catalog_broken(const struct catalog *c);

#endif
