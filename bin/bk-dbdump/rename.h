/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A dump goes into a database of another name.
 */
#ifndef RENAME_H
#define RENAME_H

#include "buf.h"
#include "walk.h"

/*
 * Append the statement as it is to be sent: into instead of the own name of
 * the database, in CREATE, ALTER DATABASE and USE, in the definition of a table
 * before the name of a sequence or of another table, and before the names of a
 * trigger and its table. Bodies of views and programs stay as they are.
 */
void rename_db(const struct place *p, const char *into, const char *sql,
	       size_t len, struct bk_buf *b);

#endif
