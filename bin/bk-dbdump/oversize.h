/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows that no dump can have: as SQL they would be longer than the longest
 * statement that a server takes.
 */
#ifndef OVERSIZE_H
#define OVERSIZE_H

#include "catalog.h"

/*
 * What is to be said of the table, or nothing. Only one that is large, and has
 * columns for values so long, is looked at, for some seconds at most.
 */
int oversize_find(struct server *s, const struct object *o, struct bk_strv *ret,
		  struct bk_err *err);

#endif
