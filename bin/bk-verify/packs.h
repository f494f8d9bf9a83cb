/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the subject packs knows in a run.
 */
#ifndef PACKS_H
#define PACKS_H

#include "listing.h"
#include "place.h"
#include "tool.h"

struct packs {
	struct place place;
	struct listing list; /* what is there */
	struct listing gone; /* what was, and may be missed */
	bool opened;
	bool looked;
};

/* A file is "damaged" or "missing"; text goes on behind its path. */
void packs_fail(struct subject *s, const struct listing_file *f,
		const char *what, const char *text);
/* It is neither any more. */
void packs_clear(struct subject *s, const struct listing_file *f);

/* The chapter of bk-verify(1) that says what to do. */
const char *packs_chapter(enum listing_kind kind);

#endif
