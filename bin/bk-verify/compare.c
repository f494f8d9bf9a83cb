/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "compare.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "mem.h"
#include "sig.h"
#include "str.h"

#define BLOCK ((size_t)256 << 10)
/* Times that some file system cannot hold are not compared. */
#define TIME_MAX ((int64_t)1 << 31)

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Is the live file, by all that can be seen of it, what was stored? */
static bool is_unchanged(const struct sample_file *f, const struct stat *live)
{
	return S_ISREG(live->st_mode) && (uint64_t)live->st_size == f->size &&
	       same_time(&live->st_mtim, &f->mtime);
}

/* The live file, if it did not change; -1: it did, or cannot be read. */
static int open_live(const struct sample_file *f, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || !is_unchanged(f, &st))) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

/*
 * A file with other bytes and the same size and time: was it only touched
 * since, with its old time put back? Then its ctime tells.
 */
static bool was_touched(const struct sample_file *f, int live)
{
	struct stat st;

	return fstat(live, &st) < 0 || !is_unchanged(f, &st) ||
	       !same_time(&st.st_ctim, &f->ctime);
}

/* ---- bytes ------------------------------------------------------------------- */

static ssize_t read_full(int fd, char *p, size_t n)
{
	size_t have = 0;

	while (have < n) {
		ssize_t got = read(fd, p + have, n - have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

/* 1: the same; 0: not; -1 with err: the restored one cannot be read. */
static int same_bytes(int live, int fd, const char *path, struct bk_err *err)
{
	BK_AUTO_FREE char *a = bk_malloc(BLOCK), *b = bk_malloc(BLOCK);
	ssize_t n, m;

	(void)posix_fadvise(live, 0, 0, POSIX_FADV_SEQUENTIAL);
	do {
		n = read_full(fd, a, BLOCK);
		if (n < 0)
			return bk_err_sys(err, "cannot read '%s'", path);
		m = read_full(live, b, BLOCK);
		if (bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "it was interrupted");
		if (m != n || memcmp(a, b, (size_t)n) != 0)
			return 0;
	} while (n > 0);
	return 1;
}

/* ---- one file ------------------------------------------------------------------ */

/* As the snapshot says? NULL, or what is not. */
static const char *attributes(const struct sample_file *f,
			      const struct stat *st)
{
	if (f->link)
		return S_ISLNK(st->st_mode) ? NULL : "is no link any more";
	if (!S_ISREG(st->st_mode))
		return "is no file any more";
	if ((uint64_t)st->st_size != f->size)
		return "came back with another size";
	/* A unit may not make what runs as another user. */
	if (!(f->mode & 06000) && (st->st_mode & 07777) != f->mode)
		return "came back with another mode";
	if (f->mtime.tv_sec >= 0 && f->mtime.tv_sec < TIME_MAX &&
	    st->st_mtim.tv_sec != f->mtime.tv_sec)
		return "came back with another time";
	return NULL;
}

static int compare_file(struct compare *c, const struct sample_file *f,
			const char *restored, const char *path,
			struct bk_err *err)
{
	BK_AUTO_CLOSE int live = open_live(f, path);
	BK_AUTO_CLOSE int fd = -1;
	int got;

	if (live < 0) {
		c->changed++;
		return 0;
	}
	fd = open(restored, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return bk_err_sys(err, "cannot open '%s'", restored);
	got = same_bytes(live, fd, path, err);
	if (got < 0)
		return -1;
	if (got == 1)
		c->same++;
	else if (was_touched(f, live))
		c->changed++;
	else
		c->bad(c->arg, f, path,
		       "came back with other bytes than the live file, which "
		       "did not change since");
	return 0;
}

static int compare_link(struct compare *c, const struct sample_file *f,
			const char *restored, const char *path)
{
	char a[PATH_MAX], b[PATH_MAX];
	ssize_t n = readlink(restored, a, sizeof(a));
	ssize_t m = readlink(path, b, sizeof(b));
	struct stat st;

	if (lstat(path, &st) < 0 || !same_time(&st.st_mtim, &f->mtime) ||
	    !same_time(&st.st_ctim, &f->ctime)) {
		c->changed++;
	} else if (n == m && n >= 0 && memcmp(a, b, (size_t)n) == 0) {
		c->same++;
	} else {
		c->bad(c->arg, f, path,
		       "came back with another target than the live link");
	}
	return 0;
}

/*
 * Whose is it? Paths that are no UTF-8 may look alike: then the one is meant
 * whose attributes are these.
 */
static struct sample_file *owner_of(const struct sample *l, const char *path,
				    const struct stat *st, const char **why)
{
	BK_AUTO_FREE char *likeness = bk_str_to_utf8(path, strlen(path));
	size_t n;
	struct sample_file *f = sample_find(l, likeness, &n);
	struct sample_file *found = NULL;

	*why = NULL;
	for (size_t i = 0; f && i < n; i++) {
		if (f[i].found)
			continue;
		*why = attributes(&f[i], st);
		found = &f[i];
		if (!*why)
			break;
	}
	return found;
}

static int compare_one(struct compare *c, const char *restored,
		       const char *path, const struct stat *st,
		       struct bk_err *err)
{
	const char *why;
	struct sample_file *f = owner_of(c->sample, path, st, &why);

	if (!f)
		return 0;
	f->found = true;
	if (why) {
		c->bad(c->arg, f, path, why);
		return 0;
	}
	return f->link ? compare_link(c, f, restored, path)
		       : compare_file(c, f, restored, path, err);
}

/* ---- all ------------------------------------------------------------------------- */

int compare_tree(struct compare *c, const char *root, struct bk_err *err)
{
	char *copy = bk_strdup(root);
	char *roots[] = { copy, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	const FTSENT *e;
	int got = 0;

	if (!walk) {
		free(copy);
		return bk_err_sys(err, "cannot read '%s'", root);
	}
	errno = 0;
	while (got == 0 && (e = fts_read(walk))) {
		if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR ||
		    e->fts_info == FTS_NS)
			got = bk_err_set(err, BK_EX_IOERR, e->fts_errno,
					 "cannot read '%s': %s", e->fts_path,
					 strerror(e->fts_errno));
		else if (e->fts_info != FTS_D && e->fts_info != FTS_DP)
			got = compare_one(c, e->fts_accpath,
					  e->fts_path + strlen(root),
					  e->fts_statp, err);
		errno = 0;
	}
	if (got == 0 && errno != 0)
		got = bk_err_sys(err, "cannot read '%s'", root);
	(void)fts_close(walk);
	free(copy);
	return got;
}

/* ---- one as a stream ---------------------------------------------------------------- */

void compare_begin(struct compare_stream *s, const struct sample_file *f)
{
	*s = (struct compare_stream){ .file = f,
				      .live = open_live(f, f->path) };
}

void compare_add(struct compare_stream *s, const char *p, size_t n)
{
	BK_AUTO_FREE char *own = NULL;

	s->size += n;
	if (s->live < 0 || s->differs)
		return;
	own = bk_malloc(n + 1);
	s->differs = read_full(s->live, own, n) != (ssize_t)n ||
		     memcmp(own, p, n) != 0;
}

void compare_end(struct compare *c, struct compare_stream *s)
{
	const struct sample_file *f = s->file;

	if (s->size != f->size)
		c->bad(c->arg, f, f->path, "came back with another size");
	else if (s->live < 0 || (s->differs && was_touched(f, s->live)))
		c->changed++;
	else if (s->differs)
		c->bad(c->arg, f, f->path,
		       "came back with other bytes than the live file, which "
		       "did not change since");
	else
		c->same++;
	if (s->live >= 0)
		(void)close(s->live);
	s->live = -1;
}
