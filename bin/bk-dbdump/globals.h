/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What belongs to the server and to no database: users, roles, grants.
 */
#ifndef GLOBALS_H
#define GLOBALS_H

#include "catalog.h"
#include "server.h"

/*
 * As SQL. Users that the other server has already keep their passwords. A
 * grant on a table or routine that is not in the catalog is a comment.
 */
int globals_add(struct server *s, const struct catalog *c, struct bk_buf *b,
		struct bk_err *err);

#endif
