/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Telling monitors: each by a thread of its own, so that a slow one holds up
 * none of the others, and under a lock, so that none hears of a thing twice.
 *
 * A message that cannot be delivered is kept (queue.h). Services that are
 * told all the time need only the newest; of the others the oldest comes
 * first, and what is kept comes before what is new.
 */
#ifndef DELIVER_H
#define DELIVER_H

#include "history.h"
#include "message.h"
#include "monitor.h"

enum deliver_result {
	DELIVER_NOTHING, /* there was nothing to tell */
	DELIVER_DONE,
	DELIVER_KEPT, /* to be tried again; err says why */
	DELIVER_LOST, /* not kept either */
};

struct delivery {
	struct monitor monitor;
	struct message message;
	enum deliver_result result;
	struct bk_err err;
	char *answer;	/* what the service said, fit to be shown, or NULL */
	size_t waiting; /* messages that are kept for it */
};

/*
 * What is to be told: fills d->message; false where there is nothing. Runs
 * in the thread, with the lock.
 */
typedef bool deliver_compose(struct delivery *d, const struct history *h,
			     void *arg);

struct deliver_how {
	deliver_compose *compose;
	void *arg;
	bool dry;  /* -n: compose, and go no further */
	bool anew; /* what is told is found out anew each time */
	bool once; /* one try, nothing kept */
};

void deliver(struct delivery *d, size_t n, const struct deliver_how *how);
void delivery_free(struct delivery *d);

#endif
