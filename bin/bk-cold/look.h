/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the commands that look into the catalog share.
 */
#ifndef LOOK_H
#define LOOK_H

#include "cold.h"

/* Names of boxes by their ids; "" where there is none. */
struct names {
	char *v[CATALOG_BOXES_MAX + 1];
};
int names_read(struct catalog *cat, struct names *ret, struct bk_err *err);
void names_free(struct names *n);

/* Operands as clean absolute paths; the caller frees that of look_path(). */
char *look_path(const char *arg, struct bk_err *err);
int look_paths(char **args, struct bk_strv *ret, struct bk_err *err);
/* --at TIME as seconds, 0 where it was not given; 64. */
int look_at(const struct cold *c, int64_t *ret, struct bk_err *err);

/*
 * What is where the file was: "here", of the same kind, size and time;
 * "changed"; "gone"; "unknown" where it cannot be looked at.
 */
const char *look_local(const struct entry *e);

/* A size or count as digits, a time in local time or "-" for none. */
char *look_number(uint64_t n);
char *look_time(int64_t t);

#endif
