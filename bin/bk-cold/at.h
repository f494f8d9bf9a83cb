/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file, for calls that take a descriptor, and those that do not take one of
 * O_PATH but a path, of which /proc has one that ends at the file itself, be
 * it a symbolic link.
 */
#ifndef AT_H
#define AT_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>

struct at {
	int fd;
	bool path;
	char name[32];
};

static inline struct at at_of(int fd)
{
	struct at at = { .fd = fd };
	int flags = fcntl(fd, F_GETFL);

	at.path = flags >= 0 && (flags & O_PATH);
	(void)snprintf(at.name, sizeof(at.name), "/proc/self/fd/%d", fd);
	return at;
}

#endif
