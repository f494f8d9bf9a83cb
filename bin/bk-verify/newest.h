/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The newest snapshot of a set, as the repository has it. */
#ifndef NEWEST_H
#define NEWEST_H

#include "tool.h"

struct newest {
	char *id;   /* NULL: there is none */
	char *path; /* the first of its paths, or NULL */
	int64_t when;
};

/*
 * set: "home", "mariadb:local"; streams: also those that came from a pipe.
 * -1 with err where the repository does not tell.
 */
int newest_find(const struct verify *v, const char *set, bool streams,
		struct newest *ret, struct bk_err *err);
void newest_free(struct newest *n);

#endif
