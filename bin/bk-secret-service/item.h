/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Items of the Secret Service, by their attributes.
 */
#ifndef ITEM_H
#define ITEM_H

#include "query.h"
#include "secret.h"
#include "service.h"

/*
 * Write the secret of the item that has these attributes to stdout. Of
 * several that are not locked: those that have just these come before those
 * that have more, and the one changed last before others. service and
 * username also find what KeePassXC made, by Title and UserName. 66 where
 * there is none; 75 where all are locked.
 */
int item_get(const struct service *s, const struct query *q,
	     struct bk_err *err);

/*
 * Give the item that has just these attributes another secret, or make one
 * in the default collection (label NULL: one is made up). Where no item has
 * just these, one alone that has more is meant; several are an error (64).
 * Of items with just these, one remains.
 */
int item_set(const struct service *s, const struct query *q, const char *label,
	     const struct bk_secret *secret, struct bk_err *err);

/* Delete what item_set() would replace. 66 where there is none. */
int item_delete(const struct service *s, const struct query *q,
		struct bk_err *err);

/*
 * Write the attributes of all items to stdout, sorted: KEY=VALUE and a NUL
 * for each, and one NUL more per item. gnome-keyring hashes those of locked
 * items (gkr:compat:hashed:KEY).
 */
int item_list(const struct service *s, struct bk_err *err);

#endif
