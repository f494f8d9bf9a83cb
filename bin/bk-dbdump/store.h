/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A dump goes into restic: bk-restic is given a folder, or is fed the stream.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>

#include "dbdump.h"

struct stored {
	char *snapshot; /* NULL: none, as under -n */
	int64_t added;	/* bytes by which the repository grew */
	char *partial;	/* why bk-restic does not call it good, or NULL */
};
void stored_free(struct stored *s);

/* The folder as the one root of the set mariadb:NAME. */
int store_folder(struct dbdump *d, const char *name, const char *folder,
		 struct stored *ret, struct bk_err *err);
/* A dump, as a stream called NAME.sql. */
int store_stream(struct dbdump *d, const char *name,
		 const struct dump_options *o, struct dump_result *result,
		 struct stored *ret, struct bk_err *err);

/* The command lines, for -n. folder NULL: a stream. */
void store_say(struct dbdump *d, const char *name, const char *folder);

#endif
