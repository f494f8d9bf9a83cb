/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The quarantine of a folder with a decision: a folder in it, of root alone,
 * where released files lie for a while, under names without meaning; the
 * journal (hold.h) knows what they are. Each step is in the journal before and
 * after it is done.
 */
#ifndef QUARANTINE_H
#define QUARANTINE_H

#include "hold.h"
#include "safe.h"

/*
 * That of a folder; made where it is missing and create. 66 where it is not
 * there, 77 where what has its name is not of us.
 */
int quarantine_open(const struct safe_top *t, bool create, struct bk_err *err);

/*
 * Move f, which was compared, into the quarantine q: what h says (path, top,
 * file, size). On failure h says where it is.
 */
int quarantine_take(struct catalog *cat, int q, struct safe *f, struct hold *h,
		    struct bk_err *err);
/* f, opened and compared in q, is deleted for good. */
int quarantine_delete(struct catalog *cat, int q, struct safe *f,
		      struct hold *h, struct bk_err *err);
/* Back to where it was; 73 where something is there. */
int quarantine_return(struct catalog *cat, struct hold *h, struct bk_err *err);

/*
 * The start of a command that writes to the catalog: open it, and settle what
 * a run that was killed has left; dry: tell that there is something.
 */
struct catalog *quarantine_start(bool dry, int wait_ms, struct bk_err *err);
/*
 * The same for one that reads the catalog: settled where no other bk-cold is
 * at work; reads: it is told only. What fails is told, and hinders nothing.
 */
void quarantine_settle(bool reads);

#endif
