/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is the user allowed to see all that is chosen? What a user may not see is
 * not there, as far as a server tells, and would be missing without a word.
 */
#ifndef GRANTS_H
#define GRANTS_H

#include "catalog.h"
#include "dump.h"
#include "server.h"

struct grants {
	struct bk_strv lines; /* of SHOW GRANTS */
};
#define GRANTS_INIT ((struct grants){ BK_STRV_INIT })

int grants_read(struct server *s, struct grants *ret, struct bk_err *err);
void grants_free(struct grants *g);
/* The privilege on all, on a database, or on a table of it (both NULL: all). */
bool grants_have(const struct grants *g, const char *privilege, const char *db,
		 const char *table);

/*
 * It is not there, as far as this user sees: 77 where that says nothing, 0
 * where it would be seen. table may be NULL.
 */
int grants_unseen(struct server *s, const char *db, const char *table,
		  struct bk_err *err);

/*
 * 77 where something is missing: err names the GRANT that mends it. The list
 * is of the databases as they are seen; 1 where the server itself does not see
 * one that is chosen by a wildcard, though InnoDB has tables of it.
 */
int grants_check(struct server *s, const struct dump_options *o,
		 const struct catalog *c, struct bk_err *err);

#endif
