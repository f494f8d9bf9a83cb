/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>

#include "path.h"

int bk_fd_write(int fd, const void *p, size_t len)
{
	const char *s = p;

	while (len > 0) {
		ssize_t n = write(fd, s, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		s += n;
		len -= (size_t)n;
	}
	return 0;
}

int bk_fd_read(int fd, size_t limit, struct bk_buf *b)
{
	size_t start = b->len;

	for (;;) {
		size_t got = b->len - start;
		size_t want = limit - got < 65536 ? limit - got + 1 : 65536;
		ssize_t n;

		bk_buf_reserve(b, want);
		n = read(fd, b->p + b->len, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			return 0;
		b->len += (size_t)n;
		b->p[b->len] = '\0';
		if (b->len - start > limit) {
			errno = EFBIG;
			return -1;
		}
	}
}

int bk_file_read(const char *path, size_t limit, struct bk_buf *b,
		 struct bk_err *err)
{
	BK_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return bk_err_sys(err, "cannot open '%s'", path);
	if (!S_ISREG(st.st_mode))
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "'%s' is not a regular file", path);
	if (bk_fd_read(fd, limit, b) == 0)
		return 0;
	if (errno == EFBIG)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "'%s' is larger than %zu bytes", path, limit);
	return bk_err_sys(err, "cannot read '%s'", path);
}

int bk_file_sync_folder(const char *path, struct bk_err *err)
{
	BK_AUTO_FREE char *folder =
		strchr(path, '/') ? bk_path_parent(path) : bk_strdup(".");
	BK_AUTO_CLOSE int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && fsync(fd) == 0)
		return 0;
	return bk_err_set(err, BK_EX_IOERR, errno,
			  "cannot sync the folder of '%s'", path);
}

/* owner NULL: it belongs to who runs this. */
static int write_file(const char *path, const void *p, size_t len, mode_t mode,
		      const struct stat *owner, struct bk_err *err)
{
	BK_AUTO_FREE char *tmp = bk_asprintf("%s.XXXXXX", path);
	int fd = mkostemp(tmp, O_CLOEXEC);
	int num;

	if (fd < 0)
		return bk_err_set(err, BK_EX_CANTCREAT, errno,
				  "cannot create '%s'", path);
	if (bk_fd_write(fd, p, len) < 0 ||
	    (owner && fchown(fd, owner->st_uid, owner->st_gid) < 0) ||
	    fchmod(fd, mode) < 0 || fsync(fd) < 0) {
		num = errno;
		(void)close(fd);
		goto fail;
	}
	if (close(fd) < 0 || rename(tmp, path) < 0) {
		num = errno;
		goto fail;
	}
	return bk_file_sync_folder(path, err);
fail:
	(void)unlink(tmp);
	return bk_err_set(err, BK_EX_IOERR, num, "cannot write '%s'", path);
}

int bk_file_write(const char *path, const void *p, size_t len, mode_t mode,
		  struct bk_err *err)
{
	return write_file(path, p, len, mode, NULL, err);
}

int bk_file_rewrite(const char *path, const struct stat *st, const void *p,
		    size_t len, struct bk_err *err)
{
	return write_file(path, p, len, st->st_mode & 07777, st, err);
}

static int make_folder(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST || stat(path, &st) < 0)
		return -1;
	errno = ENOTDIR;
	return S_ISDIR(st.st_mode) ? 0 : -1;
}

int bk_file_mkdirs(const char *path, mode_t mode, struct bk_err *err)
{
	BK_AUTO_FREE char *copy = bk_strdup(path);

	for (char *p = copy + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (make_folder(copy, mode) < 0)
			return bk_err_set(err, BK_EX_CANTCREAT, errno,
					  "cannot create folder '%s'", copy);
		*p = c;
		if (c == '\0')
			return 0;
	}
}

static int remove_entry(const FTSENT *e)
{
	switch (e->fts_info) {
	case FTS_D:
		return 0;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		errno = e->fts_errno;
		return errno == ENOENT ? 0 : -1;
	default:
		return remove(e->fts_accpath);
	}
}

/* Folders alone tell the file system: an overlay has others for its files. */
int bk_file_remove_tree(const char *path, struct bk_err *err)
{
	BK_AUTO_FREE char *copy = bk_strdup(path);
	char *const roots[] = { copy, NULL };
	FTS *tree =
		fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, NULL);
	FTSENT *e;
	int r = tree ? 0 : -1;

	while (r == 0 && (e = fts_read(tree)))
		r = remove_entry(e);
	/* At the end errno is 0. */
	if (r < 0 || errno != 0)
		r = bk_err_sys(err, "cannot remove '%s'", path);
	if (tree)
		(void)fts_close(tree);
	return r;
}

const char *bk_file_distrust(const struct stat *st)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "its owner is neither root nor the user who runs this";
	if (st->st_mode & S_IWOTH)
		return "others can write it";
	if ((st->st_mode & S_IWGRP) && st->st_gid != 0 &&
	    st->st_gid != getegid())
		return "a foreign group can write it";
	return NULL;
}
