/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rows.h"

#include <mysqld_error.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

#include "feed.h"
#include "frame.h"
#include "sig.h"
#include "text.h"

/* Blocks become statements. */
struct writer {
	struct output *out;
	struct bk_buf head; /* INSERT ... VALUES\n */
	uint64_t length;    /* of the open statement; 0: none is open */
	bool inside;	    /* a row that began in the block before */
	uint64_t rows, largest;
};

static int add(struct writer *w, const void *p, size_t n, struct bk_err *err)
{
	return sink_add(&w->out->sink, p, n, err);
}

static int end_statement(struct writer *w, struct bk_err *err)
{
	if (w->length == 0)
		return 0;
	if (w->length > w->largest)
		w->largest = w->length;
	w->length = 0;
	return add(w, ";\n", 2, err);
}

/*
 * A row of size bytes starts at pos; what is before it, from *from on, is
 * written where a statement ends or starts here.
 */
static int start_row(struct writer *w, const struct block *b, size_t *from,
		     size_t pos, size_t size, struct bk_err *err)
{
	if (w->length > 0 && w->length + size <= FRAME_MAX)
		return 0;
	if (add(w, b->p + *from, pos - *from, err) < 0 ||
	    end_statement(w, err) < 0 ||
	    add(w, w->head.p, w->head.len, err) < 0)
		return -1;
	w->length = w->head.len;
	*from = pos + 2;
	return 0;
}

static int write_block(struct writer *w, const struct block *b,
		       struct bk_err *err)
{
	size_t from = 0, pos = 0;

	for (size_t i = 0; i < b->n; i++) {
		size_t end = b->ends[i] & ~BLOCK_BREAK;

		if (!w->inside &&
		    start_row(w, b, &from, pos, end - pos, err) < 0)
			return -1;
		w->inside = false;
		w->length += end - pos;
		w->rows++;
		pos = end;
		if (!(b->ends[i] & BLOCK_BREAK))
			continue;
		if (add(w, b->p + from, pos - from, err) < 0 ||
		    end_statement(w, err) < 0)
			return -1;
		from = pos;
	}
	if (pos < b->len) {
		/* It is longer than a block, and a statement of its own. */
		if (!w->inside &&
		    start_row(w, b, &from, pos, FRAME_MAX, err) < 0)
			return -1;
		w->inside = true;
		w->length += b->len - pos;
	}
	return add(w, b->p + from, b->len - from, err);
}

static void wait_for_news(struct work *w)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	(void)pthread_cond_timedwait(&w->news, &w->mutex, &until);
}

/*
 * The next block of the table that is written: 1, 0 at its end, -1 with err.
 */
static int next_block(struct work *w, struct feed *f, struct output *out,
		      struct block **ret, struct bk_err *err)
{
	int got = -2;

	(void)pthread_mutex_lock(&w->mutex);
	while (got == -2) {
		struct task *t = f->tasks;

		if (w->stop) {
			*err = w->err;
			got = -1;
		} else if (t && t->first) {
			*ret = t->first;
			t->first = (*ret)->next;
			t->queued--;
			if (!t->first)
				t->last = NULL;
			got = 1;
		} else if (t && t->done) {
			f->tasks = t->next;
			task_free(t);
			(void)pthread_cond_broadcast(&w->room);
		} else if (!t && f->planned && !f->busy && !f->more) {
			got = 0;
		} else if (bk_sig_pending()) {
			got = bk_err_set(err, BK_EX_TEMPFAIL, 0,
					 "it was interrupted");
		} else if (out->sink.guard &&
			   out->sink.guard(out->sink.arg, err) < 0) {
			got = -1;
		} else {
			wait_for_news(w);
		}
	}
	(void)pthread_mutex_unlock(&w->mutex);
	return got;
}

static int write_table(struct work *w, size_t i, struct writer *out,
		       struct bk_err *err)
{
	struct feed *f = &w->feeds[i];
	struct block *b = NULL;
	int got;

	(void)pthread_mutex_lock(&w->mutex);
	w->head = i;
	(void)pthread_cond_broadcast(&w->room);
	(void)pthread_mutex_unlock(&w->mutex);
	bk_buf_clear(&out->head);
	table_add_insert(&f->o->table, f->o->name, &out->head);
	while ((got = next_block(w, f, out->out, &b, err)) == 1 && b) {
		int done = write_block(out, b, err);

		work_free_block(w, b);
		if (done < 0)
			return -1;
	}
	return got < 0 ? -1 : end_statement(out, err);
}

static int write_part(struct work *w, size_t i, struct writer *out,
		      struct bk_err *err)
{
	const struct object *o = w->feeds[i].o;
	struct part part = { MANIFEST_ROWS, o->db->name, o->name };
	BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;
	uint64_t before = out->rows;

	if (out->out->begin(out->out, &part, err) < 0)
		return -1;
	text_add_rows_head(o, &text);
	if (add(out, text.p, text.len, err) < 0 ||
	    write_table(w, i, out, err) < 0)
		return -1;
	bk_buf_clear(&text);
	text_add_rows_tail(&text);
	if (add(out, text.p, text.len, err) < 0)
		return -1;
	return out->out->end(out->out, out->rows - before, err);
}

/* Did a statement fail because the table is another one now? */
static bool is_moved(const struct server *s)
{
	switch (mysql_errno(s->m)) {
	case ER_TABLE_DEF_CHANGED:
	case ER_NO_SUCH_TABLE:
	case ER_BAD_FIELD_ERROR:
	case ER_KEY_DOES_NOT_EXISTS:
		return true;
	default:
		return false;
	}
}

static void *worker_main(void *arg)
{
	struct worker *me = arg;
	struct bk_err err = { .exit = BK_EX_OK };
	struct task *t;
	int got;

	for (;;) {
		got = work_take(me, &t, &err);
		if (got < 0)
			break;
		if (!t)
			return NULL;
		got = task_read(me, t, &err);
		if (got < 0)
			break;
		work_done(me->work, t);
	}
	if (err.exit != BK_EX_OK)
		work_stop(me->work, &err,
			  got == CATALOG_MOVED || is_moved(me->server));
	return NULL;
}

/* Signals are for the thread that writes. */
static int start(struct worker *v, size_t n, size_t *ret_started,
		 struct bk_err *err)
{
	sigset_t all, old;
	int got = 0;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	for (*ret_started = 0; *ret_started < n; ++*ret_started) {
		struct worker *w = &v[*ret_started];

		got = pthread_create(&w->thread, NULL, worker_main, w);
		if (got != 0)
			break;
	}
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return got == 0 ? 0
			: bk_err_set(err, BK_EX_OSERR, got,
				     "cannot start a thread");
}

/* Those that wait for the server do not wait any longer. */
static void hang_up(struct worker *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void)shutdown(mysql_get_socket(v[i].server->m), SHUT_RDWR);
}

int rows_dump(struct server *servers, size_t n,
	      const struct object *const *tables, size_t ntables,
	      struct output *out, struct rows_sum *sum, struct bk_err *err)
{
	struct work w;
	struct writer writer = { .out = out };
	struct worker *v = bk_calloc(n, sizeof(*v));
	size_t started = 0;
	int got;

	work_init(&w, tables, ntables, n > 1);
	for (size_t i = 0; i < n; i++)
		v[i] = (struct worker){ .work = &w, .server = &servers[i] };
	got = start(v, n, &started, err);
	for (size_t i = 0; i < ntables && got == 0; i++)
		got = write_part(&w, i, &writer, err);
	if (got < 0) {
		work_stop(&w, NULL, false);
		hang_up(v, started);
	}
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(v[i].thread, NULL);
	/* The last word of a worker counts, too: it may have failed late. */
	if (w.failed) {
		*err = w.err;
		got = w.moved ? CATALOG_MOVED : -1;
	}
	work_free(&w);
	free(v);
	bk_buf_free(&writer.head);
	if (got < 0)
		return got;
	sum->rows += writer.rows;
	if (writer.largest > sum->largest)
		sum->largest = writer.largest;
	return 0;
}
