/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rows of tables, read by several connections, written in one order.
 */
#ifndef ROWS_H
#define ROWS_H

#include "catalog.h"
#include "server.h"
#include "sink.h"

struct rows_sum {
	uint64_t rows;
	uint64_t largest; /* bytes of the longest statement */
};

/*
 * Dump the rows of these tables in this order, a part for each, by n
 * connections. What is written does not depend on how many they are. They can
 * be used again afterwards only where this succeeded. 0, -1,
 * or CATALOG_MOVED where a table is not any more what it was.
 */
int rows_dump(struct server *servers, size_t n,
	      const struct object *const *tables, size_t ntables,
	      struct output *out, struct rows_sum *sum, struct bk_err *err);

#endif
