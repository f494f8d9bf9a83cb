/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What init is to know: from its options, else from the person at the
 * terminal.
 */
#ifndef ANSWERS_H
#define ANSWERS_H

#include <stdbool.h>

#include "str.h"

struct answers {
	bool yes;	/* --yes: nobody is asked */
	bool no_backup; /* --no-backup */
	bool no_timers; /* --no-timers */
	char *repo_url, *password, *keep, *box;
	char *monitor_type, *monitor_url;
	char *token_from, *master_to; /* a file, or "-" */
	bool undo;		      /* --undo */
	char *full_key, *full_key_to; /* append-only: a file, a folder */
	struct bk_strv paths, roots, marks;
	struct bk_strv host_keys; /* fingerprints of the servers' keys */
};

void answers_free(struct answers *a);

#endif
