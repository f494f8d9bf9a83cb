/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "dirs.h"
#include "file.h"
#include "log.h"
#include "sig.h"
#include "str.h"
#include "time.h"

/* The pid that the holder wrote; only for people. */
static unsigned long long holder(int fd)
{
	char text[32] = "";
	uint64_t pid = 0;

	if (pread(fd, text, sizeof(text) - 1, 0) > 0) {
		text[strcspn(text, "\n")] = '\0';
		(void)bk_parse_u64(text, 1, INT32_MAX, &pid);
	}
	return pid;
}

static void sign(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) < 0)
		bk_debug("cannot write the pid into a lock file, ignoring");
}

/* 0: taken, 1: another has it, -1: errno */
static int try_lock(int fd)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK || errno == EINTR ? 1 : -1;
}

static void pause_ms(int64_t ms)
{
	struct pollfd p = { .fd = bk_sig_fd(), .events = POLLIN };

	(void)poll(&p, 1, ms < 200 ? (int)ms : 200);
}

int bk_lock_take(const char *name, int wait_ms, struct bk_err *err)
{
	BK_AUTO_FREE char *file = bk_asprintf("lock/%s", name);
	BK_AUTO_FREE char *path = bk_dirs_path(BK_DIRS_RUN, file, err);
	BK_AUTO_CLOSE int fd = -1;
	int64_t end = bk_time_mono_ms() + wait_ms, now;
	int got, ret;

	if (!path)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return bk_err_set(err, BK_EX_CANTCREAT, errno,
				  "cannot open lock file '%s'", path);
	while ((got = try_lock(fd)) == 1) {
		now = bk_time_mono_ms();
		if (now >= end || bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "'%s' is locked by process %llu",
					  path, holder(fd));
		pause_ms(end - now);
	}
	if (got < 0)
		return bk_err_sys(err, "cannot lock '%s'", path);
	sign(fd);
	ret = fd;
	fd = -1;
	return ret;
}
