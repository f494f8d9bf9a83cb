/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "below.h"
#include "file.h"
#include "log.h"
#include "path.h"
#include "sig.h"

struct state {
	const struct walk *w;
	const struct decision *d;
	struct bk_buf path;
};

static int open_beside(int dirfd, const char *name, int flags)
{
	/* O_PATH goes with few others */
	int more = O_NOFOLLOW | O_CLOEXEC | (flags & O_PATH ? 0 : O_NONBLOCK);
	struct open_how how = { .flags = (uint64_t)(flags | more),
				.resolve = RESOLVE_NO_SYMLINKS |
					   RESOLVE_NO_MAGICLINKS };

	return below_open(dirfd, name, &how);
}

int walk_open(const struct walk_item *i, int flags)
{
	return open_beside(i->dirfd, i->name, flags);
}

static void fail(struct state *s, const char *what)
{
	bk_warning("cannot %s '%s': %s", what, s->path.p, strerror(errno));
	s->w->failed(s->w->arg, s->d, s->path.p);
}

/* The mount that fd is on; 0 where the kernel does not tell. */
static uint64_t mount_of(int fd)
{
	struct statx x;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &x) < 0 ||
	    !(x.stx_mask & STATX_MNT_ID))
		return 0;
	return x.stx_mnt_id;
}

static bool may_enter(struct state *s, int fd, uint64_t mount)
{
	if (mount_of(fd) == mount ||
	    bk_strv_has(&s->w->plan->mounts, s->path.p))
		return true;
	bk_warning("%s: another file system is mounted there, left out",
		   s->path.p);
	s->w->failed(s->w->arg, s->d, s->path.p);
	return false;
}

static int visit_folder(struct state *s, int parent, const char *name,
			uint64_t mount, struct bk_err *err);

static bool is_own(const char *name)
{
	return strcmp(name, WALK_INDEX) == 0 ||
	       strcmp(name, WALK_QUARANTINE) == 0;
}

static int visit_entry(struct state *s, int dirfd, const char *name,
		       uint64_t mount, struct bk_err *err)
{
	struct walk_item item = { s->d, s->path.p, dirfd, name, NULL };
	struct stat st;

	if (plan_at(s->w->plan, s->path.p) ||
	    decision_excludes(s->d, s->path.p))
		return 0;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			fail(s, "look at");
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return visit_folder(s, dirfd, name, mount, err);
	item.st = &st;
	return s->w->visit(s->w->arg, &item, err);
}

static int read_folder(struct state *s, DIR *dir, uint64_t mount,
		       struct bk_err *err)
{
	size_t len = s->path.len;
	struct dirent *e;

	if (len == 1)
		len = 0; /* "/" */
	for (;;) {
		int got;

		errno = 0;
		e = readdir(dir);
		if (!e)
			break;
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0 || is_own(e->d_name))
			continue;
		if (bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "it was stopped");
		s->path.len = len;
		bk_buf_addf(&s->path, "/%s", e->d_name);
		got = visit_entry(s, dirfd(dir), e->d_name, mount, err);
		if (got < 0)
			return -1;
	}
	s->path.len = len ? len : 1;
	s->path.p[s->path.len] = '\0';
	if (errno)
		fail(s, "read");
	return 0;
}

static int visit_folder(struct state *s, int parent, const char *name,
			uint64_t mount, struct bk_err *err)
{
	struct walk_item item = { s->d, s->path.p, parent, name, NULL };
	struct stat st;
	int got, fd = openat(parent, name,
			     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC |
				     O_NONBLOCK);
	DIR *dir;

	if (fd < 0 || fstat(fd, &st) < 0) {
		if (errno != ENOENT)
			fail(s, "open");
		if (fd >= 0)
			(void)close(fd);
		return 0;
	}
	if (mount == 0)
		mount = mount_of(fd);
	if (!may_enter(s, fd, mount)) {
		(void)close(fd);
		return 0;
	}
	mount = mount_of(fd);
	item.st = &st;
	got = s->w->visit(s->w->arg, &item, err);
	dir = got == 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		if (got == 0)
			fail(s, "open");
		(void)close(fd);
		return got;
	}
	got = read_folder(s, dir, mount, err);
	(void)closedir(dir);
	return got;
}

int walk_decision(const struct walk *w, const struct decision *d,
		  struct bk_err *err)
{
	struct state s = { w, d, BK_BUF_INIT };
	struct walk_item item = { d, d->path, AT_FDCWD, d->path, NULL };
	struct stat st;
	int got = 0;

	if (!d->in || d->gone)
		return 0;
	bk_buf_adds(&s.path, d->path);
	if (lstat(d->path, &st) < 0) {
		fail(&s, "look at");
	} else if (S_ISDIR(st.st_mode)) {
		got = visit_folder(&s, AT_FDCWD, d->path, 0, err);
	} else {
		item.st = &st;
		got = w->visit(w->arg, &item, err);
	}
	bk_buf_free(&s.path);
	return got;
}
