/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What "restic check" found, from what it says on stderr: every release has
 * words of its own, and many that are about nothing in particular.
 */
#ifndef FINDINGS_H
#define FINDINGS_H

#include <stdbool.h>

#include "str.h"

struct findings {
	struct bk_strv errors; /* a line each, the first ones */
	struct bk_strv packs;  /* ids of packs that are named in them */
	bool damaged;	       /* it is the repository, not the way to it */
	size_t n;	       /* errors, also those that are left out */
};
#define FINDINGS_INIT ((struct findings){ 0 })

void findings_read(const char *said, struct findings *ret);
void findings_free(struct findings *f);

#endif
