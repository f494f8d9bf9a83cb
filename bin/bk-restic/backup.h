/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What backups of folders and of streams share.
 */
#ifndef BACKUP_H
#define BACKUP_H

#include "restic.h"

/* What restic says at the end of a backup. */
struct summary {
	bool seen;
	char *snapshot;
	int64_t files, bytes, new_files, changed, added;
};

void summary_take(struct summary *s, const json_t *o, bool dry);

/* The record of a set on stdout; exit is 0 or 3. */
void backup_report(struct restic *r, const char *set, int exit,
		   const struct summary *s, const char *message);

/* bk-restic backup SET --stdin NAME [-- COMMAND] */
int backup_stream(struct restic *r, char **args);

#endif
