/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long the cache file of bk-scan takes to be mapped, checked and indexed:
 *	scanload FILE
 * Prints the median of 21 times, in nanoseconds a folder.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "image.h"

enum { TIMES = 21 };

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	double took[TIMES];

	for (int i = 0; argc > 1 && i < TIMES; i++) {
		struct bk_err err;
		struct image m;
		double start = now();

		if (image_load(argv[1], &m, &err) < 0)
			return fprintf(stderr, "scanload: %s\n", err.msg), 1;
		took[i] = (now() - start) / (m.n ? m.n : 1);
		image_free(&m);
	}
	if (argc < 2)
		return 64;
	qsort(took, TIMES, sizeof(*took), compare);
	printf("%.2f\n", took[TIMES / 2]);
	return 0;
}
