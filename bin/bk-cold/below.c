/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "below.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refuse(int fd, int num)
{
	if (fd >= 0)
		(void)close(fd);
	errno = num;
	return -1;
}

static int get_mount(int fd, uint64_t *ret)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return -1;
	*ret = st.stx_mnt_id;
	return st.stx_mask & STATX_MNT_ID ? 0 : refuse(-1, ENOSYS);
}

/* One name, which is no link. */
static int open_name(int at, const char *name, int flags, mode_t mode)
{
	int fd = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
	struct stat st;

	/* as a folder, a link is none; else it is opened itself */
	if (fd < 0 && errno == ENOTDIR &&
	    fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return refuse(-1, S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR);
	if (fd >= 0 && (flags & O_PATH) && !(flags & O_NOFOLLOW) &&
	    (fstat(fd, &st) < 0 || S_ISLNK(st.st_mode)))
		return refuse(fd, ELOOP);
	return fd;
}

static int open_start(int dir, const char *path, uint64_t resolve)
{
	if (*path != '/')
		return openat(dir, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (resolve & RESOLVE_BENEATH)
		return refuse(-1, EXDEV);
	return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int open_each(int dir, char *path, const struct open_how *how)
{
	int at = open_start(dir, path, how->resolve);
	char *name = path + strspn(path, "/");
	uint64_t mount = 0, here = 0;

	if (at < 0 || get_mount(at, &mount) < 0)
		return refuse(at, errno);
	for (;;) {
		char *end = name + strcspn(name, "/");
		char *next = end + strspn(end, "/");
		int fd;

		*end = '\0';
		if (strcmp(name, "..") == 0)
			return refuse(at, EXDEV);
		fd = *next ? open_name(at, name, O_PATH | O_DIRECTORY, 0)
			   : open_name(at, *name ? name : ".", (int)how->flags,
				       (mode_t)how->mode);
		if (fd < 0)
			return refuse(at, errno);
		(void)close(at);
		at = fd;
		if (!(how->resolve & RESOLVE_NO_XDEV))
			;
		else if (get_mount(at, &here) < 0)
			return refuse(at, errno);
		else if (here != mount)
			return refuse(at, EXDEV);
		if (!*next)
			return at;
		name = next;
	}
}

int below_open(int dir, const char *path, const struct open_how *how)
{
	char copy[PATH_MAX];
	int fd = (int)syscall(SYS_openat2, dir, path, how, sizeof(*how));

	if (fd >= 0 || errno != ENOSYS)
		return fd;
	if (strlen(path) >= sizeof(copy))
		return refuse(-1, ENAMETOOLONG);
	memcpy(copy, path, strlen(path) + 1);
	return open_each(dir, copy, how);
}
