/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The subject drill (drill.c): also what a run begins with. */
#ifndef DRILL_H
#define DRILL_H

#include "tool.h"

/* Remove what a run that was killed has left. */
void drill_tidy(void);

#endif
