/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A set of the plan as restic's own input.
 *
 * restic takes a list of targets, and of patterns of which the last match
 * decides. Roots, also those inside another root, are targets; where a set
 * ends, the folder is a pattern; where it begins anew below that, the same
 * pattern is negated. The patterns of the whole set come last, so that no
 * negation undoes them. With every release since 0.14 this gives exactly the
 * files of the plan; --exclude-if-present does not in any (restic issues
 * 3408, 5767).
 */
#ifndef EXCLUDE_H
#define EXCLUDE_H

#include "buf.h"
#include "plan.h"

/* Targets for --files-from-raw: those that are there, NUL-terminated. */
size_t exclude_targets(const struct plan_set *set, struct bk_buf *b);

/* Lines for --exclude-file. */
void exclude_lines(const struct plan_set *set, struct bk_buf *b);

/* path as a pattern that matches only it (and what is below it). */
void exclude_add_literal(struct bk_buf *b, const char *path);

#endif
