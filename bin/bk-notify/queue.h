/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages that could not be delivered yet: a file each, below
 * <state folder>/notify/MONITOR/, the oldest first by name. Adding one needs
 * no lock; taking them out belongs to who holds the monitor's.
 */
#ifndef QUEUE_H
#define QUEUE_H

#include "message.h"

#define QUEUE_MAX 32

/* The names of what is kept, the oldest first. Warns where it cannot tell. */
void queue_list(const char *monitor, struct bk_strv *ret);
/*
 * Keep one; with alone, in place of all that are older. Where there are more
 * than QUEUE_MAX the oldest go, with a warning.
 */
int queue_put(const char *monitor, const struct message *m, bool alone,
	      struct bk_err *err);
/* One of those listed; 65 damaged. */
int queue_get(const char *monitor, const char *name, struct message *ret,
	      struct bk_err *err);
void queue_drop(const char *monitor, const char *name);

#endif
