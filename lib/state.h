/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * State files: <state folder>/state/<tool>.<job>.json, one per job, replaced
 * when a run ends, well or not (bk-records(5)). Everything that judges reads
 * these and the clock.
 */
#ifndef BK_STATE_H
#define BK_STATE_H

#include <jansson.h>
#include <stdint.h>

#include "err.h"

/*
 * Write the state of a run that ends now. tool is "bk-restic", job "backup
 * home" (a space becomes '-' in the file's name). exit decides "result": 0
 * ok, 3 partial, all else failed. counts (may be NULL) and extra (may be
 * NULL; its members go beside the others) are not consumed. "last_ok" is the
 * end of this run where it is ok, else the one in the file that is replaced;
 * "since" the start of the first run ever; "broken" is true where a run since
 * "last_ok" ended neither with 0 nor with 75. A file that is about another
 * job, or from another host, counts for none of these. "invocation", if it is
 * not in extra, is systemd's name for this run of a unit, where it is one.
 */
int bk_state_write(const char *tool, const char *job, const char *host,
		   int64_t start, int exit, const char *message, json_t *counts,
		   json_t *extra, struct bk_err *err);

/* The name of its file: "bk-restic.backup-home.json". The caller frees it. */
char *bk_state_file(const char *tool, const char *job);

/*
 * All of them: an array, sorted by the files' names. One that cannot be read
 * is an object with "file" and "damaged", the reason as a text, and so is one
 * whose name is not that of its job's file. NULL where
 * the folder is there and cannot be read (77, 71).
 */
json_t *bk_state_all(struct bk_err *err);

/* The state of a job, or NULL: 66 where it never ran, 65 where it is damaged. */
json_t *bk_state_read(const char *tool, const char *job, struct bk_err *err);

#endif
