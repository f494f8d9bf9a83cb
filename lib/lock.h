/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Locks between processes of one host: flock(2) on a file below the runtime
 * folder, released by the kernel when the holder dies.
 */
#ifndef BK_LOCK_H
#define BK_LOCK_H

#include "err.h"

/*
 * Take the lock called name (letters, digits, '.', '_', '-'), waiting at most
 * wait_ms. Returns a descriptor that holds it until closed. -1: 75 where
 * another process has it for longer (the message names its pid), or where a
 * signal is pending.
 */
int bk_lock_take(const char *name, int wait_ms, struct bk_err *err);

#endif
