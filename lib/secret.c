/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "file.h"
#include "sig.h"

/* What is mapped for each. */
#define ROOM (BK_SECRET_MAX + 1)

void bk_secret_harden(void)
{
	const struct rlimit none = { 0, 0 };

	/* Neither is refused by any kernel that we run on. */
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0);
}

int bk_secret_new(struct bk_secret *s, struct bk_err *err)
{
	s->len = 0;
	s->p = mmap(NULL, ROOM, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->p == MAP_FAILED) {
		s->p = NULL;
		(void)bk_err_sys(err, "cannot map memory");
		return -1;
	}
	/* Best effort: RLIMIT_MEMLOCK may be 0. */
	(void)mlock(s->p, ROOM);
	(void)madvise(s->p, ROOM, MADV_DONTDUMP);
	(void)madvise(s->p, ROOM, MADV_WIPEONFORK);
	return 0;
}

void bk_secret_free(struct bk_secret *s)
{
	if (s->p) {
		explicit_bzero(s->p, ROOM);
		(void)munmap(s->p, ROOM);
	}
	*s = BK_SECRET_INIT;
}

static int too_long(struct bk_err *err, size_t limit)
{
	return bk_err_set(err, BK_EX_DATAERR, 0, "it is longer than %zu bytes",
			  limit);
}

int bk_secret_set(struct bk_secret *s, const void *p, size_t len,
		  struct bk_err *err)
{
	if (len > BK_SECRET_MAX)
		return too_long(err, BK_SECRET_MAX);
	if (bk_secret_new(s, err) < 0)
		return -1;
	if (len)
		memcpy(s->p, p, len);
	s->len = len;
	return 0;
}

int bk_secret_read(struct bk_secret *s, int fd, size_t limit,
		   struct bk_err *err)
{
	ssize_t n = 1;

	if (bk_secret_new(s, err) < 0)
		return -1;
	while (n > 0 && s->len <= limit) {
		errno = ECANCELED;
		n = bk_sig_await(fd)
			    ? read(fd, s->p + s->len, limit + 1 - s->len)
			    : -1;
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			s->len += (size_t)n;
	}
	if (n < 0)
		bk_err_sys(err, "cannot read it");
	else if (s->len > limit)
		n = too_long(err, limit);
	if (n < 0) {
		bk_secret_free(s);
		return -1;
	}
	s->p[s->len] = '\0';
	return 0;
}

void bk_secret_chomp(struct bk_secret *s)
{
	if (s->len > 0 && s->p[s->len - 1] == '\n')
		s->p[--s->len] = '\0';
}

int bk_secret_pipe(const struct bk_secret *s, struct bk_err *err)
{
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) < 0)
		return bk_err_sys(err, "cannot make a pipe");
	if (bk_fd_write(fd[1], s->p, s->len) < 0) {
		bk_err_sys(err, "cannot fill a pipe");
		(void)close(fd[0]);
		fd[0] = -1;
	}
	(void)close(fd[1]);
	return fd[0];
}
