/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A dump: what is chosen of one server, all from one point in time, complete
 * or not at all.
 */
#ifndef DUMP_H
#define DUMP_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "login.h"
#include "select.h"
#include "str.h"

struct dump_options {
	struct login login;
	const struct selection *selection;
	unsigned int connections; /* 1 to 16 */
	bool save_broken;  /* broken objects as text, instead of failing */
	bool globals;	   /* users, roles and their grants as well */
	bool stage;	   /* one point in time by BACKUP STAGE */
	uint64_t max_hold; /* seconds that a snapshot may be held; 0: any */
};

struct dump_result {
	uint64_t databases;
	uint64_t objects; /* databases, tables, views, routines and so on */
	uint64_t rows;
	uint64_t broken; /* objects that could only be saved as text */
	uint64_t bytes;	 /* without the trailer; folder: without the manifest */
	uint64_t largest; /* bytes of the longest INSERT statement */
	char sha256[65];  /* of the stream; folder: as the manifest says */
	int64_t start;	  /* when the snapshot was taken */
	uint64_t held_ms; /* for how long it was held */
	char *version;	  /* of the server */
	json_t *position; /* {file, pos, gtid, ...}, or NULL */
	struct bk_strv warnings;
};
void dump_result_free(struct dump_result *r);

/*
 * The stream into a descriptor, the trailer last. 0, also with broken objects
 * (ret->broken); -1 with err: 66 nothing of that name, 69, 75, 77, 74, 1. A
 * signal to stop ends it.
 */
int dump_stream(const struct dump_options *o, int fd, struct dump_result *ret,
		struct bk_err *err);
/*
 * A folder, which must not be there yet and is there whole or not at all.
 */
int dump_folder(const struct dump_options *o, const char *path,
		struct dump_result *ret, struct bk_err *err);
/*
 * The stream into a program's stdin. Where the dump fails, the program is
 * stopped (INT, then TERM, then KILL) before its stdin is closed. Its exit
 * status is in *ret_status where the dump succeeded; err says why not.
 */
int dump_exec(const struct dump_options *o, char *const *argv, int *ret_status,
	      struct dump_result *ret, struct bk_err *err);

#endif
