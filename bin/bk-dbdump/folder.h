/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A dump as a folder: servers.sql, DB/schema.sql, globals.sql, DB/TABLE.sql,
 * DB/post.sql, manifest.json. It is built beside the place where it is to be, and renamed
 * when it is complete and on the disk.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include "manifest.h"
#include "sink.h"

struct folder {
	struct output out;
	char *path, *temporary;
	int dir;      /* the temporary folder */
	int sub;      /* that of the database, or -1 */
	char *sub_of; /* its name as it is there */
	struct manifest manifest;
	size_t cap;
};

/* 73 where something is there already. */
int folder_open(struct folder *f, const char *path, struct bk_err *err);
/* With the manifest; then it has its name. */
int folder_finish(struct folder *f, json_t *o, struct bk_err *err);
/* Removes what was built, unless it is finished. */
void folder_close(struct folder *f);

/* How a name is spelt in a file's; the caller frees it. */
char *folder_name(const char *name, bool table);

#endif
