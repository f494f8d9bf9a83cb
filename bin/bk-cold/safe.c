/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each rule is a function named for what it finds; what it returns is why the
 * file stays. They look at descriptors, never at paths.
 */
#include "safe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "below.h"
#include "digest.h"
#include "file.h"
#include "path.h"
#include "sig.h"
#include "time.h"

#ifndef F2FS_SUPER_MAGIC
#define F2FS_SUPER_MAGIC 0xF2F52010
#endif
#define BCACHEFS_MAGIC 0xca451a4e
#define XFS_MAGIC 0x58465342

enum { PIECE = 256 * 1024 };
#define MASK (STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID)

static int refuse(struct bk_err *err, const char *why)
{
	return bk_err_set(err, BK_EX_NOPERM, 0, "%s", why);
}

static int changed(struct bk_err *err)
{
	return bk_err_set(err, BK_EX_TEMPFAIL, 0, "was changed meanwhile");
}

static int look(int fd, struct statx *ret, struct bk_err *err)
{
	if (statx(fd, "", AT_EMPTY_PATH, MASK, ret) < 0)
		return bk_err_sys(err, "cannot look at it");
	if ((ret->stx_mask & STATX_MNT_ID) &&
	    (ret->stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS)
		return 0;
	return refuse(err, "this kernel does not tell enough about files");
}

/* R1: below dir, through no link and no mount. */
static int open_below(int dir, const char *name, int flags)
{
	struct open_how how = {
		.flags =
			(uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
	};

	return below_open(dir, name, &how);
}

static bool same_time(const struct statx_timestamp *a,
		      const struct statx_timestamp *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_device(const struct statx *a, const struct statx *b)
{
	return a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor;
}

/* R5: nothing about it is another than it was. */
static bool same(const struct statx *a, const struct statx *b, bool moved)
{
	return same_device(a, b) && a->stx_ino == b->stx_ino &&
	       a->stx_mnt_id == b->stx_mnt_id && a->stx_size == b->stx_size &&
	       a->stx_mode == b->stx_mode && a->stx_uid == b->stx_uid &&
	       a->stx_gid == b->stx_gid && a->stx_nlink == b->stx_nlink &&
	       same_time(&a->stx_mtime, &b->stx_mtime) &&
	       same_time(&a->stx_btime, &b->stx_btime) &&
	       (moved || same_time(&a->stx_ctime, &b->stx_ctime));
}

/* ---- the folder ------------------------------------------------------------ */

/* R2: file systems that give leases, and inodes that mean something. */
static const char *has_unknown_rules(int fd)
{
	static const uint32_t known[] = {
		EXT4_SUPER_MAGIC, XFS_MAGIC,	  BTRFS_SUPER_MAGIC,
		F2FS_SUPER_MAGIC, BCACHEFS_MAGIC, TMPFS_MAGIC,
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return "its file system cannot be asked";
	for (size_t i = 0; i < BK_COUNT(known); i++)
		if ((uint32_t)fs.f_type == known[i])
			return NULL;
	return "its file system cannot tell who writes to a file (network, "
	       "FUSE, overlay); release works on ext4, xfs, btrfs, f2fs";
}

/* R3: a marker that root or the owner of its folder made, and nobody else. */
static const char *has_bad_marker(const struct safe_top *t)
{
	const struct statx *m = &t->marker;

	if (!S_ISREG(m->stx_mode))
		return "its marker is no file any more";
	if (m->stx_mode & (S_IWGRP | S_IWOTH))
		return "others can write to its marker";
	if (m->stx_uid != 0 && m->stx_uid != t->st.stx_uid)
		return "its marker belongs to somebody else";
	if (t->d->owner != (uid_t)-1 && t->d->owner != 0 && m->stx_uid != 0 &&
	    m->stx_uid != t->d->owner)
		return "its marker changed hands";
	return NULL;
}

static int look_at_marker(const struct safe_top *t, struct statx *ret,
			  struct bk_err *err)
{
	BK_AUTO_CLOSE int fd =
		open_below(t->fd, bk_path_base(t->d->marker), O_RDONLY);

	if (fd < 0)
		return refuse(err, "its marker is gone");
	return look(fd, ret, err);
}

int safe_top_look(struct safe_top *t, const char *path, struct bk_err *err)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	*t = SAFE_TOP_INIT;
	t->path = bk_strdup(path);
	t->fd = below_open(AT_FDCWD, path, &how);
	if (t->fd < 0)
		return bk_err_set(
			err, errno == ENOENT ? BK_EX_NOINPUT : BK_EX_NOPERM,
			errno, "cannot open the folder '%s'", path);
	return look(t->fd, &t->st, err);
}

int safe_top_open(struct safe_top *t, const struct decision *d,
		  struct bk_err *err)
{
	const char *why;

	if (safe_top_look(t, d->path, err) < 0)
		return -1;
	t->d = d;
	why = has_unknown_rules(t->fd);
	if (why)
		return refuse(err, why);
	if (!d->marker)
		return 0;
	if (look_at_marker(t, &t->marker, err) < 0)
		return -1;
	t->marked = true;
	why = has_bad_marker(t);
	return why ? refuse(err, why) : 0;
}

int safe_top_holds(const struct safe_top *t, struct bk_err *err)
{
	SAFE_TOP_AUTO struct safe_top now = SAFE_TOP_INIT;
	struct statx marker;

	if (safe_top_look(&now, t->path, err) < 0)
		return -1;
	if (!same_device(&now.st, &t->st) || now.st.stx_ino != t->st.stx_ino ||
	    now.st.stx_mnt_id != t->st.stx_mnt_id)
		return refuse(err, "its folder is another one now");
	if (!t->marked)
		return 0;
	if (look_at_marker(t, &marker, err) < 0)
		return -1;
	return same(&marker, &t->marker, false)
		       ? 0
		       : refuse(err, "its marker was changed");
}

void safe_top_close(struct safe_top *t)
{
	if (t->fd >= 0)
		(void)close(t->fd);
	free(t->path);
	*t = SAFE_TOP_INIT;
}

/* ---- the file -------------------------------------------------------------- */

struct when {
	int64_t now, older;
};

/* R2 */
static const char *is_no_file(const struct safe *f, const struct when *w)
{
	(void)w;
	return S_ISREG(f->st.stx_mode) ? NULL : "is no regular file";
}

/* R1: bind mounts have the same device, and another mount. */
static const char *is_elsewhere(const struct safe *f, const struct when *w)
{
	(void)w;
	return same_device(&f->st, &f->top->st) &&
			       f->st.stx_mnt_id == f->top->st.stx_mnt_id
		       ? NULL
		       : "is on another file system than its marker";
}

/* R2 */
static const char *has_other_names(const struct safe *f, const struct when *w)
{
	(void)w;
	return f->st.stx_nlink == 1 ? NULL : "has several names (hard links)";
}

/* R2 */
static const char *is_protected(const struct safe *f, const struct when *w)
{
	(void)w;
	return f->st.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)
		       ? "is immutable or append-only"
		       : NULL;
}

/* R2; the kernel also refuses to move one, and holds it open for writing. */
static const char *is_swap(const struct safe *f, const struct when *w)
{
	FILE *list = fopen("/proc/swaps", "re");
	char line[4096];
	bool found = false;

	(void)w;
	while (list && !found && fgets(line, sizeof(line), list)) {
		struct stat st;

		line[strcspn(line, " \t")] = '\0';
		found = line[0] == '/' && stat(line, &st) == 0 &&
			st.st_ino == f->st.stx_ino &&
			major(st.st_dev) == f->st.stx_dev_major &&
			minor(st.st_dev) == f->st.stx_dev_minor;
	}
	if (list)
		(void)fclose(list);
	return found ? "is in use as swap space" : NULL;
}

/* Only root may have the files of others released. */
static const char *is_of_another(const struct safe *f, const struct when *w)
{
	uid_t owner = f->top->d ? f->top->d->owner : (uid_t)-1;

	(void)w;
	return owner == (uid_t)-1 || owner == 0 || f->st.stx_uid == owner
		       ? NULL
		       : "belongs to another user than its marker";
}

/* R3 */
static const char *is_from_the_future(const struct safe *f,
				      const struct when *w)
{
	return f->st.stx_mtime.tv_sec > w->now ||
			       f->st.stx_ctime.tv_sec > w->now
		       ? "has a time in the future"
		       : NULL;
}

/* R3 */
static const char *is_young(const struct safe *f, const struct when *w)
{
	return f->st.stx_mtime.tv_sec > w->older ||
			       f->st.stx_ctime.tv_sec > w->older
		       ? "was changed too recently"
		       : NULL;
}

static const char *broken_rule(const struct safe *f, const struct when *w,
			       bool moved)
{
	static const char *(*const rules[])(const struct safe *,
					    const struct when *) = {
		is_no_file,   is_elsewhere,  has_other_names,
		is_protected, is_of_another, is_from_the_future,
		is_swap,
	};

	for (size_t i = 0; i < BK_COUNT(rules); i++) {
		const char *why = rules[i](f, w);

		if (why)
			return why;
	}
	return moved ? NULL : is_young(f, w);
}

int safe_folder(const struct safe_top *t, const char *path, int *ret_dir,
		const char **ret_name, struct bk_err *err)
{
	size_t n = strcmp(t->path, "/") == 0 ? 0 : strlen(t->path);
	BK_AUTO_FREE char *dir = NULL;
	const char *below, *slash;

	if (!bk_path_within(path, t->path) || path[n] != '/' || !path[n + 1])
		return refuse(err, "is not below its folder");
	below = path + n + 1;
	slash = strrchr(below, '/');
	if (slash)
		dir = bk_memdup(below, (size_t)(slash - below));
	*ret_name = slash ? slash + 1 : below;
	*ret_dir = open_below(t->fd, dir ? dir : ".", O_RDONLY | O_DIRECTORY);
	if (*ret_dir >= 0)
		return 0;
	if (errno == EXDEV)
		return refuse(err, "is on another file system than its marker");
	return bk_err_set(err, errno == ENOENT ? BK_EX_NOINPUT : BK_EX_NOPERM,
			  errno, "cannot open its folder");
}

/* R4: who wants to write from here on is held up until we let go. */
static int take_lease(int fd, struct bk_err *err)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
		return 0;
	if (errno == EAGAIN)
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "a program writes to it");
	return bk_err_set(err, BK_EX_NOPERM, errno,
			  "nobody would tell who writes to it");
}

static bool is_leased(int fd)
{
	return fcntl(fd, F_GETLEASE) == F_RDLCK;
}

static int open_file(struct safe *f, struct bk_err *err)
{
	f->fd = open_below(f->dir, f->name, O_RDONLY | O_NOATIME);
	if (f->fd < 0 && errno == EPERM)
		f->fd = open_below(f->dir, f->name, O_RDONLY);
	if (f->fd >= 0)
		return look(f->fd, &f->st, err);
	if (errno == ELOOP)
		return refuse(err, "is no regular file");
	if (errno == EXDEV)
		return refuse(err, "is on another file system than its marker");
	return bk_err_set(err, errno == ENOENT ? BK_EX_NOINPUT : BK_EX_NOPERM,
			  errno, "cannot open it");
}

static int open_leased(struct safe *f, int64_t older, bool moved,
		       struct bk_err *err)
{
	struct when w = { bk_time_now(), older };
	const char *why;

	if (open_file(f, err) < 0)
		return -1;
	why = broken_rule(f, &w, moved);
	if (why)
		return refuse(err, why);
	return take_lease(f->fd, err);
}

int safe_open(struct safe *f, const struct safe_top *t, const char *path,
	      int64_t older, struct bk_err *err)
{
	const char *name = "";

	*f = SAFE_INIT;
	f->top = t;
	if (safe_folder(t, path, &f->dir, &name, err) < 0)
		return -1;
	f->name = bk_strdup(name);
	return open_leased(f, older, false, err);
}

int safe_open_moved(struct safe *f, const struct safe_top *t, int dir,
		    const char *name, struct bk_err *err)
{
	*f = SAFE_INIT;
	f->top = t;
	f->dir = dir;
	f->name = bk_strdup(name);
	return open_leased(f, 0, true, err);
}

static int hash_file(const struct safe *f, char ret[static 65],
		     struct bk_err *err)
{
	BK_AUTO_FREE unsigned char *piece = bk_malloc(PIECE);
	EVP_MD_CTX *md = bk_digest_new(err);
	uint64_t at = 0;
	ssize_t n = 0;

	if (!md)
		return -1;
	while (is_leased(f->fd) && !bk_sig_pending()) {
		n = pread(f->fd, piece, PIECE, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || bk_digest_add(md, piece, (size_t)n, err) < 0)
			break;
		at += (uint64_t)n;
	}
	if (n == 0 && at == f->st.stx_size && is_leased(f->fd) &&
	    !bk_sig_pending())
		return bk_digest_end(md, ret, err);
	EVP_MD_CTX_free(md);
	if (n < 0)
		return bk_err_set(err, BK_EX_IOERR, errno, "cannot read it");
	if (bk_sig_pending())
		return bk_err_set(err, BK_EX_TEMPFAIL, 0, "it was stopped");
	return changed(err);
}

/* Is it the inode that was copied, untouched since? */
static bool is_known(const struct safe *f, const struct entry *e, bool moved)
{
	const struct meta *m = &e->meta;

	return f->st.stx_size == m->size &&
	       f->st.stx_mtime.tv_sec == m->mtime &&
	       f->st.stx_mtime.tv_nsec == m->mtime_ns &&
	       (moved || (f->st.stx_ino == m->ino &&
			  f->st.stx_ctime.tv_sec == m->ctime &&
			  f->st.stx_ctime.tv_nsec == m->ctime_ns));
}

int safe_compare(struct safe *f, const struct entry *e, bool moved,
		 struct bk_err *err)
{
	struct statx now;
	char hash[65];

	/* R5: what is written through a map from here on has another time */
	if (fsync(f->fd) < 0)
		return bk_err_set(err, BK_EX_IOERR, errno, "cannot flush it");
	if (look(f->fd, &f->st, err) < 0)
		return -1;
	if (!is_known(f, e, moved))
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "was changed since it was copied");
	meta_free(&f->meta);
	if (meta_read(f->fd, &f->meta, err) < 0)
		return -1;
	/* R18 */
	if (!meta_same(&f->meta, &e->meta))
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "has other metadata than its copies");
	if (hash_file(f, hash, err) < 0 || look(f->fd, &now, err) < 0)
		return -1;
	if (!same(&now, &f->st, false) || !is_leased(f->fd))
		return changed(err);
	/* R6, R11 */
	if (strcmp(hash, e->sha256) != 0 || f->st.stx_size != e->meta.size)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "has other bytes than its copies, and the "
				  "same times: is the disk failing?");
	return 0;
}

int safe_holds(const struct safe *f, int dir, const char *name, bool moved,
	       struct bk_err *err)
{
	struct statx here, now;

	if (look(f->fd, &now, err) < 0)
		return -1;
	if (statx(dir, name, AT_SYMLINK_NOFOLLOW, MASK, &here) < 0 ||
	    !same(&here, &now, false))
		return bk_err_set(err, BK_EX_TEMPFAIL, 0, "was replaced");
	if (!same(&now, &f->st, moved))
		return changed(err);
	if (!is_leased(f->fd))
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "a program writes to it");
	return 0;
}

int safe_again(struct safe *f, struct bk_err *err)
{
	return look(f->fd, &f->st, err);
}

void safe_close(struct safe *f)
{
	/* closing ends the lease too */
	if (f->fd >= 0)
		(void)close(f->fd);
	if (f->dir >= 0)
		(void)close(f->dir);
	free(f->name);
	meta_free(&f->meta);
	*f = SAFE_INIT;
}
