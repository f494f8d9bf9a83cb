/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Signals that ask the program to stop: INT, TERM, HUP. They are noted, and
 * make a descriptor readable, so that a poll(2) loop ends; the program stops
 * its children, rolls back, and then dies of the same signal.
 */
#ifndef BK_SIG_H
#define BK_SIG_H

#include <stdbool.h>

/* Install the handlers. Call once, before threads and children. */
void bk_sig_init(void);
/* The signal that arrived, or 0. */
int bk_sig_pending(void);
/* Readable once a signal arrived; -1 before bk_sig_init(). */
int bk_sig_fd(void);
/* Wait until fd is readable: true; false where a signal came first. */
bool bk_sig_await(int fd);
/* In a child between fork and exec: default actions, nothing blocked. */
void bk_sig_reset(void);
/* Die of the pending signal, if there is one. */
void bk_sig_die(void);

#endif
