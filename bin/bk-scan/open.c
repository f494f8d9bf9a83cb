/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Paths of folders, and how these are opened by them.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mem.h"
#include "visit.h"

char *dir_path(const struct dir *d, const char *name)
{
	size_t len = name ? strlen(name) + 1 : 0;
	char *path, *to;

	for (const struct dir *p = d; p; p = p->parent)
		len += strlen(p->name) + (p->parent != NULL);
	path = bk_malloc(len + 2);
	to = path + len;
	*to = '\0';
	for (const char *part = name; d || part;) {
		if (part) {
			to -= strlen(part);
			memcpy(to, part, strlen(part));
			*--to = '/';
		}
		if (!d)
			break;
		part = d->name;
		if (!d->parent) {
			to -= strlen(part);
			memcpy(to, part, strlen(part));
			break;
		}
		d = d->parent;
	}
	/* a start at "/" leaves two slashes */
	if (path[0] == '/' && path[1] == '/')
		memmove(path, path + 1, len);
	return path;
}

static int open_piece(int dirfd, const char *piece, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, dirfd, piece, &how, sizeof(how));

	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(dirfd, piece, flags | O_NOFOLLOW | O_CLOEXEC);
	return (int)fd;
}

int walk_open(const char *path, int flags)
{
	BK_AUTO_FREE char *copy = NULL;
	char *s, *end;
	int fd;

	if (strlen(path) < PATH_MAX)
		return open_piece(AT_FDCWD, path, flags);
	copy = bk_strdup(path);
	end = copy + strlen(copy);
	s = copy + strspn(copy, "/");
	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0) {
		bool last = end - s < PATH_MAX;
		char *cut = last ? end : s + PATH_MAX - 1;
		int next;

		while (!last && *cut != '/')
			cut--;
		*cut = '\0';
		next = open_piece(fd, s, last ? flags : O_PATH | O_DIRECTORY);
		close(fd);
		fd = next;
		if (last)
			break;
		s = cut + 1;
	}
	return fd;
}
