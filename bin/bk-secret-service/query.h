/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Attributes as they were asked for, without a call of GLib: they are taken
 * apart before it is known whose session it is.
 */
#ifndef QUERY_H
#define QUERY_H

#include <stddef.h>

#include "err.h"
#include "mem.h"

struct query {
	struct attribute {
		char *key, *value;
	} * v;
	size_t n;
	char *text; /* "service=S username=U", for messages */
};
#define AUTO_QUERY BK_AUTO(query_free)

/*
 * Take KEY=VALUE... apart, a list that ends with NULL. 64 where one has no
 * '=' or no KEY, or a KEY is there twice; 65 where one is not UTF-8, which is
 * all that D-Bus carries.
 */
int query_parse(char **args, struct query *ret, struct bk_err *err);
/* The value of a key, or NULL. */
const char *query_get(const struct query *q, const char *key);
void query_free(struct query *q);

#endif
