/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "digest.h"
#include "file.h"

static volatile sig_atomic_t broken;

static void on_break(int sig)
{
	(void)sig;
	broken = 1;
}

void source_init(void)
{
	struct sigaction a = { .sa_handler = on_break, .sa_flags = SA_RESTART };

	(void)sigaction(SIGIO, &a, NULL);
}

bool source_broken(void)
{
	bool was = broken;

	broken = 0;
	return was;
}

static int changed(struct bk_err *err)
{
	return bk_err_set(err, BK_EX_TEMPFAIL, 0, "was changed meanwhile");
}

/* 1: have it, 0: there are none here, -1: somebody has it open for writing. */
static int take_lease(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
		return 1;
	return errno == EAGAIN ? -1 : 0;
}

static int open_file(const struct walk_item *i, struct bk_err *err)
{
	int fd = walk_open(i, O_RDONLY | O_NOATIME);

	if (fd < 0 && errno == EPERM)
		fd = walk_open(i, O_RDONLY);
	if (fd < 0)
		(void)bk_err_sys(err, "cannot open it");
	return fd;
}

int source_open(struct source *s, const struct walk_item *i, struct bk_err *err)
{
	struct stat st;
	int lease;

	*s = SOURCE_INIT;
	s->fd = open_file(i, err);
	if (s->fd < 0)
		return -1;
	lease = take_lease(s->fd);
	s->leased = lease > 0;
	if (fstat(s->fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_ino != i->st->st_ino || st.st_dev != i->st->st_dev)
		(void)changed(err);
	else if (lease < 0)
		(void)bk_err_set(err, BK_EX_TEMPFAIL, 0,
				 "a program writes to it");
	else if (meta_read(s->fd, &s->meta, err) == 0 &&
		 source_rewind(s, err) == 0)
		return 0;
	source_close(s);
	return -1;
}

int source_rewind(struct source *s, struct bk_err *err)
{
	EVP_MD_CTX_free(s->md);
	s->md = bk_digest_new(err);
	s->at = 0;
	(void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return s->md ? 0 : -1;
}

ssize_t source_read(struct source *s, void *p, size_t n, struct bk_err *err)
{
	ssize_t got;

	do
		got = pread(s->fd, p, n, (off_t)s->at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return bk_err_sys(err, "cannot read it");
	if (got > 0 && bk_digest_add(s->md, p, (size_t)got, err) < 0)
		return -1;
	s->at += (uint64_t)got;
	return got;
}

bool source_is_held(const struct source *s)
{
	return !s->leased || fcntl(s->fd, F_GETLEASE) == F_RDLCK;
}

int source_end(struct source *s, char ret[static 65], struct bk_err *err)
{
	EVP_MD_CTX *md = s->md;
	struct stat st;

	s->md = NULL;
	if (bk_digest_end(md, ret, err) < 0)
		return -1;
	if (fstat(s->fd, &st) < 0)
		return bk_err_sys(err, "cannot look at it");
	if (s->at != s->meta.size || !source_is_held(s) ||
	    !meta_untouched(&s->meta, &st))
		return changed(err);
	/* what changes from here on has other times */
	if (s->leased)
		(void)fcntl(s->fd, F_SETLEASE, F_UNLCK);
	s->leased = false;
	return 0;
}

void source_close(struct source *s)
{
	/* closing ends the lease too */
	if (s->fd >= 0)
		(void)close(s->fd);
	EVP_MD_CTX_free(s->md);
	meta_free(&s->meta);
	*s = SOURCE_INIT;
}
