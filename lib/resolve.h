/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The secrets that a configuration refers to, by bk-secret: one process for
 * all that a run needs, over a pipe (bk-records(5)).
 *
 * What a run will need is named first; the first that is asked for brings
 * all of them. Each is kept, and so is why one could not be had.
 */
#ifndef BK_RESOLVE_H
#define BK_RESOLVE_H

#include "conf.h"
#include "err.h"
#include "secret.h"

struct bk_resolve_item;
struct bk_resolve {
	const char *config; /* the file that -c named, or NULL */
	struct bk_resolve_item **items;
	size_t n;
};

/* The key of this section will be needed; naming it twice is fine. */
void bk_resolve_want(struct bk_resolve *r, const struct bk_conf_section *s,
		     const char *key);
/*
 * The secret, which r owns; NULL with err: 66 none of the sources is here,
 * 75 locked or too slow, 77 refused or wrong, 65 empty or damaged, 1 a
 * command failed, 78 configuration. The message names file and line.
 */
const struct bk_secret *bk_resolve_get(struct bk_resolve *r,
				       const struct bk_conf_section *s,
				       const char *key, struct bk_err *err);
void bk_resolve_free(struct bk_resolve *r);

#endif
