/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * To be preloaded: in bk-cold the $SHORT_AT-th call of $SHORT_CALL (read,
 * pread64, write, pwrite64), or each where that is 0, moves but half of what
 * it was asked to, and says so: what a system may do at any time, and no
 * tracer can make it do. How many of each there were is written to
 * $SHORT_TELL.
 *	cc -shared -fPIC -o short.so short.c
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ, PREAD, WRITE, PWRITE, CALLS };
static const char *const names[CALLS] = { "read", "pread64", "write",
					  "pwrite64" };
static ssize_t (*real[CALLS])();
static unsigned long counts[CALLS], at;
static const char *call = "";

static void end(void)
{
	FILE *f = fopen(getenv("SHORT_TELL"), "we");

	for (int i = 0; f && i < CALLS; i++)
		fprintf(f, "%s %lu\n", names[i], counts[i]);
	if (f)
		fclose(f);
}

__attribute__((constructor)) static void begin(void)
{
	for (int i = 0; i < CALLS; i++)
		*(void **)&real[i] = dlsym(RTLD_NEXT, names[i]);
	if (strcmp(program_invocation_short_name, "bk-cold") != 0 ||
	    !getenv("SHORT_TELL"))
		return;
	call = getenv("SHORT_CALL");
	at = strtoul(getenv("SHORT_AT"), NULL, 10);
	atexit(end);
}

static size_t some(int i, size_t n)
{
	if (n < 2)
		return n;
	counts[i]++;
	return strcmp(call, names[i]) == 0 && (at == 0 || at == counts[i])
		       ? n / 2
		       : n;
}

ssize_t read(int fd, void *p, size_t n)
{
	return real[READ](fd, p, some(READ, n));
}

ssize_t write(int fd, const void *p, size_t n)
{
	return real[WRITE](fd, p, some(WRITE, n));
}

ssize_t pread64(int fd, void *p, size_t n, off64_t off)
{
	return real[PREAD](fd, p, some(PREAD, n), off);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t off)
{
	return real[PWRITE](fd, p, some(PWRITE, n), off);
}
