/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The subject dump (dump.c): also what a run begins with. */
#ifndef DUMP_H
#define DUMP_H

#include "tool.h"

/* Remove what a run that was killed has left. */
void dump_tidy(void);

#endif
