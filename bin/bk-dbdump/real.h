/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Floating point numbers as decimals that read back as the same number: the
 * shortest with 15, 16 or 17 digits, for a FLOAT 9. A server takes several
 * times as long for that.
 */
#ifndef REAL_H
#define REAL_H

#include <stdint.h>

/* No more than this is written. */
#define REAL_ROOM 32

/* Powers of ten, each as a number of 64 bits times a power of two. */
#define REAL_LOW (-292)
#define REAL_HIGH 340
struct reals {
	uint64_t high[REAL_HIGH - REAL_LOW + 1];
	int exponent[REAL_HIGH - REAL_LOW + 1];
};

struct reals *reals_new(void);
/* Finite numbers. Returns where it ends. */
char *real_put_double(const struct reals *r, char *to, double x);
char *real_put_float(char *to, float x);

#endif
