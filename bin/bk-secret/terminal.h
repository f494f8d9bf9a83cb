/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a person types, unseen.
 */
#ifndef TERMINAL_H
#define TERMINAL_H

#include "err.h"
#include "secret.h"

enum { TERMINAL_NONE = 1 };

/*
 * Ask on the controlling terminal, or that of stdin. twice: for a new secret; asks again until
 * both are the same. TERMINAL_NONE where there is no terminal; -1: 65 where
 * nothing is typed, 75 where a signal came.
 */
int terminal_ask(const char *prompt, bool twice, struct bk_secret *ret,
		 struct bk_err *err);

#endif
