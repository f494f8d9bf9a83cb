/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Connections that all see the same point in time.
 *
 * Each starts a transaction with a consistent snapshot, and the position of
 * the binary log tells whether all of them saw the same; if not, all start
 * anew. No lock is needed for that. Where that position proves nothing, there
 * is one connection, unless the server may be asked to hold its commits for a
 * moment (BACKUP STAGE). Tables without transactions are held by a read lock
 * until snapshot_unlock().
 */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H

#include <jansson.h>

#include "catalog.h"
#include "server.h"

struct snapshot {
	struct server *v;
	size_t n;
	struct server locks;
	json_t *position; /* NULL where there is no binary log */
	int64_t start;	  /* wall clock, seconds */
	int64_t since;	  /* monotonic, milliseconds */
};
#define SNAPSHOT_INIT ((struct snapshot){ NULL })

/* At most n connections; stage: by BACKUP STAGE, where it is more than one.
 * 0, -1; CATALOG_MOVED: a table that was to be locked is gone. */
int snapshot_open(const struct login *login, unsigned int n, bool stage,
		  const struct catalog *c, struct snapshot *ret,
		  struct bk_err *err);
void snapshot_unlock(struct snapshot *s);
void snapshot_close(struct snapshot *s);

#endif
