/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files of a repository that are gone: were they removed, or lost?
 */
#ifndef MISSING_H
#define MISSING_H

#include "listing.h"
#include "tool.h"

/* Compare what is there with what was; asks restic where packs are gone. */
int missing_look(struct verify *v, struct subject *s, struct bk_err *err);
/* This one went away while others were hashed. */
void missing_note(struct subject *s, const struct listing_file *f);
/* What was noted: is it missed? */
int missing_settle(struct verify *v, struct subject *s, struct bk_err *err);
/* Snapshots and keys that are gone shall be so. */
void missing_accept(struct subject *s);

#endif
