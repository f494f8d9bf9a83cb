/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of one range, as text. */
#include <inttypes.h>
#include <stdlib.h>

#include "cursor.h"
#include "feed.h"
#include "frame.h"
#include "value.h"

/* In which big values are fetched. */
#define SLICE (24U << 20)
#define PIECE (64U << 10)
/* A row that may become longer than this is written in pieces. */
#define LONG (2U << 20)
/* Rows to read at once where one was big. */
#define FEW 16

struct reader {
	struct worker *me;
	struct task *task;
	const struct table *table;
	struct block *block;
	size_t start; /* of the row that is written, in the block */
};

static int give(struct reader *r)
{
	struct block *b = r->block;

	r->block = NULL;
	return b ? work_give(r->me, r->task, b) : 0;
}

/* Room for so many bytes of the row that starts here. */
static int begin_row(struct reader *r, size_t room)
{
	struct block *b = r->block;

	if (b && b->cap - b->len < room && give(r) < 0)
		return -1;
	if (!r->block)
		r->block = block_new(room);
	r->start = r->block->len;
	return 0;
}

/* Room to go on in the middle of a row. */
static int more_room(struct reader *r, size_t room)
{
	if (r->block && r->block->cap - r->block->len >= room)
		return 0;
	if (give(r) < 0)
		return -1;
	r->block = block_new(room);
	return 0;
}

static void end_row(struct reader *r, bool ends_statement)
{
	struct block *b = r->block;

	if (b->n == b->ncap) {
		b->ncap = b->ncap ? 2 * b->ncap : 256;
		b->ends = bk_realloc(b->ends, b->ncap, sizeof(*b->ends));
	}
	b->ends[b->n++] = b->len | (ends_statement ? BLOCK_BREAK : 0);
}

static bool is_end(const struct table *t, MYSQL_ROW row,
		   const unsigned long *lengths, size_t size)
{
	uint64_t h = 0;

	for (size_t i = 0; i < t->nkey; i++)
		h = value_hash(h, row[t->key[i]], lengths[t->key[i]]);
	for (size_t i = 0; t->nkey == 0 && i < t->n; i++)
		h = value_hash(h, row[i], row[i] ? lengths[i] : 0);
	return frame_ends(h, size);
}

static char *label(const struct reader *r, MYSQL_ROW row,
		   const unsigned long *lengths)
{
	BK_AUTO_FREE char *name = object_label(r->task->feed->o);
	BK_AUTO_FREE char *key = NULL;

	if (r->table->nkey == 0)
		return bk_asprintf("a row of table %s", name);
	key = key_condition(r->table, '=', false, row, lengths);
	return bk_asprintf("the row with %.300s of table %s", key, name);
}

static int too_long(const struct reader *r, MYSQL_ROW row,
		    const unsigned long *lengths, struct bk_err *err)
{
	BK_AUTO_FREE char *name = label(r, row, lengths);

	return bk_err_set(err, BK_EX_NO, 0,
			  "%s would be longer than 1 GiB as SQL, which no "
			  "server takes back",
			  name);
}

/* The length of a value that did not come with its row, or NULL. */
static const char *length_of(const struct table *t, MYSQL_ROW row, size_t i)
{
	size_t at = t->n;

	for (size_t k = 0; k < i; k++)
		at += t->columns[k].big;
	return t->columns[i].big ? row[at] : NULL;
}

/* Is it known by the lengths alone that no statement holds the row? */
static bool is_too_long(const struct table *t, MYSQL_ROW row,
			const unsigned long *lengths)
{
	uint64_t size = 0;

	for (size_t i = 0; i < t->n; i++) {
		const char *big = length_of(t, row, i);
		uint64_t len = lengths[i];

		if (big && bk_parse_u64(big, 0, UINT32_MAX, &len) < 0)
			len = UINT32_MAX;
		if (len > PIECE)
			size += t->columns[i].kind == VALUE_TEXT ? len
								 : 2 * len;
	}
	return size > ROW_MAX;
}

static int put(struct reader *r, const char *p, size_t n)
{
	if (more_room(r, n) < 0)
		return -1;
	memcpy(r->block->p + r->block->len, p, n);
	r->block->len += n;
	return 0;
}

/* Write a part of a value, in pieces that fit in a block. */
static int put_slice(struct reader *r, bool text, const char *p, size_t n,
		     size_t *size)
{
	while (n > 0) {
		size_t some = n < PIECE ? n : PIECE;
		char *start, *to;

		if (more_room(r, 2 * some) < 0)
			return -1;
		start = r->block->p + r->block->len;
		to = text ? value_escape(start, p, some)
			  : value_hex(start, p, some);
		r->block->len += (size_t)(to - start);
		*size += (size_t)(to - start);
		p += some;
		n -= some;
	}
	return 0;
}

/*
 * A row that is written in pieces. It is a statement of its own, and starts
 * with a block that ends within it, by which the one who writes sees that.
 */
static int begin_long(struct reader *r)
{
	if (give(r) < 0 || put(r, ",\n(", 3) < 0)
		return -1;
	return give(r);
}

static int end_long(struct reader *r)
{
	if (put(r, ")", 1) < 0)
		return -1;
	end_row(r, true);
	return 0;
}

/* What is before the bytes of a long value; the caller frees it. */
static char *long_start(const struct column *c)
{
	bool raw = c->kind == VALUE_RAW;

	if (c->kind == VALUE_TEXT)
		return bk_strdup("'");
	return bk_asprintf("%s%s%s0x", raw ? "_" : "",
			   raw ? c->charset + (*c->charset == '!') : "",
			   raw ? " " : "");
}

static int put_value(struct reader *r, const struct column *c, const char *p,
		     size_t len, size_t *size)
{
	BK_AUTO_FREE char *start = NULL;
	char *from, *to;

	if (len > PIECE && c->kind >= VALUE_TEXT) {
		start = long_start(c);
		if (put(r, start, strlen(start)) < 0 ||
		    put_slice(r, c->kind == VALUE_TEXT, p, len, size) < 0)
			return -1;
		return c->kind == VALUE_TEXT ? put(r, "'", 1) : 0;
	}
	if (more_room(r, VALUE_ROOM(len)) < 0)
		return -1;
	from = r->block->p + r->block->len;
	to = value_put(from, c->kind, c->charset, p, len);
	r->block->len += (size_t)(to - from);
	*size += (size_t)(to - from);
	return 0;
}

static int add_long_row(struct reader *r, MYSQL_ROW row,
			const unsigned long *lengths, struct bk_err *err)
{
	const struct table *t = r->table;
	size_t size = 0;

	if (is_too_long(t, row, lengths))
		return too_long(r, row, lengths, err);
	if (begin_long(r) < 0)
		return -1;
	for (size_t i = 0; i < t->n; i++) {
		if ((i > 0 && put(r, ",", 1) < 0) ||
		    put_value(r, &t->columns[i], row[i], lengths[i], &size) < 0)
			return -1;
		if (size > ROW_MAX)
			return too_long(r, row, lengths, err);
	}
	return end_long(r);
}

static int add_row(struct reader *r, MYSQL_ROW row,
		   const unsigned long *lengths, struct bk_err *err)
{
	const struct table *t = r->table;
	size_t room = 16, size;
	struct block *b;
	char *to;

	for (size_t i = 0; i < t->n; i++)
		room += VALUE_ROOM(lengths[i]) + 1;
	if (room > LONG)
		return add_long_row(r, row, lengths, err);
	if (begin_row(r, room) < 0)
		return -1;
	b = r->block;
	to = mempcpy(b->p + b->len, ",\n(", 3);
	for (size_t i = 0; i < t->n; i++) {
		const struct column *c = &t->columns[i];

		if (i > 0)
			*to++ = ',';
		to = value_put(to, c->kind, c->charset, row[i], lengths[i]);
	}
	*to++ = ')';
	b->len = (size_t)(to - b->p);
	size = b->len - r->start;
	end_row(r, is_end(t, row, lengths, size));
	return 0;
}

static bool is_big(const struct table *t, MYSQL_ROW row)
{
	for (size_t i = 0; i < t->nbig; i++)
		if (row[t->n + i])
			return true;
	return false;
}

/* A row whose big values are still to be fetched. */
struct big_row {
	struct bk_strv values; /* as SQL; "" for a big one */
	char *key;	       /* condition that finds it */
	char *label;
};

static void big_row_free(struct big_row *b)
{
	bk_strv_free(&b->values);
	free(b->key);
	free(b->label);
}

static void keep_row(const struct reader *r, MYSQL_ROW row,
		     const unsigned long *lengths, struct big_row *ret)
{
	const struct table *t = r->table;

	*ret = (struct big_row){ .label = label(r, row, lengths) };
	ret->key = key_condition(t, '=', false, row, lengths);
	for (size_t i = 0; i < t->n; i++) {
		const struct column *c = &t->columns[i];
		char *text = bk_malloc(VALUE_ROOM(lengths[i]) + 1);

		*text = '\0';
		if (!length_of(t, row, i))
			*value_put(text, c->kind, c->charset, row[i],
				   lengths[i]) = '\0';
		bk_strv_take(&ret->values, text);
	}
}

static char *slice_query(const struct reader *r, const struct column *c,
			 const struct big_row *row, uint64_t at)
{
	bool text = c->kind == VALUE_TEXT;
	BK_AUTO_BUF struct bk_buf name = BK_BUF_INIT;

	value_add_name(&name, c->name);
	return bk_asprintf("SELECT SUBSTRING(CONVERT(%s%s%s USING binary), "
			   "%" PRIu64 ", %u)%s WHERE %s",
			   text ? "CONVERT(" : "", name.p,
			   text ? " USING utf8mb4)" : "", at, SLICE,
			   r->task->feed->from, row->key);
}

/* The slice that starts at a byte, 1 for the first; its length, or -1. */
static int64_t copy_slice(struct reader *r, const struct column *c,
			  const struct big_row *row, uint64_t at, size_t *size,
			  struct bk_err *err)
{
	BK_AUTO_FREE char *sql = slice_query(r, c, row, at);
	BK_AUTO(cursor_close) struct cursor got = { NULL };
	int more = cursor_open(&got, r->me->server, sql, NULL, err);

	if (more == 0)
		more = cursor_next(&got, err);
	if (more < 0)
		return -1;
	if (more == 0 || !got.row[0])
		return bk_err_set(err, BK_EX_NO, 0, "%s is not found again",
				  row->label);
	if (*size + 2 * got.lengths[0] > ROW_MAX)
		return bk_err_set(err, BK_EX_NO, 0,
				  "%s would be longer than 1 GiB as SQL, which "
				  "no server takes back",
				  row->label);
	if (put_slice(r, c->kind == VALUE_TEXT, got.row[0], got.lengths[0],
		      size) < 0)
		return -1;
	return (int64_t)got.lengths[0];
}

/*
 * One big value. Slices are of bytes as they are to be written: of text those
 * of UTF-8, of all else those that are stored.
 */
static int put_big(struct reader *r, const struct column *c,
		   const struct big_row *row, size_t *size, struct bk_err *err)
{
	bool text = c->kind == VALUE_TEXT;
	BK_AUTO_FREE char *start = long_start(c);
	int64_t n = SLICE;

	if (put(r, start, strlen(start)) < 0)
		return -1;
	for (uint64_t at = 1; n == SLICE; at += SLICE)
		n = copy_slice(r, c, row, at, size, err);
	if (n < 0)
		return -1;
	return text ? put(r, "'", 1) : 0;
}

static int add_big(struct reader *r, const struct big_row *row,
		   struct bk_err *err)
{
	const struct table *t = r->table;
	size_t size = 0;

	if (begin_long(r) < 0)
		return -1;
	for (size_t i = 0; i < row->values.n; i++) {
		const char *v = row->values.v[i];

		if (i > 0 && put(r, ",", 1) < 0)
			return -1;
		if (*v && put(r, v, strlen(v)) < 0)
			return -1;
		if (!*v && put_big(r, &t->columns[i], row, &size, err) < 0)
			return -1;
	}
	return end_long(r);
}

static char *query_text(const struct task *t, const char *from, uint64_t limit)
{
	const struct feed *f = t->feed;
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_addf(&b, "%s%s", f->select, f->from);
	if (from || t->to)
		bk_buf_adds(&b, " WHERE ");
	if (from)
		bk_buf_addf(&b, "(%s)", from);
	if (t->to)
		bk_buf_addf(&b, "%s(%s)", from ? " AND " : "", t->to);
	bk_buf_adds(&b, f->o->table.order);
	if (limit > 0)
		bk_buf_addf(&b, " LIMIT %" PRIu64, limit);
	return bk_buf_steal(&b);
}

/* How the reading of a query ended. */
struct outcome {
	bool big;	    /* at a row that is to be fetched by itself */
	struct big_row row; /* that row */
	char *from;	    /* condition for all behind the last row, or NULL */
	char *lead;	    /* the first part of its key */
};

static void outcome_free(struct outcome *o)
{
	big_row_free(&o->row);
	free(o->from);
	free(o->lead);
	*o = (struct outcome){ 0 };
}

static void note_place(const struct reader *r, MYSQL_ROW row,
		       const unsigned long *lengths, struct outcome *o)
{
	o->from = key_condition(r->table, '>', false, row, lengths);
	o->lead = bk_strdup(row[r->table->key[0]]);
}

static int read_rows(struct reader *r, struct cursor *c, uint64_t limit,
		     struct outcome *o, struct bk_err *err)
{
	int got;

	for (uint64_t n = 1; (got = cursor_next(c, err)) == 1; n++) {
		if (is_big(r->table, c->row)) {
			if (is_too_long(r->table, c->row, c->lengths))
				return too_long(r, c->row, c->lengths, err);
			o->big = true;
			keep_row(r, c->row, c->lengths, &o->row);
			note_place(r, c->row, c->lengths, o);
			return 0;
		}
		if (add_row(r, c->row, c->lengths, err) < 0)
			return -1;
		if (n == limit) {
			note_place(r, c->row, c->lengths, o);
			return 0;
		}
	}
	return got;
}

static int read_query(struct reader *r, const char *from, uint64_t limit,
		      struct outcome *o, struct bk_err *err)
{
	BK_AUTO_FREE char *sql = query_text(r->task, from, limit);
	const struct reals *reals = r->table->reals ? r->me->work->reals : NULL;
	BK_AUTO(cursor_close) struct cursor c = { NULL };

	if (cursor_open(&c, r->me->server, sql, reals, err) < 0)
		return -1;
	return read_rows(r, &c, limit, o, err);
}

/*
 * Big rows are rare. Where one is met, the rest of the answer is thrown away,
 * and the next ones are short until no big row is among them.
 */
static int read_task(struct reader *r, struct bk_err *err)
{
	struct task *t = r->task;
	uint64_t full = t->feed->limit, limit = full;
	BK_AUTO_FREE char *from = t->from ? bk_strdup(t->from) : NULL;

	for (;;) {
		BK_AUTO(outcome_free) struct outcome o = { 0 };

		if (read_query(r, from, limit, &o, err) < 0)
			return -1;
		if (!o.from)
			return 0;
		if (o.big && add_big(r, &o.row, err) < 0)
			return -1;
		if (!o.big && limit == full) {
			work_rest(r->me->work, t, o.from, o.lead);
			o.from = NULL;
			return 0;
		}
		free(from);
		from = o.from;
		o.from = NULL;
		limit = o.big ? FEW : 2 * limit;
		if (full > 0 && limit > full)
			limit = full;
	}
}

static int read_all(struct reader *r, struct bk_err *err)
{
	const struct object *o = r->task->feed->o;

	if (read_task(r, err) < 0 || give(r) < 0)
		return -1;
	return o->partitioned && o->transactional && o->id != 0
		       ? catalog_same_table(r->me->server, o, err)
		       : 0;
}

int task_read(struct worker *me, struct task *t, struct bk_err *err)
{
	struct reader r = { .me = me, .task = t, .table = &t->feed->o->table };
	struct bk_err why = { .exit = BK_EX_OK };
	int got = read_all(&r, &why);

	/* Given up only because all stop: why is empty then. */
	if (got < 0) {
		BK_AUTO_FREE char *name = object_label(t->feed->o);

		block_free(r.block);
		if (why.exit != BK_EX_OK)
			bk_err_set(err, why.exit, 0, "table %s: %s", name,
				   why.msg);
		return got;
	}
	if (!t->feed->o->transactional)
		return 0;
	/* What others may do to the table is free again. */
	return server_do(me->server, "ROLLBACK TO SAVEPOINT bk", err);
}
