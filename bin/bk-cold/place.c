/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "below.h"
#include "digest.h"
#include "file.h"
#include "path.h"

#define TEMPORARY ".bk-cold-"
/*
 * The mode of a folder that is to get its metadata yet; nobody else has a use
 * for the sticky bit where only the owner may do anything.
 */
#define UNDRESSED 01700

/* One system call takes a path of less than 4096 bytes. */
enum { PIECE_MAX = 4000, FLUSH_TOGETHER = 8 };

/* A file system that was written to. */
struct volume {
	dev_t dev;
	int fd;
};

struct place {
	int root; /* -1: it is not there, and counts as empty */
	char *name;
	char *at; /* path of the folder that was opened last, or NULL */
	int fd;	  /* that folder */
	struct volume *volumes;
	size_t nvolumes;
};

static int cannot(struct bk_err *err, const char *what, const char *path)
{
	int num = errno, exit = BK_EX_OSERR;

	switch (num) {
	case EEXIST:
	case ENOTDIR:
	case ELOOP:
	case EISDIR:
		exit = BK_EX_CANTCREAT;
		break;
	case EPERM:
	case EACCES:
	case EROFS:
		exit = BK_EX_NOPERM;
		break;
	case ENOSPC:
	case EDQUOT:
	case EIO:
	case EFBIG:
		exit = BK_EX_IOERR;
		break;
	default:
		break;
	}
	if (num == ELOOP)
		return bk_err_set(err, exit, 0,
				  "cannot %s '%s': a symbolic link is in the "
				  "way",
				  what, path);
	return bk_err_set(err, exit, num, "cannot %s '%s'", what, path);
}

/* ---- folders --------------------------------------------------------------- */

static int open_beneath(int dirfd, const char *name, uint64_t flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};

	return below_open(dirfd, name, &how);
}

/* The first n bytes of a path, of any length. */
static int open_folder(int root, const char *path, size_t n)
{
	int at = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	size_t done = 0;

	while (at >= 0 && done < n) {
		size_t len = n - done;
		BK_AUTO_FREE char *piece = NULL;
		int next;

		if (len > PIECE_MAX)
			for (len = PIECE_MAX; len > 1; len--)
				if (path[done + len] == '/')
					break;
		piece = bk_memdup(path + done, len);
		next = open_beneath(at, piece, O_PATH | O_DIRECTORY);
		(void)close(at);
		at = next;
		done += len;
		while (done < n && path[done] == '/')
			done++;
	}
	return at;
}

/*
 * One level after the other, the last one with the mode last; 1 that is new.
 */
static int make_folders(int root, const char *path, size_t n, mode_t last,
			int *ret_fd)
{
	int at = openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool made = false;

	for (size_t i = 0; at >= 0 && i < n;) {
		size_t len = strcspn(path + i, "/");
		BK_AUTO_FREE char *name = bk_memdup(path + i, len);
		int next;

		made = mkdirat(at, name, i + len < n ? 0700 : last) == 0;
		if (!made && errno != EEXIST)
			next = -1;
		else
			next = open_beneath(at, name, O_PATH | O_DIRECTORY);
		if (next < 0) {
			int num = errno;

			(void)close(at);
			errno = num;
			return -1;
		}
		(void)close(at);
		at = next;
		i += len + 1;
	}
	*ret_fd = at;
	return at < 0 ? -1 : made;
}

static void remember(struct place *p, const char *path, size_t n, int fd)
{
	if (p->fd >= 0)
		(void)close(p->fd);
	free(p->at);
	p->at = bk_memdup(path, n);
	p->fd = fd;
}

/*
 * The folder that path[1..n] names, the place's own descriptor until the next
 * one is wanted; errno on -1.
 */
static int folder_at(struct place *p, const char *path, size_t n)
{
	int fd;

	if (p->root < 0) {
		errno = ENOENT;
		return -1;
	}
	if (p->at && strlen(p->at) == n && strncmp(p->at, path, n) == 0)
		return p->fd;
	fd = n > 1 ? open_folder(p->root, path + 1, n - 1)
		   : openat(p->root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		remember(p, path, n, fd);
	return fd;
}

/* How much of path is its folder; at least the '/'. */
static size_t folder_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? 1 : (size_t)(slash - path);
}

static const char *base_of(const char *path)
{
	return path[1] ? bk_path_base(path) : ".";
}

/* ---- the place ------------------------------------------------------------- */

struct place *place_open(const char *dir, bool create, struct bk_err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct place *p;

	if (fd < 0 && errno == ENOENT && create) {
		if (bk_file_mkdirs(dir, 0700, err) < 0)
			return NULL;
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0 && (errno != ENOENT || create)) {
		(void)cannot(err, "open", dir);
		return NULL;
	}
	p = bk_calloc(1, sizeof(*p));
	p->root = fd;
	p->fd = -1;
	p->name = bk_strdup(dir);
	return p;
}

/* The file system of this folder is to be synced in the end. */
static void note_volume(struct place *p, int folder)
{
	struct stat st;
	int fd;

	if (fstat(folder, &st) < 0)
		return;
	for (size_t i = 0; i < p->nvolumes; i++)
		if (p->volumes[i].dev == st.st_dev)
			return;
	fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	p->volumes =
		bk_realloc(p->volumes, p->nvolumes + 1, sizeof(*p->volumes));
	p->volumes[p->nvolumes++] = (struct volume){ st.st_dev, fd };
}

int place_sync(struct place *p, struct bk_err *err)
{
	for (size_t i = 0; i < p->nvolumes; i++)
		if (syncfs(p->volumes[i].fd) < 0)
			return bk_err_set(err, BK_EX_IOERR, errno,
					  "cannot sync '%s'", p->name);
	return 0;
}

void place_close(struct place *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nvolumes; i++)
		(void)close(p->volumes[i].fd);
	if (p->fd >= 0)
		(void)close(p->fd);
	if (p->root >= 0)
		(void)close(p->root);
	free(p->volumes);
	free(p->at);
	free(p->name);
	free(p);
}

/* ---- looking --------------------------------------------------------------- */

static bool same_link(int dir, const char *base, const struct meta *m)
{
	BK_AUTO_FREE char *target = bk_malloc(PATH_MAX + 1);
	ssize_t n = readlinkat(dir, base, target, PATH_MAX);

	if (n < 0)
		return false;
	target[n] = '\0';
	return strcmp(target, m->link) == 0;
}

static bool is_undressed(const struct stat *st)
{
	return S_ISDIR(st->st_mode) && (st->st_mode & 07777) == UNDRESSED;
}

int place_look(struct place *p, const struct entry *e,
	       enum place_found *ret_found, struct bk_err *err)
{
	int dir = folder_at(p, e->path, folder_length(e->path));
	const struct meta *m = &e->meta;
	const char *base = base_of(e->path);
	struct meta now;
	struct stat st;
	bool same;

	*ret_found = PLACE_FREE;
	if (dir < 0 || fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : cannot(err, "look at", e->path);
	if (m->type == 'd' && is_undressed(&st))
		return 0;
	meta_from_stat(&now, &st);
	same = now.type == m->type;
	if (same && m->type == 'f')
		same = now.size == m->size && now.mtime == m->mtime &&
		       now.mtime_ns == m->mtime_ns;
	else if (same && m->type == 'l')
		same = same_link(dir, base, m);
	*ret_found = same ? PLACE_SAME : PLACE_OTHER;
	return 0;
}

int place_room(struct place *p, const char *path, dev_t *ret_dev,
	       uint64_t *ret_free, struct bk_err *err)
{
	BK_AUTO_FREE char *above = bk_strdup(p->name);
	size_t n = folder_length(path);
	BK_AUTO_CLOSE int own = -1;
	struct statvfs vfs;
	struct stat st;
	int fd = folder_at(p, path, n);

	while (fd < 0 && errno == ENOENT && p->root >= 0 && n > 1) {
		for (n--; n > 1 && path[n] != '/'; n--)
			;
		fd = folder_at(p, path, n);
	}
	/* where the folder will be created */
	while (fd < 0 && errno == ENOENT && p->root < 0) {
		char *up = bk_path_parent(above);

		free(above);
		above = up;
		fd = own = open(above, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0 || fstat(fd, &st) < 0 || fstatvfs(fd, &vfs) < 0)
		return cannot(err, "look at", path);
	*ret_dev = st.st_dev;
	*ret_free = (uint64_t)vfs.f_bavail * vfs.f_frsize;
	return 0;
}

/* ---- putting --------------------------------------------------------------- */

static int enter(struct place *p, const char *path, mode_t mode,
		 struct bk_err *err)
{
	size_t n = strlen(path);
	int fd = folder_at(p, path, n), made = 0;

	if (fd < 0 && errno == ENOENT) {
		made = make_folders(p->root, path + 1, n - 1, mode, &fd);
		if (made >= 0)
			remember(p, path, n, fd);
	}
	if (fd < 0 || made < 0)
		return cannot(err, "create the folder", path);
	note_volume(p, fd);
	return made;
}

int place_folder(struct place *p, const char *path, struct bk_err *err)
{
	int made = enter(p, path, UNDRESSED, err);
	struct stat st;

	if (made != 0)
		return made;
	if (fstat(p->fd, &st) < 0)
		return cannot(err, "look at the folder", path);
	return is_undressed(&st);
}

/* The folder of path, made where it is not there. */
static int folder_of(struct place *p, const char *path, struct bk_err *err)
{
	BK_AUTO_FREE char *folder = bk_memdup(path, folder_length(path));

	return enter(p, folder, 0700, err) < 0 ? -1 : p->fd;
}

int place_dress(struct place *p, const struct entry *e,
		struct bk_strv *problems, struct bk_err *err)
{
	int at = folder_at(p, e->path, strlen(e->path));
	BK_AUTO_CLOSE int fd =
		at < 0 ? -1
		       : openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return cannot(err, "open the folder", e->path);
	meta_apply(fd, &e->meta, problems);
	return 0;
}

/* Neither takes the place of anything. */
static int give_name(const struct place_file *f, const char *base)
{
	char proc[32];

	if (!f->temporary) {
		(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", f->fd);
		return linkat(AT_FDCWD, proc, f->dir, base, AT_SYMLINK_FOLLOW);
	}
	if (renameat2(f->dir, f->temporary, f->dir, base, RENAME_NOREPLACE) ==
	    0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
		return -1;
	if (linkat(f->dir, f->temporary, f->dir, base, 0) < 0)
		return -1;
	(void)unlinkat(f->dir, f->temporary, 0);
	return 0;
}

/*
 * Dressed under a name that is always the same, so that what a run that was
 * killed left is used by the next one.
 */
int place_symlink(struct place *p, const struct entry *e,
		  struct bk_strv *problems, struct bk_err *err)
{
	int dir = folder_of(p, e->path, err);
	const char *base = base_of(e->path);
	struct place_file f = PLACE_FILE_INIT;
	BK_AUTO_FREE char *name = NULL;
	BK_AUTO_CLOSE int fd = -1;
	char hash[65];

	if (dir < 0 || bk_digest_text(base, strlen(base), hash, err) < 0)
		return -1;
	name = bk_asprintf(TEMPORARY "%.32s", hash);
	if (symlinkat(e->meta.link, dir, name) < 0 && errno != EEXIST)
		return cannot(err, "create the symbolic link", e->path);
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return cannot(err, "open the symbolic link", e->path);
	/* somebody may have put something else there in between */
	if (!same_link(fd, "", &e->meta))
		return bk_err_set(err, BK_EX_CANTCREAT, 0,
				  "'%s' cannot be created: '%s' beside it is "
				  "in the way",
				  e->path, name);
	meta_apply(fd, &e->meta, problems);
	f.dir = dir;
	f.temporary = name;
	if (give_name(&f, base) < 0) {
		(void)cannot(err, "create the symbolic link", e->path);
		(void)unlinkat(dir, name, 0);
		return -1;
	}
	return 0;
}

static int open_named(struct place_file *f, int dir)
{
	uint64_t n[2];

	if (getrandom(n, sizeof(n), 0) != (ssize_t)sizeof(n))
		return -1;
	f->temporary =
		bk_asprintf(TEMPORARY "%016llx%016llx",
			    (unsigned long long)n[0], (unsigned long long)n[1]);
	return openat(dir, f->temporary,
		      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

int place_begin(struct place *p, const char *path, struct place_file *ret,
		struct bk_err *err)
{
	struct place_file f = PLACE_FILE_INIT;
	int dir = folder_of(p, path, err);

	if (dir < 0)
		return -1;
	f.fd = openat(dir, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (f.fd < 0 &&
	    (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
		f.fd = open_named(&f, dir);
	f.dir = f.fd < 0 ? -1 : fcntl(dir, F_DUPFD_CLOEXEC, 3);
	if (f.dir < 0) {
		(void)cannot(err, "create", path);
		free(f.temporary);
		f.temporary = NULL;
		place_drop(&f);
		return -1;
	}
	*ret = f;
	return 0;
}

/* One call for the file system costs less than some for its files. */
int place_flush(struct place *p, const struct place_file *v, size_t n,
		struct bk_err *err)
{
	if (n >= FLUSH_TOGETHER)
		return place_sync(p, err);
	for (size_t i = 0; i < n; i++)
		if (fsync(v[i].fd) < 0)
			return bk_err_set(err, BK_EX_IOERR, errno,
					  "cannot write below '%s'", p->name);
	return 0;
}

int place_end(struct place_file *f, const char *path, struct stat *ret_st,
	      struct bk_err *err)
{
	if (give_name(f, base_of(path)) < 0 || fstat(f->fd, ret_st) < 0)
		return cannot(err, "create", path);
	free(f->temporary);
	f->temporary = NULL;
	place_drop(f);
	return 0;
}

void place_drop(struct place_file *f)
{
	if (f->temporary)
		(void)unlinkat(f->dir, f->temporary, 0);
	if (f->fd >= 0)
		(void)close(f->fd);
	if (f->dir >= 0)
		(void)close(f->dir);
	free(f->temporary);
	*f = PLACE_FILE_INIT;
}

int place_link(struct place *p, const char *from, const struct stat *st,
	       const char *path, struct bk_err *err)
{
	int dir = folder_at(p, from, folder_length(from));
	BK_AUTO_CLOSE int fd =
		dir < 0 ? -1
			: openat(dir, base_of(from),
				 O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat now;
	char proc[32];

	if (fd < 0 || fstat(fd, &now) < 0 || now.st_dev != st->st_dev ||
	    now.st_ino != st->st_ino)
		return 0;
	dir = folder_of(p, path, err);
	if (dir < 0)
		return -1;
	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, proc, dir, base_of(path), AT_SYMLINK_FOLLOW) == 0)
		return 1;
	if (errno == EXDEV || errno == EPERM || errno == EOPNOTSUPP ||
	    errno == EMLINK)
		return 0;
	return cannot(err, "create", path);
}
