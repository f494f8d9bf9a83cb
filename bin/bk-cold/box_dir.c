/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A box in a folder of this machine: a disk that is mounted. All is done by
 * descriptors below that folder, and never through a symbolic link.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "below.h"
#include "box_impl.h"
#include "digest.h"
#include "disk.h"
#include "file.h"
#include "path.h"
#include "sig.h"

enum { PIECE = 256 * 1024, UPLOADS_MAX = 64 };

struct dirbox {
	struct box b;
	int root;
	unsigned char *piece;
};

struct dirupload {
	struct upload u;
	int fd;
	bool failed;
	struct bk_err err;
	struct dirupload *next; /* of those that end together */
};

static struct dirbox *of(struct box *b)
{
	return (struct dirbox *)b;
}

static int fail(const struct box *b, const char *what, const char *name,
		struct bk_err *err)
{
	int num = errno;
	int exit = BK_EX_IOERR;

	if (num == ENOENT || num == ENOTDIR)
		exit = BK_EX_NOINPUT;
	else if (num == EACCES || num == EPERM || num == ELOOP || num == EXDEV)
		exit = BK_EX_NOPERM;
	else if (num == EEXIST)
		exit = BK_EX_CANTCREAT;
	return bk_err_set(err, exit, num, "box %s: cannot %s '%s'", b->name,
			  what, name);
}

static int open_below(struct box *b, const char *name, int flags, mode_t mode)
{
	struct open_how how = {
		.flags =
			(uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};

	return below_open(of(b)->root, *name ? name : ".", &how);
}

/* The folder of name, and its last component. */
static int open_parent(struct box *b, const char *name, const char **ret_base)
{
	const char *slash = strrchr(name, '/');
	BK_AUTO_FREE char *dir =
		slash ? bk_memdup(name, (size_t)(slash - name)) : NULL;

	*ret_base = slash ? slash + 1 : name;
	return open_below(b, dir ? dir : "", O_RDONLY | O_DIRECTORY, 0);
}

static struct box *dir_open(const struct bk_conf_section *s, struct bk_err *err)
{
	struct dirbox *d = bk_calloc(1, sizeof(*d));

	d->root = -1;
	if (bk_remote_parse(bk_conf_str(s, "url", ""), &d->b.at, err) < 0)
		goto fail;
	d->root = open(d->b.at.path,
		       O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	d->b.peer = d->root < 0 ? NULL : disk_name(d->root);
	if (!d->b.peer) {
		bool gone = errno == ENOENT;

		/* it is not made here: a disk may belong there */
		(void)bk_err_set(err, gone ? BK_EX_TEMPFAIL : BK_EX_NOPERM,
				 errno, "box %s: cannot open '%s'%s", s->name,
				 d->b.at.path,
				 gone ? " (is it mounted? was it made?)" : "");
		goto fail;
	}
	d->b.prefix = bk_strdup("");
	d->piece = bk_malloc(PIECE);
	return &d->b;
fail:
	if (d->root >= 0)
		(void)close(d->root);
	bk_remote_free(&d->b.at);
	free(d);
	return NULL;
}

static void dir_close(struct box *b)
{
	struct dirbox *d = of(b);

	(void)close(d->root);
	free(d->piece);
}

static int dir_reopen(struct box *b, struct bk_err *err)
{
	return bk_err_set(err, BK_EX_IOERR, 0, "box %s is gone", b->name);
}

static bool dir_hashes_there(struct box *b)
{
	(void)b;
	return true;
}

static struct box_stat stat_of(const struct stat *st)
{
	return (struct box_stat){
		.type = S_ISREG(st->st_mode)   ? 'f'
			: S_ISDIR(st->st_mode) ? 'd'
			: S_ISLNK(st->st_mode) ? 'l'
					       : '?',
		.size = (uint64_t)st->st_size,
		.mtime = st->st_mtime,
	};
}

static int dir_stat(struct box *b, const char *name, struct box_stat *ret,
		    struct bk_err *err)
{
	const char *base;
	BK_AUTO_CLOSE int dir = open_parent(b, name, &base);
	struct stat st;

	if (dir < 0 ||
	    fstatat(dir, *base ? base : ".", &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		return fail(b, "look at", name, err);
	}
	*ret = stat_of(&st);
	return 1;
}

static int dir_space(struct box *b, uint64_t *ret_free, uint64_t *ret_total,
		     struct bk_err *err)
{
	struct statvfs v;

	if (fstatvfs(of(b)->root, &v) < 0)
		return fail(b, "ask for room on", "", err);
	*ret_free = (uint64_t)v.f_bavail * v.f_frsize;
	*ret_total = (uint64_t)v.f_blocks * v.f_frsize;
	return 1;
}

static int make_folder(struct box *b, const char *name, struct bk_err *err)
{
	const char *base;
	BK_AUTO_CLOSE int dir = open_parent(b, name, &base);

	if (dir < 0 || (mkdirat(dir, base, 0777) < 0 && errno != EEXIST))
		return fail(b, "make folder", name, err);
	if (fsync(dir) < 0)
		return fail(b, "sync the folder of", name, err);
	return 0;
}

static int dir_mkdirs(struct box *b, const char *name, struct bk_err *err)
{
	int fd = open_below(b, name, O_RDONLY | O_DIRECTORY, 0);

	if (fd >= 0) {
		(void)close(fd);
		return 0;
	}
	for (const char *p = strchr(name, '/'); p; p = strchr(p + 1, '/')) {
		BK_AUTO_FREE char *up = bk_memdup(name, (size_t)(p - name));

		if (make_folder(b, up, err) < 0)
			return -1;
	}
	return make_folder(b, name, err);
}

static int dir_list(struct box *b, const char *dir,
		    int (*each)(void *arg, const char *name,
				const struct box_stat *st),
		    void *arg, struct bk_err *err)
{
	int fd = open_below(b, dir, O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	bool stop = false;

	if (!d) {
		int got = fail(b, "list", dir, err);

		if (fd >= 0)
			(void)close(fd);
		return got;
	}
	while (!stop && (errno = 0, (e = readdir(d)))) {
		struct box_stat bs;
		struct stat st;

		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0 ||
		    fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		bs = stat_of(&st);
		stop = each(arg, e->d_name, &bs) < 0;
	}
	if (!stop && errno) {
		(void)fail(b, "list", dir, err);
		(void)closedir(d);
		return -1;
	}
	(void)closedir(d);
	return 0;
}

/* Reading to the end; sink NULL: only md. */
static int read_all(struct box *b, const char *name, int fd, EVP_MD_CTX *md,
		    int (*sink)(void *arg, const void *p, size_t n,
				struct bk_err *err),
		    void *arg, uint64_t *ret_size, struct bk_err *err)
{
	unsigned char *p = of(b)->piece;
	ssize_t n;

	*ret_size = 0;
	for (;;) {
		if (bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "it was stopped");
		n = read(fd, p, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(b, "read", name, err);
		if (n == 0)
			return 0;
		*ret_size += (uint64_t)n;
		if (md && bk_digest_add(md, p, (size_t)n, err) < 0)
			return -1;
		if (sink && sink(arg, p, (size_t)n, err) < 0)
			return -1;
	}
}

static int dir_get(struct box *b, const char *name, uint64_t size,
		   int (*sink)(void *arg, const void *p, size_t n,
			       struct bk_err *err),
		   void *arg, struct bk_err *err)
{
	BK_AUTO_CLOSE int fd = open_below(b, name, O_RDONLY, 0);
	struct stat st;
	uint64_t got;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(b, "open", name, err);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "box %s: '%s' has not the size that it "
				  "should have",
				  b->name, name);
	if (read_all(b, name, fd, NULL, sink, arg, &got, err) < 0)
		return -1;
	return got == size
		       ? 0
		       : bk_err_set(err, BK_EX_DATAERR, 0,
				    "box %s: '%s' was cut off", b->name, name);
}

static int dir_remove(struct box *b, const char *name, struct bk_err *err)
{
	const char *base;
	BK_AUTO_CLOSE int dir = open_parent(b, name, &base);

	if (dir >= 0 && unlinkat(dir, base, 0) == 0)
		return 0;
	return errno == ENOENT ? 0 : fail(b, "remove", name, err);
}

static int dir_rmdir(struct box *b, const char *name, struct bk_err *err)
{
	const char *base;
	BK_AUTO_CLOSE int dir = open_parent(b, name, &base);

	if (dir < 0 || unlinkat(dir, base, AT_REMOVEDIR) < 0)
		return fail(b, "remove folder", name, err);
	return 0;
}

/*
 * Without overwriting. Some file systems (FAT, NFS) cannot do that in one
 * step; nobody else writes here.
 */
static int rename_new(int from_dir, const char *from, int to_dir,
		      const char *to)
{
	struct stat st;

	if (renameat2(from_dir, from, to_dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return errno == ENOENT ? renameat(from_dir, from, to_dir, to) : -1;
}

/*
 * A file with these bytes under a name that was free, durable: whole, or not
 * at all.
 */
static int dir_put(struct box *b, const char *name, const void *p, size_t len,
		   struct bk_err *err)
{
	const char *base;
	BK_AUTO_CLOSE int dir = open_parent(b, name, &base);
	BK_AUTO_FREE char *temp = bk_asprintf("%s" BOX_PUT_PART, base);
	BK_AUTO_CLOSE int fd = -1;

	if (dir < 0)
		return fail(b, "open the folder of", name, err);
	/* what one left that was interrupted */
	(void)unlinkat(dir, temp, 0);
	fd = openat(dir, temp,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (fd < 0)
		return fail(b, "create", name, err);
	if (bk_fd_write(fd, p, len) < 0 || fsync(fd) < 0 ||
	    rename_new(dir, temp, dir, base) < 0) {
		(void)fail(b, "write", name, err);
		(void)unlinkat(dir, temp, 0);
		return -1;
	}
	return fsync(dir) < 0 ? fail(b, "sync the folder of", name, err) : 0;
}

static int dir_rename(struct box *b, const char *from, const char *to,
		      struct bk_err *err)
{
	const char *old, *new;
	BK_AUTO_CLOSE int src = open_parent(b, from, &old);
	BK_AUTO_CLOSE int dst = open_parent(b, to, &new);

	if (src < 0 || dst < 0 || rename_new(src, old, dst, new) < 0)
		return fail(b, "rename", from, err);
	return 0;
}

/* What lies on the disk, as far as it can be had past the page cache. */
static int hash_file(struct box *b, const char *name, char ret[static 65],
		     uint64_t *ret_size, struct bk_err *err)
{
	BK_AUTO_CLOSE int fd = open_below(b, name, O_RDONLY, 0);
	EVP_MD_CTX *md;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(b, "open", name, err);
	if (!S_ISREG(st.st_mode))
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "box %s: '%s' is no file", b->name, name);
	(void)fdatasync(fd);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	md = bk_digest_new(err);
	if (!md)
		return -1;
	if (read_all(b, name, fd, md, NULL, NULL, ret_size, err) < 0) {
		EVP_MD_CTX_free(md);
		return -1;
	}
	return bk_digest_end(md, ret, err);
}

static int dir_hash(struct box *b, struct box_hash *v, size_t n, bool read_back,
		    void (*done)(void *arg, const struct box_hash *h),
		    void *arg, struct bk_err *err)
{
	(void)read_back;
	for (size_t i = 0; i < n; i++) {
		uint64_t size;

		if (bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "it was stopped");
		if (hash_file(b, v[i].name, v[i].sha256, &size, err) == 0) {
			v[i].found = BOX_HASHED;
		} else if (err->exit == BK_EX_NOINPUT) {
			v[i].found = BOX_ABSENT;
		} else {
			v[i].found = BOX_UNKNOWN;
			(void)snprintf(v[i].why, sizeof(v[i].why), "%.199s",
				       err->msg);
		}
		if (done)
			done(arg, &v[i]);
	}
	return 0;
}

/* Uploads. */

static struct upload *dir_upload(struct box *b)
{
	struct dirupload *d = bk_calloc(1, sizeof(*d));

	(void)b;
	d->fd = -1;
	return &d->u;
}

static void dir_discard(struct upload *u)
{
	struct dirupload *d = (struct dirupload *)u;

	if (d->fd >= 0)
		(void)close(d->fd);
}

static size_t dir_room(const struct upload *u)
{
	(void)u;
	return PIECE;
}

static int make_parent(struct upload *u, struct bk_err *err)
{
	const char *slash = strrchr(u->name, '/');
	BK_AUTO_FREE char *dir =
		slash ? bk_memdup(u->name, (size_t)(slash - u->name)) : NULL;

	return dir ? dir_mkdirs(u->box, dir, err) : 0;
}

static int open_temp(struct dirupload *d)
{
	struct upload *u = &d->u;

	if (make_parent(u, &d->err) < 0)
		return -1;
	d->fd = open_below(u->box, u->temp, O_RDWR | O_CREAT | O_EXCL, 0666);
	return d->fd < 0 ? fail(u->box, "create", u->temp, &d->err) : 0;
}

static void dir_write(struct upload *u, const void *p, size_t n)
{
	struct dirupload *d = (struct dirupload *)u;

	if (d->failed)
		return;
	if (d->fd < 0 && open_temp(d) < 0) {
		d->failed = true;
	} else if (bk_fd_write(d->fd, p, n) < 0) {
		(void)fail(u->box, "write", u->temp, &d->err);
		d->failed = true;
	}
}

static int close_temp(struct dirupload *d, struct bk_err *err)
{
	struct upload *u = &d->u;
	int fd = d->fd;

	if (fsync(fd) < 0)
		return fail(u->box, "sync", u->temp, err);
	d->fd = -1;
	if (close(fd) < 0)
		return fail(u->box, "close", u->temp, err);
	return 0;
}

/* Is the file with this name the same? 1, 0, -1. */
static int is_same(struct upload *u, const char *name, struct bk_err *err)
{
	char hash[65];
	uint64_t size = 0;

	if (hash_file(u->box, name, hash, &size, err) < 0)
		return err->exit == BK_EX_DATAERR ? 0 : -1;
	return size == u->size && strcmp(hash, u->sha256) == 0;
}

static int try_name(struct upload *u, const char *name, struct bk_err *err)
{
	const char *from, *to;
	BK_AUTO_CLOSE int src = open_parent(u->box, u->temp, &from);
	BK_AUTO_CLOSE int dst = open_parent(u->box, name, &to);

	if (src < 0 || dst < 0)
		return fail(u->box, "open the folder of", name, err);
	if (rename_new(src, from, dst, to) < 0) {
		if (errno != EEXIST)
			return fail(u->box, "rename", name, err);
		return is_same(u, name, err) == 1
			       ? dir_remove(u->box, u->temp, err)
			       : 1;
	}
	return 0;
}

static int place(struct upload *u, struct bk_err *err)
{
	BK_AUTO_FREE char *plain = bk_strdup(u->name);
	int got = 1;

	for (unsigned int i = 0; i < UPLOAD_NAMES_MAX && got == 1; i++) {
		free(u->name);
		u->name = upload_candidate(u, plain, i);
		got = try_name(u, u->name, err);
	}
	return got == 1 ? bk_err_set(err, BK_EX_CANTCREAT, 0,
				     "box %s: no name is free for '%s'",
				     u->box->name, plain)
			: got;
}

static void drop(struct dirupload *d)
{
	struct bk_err ignored;

	d->failed = true;
	(void)dir_remove(d->u.box, d->u.temp, &ignored);
}

/*
 * Those that end together, step by step: what one sync makes durable makes the
 * others so as well, and theirs cost little.
 */

static void flush(struct dirupload *d)
{
	if (d->u.aborted) {
		d->err = d->u.why;
		drop(d);
	} else if (d->failed || (d->fd < 0 && open_temp(d) < 0) ||
		   close_temp(d, &d->err) < 0) {
		drop(d);
	}
}

static int prove_and_place(struct dirupload *d)
{
	struct upload *u = &d->u;
	char hash[65];
	uint64_t size = 0;

	if (hash_file(u->box, u->temp, hash, &size, &d->err) < 0)
		return -1;
	if (size != u->size || strcmp(hash, u->sha256) != 0)
		return bk_err_set(&d->err, BK_EX_DATAERR, 0,
				  "box %s: other bytes arrived than were sent",
				  u->box->name);
	return place(u, &d->err);
}

static void place_proved(struct dirupload *d)
{
	if (prove_and_place(d) < 0)
		drop(d);
}

/* Its folder; dir holds that of the one before, which was synced. */
static int sync_folder(struct dirupload *d, struct bk_buf *dir)
{
	struct upload *u = &d->u;
	const char *base;
	BK_AUTO_CLOSE int fd = open_parent(u->box, u->name, &base);
	size_t n = (size_t)(base - u->name);

	if (dir->p && dir->len == n && memcmp(dir->p, u->name, n) == 0)
		return 0;
	bk_buf_clear(dir);
	if (fd < 0 || fsync(fd) < 0)
		return fail(u->box, "sync the folder of", u->name, &d->err);
	bk_buf_add(dir, u->name, n);
	return 0;
}

static int look(struct dirupload *d)
{
	struct upload *u = &d->u;
	struct box_stat st = { 0 };

	if (dir_stat(u->box, u->name, &st, &d->err) < 0)
		return -1;
	if (st.type == 'f' && st.size == u->size)
		return 0;
	return bk_err_set(&d->err, BK_EX_DATAERR, 0,
			  "box %s: '%s' is not there as it was put",
			  u->box->name, u->name);
}

static void finish(struct dirupload *first)
{
	BK_AUTO_BUF struct bk_buf dir = BK_BUF_INIT;
	struct dirupload *next;

	for (struct dirupload *d = first; d; d = d->next)
		flush(d);
	for (struct dirupload *d = first; d; d = d->next)
		if (!d->failed)
			place_proved(d);
	for (struct dirupload *d = first; d; d = d->next)
		if (!d->failed)
			d->failed = sync_folder(d, &dir) < 0 || look(d) < 0;
	for (struct dirupload *d = first; d; d = next) {
		struct bk_err err = d->err;

		next = d->next;
		upload_end(&d->u, d->failed ? &err : NULL);
	}
}

static bool is_ready(const struct upload *u)
{
	return u->aborted || *u->sha256 ||
	       ((const struct dirupload *)u)->failed;
}

static size_t dir_wait(struct box *b, struct pollfd *fds, bool *ret_ready)
{
	(void)fds;
	for (const struct upload *u = b->uploads; u; u = u->next)
		*ret_ready = *ret_ready || is_ready(u);
	return 0;
}

static void dir_advance(struct box *b)
{
	struct dirupload *first = NULL, **end = &first;

	for (struct upload *u = b->uploads; u; u = u->next) {
		if (is_ready(u)) {
			*end = (struct dirupload *)u;
			end = &(*end)->next;
			*end = NULL;
		}
	}
	if (first)
		finish(first);
}

const struct box_ops box_dir_ops = {
	.open = dir_open,
	.close = dir_close,
	.reopen = dir_reopen,
	.hashes_there = dir_hashes_there,
	.stat = dir_stat,
	.space = dir_space,
	.mkdirs = dir_mkdirs,
	.list = dir_list,
	.get = dir_get,
	.put = dir_put,
	.remove = dir_remove,
	.rename = dir_rename,
	.rmdir = dir_rmdir,
	.hash = dir_hash,
	.upload = dir_upload,
	.room = dir_room,
	.write = dir_write,
	.wait = dir_wait,
	.advance = dir_advance,
	.discard = dir_discard,
	.uploads_max = UPLOADS_MAX,
};
