/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Work for the connections: each table is a feed, cut into tasks, which are
 * ranges of its key. Workers take tasks in order and fill blocks of rows,
 * which the one who writes takes in order, too.
 *
 *   feed.c   tasks: made, taken, given back    read.c   one task is read
 *   rows.c   blocks become statements
 */
#ifndef FEED_H
#define FEED_H

#include <pthread.h>

#include "catalog.h"
#include "real.h"
#include "server.h"

/* Of a block, and of all blocks that a worker may be ahead. */
#define BLOCK_SIZE (256U << 10)
#define BUDGET ((size_t)20 << 20)
/* No server takes a statement of 1 GiB: what a row may have of it. */
#define ROW_MAX ((1UL << 30) - (1UL << 20))
/* A table is cut into ranges of about this size. */
#define RANGE_SIZE (4U << 20)

/* Rows, each with ",\n" before it; what is behind the last end goes on in the
 * next block. */
struct block {
	struct block *next;
	struct worker *owner;
	char *p;
	size_t len, cap;
	size_t *ends; /* of rows; BLOCK_BREAK: a statement ends there */
	size_t n, ncap;
};
#define BLOCK_BREAK ((size_t)1 << (sizeof(size_t) * 8 - 1))

struct task {
	struct task *next;
	struct feed *feed;
	char *from; /* condition on the key, or NULL */
	char *to;   /* the same */
	bool split; /* an integer range: low to high, high not in it */
	__int128 low, high;
	uint64_t bytes; /* estimated */
	bool taken, done;
	struct block *first, *last;
	size_t queued;
};

struct feed {
	const struct object *o;
	char *select, *from; /* of the query, up to WHERE */
	bool planned;
	bool busy;	    /* someone makes a task */
	char *more;	    /* condition on what no task covers yet, or NULL */
	struct task *tasks; /* the first is the next to be written */
	uint64_t limit;	    /* rows of a range; 0: any */
};

struct work {
	pthread_mutex_t mutex;
	pthread_cond_t news; /* for the one who writes */
	pthread_cond_t room; /* for workers */
	struct feed *feeds;
	size_t n;
	size_t head;  /* the feed that is being written */
	size_t first; /* none before it has anything to take */
	struct reals *reals;
	bool parallel;
	bool stop;
	bool failed, moved;
	struct bk_err err; /* of the first that failed */
};

struct worker {
	struct work *work;
	struct server *server;
	pthread_t thread;
	size_t held; /* bytes of its blocks that are not written yet */
};

void work_init(struct work *w, const struct object *const *tables, size_t n,
	       bool parallel);
void work_free(struct work *w);
/* The next task; NULL in *ret: there is none, or all stop. */
int work_take(struct worker *me, struct task **ret, struct bk_err *err);
/* It was read up to its end. */
void work_done(struct work *w, struct task *t);
/*
 * The rest of a task, from the key behind which from says, becomes tasks of
 * their own; lead is the value of an integer key's first column there.
 */
void work_rest(struct work *w, struct task *t, char *from, const char *lead);
/* Hand a block over. -1: all stop. Frees it then. */
int work_give(struct worker *me, struct task *t, struct block *b);
/* A block that was written; frees it. */
void work_free_block(struct work *w, struct block *b);
/* All stop; err may be NULL. moved: because a table was changed. */
void work_stop(struct work *w, const struct bk_err *err, bool moved);

void task_free(struct task *t);
struct block *block_new(size_t room);
void block_free(struct block *b);

/*
 * The condition for rows behind (op '>') a key, up to it ('<') or at it ('=').
 * row has the table's columns, or (keys) only those of the key, in order. The
 * caller frees it.
 */
char *key_condition(const struct table *t, char op, bool keys, MYSQL_ROW row,
		    const unsigned long *lengths);

/* Read a task to its end: 0, -1 with err, CATALOG_MOVED with err. */
int task_read(struct worker *me, struct task *t, struct bk_err *err);

#endif
