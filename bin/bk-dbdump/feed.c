/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feed.h"

#include <stdlib.h>

#include "value.h"

/* Parts that a range is cut into at once; they may be cut again. */
#define PARTS_MAX 4096
/* A range may hold so many times the rows that it was thought to. */
#define SLACK 4

struct block *block_new(size_t room)
{
	struct block *b = bk_calloc(1, sizeof(*b));

	b->cap = room > BLOCK_SIZE ? room : BLOCK_SIZE;
	b->p = bk_malloc(b->cap);
	return b;
}

void block_free(struct block *b)
{
	if (!b)
		return;
	free(b->p);
	free(b->ends);
	free(b);
}

/* The parts of the query that are the same for all ranges. */
static void set_query(struct feed *f)
{
	const struct object *o = f->o;
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "SELECT ");
	table_add_select(&o->table, &b);
	f->select = bk_buf_steal(&b);
	bk_buf_adds(&b, " FROM ");
	value_add_name(&b, o->db->name);
	bk_buf_addc(&b, '.');
	value_add_name(&b, o->name);
	if (o->table.history)
		bk_buf_adds(&b, " FOR SYSTEM_TIME ALL");
	if (o->transactional && o->table.seek)
		bk_buf_addf(&b, " FORCE INDEX (%s)", o->table.index);
	f->from = bk_buf_steal(&b);
}

void work_init(struct work *w, const struct object *const *tables, size_t n,
	       bool parallel)
{
	*w = (struct work){ .n = n,
			    .parallel = parallel,
			    .reals = reals_new() };
	(void)pthread_mutex_init(&w->mutex, NULL);
	(void)pthread_cond_init(&w->news, NULL);
	(void)pthread_cond_init(&w->room, NULL);
	w->feeds = bk_calloc(n + 1, sizeof(*w->feeds));
	for (size_t i = 0; i < n; i++) {
		w->feeds[i].o = tables[i];
		set_query(&w->feeds[i]);
	}
}

void task_free(struct task *t)
{
	while (t->first) {
		struct block *b = t->first;

		t->first = b->next;
		block_free(b);
	}
	free(t->from);
	free(t->to);
	free(t);
}

void work_free(struct work *w)
{
	for (size_t i = 0; i < w->n; i++) {
		struct feed *f = &w->feeds[i];

		while (f->tasks) {
			struct task *t = f->tasks;

			f->tasks = t->next;
			task_free(t);
		}
		free(f->select);
		free(f->from);
		free(f->more);
	}
	free(w->feeds);
	free(w->reals);
	(void)pthread_mutex_destroy(&w->mutex);
	(void)pthread_cond_destroy(&w->news);
	(void)pthread_cond_destroy(&w->room);
}

static void add_integer(struct bk_buf *b, __int128 n)
{
	if (n < 0)
		bk_buf_addf(b, "%lld", (long long)n);
	else
		bk_buf_addf(b, "%llu", (unsigned long long)n);
}

static char *bound(const struct feed *f, const char *op, __int128 n)
{
	const struct table *t = &f->o->table;
	struct bk_buf b = BK_BUF_INIT;

	value_add_name(&b, t->columns[t->key[0]].name);
	bk_buf_adds(&b, op);
	add_integer(&b, n);
	return bk_buf_steal(&b);
}

/* Behind after, or as the first task; from is taken. */
static struct task *add_task(struct feed *f, struct task *after, char *from,
			     char *to)
{
	struct task *t = bk_calloc(1, sizeof(*t));
	struct task **at = after ? &after->next : &f->tasks;

	t->feed = f;
	t->from = from;
	t->to = to;
	t->next = *at;
	*at = t;
	return t;
}

/* A task becomes tasks for parts of its range. */
static void split_task(struct feed *f, struct task *t, unsigned int parts)
{
	__int128 low = t->low, high = t->high, step = (high - low) / parts;
	char *to = t->to;
	uint64_t bytes = t->bytes / parts;

	for (unsigned int i = 0; i < parts; i++) {
		__int128 a = low + step * i;

		if (i > 0) {
			t->to = bound(f, " < ", a);
			t->high = a;
			t = add_task(f, t, bound(f, " >= ", a), NULL);
			t->split = true;
			t->low = a;
		}
		t->bytes = bytes;
	}
	t->to = to;
	t->high = high;
}

static void split_large(struct feed *f, struct task *t)
{
	uint64_t parts = t->bytes / RANGE_SIZE;

	if (!t->split || parts < 2)
		return;
	if (parts > PARTS_MAX)
		parts = PARTS_MAX;
	if ((__int128)parts > t->high - t->low)
		parts = (uint64_t)(t->high - t->low);
	if (parts >= 2)
		split_task(f, t, (unsigned int)parts);
}

static int parse_integer(const char *s, __int128 *ret)
{
	bool minus = *s == '-';
	uint64_t n;

	if (bk_parse_u64(s + minus, 0, UINT64_MAX, &n) < 0)
		return -1;
	*ret = minus ? -(__int128)n : (__int128)n;
	return 0;
}

/* The lowest and the highest value of the key's first column. */
static int read_span(struct server *s, struct task *t, struct bk_err *err)
{
	const struct table *table = &t->feed->o->table;
	BK_AUTO_BUF struct bk_buf column = BK_BUF_INIT;
	BK_AUTO_RESULT MYSQL_RES *r = NULL;
	MYSQL_ROW row;

	value_add_name(&column, table->columns[table->key[0]].name);
	r = server_queryf(s, err, "SELECT MIN(%s), MAX(%s)%s", column.p,
			  column.p, t->feed->from);
	row = r ? mysql_fetch_row(r) : NULL;
	if (!row)
		return r ? 0 : -1;
	if (row[0] && row[1] && parse_integer(row[0], &t->low) == 0 &&
	    parse_integer(row[1], &t->high) == 0) {
		t->high++;
		t->split = true;
	}
	return 0;
}

/* Rows that make up about so many bytes. */
static uint64_t rows_in(const struct object *o, uint64_t bytes)
{
	uint64_t each = o->estimated_rows > 0
				? o->estimated_bytes / o->estimated_rows
				: 0;
	uint64_t n = bytes / (each < 16 ? 16 : each);

	return n < 64 ? 64 : n;
}

/* The first task of a table: all of it, or what ranges are cut from. */
static int plan(struct worker *me, struct feed *f, struct bk_err *err)
{
	const struct object *o = f->o;
	const struct table *t = &o->table;
	struct task *whole;

	if (!me->work->parallel || !t->seek || !o->transactional ||
	    o->estimated_bytes < 2 * RANGE_SIZE) {
		(void)add_task(f, NULL, NULL, NULL);
		return 0;
	}
	f->limit = rows_in(o, RANGE_SIZE) * SLACK;
	if (!t->columns[t->key[0]].integer) {
		f->more = bk_strdup("");
		return 0;
	}
	whole = add_task(f, NULL, NULL, NULL);
	whole->bytes = o->estimated_bytes;
	return read_span(me->server, whole, err);
}

char *key_condition(const struct table *t, char op, bool keys, MYSQL_ROW row,
		    const unsigned long *lengths)
{
	struct bk_buf b = BK_BUF_INIT;
	size_t depth = 0;

	/* a > 1 OR (a = 1 AND (b > 2 OR (b = 2 AND c > 3))) */
	for (size_t i = 0; i < t->nkey; i++) {
		const struct column *c = &t->columns[t->key[i]];
		size_t at = keys ? i : t->key[i];
		BK_AUTO_BUF struct bk_buf name = BK_BUF_INIT;
		BK_AUTO_BUF struct bk_buf value = BK_BUF_INIT;
		bool last = i + 1 == t->nkey;

		value_add_name(&name, c->name);
		bk_buf_reserve(&value, VALUE_ROOM(lengths[at]));
		*value_put(value.p, c->kind, c->charset, row[at], lengths[at]) =
			'\0';
		if (op == '=') {
			bk_buf_addf(&b, "%s%s = %s", i > 0 ? " AND " : "",
				    name.p, value.p);
			continue;
		}
		bk_buf_addf(&b, "%s %c%s %s", name.p, op,
			    last && op == '<' ? "=" : "", value.p);
		if (last)
			continue;
		bk_buf_addf(&b, " OR (%s = %s AND (", name.p, value.p);
		depth += 2;
	}
	while (depth-- > 0)
		bk_buf_addc(&b, ')');
	return bk_buf_steal(&b);
}

/* The next range of a key that numbers do not divide. */
static int grow(struct worker *me, struct feed *f, struct task **ret,
		struct bk_err *err)
{
	const struct table *t = &f->o->table;
	BK_AUTO_BUF struct bk_buf columns = BK_BUF_INIT;
	BK_AUTO_RESULT MYSQL_RES *r = NULL;
	struct task *task = bk_calloc(1, sizeof(*task));
	MYSQL_ROW row;

	for (size_t i = 0; i < t->nkey; i++)
		bk_buf_addf(&columns, "%s%s", i > 0 ? "," : "",
			    t->columns[t->key[i]].expr);
	r = server_queryf(me->server, err, "SELECT %s%s%s%s%s LIMIT %llu, 1",
			  columns.p, f->from, *f->more ? " WHERE " : "",
			  f->more, t->order,
			  (unsigned long long)rows_in(f->o, RANGE_SIZE));
	if (!r) {
		free(task);
		return -1;
	}
	task->feed = f;
	task->from = *f->more ? bk_strdup(f->more) : NULL;
	free(f->more);
	f->more = NULL;
	row = mysql_fetch_row(r);
	if (row) {
		const unsigned long *lengths = mysql_fetch_lengths(r);

		task->to = key_condition(t, '<', true, row, lengths);
		f->more = key_condition(t, '>', true, row, lengths);
	}
	*ret = task;
	return 0;
}

static void append_task(struct feed *f, struct task *t)
{
	struct task **at = &f->tasks;

	while (*at)
		at = &(*at)->next;
	*at = t;
}

/* Make a task of this feed; without the lock meanwhile. */
static int prepare(struct worker *me, struct feed *f, struct bk_err *err)
{
	struct work *w = me->work;
	struct task *t = NULL;
	int got;

	f->busy = true;
	(void)pthread_mutex_unlock(&w->mutex);
	got = f->planned ? grow(me, f, &t, err) : plan(me, f, err);
	(void)pthread_mutex_lock(&w->mutex);
	if (t)
		append_task(f, t);
	f->planned = true;
	f->busy = false;
	(void)pthread_cond_broadcast(&w->room);
	(void)pthread_cond_signal(&w->news);
	return got;
}

static struct task *untaken(const struct feed *f, bool *ret_pending)
{
	*ret_pending = f->busy;
	for (struct task *t = f->tasks; t; t = t->next) {
		if (!t->taken)
			return t;
		/* A rest may come of it. */
		*ret_pending = *ret_pending || !t->done;
	}
	return NULL;
}

/* 1: *ret is a task, 0: there will be none, 2: wait, 3: look again, -1 */
static int look(struct worker *me, struct task **ret, struct bk_err *err)
{
	struct work *w = me->work;
	bool wait = false, pending;

	for (size_t i = w->first; i < w->n; i++) {
		struct feed *f = &w->feeds[i];

		*ret = untaken(f, &pending);
		if (*ret)
			return 1;
		if (!f->busy && (!f->planned || f->more))
			return prepare(me, f, err) < 0 ? -1 : 3;
		wait = wait || pending;
		if (!pending && i == w->first)
			w->first++;
	}
	return wait ? 2 : 0;
}

int work_take(struct worker *me, struct task **ret, struct bk_err *err)
{
	struct work *w = me->work;
	struct task *t = NULL;
	int got = 0;

	(void)pthread_mutex_lock(&w->mutex);
	while (!w->stop && (got = look(me, &t, err)) >= 2)
		if (got == 2)
			(void)pthread_cond_wait(&w->room, &w->mutex);
	if (w->stop || got != 1)
		t = NULL;
	if (t) {
		split_large(t->feed, t);
		t->taken = true;
	}
	(void)pthread_mutex_unlock(&w->mutex);
	*ret = t;
	return got < 0 ? -1 : 0;
}

void work_done(struct work *w, struct task *t)
{
	(void)pthread_mutex_lock(&w->mutex);
	t->done = true;
	(void)pthread_cond_signal(&w->news);
	(void)pthread_cond_broadcast(&w->room);
	(void)pthread_mutex_unlock(&w->mutex);
}

void work_rest(struct work *w, struct task *t, char *from, const char *lead)
{
	struct task *rest;

	(void)pthread_mutex_lock(&w->mutex);
	rest = add_task(t->feed, t, from, t->to);
	t->to = NULL;
	rest->split = t->split && parse_integer(lead, &rest->low) == 0;
	rest->high = t->high;
	if (rest->split && rest->high - rest->low >= 2)
		split_task(t->feed, rest, 2);
	(void)pthread_cond_broadcast(&w->room);
	(void)pthread_mutex_unlock(&w->mutex);
}

static bool is_head(const struct work *w, const struct task *t)
{
	return w->feeds[w->head].tasks == t;
}

int work_give(struct worker *me, struct task *t, struct block *b)
{
	struct work *w = me->work;

	(void)pthread_mutex_lock(&w->mutex);
	while (!w->stop && me->held + b->cap > BUDGET &&
	       !(is_head(w, t) && t->queued < 4))
		(void)pthread_cond_wait(&w->room, &w->mutex);
	if (w->stop) {
		(void)pthread_mutex_unlock(&w->mutex);
		block_free(b);
		return -1;
	}
	b->owner = me;
	me->held += b->cap;
	if (t->last)
		t->last->next = b;
	else
		t->first = b;
	t->last = b;
	t->queued++;
	if (is_head(w, t))
		(void)pthread_cond_signal(&w->news);
	(void)pthread_mutex_unlock(&w->mutex);
	return 0;
}

void work_free_block(struct work *w, struct block *b)
{
	(void)pthread_mutex_lock(&w->mutex);
	b->owner->held -= b->cap;
	(void)pthread_cond_broadcast(&w->room);
	(void)pthread_mutex_unlock(&w->mutex);
	block_free(b);
}

void work_stop(struct work *w, const struct bk_err *err, bool moved)
{
	(void)pthread_mutex_lock(&w->mutex);
	if (err && !w->stop) {
		w->failed = true;
		w->moved = moved;
		w->err = *err;
	}
	w->stop = true;
	(void)pthread_cond_broadcast(&w->room);
	(void)pthread_cond_signal(&w->news);
	(void)pthread_mutex_unlock(&w->mutex);
}
