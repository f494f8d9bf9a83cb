/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "visit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "path.h"
#include "record.h"

enum {
	DIR_FLAGS =
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
};

struct zone *zone_new(struct pool *p, const char *path, unsigned int flags)
{
	struct zone *z;

	pthread_mutex_lock(&p->lock);
	z = zone_add(p->walk, path, flags);
	pthread_mutex_unlock(&p->lock);
	return z;
}

/* A folder gets a zone of its own, unless it has one. */
static void mark_zone(struct worker *w, struct dir *d, unsigned int flags)
{
	BK_AUTO_FREE char *path = NULL;

	if (d->parent && d->zone == d->parent->zone) {
		path = dir_path(d, NULL);
		d->zone = zone_new(w->pool, path, flags);
	} else {
		d->zone->flags |= flags;
	}
}

/* For what is noticed below a record that is read again, or NO_NODE. */
static struct warnings *begin_warning(struct worker *w, uint32_t from)
{
	struct warnings *warnings = &w->pool->walk->warnings;

	pthread_mutex_lock(&w->pool->lock);
	warnings->from = from + 1;
	return warnings;
}

static void end_warning(struct worker *w)
{
	w->pool->walk->warnings.from = 0;
	pthread_mutex_unlock(&w->pool->lock);
}

const char loop_warning[] = "is a mount of a folder above it: skipped";

static bool is_gone(int num)
{
	return num == ENOENT || num == ENOTDIR || num == ELOOP || num == ESTALE;
}

bool visit_failed(struct worker *w, uint32_t from, const char *path, int num)
{
	if (is_gone(num)) {
		zone_new(w->pool, path, ZONE_GONE);
		return false;
	}
	zone_new(w->pool, path, ZONE_UNREADABLE);
	warn_add(begin_warning(w, from), true, path, 0, "cannot be read: %s",
		 strerror(num));
	end_warning(w);
	return true;
}

/* ---- opening ------------------------------------------------------------- */

static int open_plain(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, DIR_FLAGS | O_NOATIME);

	if (fd < 0 && errno == EPERM)
		fd = openat(dirfd, name, DIR_FLAGS);
	return fd;
}

static int open_with(int dirfd, const char *name, bool cross)
{
	struct open_how how = {
		.flags = DIR_FLAGS | O_NOATIME,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   (cross ? 0 : RESOLVE_NO_XDEV),
	};
	long fd = syscall(SYS_openat2, dirfd, name, &how, sizeof(how));

	if (fd < 0 && errno == EPERM) {
		how.flags &= ~(uint64_t)O_NOATIME;
		fd = syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
	}
	return (int)fd;
}

/* EXDEV where name is a mount point, as openat2(2) says with NO_XDEV. */
static int open_compat(struct dir *p, int dirfd, const char *name, bool cross,
		       const struct mounts *mounts)
{
	BK_AUTO_FREE char *path = NULL;
	int fd = open_plain(dirfd, name);
	struct statx st;
	bool other;
	int num;

	if (fd < 0 || cross)
		return fd;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		goto fail;
	if (st.stx_mask & STATX_MNT_ID) {
		other = st.stx_mnt_id != p->mnt;
	} else {
		path = dir_path(p, name);
		other = mounts_at(mounts, path) != NULL;
	}
	if (!other)
		return fd;
	errno = EXDEV;
fail:
	num = errno;
	close(fd);
	errno = num;
	return -1;
}

static int open_once(struct worker *w, struct dir *p, int dirfd,
		     const char *name, bool cross)
{
	struct pool *pool = w->pool;
	int fd;

	if (!atomic_load_explicit(&pool->no_openat2, memory_order_relaxed)) {
		fd = open_with(dirfd, name, cross);
		if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
			return fd;
	}
	fd = open_compat(p, dirfd, name, cross, pool->walk->mounts);
	if (fd >= 0)
		atomic_store(&pool->no_openat2, true);
	return fd;
}

static int open_dir(struct worker *w, struct dir *p, const char *name,
		    bool cross)
{
	struct pool *pool = w->pool;
	int fd, dirfd;

	if (atomic_load(&pool->nfds) >= pool->max_fds)
		shed_fds(w);
	for (int tries = 0;; tries++) {
		dirfd = dir_fd(w, p);
		fd = dirfd < 0 ? -1 : open_once(w, p, dirfd, name, cross);
		if (fd >= 0 || (errno != EMFILE && errno != ENFILE) ||
		    tries == 1000)
			break;
		/* others give theirs back sooner or later */
		if (!shed_fds(w))
			sched_yield();
	}
	if (fd >= 0)
		atomic_fetch_add(&pool->nfds, 1);
	return fd;
}

/* ---- reading ------------------------------------------------------------- */

/*
 * Every folder that is walked passes here once, opened but not read yet:
 * (dev, ino, ctime, mtime) decide whether what was known of it still holds.
 */
static int look(struct worker *w, struct dir *d, struct statx *st)
{
	unsigned int mask = STATX_TYPE | STATX_INO | STATX_UID | STATX_CTIME |
			    STATX_MTIME | STATX_MNT_ID;

	if (statx(d->fd, "", AT_EMPTY_PATH, mask, st) < 0)
		return -1;
	d->dev = (uint64_t)st->stx_dev_major << 32 | st->stx_dev_minor;
	d->ino = st->stx_ino;
	d->mnt = st->stx_mask & STATX_MNT_ID ? st->stx_mnt_id : 0;
	w->visited++;
	return 0;
}

static unsigned int type_of(int fd, const char *name)
{
	struct statx st;

	/* opening it as a folder will tell */
	if (statx(fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE,
		  &st) < 0)
		return DT_DIR;
	return S_ISDIR(st.stx_mode) ? DT_DIR : DT_REG;
}

static void add_size(struct worker *w, int fd, const char *name)
{
	struct statx st;

	if (statx(fd, name, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC,
		  STATX_SIZE, &st) == 0)
		w->bytes += st.stx_size;
}

/* Is this subfolder on the way, where there is just one way? */
static bool on_chain(const char *chain, const char *name)
{
	size_t len = strlen(name);

	return strncmp(chain, name, len) == 0 &&
	       (chain[len] == '/' || !chain[len]);
}

static void add_name(struct worker *w, const struct dir *d, const char *name,
		     uint32_t known)
{
	for (int i = 0; d->known != NO_NODE && i < KNOWN_LEN; i++, known >>= 7)
		bk_buf_addc(&w->names, (char)(known | 0x80));
	bk_buf_add(&w->names, name, strlen(name) + 1);
}

static void add_entry(struct worker *w, struct dir *d, const struct dirent64 *e)
{
	const char *name = e->d_name;
	unsigned int type = e->d_type;

	if (name[0] == '.') {
		int kind;

		if (!name[1] || (name[1] == '.' && !name[2]))
			return;
		kind = marker_kind(name);
		if (kind >= 0)
			w->found |= 1u << kind;
	}
	if (type == DT_UNKNOWN)
		type = type_of(d->fd, name);
	if (type == DT_DIR) {
		uint32_t known = NO_NODE;

		if (record_keeps(w, d, name, e->d_ino, &known))
			return;
		if (!d->chain || on_chain(d->chain, name))
			add_name(w, d, name, known);
		return;
	}
	w->files++;
	if (w->pool->walk->sizes)
		add_size(w, d->fd, name);
}

static int read_dir(struct worker *w, struct dir *d)
{
	bk_buf_clear(&w->names);
	w->files = w->bytes = 0;
	w->found = 0;
	record_listing(w, d);
	for (;;) {
		ssize_t n = getdents64(d->fd, w->ents, ENTS_SIZE);

		if (n == 0 || (n < 0 && errno == ENOENT))
			return 0;
		if (n < 0)
			return -1;
		for (char *p = w->ents; p < w->ents + n;) {
			const struct dirent64 *e = (const void *)p;

			add_entry(w, d, e);
			p += e->d_reclen;
		}
	}
}

/* ---- markers ------------------------------------------------------------- */

static void read_markers(struct worker *w, struct dir *d, uid_t owner)
{
	struct zone *z = NULL;

	for (int i = 0; i < MARKERS; i++) {
		BK_AUTO_FREE char *path = NULL;
		struct marker m;

		if (!(w->found & 1u << i))
			continue;
		path = dir_path(d, marker_name((enum marker_kind)i));
		if (!d->scan) {
			bk_info("'%s' does not count: "
				"it is below no [scan] root",
				path);
			continue;
		}
		if (!marker_read(d->fd, (enum marker_kind)i, owner, &m))
			continue;
		marker_warn(begin_warning(w, d->from), path, &m);
		end_warning(w);
		if (!z) {
			mark_zone(w, d, ZONE_MARKED);
			z = d->zone;
			z->markers = bk_calloc(MARKERS, sizeof(m));
		}
		z->markers[i] = m;
	}
}

/* ---- one folder ---------------------------------------------------------- */

static struct dir *dir_new(struct dir *parent, int fd, const char *name)
{
	size_t len = strlen(name) + 1;
	struct dir *d = bk_malloc(sizeof(*d) + len);

	*d = (struct dir){
		.parent = parent, .fd = fd, .known = NO_NODE, .from = NO_NODE
	};
	memcpy(d->name, name, len);
	atomic_store_explicit(&d->refs, 1, memory_order_relaxed);
	atomic_store_explicit(&d->users, 1, memory_order_relaxed);
	if (parent) {
		atomic_fetch_add_explicit(&parent->refs, 1,
					  memory_order_relaxed);
		d->zone = parent->zone;
		d->scan = parent->scan;
		d->from = parent->from;
		if (parent->chain) {
			d->chain = parent->chain + len - 1;
			d->chain += *d->chain == '/';
		}
	}
	return d;
}

static void point_seen(struct worker *w, const struct dir *d, struct point *p)
{
	pthread_mutex_lock(&w->pool->lock);
	if (d->from == NO_NODE) {
		p->seen = true;
	} else {
		p->from = bk_realloc(p->from, p->nfrom + 1, sizeof(*p->from));
		p->from[p->nfrom++] = d->from;
	}
	pthread_mutex_unlock(&w->pool->lock);
}

/* Is this folder a point of the walk? Others may be bound to its place. */
static void find_point(struct worker *w, struct dir *d)
{
	struct walk *walk = w->pool->walk;

	for (size_t i = 0; i < walk->npoints; i++) {
		struct point *p = &walk->points[i];
		BK_AUTO_FREE char *path = NULL;

		if (p->ino != d->ino || p->dev != d->dev)
			continue;
		path = dir_path(d, NULL);
		if (strcmp(path, p->path) != 0)
			continue;
		point_seen(w, d, p);
		mark_zone(w, d, p->flags);
		d->scan |= (p->flags & ZONE_ROOT) != 0;
	}
}

static bool failed_here(struct worker *w, struct dir *d, int num)
{
	BK_AUTO_FREE char *path = dir_path(d, NULL);

	return visit_failed(w, d->from, path, num);
}

static void count(struct worker *w, struct dir *d)
{
	struct zone *z = d->zone;

	atomic_fetch_add_explicit(&z->dirs, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&z->files, w->files, memory_order_relaxed);
	if (w->bytes)
		atomic_fetch_add_explicit(&z->bytes, w->bytes,
					  memory_order_relaxed);
	atomic_fetch_add_explicit(&w->pool->dirs, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&w->pool->files, w->files,
				  memory_order_relaxed);
}

/* At the end of the only way: all that is below, or nothing. */
static void end_chain(struct worker *w, struct dir *d)
{
	if (!d->chain || *d->chain)
		return;
	if (!w->pool->walk->only_way)
		d->chain = NULL;
}

/* d has been looked at and has its zone. Consumes d. */
static void visit(struct worker *w, struct dir *d, uid_t owner)
{
	bool whole;

	end_chain(w, d);
	find_point(w, d);
	whole = read_dir(w, d) == 0;
	if (!whole)
		(void)failed_here(w, d, errno);
	if (w->found)
		read_markers(w, d, owner);
	record_read(w, d, whole);
	count(w, d);
	if (w->names.len && !(d->chain && !*d->chain))
		push_chunk(w, d);
	release_fd(w, d);
	unref_dir(d);
}

static bool is_loop(const struct worker *w, const struct dir *d)
{
	const struct dir *top = d;

	for (const struct dir *p = d->parent; p; p = p->parent) {
		if (p->dev == d->dev && p->ino == d->ino)
			return true;
		top = p;
	}
	return record_is_loop(w, top, d);
}

static void skip_mount(struct worker *w, struct dir *p, const char *name,
		       const char *fstype, unsigned int flags)
{
	BK_AUTO_FREE char *path = dir_path(p, name);
	struct zone *z = zone_new(w->pool, path, ZONE_MOUNT);

	z->fstype = bk_strdup(fstype);
	record_closed(w, p, name, NODE_MOUNT | flags, fstype, 0);
}

/* name in p is a mount point: a descriptor where it is to be entered. */
static int cross(struct worker *w, struct dir *p, const char *name,
		 const char **ret_fstype)
{
	const struct walk *walk = w->pool->walk;
	BK_AUTO_FREE char *path = dir_path(p, name);
	const struct mount *m = mounts_at(walk->mounts, path);
	const char *fstype = m ? m->fstype : "unknown";

	if (m && m->same)
		return open_dir(w, p, name, true);
	if (walk->cross && m &&
	    (mount_is_local(fstype) || bk_strv_has(&walk->fstypes, fstype))) {
		*ret_fstype = fstype;
		return open_dir(w, p, name, true);
	}
	skip_mount(w, p, name, fstype, 0);
	errno = 0;
	return -1;
}

/* An automount, which is entered only where autofs is named. */
static bool is_trap(const struct worker *w, struct dir *p, const char *name)
{
	const struct walk *walk = w->pool->walk;
	BK_AUTO_FREE char *path = NULL;

	if (!mounts_may_wait(walk->mounts, name) ||
	    (walk->cross && bk_strv_has(&walk->fstypes, "autofs")))
		return false;
	path = dir_path(p, name);
	return mounts_waits(walk->mounts, path);
}

static bool visit_crossed(struct worker *w, struct dir *d, const char *fstype)
{
	BK_AUTO_FREE char *path = NULL;

	if (is_loop(w, d)) {
		path = dir_path(d, NULL);
		warn_add(begin_warning(w, d->from), false, path, 0, "%s",
			 loop_warning);
		end_warning(w);
		skip_mount(w, d->parent, d->name, fstype, NODE_LOOP);
		return false;
	}
	mark_zone(w, d, ZONE_CROSSED);
	d->zone->fstype = bk_strdup(fstype);
	return true;
}

static void closed_here(struct worker *w, struct dir *p, const char *name,
			int num)
{
	BK_AUTO_FREE char *path = dir_path(p, name);

	if (visit_failed(w, p->from, path, num))
		record_closed(w, p, name, NODE_UNREADABLE, NULL, num);
	else
		record_closed(w, p, name, NODE_GONE, NULL, 0);
}

void visit_child(struct worker *w, struct dir *p, const char *name,
		 uint32_t known, bool last)
{
	const char *fstype = NULL;
	struct statx st;
	struct dir *d;
	int fd = -1, num;

	if (is_trap(w, p, name))
		errno = EXDEV;
	else
		fd = open_dir(w, p, name, false);
	if (fd < 0 && errno == EXDEV)
		fd = cross(w, p, name, &fstype);
	num = errno;
	if (last)
		release_fd(w, p);
	if (fd < 0) {
		if (num)
			closed_here(w, p, name, num);
		return;
	}
	d = dir_new(p, fd, name);
	d->known = known;
	if (look(w, d, &st) < 0) {
		closed_here(w, p, name, errno);
	} else if ((!fstype || visit_crossed(w, d, fstype)) &&
		   record_dir(w, d, &st, fstype)) {
		visit(w, d, st.stx_uid);
		return;
	}
	release_fd(w, d);
	unref_dir(d);
}

int visit_open(const char *path)
{
	int fd = walk_open(path, DIR_FLAGS | O_NOATIME);

	if (fd < 0 && errno == EPERM)
		fd = walk_open(path, DIR_FLAGS);
	return fd;
}

/* What is left of walk.only below path; NULL: all of path is wanted. */
static const char *chain_below(const struct walk *walk, const char *path)
{
	const char *rest;

	if (!walk->only || !bk_path_within(walk->only, path))
		return NULL;
	rest = walk->only + (path[1] ? strlen(path) : 0);
	return rest + (*rest == '/');
}

void visit_start(struct worker *w, const struct point *pt, int fd, bool scan)
{
	struct dir *d = dir_new(NULL, fd, pt->path);
	struct statx st;

	d->scan = scan;
	d->chain = chain_below(w->pool->walk, pt->path);
	d->zone = zone_new(w->pool, pt->path, pt->flags);
	atomic_fetch_add(&w->pool->nfds, 1);
	if (look(w, d, &st) < 0) {
		int num = errno;

		d->zone->point = true;
		d->zone->flags |= ZONE_UNREADABLE;
		(void)failed_here(w, d, num);
		record_point(w, pt, NODE_UNREADABLE, num, 0);
		release_fd(w, d);
		unref_dir(d);
		return;
	}
	(void)record_dir(w, d, &st, NULL);
	visit(w, d, st.stx_uid);
}

struct node *visit_again(struct worker *w, const char *path, int fd, uint32_t i)
{
	const struct image_rec *r = &w->pool->walk->cache->image.recs[i];
	struct dir *d = dir_new(NULL, fd, path);
	struct statx st;
	struct node *n;

	d->from = i;
	d->scan = r->flags & NODE_SCAN;
	d->zone = zone_new(w->pool, path, 0);
	atomic_fetch_add(&w->pool->nfds, 1);
	if (look(w, d, &st) < 0 || st.stx_ino != r->ino) {
		n = record_again_failed(w, i, path, ENOENT);
		release_fd(w, d);
		unref_dir(d);
		return n;
	}
	n = record_again_node(w, d, i, &st);
	visit(w, d, st.stx_uid);
	return n;
}
