/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How far a restore is, as a line on the terminal. Not every release of restic
 * tells, so it is what the process has written, and then read back, as
 * /proc/PID/io has it: near enough.
 */
#ifndef GAUGE_H
#define GAUGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct gauge {
	const char *name;
	uint64_t total; /* bytes; 0: not known */
	bool verifying;
	/* Of this phase. */
	int64_t started; /* 0: it has not begun */
	uint64_t base, done;
};

/* To be called now and then while the process lives. */
void gauge_show(struct gauge *g, pid_t pid);
/* From now on it reads back. */
void gauge_verify(struct gauge *g);

#endif
