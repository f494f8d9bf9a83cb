/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "mem.h"
#include "sig.h"

#define BUFFER (256U << 10)

/*
 * One that does not block, so that a signal is noticed while a reader stalls.
 * A pipe is opened anew for that: its flags are shared with other processes.
 */
static int without_blocking(int fd, bool own)
{
	char path[32];
	struct stat st;
	int again;

	if (fstat(fd, &st) < 0 || S_ISREG(st.st_mode))
		return -1;
	if (own) {
		(void)fcntl(fd, F_SETFL, O_NONBLOCK);
		return -1;
	}
	if (!S_ISFIFO(st.st_mode))
		return -1;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	return again;
}

int sink_open(struct sink *s, int fd, bool take, struct bk_err *err)
{
	int again = without_blocking(fd, take);

	*s = (struct sink){ .fd = again >= 0 ? again : fd,
			    .own = take || again >= 0,
			    .guard = s->guard,
			    .arg = s->arg };
	s->p = bk_malloc(BUFFER);
	s->md = bk_digest_new(err);
	if (s->md)
		return 0;
	s->own = again >= 0;
	sink_close(s);
	return -1;
}

static int wait_for_room(struct sink *s, struct bk_err *err)
{
	struct pollfd p[2] = { { .fd = s->fd, .events = POLLOUT },
			       { .fd = bk_sig_fd(), .events = POLLIN } };

	while (!bk_sig_pending()) {
		int got = poll(p, 2, 1000);

		if (got < 0 && errno != EINTR)
			return bk_err_sys(err, "cannot poll");
		if (got > 0 && p[0].revents)
			return 0;
		if (s->guard && s->guard(s->arg, err) < 0)
			return -1;
	}
	return bk_err_set(err, BK_EX_TEMPFAIL, 0, "it was interrupted");
}

static int write_all(struct sink *s, const char *p, size_t n,
		     struct bk_err *err)
{
	while (n > 0) {
		/* Less than a pipe holds, where it blocks after all. */
		size_t some = n < 65536 ? n : 65536;
		ssize_t done;

		if (wait_for_room(s, err) < 0)
			return -1;
		done = write(s->fd, p, some);
		if (done < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (done < 0)
			return bk_err_set(err, BK_EX_IOERR, errno,
					  "cannot write the dump");
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

static int pass_on(struct sink *s, const char *p, size_t n, struct bk_err *err)
{
	if (s->md && bk_digest_add(s->md, p, n, err) < 0)
		return -1;
	s->bytes += n;
	return write_all(s, p, n, err);
}

int sink_flush(struct sink *s, struct bk_err *err)
{
	size_t n = s->len;

	s->len = 0;
	return n > 0 ? pass_on(s, s->p, n, err) : 0;
}

int sink_add(struct sink *s, const void *p, size_t n, struct bk_err *err)
{
	bool large = n > BUFFER / 2;

	if ((large || s->len + n > BUFFER) && sink_flush(s, err) < 0)
		return -1;
	if (large)
		return pass_on(s, p, n, err);
	memcpy(s->p + s->len, p, n);
	s->len += n;
	return 0;
}

int sink_digest(struct sink *s, char ret[static 65], struct bk_err *err)
{
	EVP_MD_CTX *md = s->md;

	if (sink_flush(s, err) < 0)
		return -1;
	s->md = NULL;
	return bk_digest_end(md, ret, err);
}

void sink_close(struct sink *s)
{
	if (s->own && s->fd >= 0)
		(void)close(s->fd);
	EVP_MD_CTX_free(s->md);
	free(s->p);
	s->fd = -1;
	s->own = false;
	s->md = NULL;
	s->p = NULL;
	s->len = 0;
}
