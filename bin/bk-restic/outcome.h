/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a run of restic came to, from its exit status and what it said on
 * stderr. Releases before 0.17 end with 1 for everything but success and
 * unreadable sources; only their words tell what happened.
 */
#ifndef OUTCOME_H
#define OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

enum outcome {
	OUTCOME_OK,
	OUTCOME_PARTIAL, /* done, but something could not be read */
	OUTCOME_FAILED,
	OUTCOME_NO_REPOSITORY,
	OUTCOME_LOCKED,
	OUTCOME_PASSWORD,
	OUTCOME_NETWORK,   /* may pass: worth trying again */
	OUTCOME_NO_PARENT, /* --parent names a snapshot that is gone */
};

enum outcome outcome_of(int status, const char *said);

/* Our exit status for it. */
int outcome_exit(enum outcome o);

/* Who holds the lock of which restic spoke. */
struct outcome_lock {
	char host[256];
	long pid;
	int64_t age; /* seconds, or -1 */
};
/* false where the text names no holder. */
bool outcome_lock(const char *said, struct outcome_lock *ret);

#endif
