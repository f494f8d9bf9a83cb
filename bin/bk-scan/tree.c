/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/syscall.h>

#include "file.h"
#include "log.h"
#include "match.h"
#include "path.h"
#include "sig.h"

enum { LEVELS_OPEN = 400 }; /* folders with a descriptor at a time */

/* A pattern and whose it is. */
struct owned {
	const struct rec *rec; /* NULL: of a whole set */
	size_t set;
	struct bk_match *m;
};

static int compare(const void *a, const void *b)
{
	const struct rec *const *x = a, *const *y = b;

	return bk_path_compare((*x)->path, (*y)->path);
}

static void add_patterns(struct tree *t, const struct bk_strv *l,
			 const struct rec *rec, size_t set)
{
	for (size_t i = 0; i < l->n; i++) {
		t->patterns = bk_realloc(t->patterns, t->npatterns + 1,
					 sizeof(*t->patterns));
		t->patterns[t->npatterns++] =
			(struct owned){ rec, set,
					bk_match_new(l->v[i], rec != NULL) };
	}
}

static void add_borders(struct tree *t)
{
	const struct walk *w = &t->scan->walk;

	t->borders = bk_calloc(w->nzones + 1, sizeof(struct zone *));
	for (size_t i = 0; i < w->nzones; i++) {
		unsigned int flags = w->zones[i]->flags;

		if (flags & ZONE_UNREADABLE ||
		    (flags & ZONE_MOUNT && !(flags & ZONE_CROSSED)))
			t->borders[t->nborders++] = w->zones[i];
	}
}

void tree_open(struct tree *t)
{
	const struct plan *p = &t->scan->plan;
	const struct filter f = t->scan->filter;

	t->recs = bk_calloc(p->nrecs + 1, sizeof(struct rec *));
	for (size_t i = 0; i < p->nrecs; i++) {
		if (!filter_takes(&f, p, p->recs[i]) &&
		    !(p->recs[i]->class == COLD && f.cold))
			continue;
		t->recs[t->nrecs++] = p->recs[i];
		add_patterns(t, &p->recs[i]->exclude, p->recs[i],
			     p->recs[i]->set);
	}
	if (t->nrecs)
		qsort(t->recs, t->nrecs, sizeof(*t->recs), compare);
	for (size_t i = 0; i < p->nsets; i++)
		add_patterns(t, &p->sets[i].exclude, NULL, i);
	add_borders(t);
}

void tree_close(struct tree *t)
{
	for (size_t i = 0; i < t->npatterns; i++)
		bk_match_free(t->patterns[i].m);
	free(t->patterns);
	free(t->recs);
	free(t->borders);
	bk_buf_free(&t->path);
}

/* Records at or below a place, those at it first: part of recs. */
struct span {
	size_t from, to;
};

/* Of what lies at or below the folder of t->path: what does so of that. */
static struct span narrow(const struct tree *t, struct span s)
{
	const char *path = t->path.p;
	size_t lo = s.from, hi = s.to;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (bk_path_compare(t->recs[mid]->path, path) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (hi = lo; hi < s.to && bk_path_within(t->recs[hi]->path, path);)
		hi++;
	return (struct span){ lo, hi };
}

static bool any_below(const struct tree *t, struct span s)
{
	return s.from < s.to && strcmp(t->recs[s.to - 1]->path, t->path.p) != 0;
}

static bool excluded(const struct tree *t, const struct rec *r,
		     const char *path)
{
	size_t skip = r->path[1] ? strlen(r->path) : 0;

	for (size_t i = 0; i < t->npatterns; i++) {
		const struct owned *o = &t->patterns[i];

		if (o->set != r->set || (o->rec && o->rec != r))
			continue;
		if (bk_match_hits(o->m, o->rec ? path + skip : path))
			return true;
	}
	return false;
}

/* Could a pattern take something out below a folder that r covers? */
static bool has_patterns(const struct tree *t, const struct rec *r)
{
	for (size_t i = 0; i < t->npatterns; i++)
		if (t->patterns[i].set == r->set &&
		    (!t->patterns[i].rec || t->patterns[i].rec == r))
			return true;
	return false;
}

/*
 * What covers path, given what covers its folder: by set, NULL where nothing
 * does. True if anything does.
 */
static bool cover(const struct tree *t, const struct rec **in, struct span s)
{
	const struct plan *p = &t->scan->plan;
	const char *path = t->path.p;
	bool any = false;

	for (size_t i = s.from; i < s.to && strcmp(t->recs[i]->path, path) == 0;
	     i++)
		in[t->recs[i]->set] = t->recs[i]->in ? t->recs[i] : NULL;
	for (size_t i = 0; i < p->nsets; i++) {
		if (in[i] && excluded(t, in[i], path))
			in[i] = NULL;
		any |= in[i] && filter_takes(&t->scan->filter, p, in[i]);
	}
	return any;
}

static void cannot_read(struct tree *t, int num)
{
	bk_warning("%s: cannot be read: %s", t->path.p, strerror(num));
	t->failed = true;
}

/* ---- entries of a folder, sorted ------------------------------------------- */

struct entry {
	const char *name;
	bool dir;
};

struct entries {
	struct bk_buf names;
	struct entry *v;
	size_t n;
};

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void entries_free(struct entries *e)
{
	bk_buf_free(&e->names);
	free(e->v);
}

static bool is_dir(int fd, const struct dirent64 *d)
{
	struct stat st;

	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* Names are kept as kind and name, one behind the other, then indexed. */
static int entries_read(struct entries *e, int fd)
{
	BK_AUTO_FREE char *ents = bk_malloc(32 << 10);
	ssize_t n;

	while ((n = getdents64(fd, ents, 32 << 10)) > 0) {
		for (char *p = ents; p < ents + n;) {
			const struct dirent64 *d = (const void *)p;

			p += d->d_reclen;
			if (strcmp(d->d_name, ".") == 0 ||
			    strcmp(d->d_name, "..") == 0)
				continue;
			bk_buf_addc(&e->names, is_dir(fd, d) ? 'd' : 'f');
			bk_buf_add(&e->names, d->d_name, strlen(d->d_name) + 1);
			e->n++;
		}
	}
	e->v = bk_calloc(e->n + 1, sizeof(*e->v));
	for (size_t i = 0, at = 0; i < e->n; i++) {
		e->v[i].dir = e->names.p[at] == 'd';
		e->v[i].name = e->names.p + at + 1;
		at += strlen(e->names.p + at) + 1;
	}
	qsort(e->v, e->n, sizeof(*e->v), compare_entries);
	return n < 0 && errno != ENOENT ? -1 : 0;
}

/* ---- walking --------------------------------------------------------------- */

/* Is this mount point one that the first walk entered? */
static bool is_entered(const struct tree *t)
{
	const struct walk *w = &t->scan->walk;
	const struct mount *m = mounts_at(w->mounts, t->path.p);

	if (m && m->same)
		return true;
	for (size_t i = 0; i < w->nzones; i++)
		if ((w->zones[i]->flags & ZONE_CROSSED) &&
		    strcmp(w->zones[i]->path, t->path.p) == 0)
			return true;
	return false;
}

static int open_child(const struct tree *t, int dirfd, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK |
			 O_CLOEXEC | O_NOATIME,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};
	long fd = -1;

	errno = EXDEV;
	if (!mounts_may_wait(t->scan->walk.mounts, name) ||
	    !mounts_waits(t->scan->walk.mounts, t->path.p))
		fd = syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
	if (fd < 0 && errno == EXDEV) {
		if (!is_entered(t))
			return -2;
		how.resolve = RESOLVE_NO_SYMLINKS;
		fd = syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
	}
	if (fd < 0 && errno == EPERM) {
		how.flags &= ~(uint64_t)O_NOATIME;
		fd = syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
	}
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(dirfd, name, (int)how.flags & ~O_NOATIME);
	return (int)fd;
}

static uint64_t size_of(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return (uint64_t)st.st_size;
}

static size_t push_name(struct tree *t, const char *name)
{
	size_t len = t->path.len;

	if (len > 1)
		bk_buf_addc(&t->path, '/');
	bk_buf_adds(&t->path, name);
	return len;
}

static void pop_name(struct tree *t, size_t len)
{
	t->path.len = len;
	t->path.p[len] = '\0';
}

#define MAX_LEVEL 10000

static void walk_dir(struct tree *t, int *fd, const struct rec **in,
		     struct span s, unsigned int level);

/* A folder whose path is in t->path; consumes fd. */
static void visit(struct tree *t, int fd, const struct rec *const *outer,
		  struct span s, unsigned int level)
{
	size_t n = t->scan->plan.nsets;
	BK_AUTO_FREE const struct rec **in = bk_calloc(n, sizeof(*in));
	BK_AUTO_CLOSE int dirfd = fd;
	bool covered, simple = true;

	memcpy(in, outer, n * sizeof(*in));
	covered = cover(t, in, s);
	t->enter(t->arg, t->path.p, covered);
	for (size_t i = 0; i < n; i++)
		if (in[i] && has_patterns(t, in[i]))
			simple = false;
	/* all is covered below here, or nothing, and nobody asks which */
	if (!any_below(t, s) && (t->all ? covered && simple : !covered)) {
		t->leave(t->arg, t->path.p);
		return;
	}
	walk_dir(t, &dirfd, in, s, level);
	t->leave(t->arg, t->path.p);
}

static void visit_entry(struct tree *t, int *dirfd, const struct entry *e,
			const struct rec *const *in, struct span outer,
			unsigned int level)
{
	size_t len = push_name(t, e->name);
	size_t n = t->scan->plan.nsets;
	struct span s = narrow(t, outer);

	if (e->dir) {
		int fd = open_child(t, *dirfd, e->name);

		if (level >= LEVELS_OPEN) {
			close(*dirfd);
			*dirfd = -1;
		}
		if (fd >= 0)
			visit(t, fd, in, s, level + 1);
		else if (fd == -1 && errno != ENOENT && errno != ENOTDIR)
			cannot_read(t, errno);
	} else {
		BK_AUTO_FREE const struct rec **now =
			bk_calloc(n, sizeof(*now));
		bool covered;

		memcpy(now, in, n * sizeof(*now));
		covered = cover(t, now, s);
		t->file(t->arg, t->path.p, covered,
			t->sizes ? size_of(*dirfd, e->name) : 0);
	}
	pop_name(t, len);
}

static void walk_dir(struct tree *t, int *fd, const struct rec **in,
		     struct span s, unsigned int level)
{
	BK_AUTO(entries_free) struct entries e = { 0 };

	/* Each level takes of the stack: whoever nests that deep is told. */
	if (level > MAX_LEVEL) {
		cannot_read(t, ELOOP);
		return;
	}
	if (entries_read(&e, *fd) < 0)
		cannot_read(t, errno);
	for (size_t i = 0; i < e.n && !bk_sig_pending(); i++) {
		/* closed for want of descriptors further down */
		if (*fd < 0)
			*fd = walk_open(t->path.p, O_RDONLY | O_DIRECTORY |
							   O_NOFOLLOW |
							   O_NONBLOCK);
		if (*fd < 0) {
			cannot_read(t, errno);
			return;
		}
		visit_entry(t, fd, &e.v[i], in, s, level);
	}
}

static void walk_from(struct tree *t, const char *path)
{
	const struct plan *p = &t->scan->plan;
	BK_AUTO_FREE const struct rec **in = bk_calloc(p->nsets, sizeof(*in));
	BK_AUTO_FREE char *parent = bk_path_parent(path);
	struct stat st;
	struct span s;
	int fd = walk_open(path, O_PATH | O_NOFOLLOW);

	bk_buf_clear(&t->path);
	bk_buf_adds(&t->path, path);
	s = narrow(t, (struct span){ 0, t->nrecs });
	if (fd < 0 || fstat(fd, &st) < 0) {
		cannot_read(t, errno);
		if (fd >= 0)
			close(fd);
		return;
	}
	close(fd);
	for (size_t i = 0; path[1] && i < p->nsets; i++) {
		const struct rec *r = plan_at(p, i, parent);

		if (r && r->in && filter_takes(&t->scan->filter, p, r))
			in[i] = r;
	}
	if (!S_ISDIR(st.st_mode)) {
		t->file(t->arg, path, cover(t, in, s), (uint64_t)st.st_size);
		return;
	}
	fd = walk_open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		cannot_read(t, errno);
	else
		visit(t, fd, (const struct rec *const *)in, s, 0);
}

/* Does the walk from outer come to path? */
static bool reaches(const struct tree *t, const char *outer, const char *path)
{
	if (!bk_path_within(path, outer))
		return false;
	for (size_t i = 0; i < t->nborders; i++) {
		const struct zone *z = t->borders[i];
		/* a mount point is itself on the other side */
		const char *near = z->flags & ZONE_MOUNT ? outer : path;

		if (bk_path_within(path, z->path) &&
		    bk_path_within(z->path, outer) &&
		    strcmp(z->path, near) != 0)
			return false;
	}
	return true;
}

void tree_walk(struct tree *t, const char *const *paths, size_t n)
{
	BK_AUTO_FREE const char **above = bk_calloc(n + 1, sizeof(*above));
	size_t depth = 0;

	for (size_t i = 0; i < n && !bk_sig_pending(); i++) {
		bool reached = false;

		while (depth && !bk_path_within(paths[i], above[depth - 1]))
			depth--;
		for (size_t k = 0; k < depth && !reached; k++)
			reached = reaches(t, above[k], paths[i]);
		if (reached)
			continue;
		above[depth++] = paths[i];
		walk_from(t, paths[i]);
	}
}

/* ---- from the cache ------------------------------------------------------------ */

/* Paths and what covers them, by depth. */
struct way {
	size_t *len; /* of the path */
	struct span *span;
	const struct rec **in; /* nsets of them a level */
	size_t n, cap;
};

static void way_push(struct tree *t, struct way *y, const char *name)
{
	size_t nsets = t->scan->plan.nsets;

	if (y->n == y->cap) {
		y->cap = y->cap ? 2 * y->cap : 64;
		y->len = bk_realloc(y->len, y->cap, sizeof(*y->len));
		y->span = bk_realloc(y->span, y->cap, sizeof(*y->span));
		y->in = bk_realloc(y->in, y->cap * nsets + 1, sizeof(*y->in));
	}
	if (y->n == 0) {
		bk_buf_clear(&t->path);
		bk_buf_adds(&t->path, name);
		memset(y->in, 0, nsets * sizeof(*y->in));
		y->span[0] = narrow(t, (struct span){ 0, t->nrecs });
	} else {
		pop_name(t, y->len[y->n - 1]);
		(void)push_name(t, name);
		memcpy(y->in + y->n * nsets, y->in + (y->n - 1) * nsets,
		       nsets * sizeof(*y->in));
		y->span[y->n] = narrow(t, y->span[y->n - 1]);
	}
	y->len[y->n++] = t->path.len;
}

static void way_pop(struct tree *t, struct way *y)
{
	pop_name(t, y->len[--y->n]);
	t->leave(t->arg, t->path.p);
}

/* What lies above a start counts for it as well. */
static void inherit(const struct tree *t, const struct rec **in)
{
	const struct plan *p = &t->scan->plan;
	BK_AUTO_FREE char *up = bk_path_parent(t->path.p);

	for (size_t i = 0; t->path.p[1] && i < p->nsets; i++) {
		const struct rec *r = plan_at(p, i, up);

		if (r && r->in && filter_takes(&t->scan->filter, p, r))
			in[i] = r;
	}
}

void tree_cached(struct tree *t)
{
	struct cache_iter it = { .cache = &t->scan->cache };
	size_t nsets = t->scan->plan.nsets;
	struct way y = { 0 };
	struct cache_at at;

	while (cache_next(&it, &at)) {
		bool covered;

		while (y.n > at.depth)
			way_pop(t, &y);
		/* with all that is below a start that is in no [scan] root */
		if (at.rec.flags & NODE_CLOSED || at.depth != y.n ||
		    !(at.rec.flags & NODE_SCAN))
			continue;
		way_push(t, &y, at.name);
		if (at.depth == 0)
			inherit(t, y.in);
		covered = cover(t, y.in + (y.n - 1) * nsets, y.span[y.n - 1]);
		t->enter(t->arg, t->path.p, covered);
		t->files(t->arg, covered, at.rec.files,
			 at.bytes == NO_SIZE ? 0 : at.bytes);
	}
	while (y.n > 0)
		way_pop(t, &y);
	cache_iter_free(&it);
	free(y.len);
	free(y.span);
	free(y.in);
}
