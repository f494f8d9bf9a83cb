/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of the walk: folders, and how one is opened and read. walk.c
 * has the threads and what they hand each other.
 */
#ifndef VISIT_H
#define VISIT_H

#include <pthread.h>
#include <stdatomic.h>

#include "buf.h"
#include "cache.h"
#include "walk.h"

/*
 * A folder on the way. It lives as long as a chunk or a subfolder refers to
 * it; its descriptor as long as a chunk of it has names left to open.
 */
struct dir {
	struct dir *parent; /* NULL: a start, whose name is its path */
	struct zone *zone;
	const char *chain; /* what is left of walk.only; NULL: take all */
	uint64_t dev, ino, mnt;
	struct node *node; /* what is recorded of it */
	uint32_t known;	   /* the record that it was, or NO_NODE */
	/*
	 * The record that was read again and led here, or NO_NODE. Whether
	 * that is in its place still is known when all is read.
	 */
	uint32_t from;
	int fd; /* -1: closed, maybe for want of descriptors */
	_Atomic int refs;
	_Atomic int users; /* chunks */
	bool scan;	   /* markers count */
	char name[];
};

/*
 * Names of subfolders still to visit, NUL-terminated one by one. Where dir is
 * a known record, each has its own ahead: KNOWN_LEN bytes of 7 bits, least
 * first, with the eighth set so that none is NUL.
 */
enum { KNOWN_LEN = 5 };

struct chunk {
	struct dir *dir;
	char *names;
	size_t pos, end;
	struct chunk *next;
};

struct pool {
	struct walk *walk;
	pthread_mutex_t lock; /* zones, warnings, queue, threads */
	pthread_cond_t wake;
	struct chunk *queue;
	_Atomic int queued;
	_Atomic int idle;
	_Atomic int threads;
	_Atomic bool stop;
	_Atomic bool no_openat2;
	_Atomic int nfds;
	int max_fds;
	_Atomic uint64_t dirs, files;
	pthread_t *ids;
	_Atomic uint32_t again; /* records read again so far */
	const char *starting;	/* path of the start at hand */
};

struct worker {
	struct pool *pool;
	struct chunk *frames; /* the way down, deepest last */
	size_t n, cap;
	char *ents;	     /* what getdents64(2) fills */
	struct bk_buf names; /* of the folder being read */
	uint64_t files, bytes;
	unsigned int found; /* markers, a bit each */
	unsigned int visited;
	struct node_arena arena;
	uint32_t *slots; /* records of subfolders, by inode */
	size_t nslots, maxslots;
};

enum { ENTS_SIZE = 64 << 10 };

extern const char loop_warning[];

/*
 * A place with this error has a zone, and a warning where it matters: then
 * true. from: see struct dir.
 */
bool visit_failed(struct worker *w, uint32_t from, const char *path, int num);
/*
 * Open the folder called name in p, and read it. known: the record that it
 * was, to be read again, or NO_NODE. last: nothing else of p is left to open.
 */
void visit_child(struct worker *w, struct dir *p, const char *name,
		 uint32_t known, bool last);
/* Read an open folder, a point of the walk, to start from. */
void visit_start(struct worker *w, const struct point *pt, int fd, bool scan);

/* Open a folder by its path, for visit_start() or visit_again(). */
int visit_open(const char *path);
/* Read what was record i of the cache; what it is now. */
struct node *visit_again(struct worker *w, const char *path, int fd,
			 uint32_t i);

struct zone *zone_new(struct pool *p, const char *path, unsigned int flags);

/* walk.c */
void push_chunk(struct worker *w, struct dir *d);
void release_fd(struct worker *w, struct dir *d);
void unref_dir(struct dir *d);
bool shed_fds(struct worker *w);
int dir_fd(struct worker *w, struct dir *d);
/* A point with these flags is not there; num: or cannot be read, for that. */
void warn_start(struct warnings *w, const char *path, unsigned int flags,
		int num);

/* open.c: the path of d, and of name in it where that is given. */
char *dir_path(const struct dir *d, const char *name);

#endif
