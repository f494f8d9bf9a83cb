/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two streams of bk-dbdump: the one that was stored, and what came out of the
 * server that it was loaded into.
 */
#ifndef ECHO_H
#define ECHO_H

#include "err.h"

/*
 * 0: they are the same, but for the trailer and for the users and rights that
 * the first one has and the second has not, since they are not loaded; 1: they
 * are not; -1 with err.
 */
int echo_compare(const char *first, const char *second, struct bk_err *err);

#endif
