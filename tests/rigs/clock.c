/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * To be preloaded: the time of day is $AHEAD_NS nanoseconds ahead, or behind
 * where that is negative; with $AHEAD_WHEN only while that file is there. Other
 * clocks, and the times of files, are as they
 * are.
 *	cc -shared -fPIC -o clock.so clock.c
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *t)
{
	static int (*real)(clockid_t, struct timespec *);
	const char *ahead = getenv("AHEAD_NS"), *when = getenv("AHEAD_WHEN");
	int result;

	if (!real)
		real = dlsym(RTLD_NEXT, "clock_gettime");
	result = real(id, t);
	if (when && access(when, F_OK) < 0)
		return result;
	if (ahead && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
		long long ns = t->tv_nsec + atoll(ahead) % 1000000000;

		t->tv_sec += atoll(ahead) / 1000000000;
		if (ns < 0) {
			ns += 1000000000;
			t->tv_sec--;
		}
		t->tv_sec += ns / 1000000000;
		t->tv_nsec = ns % 1000000000;
	}
	return result;
}

time_t time(time_t *ret)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	if (ret)
		*ret = t.tv_sec;
	return t.tv_sec;
}
