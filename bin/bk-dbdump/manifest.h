/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * manifest.json: what a folder of a dump holds, and the proof of it.
 */
#ifndef MANIFEST_H
#define MANIFEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"

#define MANIFEST_NAME "manifest.json"

enum manifest_kind {
	MANIFEST_SERVERS, /* functions of libraries, foreign servers */
	MANIFEST_GLOBALS, /* users, roles, grants */
	MANIFEST_SCHEMA,  /* database, sequences, tables, routines */
	MANIFEST_ROWS,	  /* of one table */
	MANIFEST_POST,	  /* triggers, views, events */
};

struct manifest_file {
	char *path; /* below the folder */
	enum manifest_kind kind;
	char *db;    /* NULL for servers and globals */
	char *table; /* rows only, else NULL */
	uint64_t rows, bytes;
	char sha256[65];
};

/* In the order in which the files are to be loaded. */
struct manifest {
	struct manifest_file *files;
	size_t n;
	uint64_t objects, rows, broken, bytes, largest;
	char sha256[65]; /* of "SHA256  PATH\n" of all files */
	json_t *o;	 /* all of it */
};
#define MANIFEST_INIT ((struct manifest){ NULL })

/* 66 where there is none, 65 where it is damaged or contradicts itself. */
int manifest_read(const char *dir, struct manifest *ret, struct bk_err *err);
/* The same from memory. */
int manifest_parse(const char *text, size_t len, struct manifest *ret,
		   struct bk_err *err);
void manifest_free(struct manifest *m);

/* Rows, bytes and sha256, from the files. */
int manifest_sum(struct manifest *m, struct bk_err *err);
const char *manifest_word(enum manifest_kind kind);
/* Of the server, and of no database? */
static inline bool manifest_is_global(enum manifest_kind kind)
{
	return kind == MANIFEST_SERVERS || kind == MANIFEST_GLOBALS;
}

/*
 * The hash of all of it but the member "proof", as JSON without white space,
 * keys sorted: what that member is to be.
 */
int manifest_proof(const json_t *o, char ret[static 65], struct bk_err *err);

#endif
