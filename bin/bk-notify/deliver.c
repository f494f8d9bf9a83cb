/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "deliver.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "file.h"
#include "lock.h"
#include "log.h"
#include "queue.h"
#include "rec.h"
#include "sig.h"
#include "state.h"
#include "time.h"

#define THREADS 16
#define TRIES 3
/* No try begins later than this after the first. */
#define PATIENCE_MS 25000
/* Nor is more taken from what is kept. */
#define BACKLOG_MS 45000
/* Longer than whoever has the lock can need. */
#define LOCK_MS 120000
/* What a test found out is not worth more. */
#define TEST_LOCK_MS 5000
/* What is older when it is delivered says when it was. */
#define STALE 300

struct job {
	struct delivery *d;
	size_t n;
	const struct deliver_how *how;
	atomic_size_t next;
};

void delivery_free(struct delivery *d)
{
	message_free(&d->message);
	free(d->answer);
	d->answer = NULL;
}

static char *shown(const struct monitor *m, const struct http_answer *a)
{
	BK_AUTO_FREE char *masked = monitor_mask(m, a->body.p ? a->body.p : "");
	BK_AUTO_FREE char *all =
		bk_asprintf("%ld %s", a->status, bk_str_trim(masked));

	return message_text(all, "");
}

/*
 * What a service says may hold the token that it was sent; at the end of a
 * message that was cut, a part of it.
 */
static void mask_err(const struct monitor *m, struct bk_err *err)
{
	BK_AUTO_FREE char *masked = NULL;
	size_t n = strlen(err->msg), encoded = m->token ? 3 * m->token->len : 0;

	if (n + 1 >= sizeof(err->msg))
		err->msg[n > encoded ? n - encoded : 0] = '\0';
	masked = monitor_mask(m, err->msg);
	(void)bk_err_set(err, err->exit, 0, "%s", masked);
}

static int try_once(struct delivery *d, const struct message *msg,
		    struct bk_err *err)
{
	const struct monitor *m = &d->monitor;
	BK_AUTO(http_request_free) struct http_request q = { 0 };
	BK_AUTO(http_answer_free) struct http_answer a = { 0 };

	if (m->token_err.exit) {
		*err = m->token_err;
		return -1;
	}
	q.ca = bk_conf_str(m->section, "ca", NULL);
	if (m->service->request(m, msg, &q, err) < 0)
		return -1;
	if (http_do(&q, HTTP_TIMEOUT_MS, &a, err) < 0) {
		mask_err(m, err);
		return -1;
	}
	free(d->answer);
	d->answer = shown(m, &a);
	if (m->service->judge(&a, err) == 0)
		return 0;
	mask_err(m, err);
	return -1;
}

static void rest(int tries)
{
	static const int pause_ms[TRIES - 1] = { 1000, 4000 };
	struct pollfd p = { .fd = bk_sig_fd(), .events = POLLIN };

	(void)poll(&p, 1, pause_ms[tries]);
}

static int try_to_deliver(struct delivery *d, const struct message *msg,
			  const struct deliver_how *how, struct bk_err *err)
{
	int64_t end = bk_time_mono_ms() + PATIENCE_MS;
	bool once = how->once || d->monitor.token_err.exit;

	for (int tries = 0;; tries++) {
		if (try_once(d, msg, err) == 0)
			return 0;
		if (err->exit != BK_EX_TEMPFAIL || once || tries == TRIES - 1 ||
		    bk_time_mono_ms() > end)
			return -1;
		bk_debug("monitor %s: %s; trying again", d->monitor.name,
			 err->msg);
		rest(tries);
		if (bk_sig_pending())
			return -1;
	}
}

/*
 * The next one that is kept: 0 and *ret, or -1: it was damaged and is gone, or
 * cannot be read now.
 */
static int get_kept(const char *monitor, const char *name, struct history *h,
		    struct message *ret)
{
	struct bk_err err;
	BK_AUTO_FREE char *text = NULL;
	BK_AUTO_BUF struct bk_buf when = BK_BUF_INIT;
	int got = queue_get(monitor, name, ret, &err);

	if (got < 0 && err.exit != BK_EX_DATAERR) {
		bk_warning("monitor %s: a message waits on: %s", monitor,
			   err.msg);
		return -1;
	}
	if (got < 0) {
		bk_warning("monitor %s: a message that was kept is lost: %s",
			   monitor, err.msg);
		queue_drop(monitor, name);
		history_unsure(h);
		return -1;
	}
	if (bk_time_now() - ret->time < STALE)
		return 0;
	bk_buf_adds(&when, " (of ");
	bk_time_add_utc(&when, ret->time);
	bk_buf_adds(&when, ")");
	text = ret->text;
	ret->text = message_text(text, when.p);
	return 0;
}

/* 0: all that was kept is delivered, or never will be */
static int deliver_kept(struct delivery *d, const struct bk_strv *kept,
			struct history *h, const struct deliver_how *how)
{
	const char *name = d->monitor.name;
	int64_t end = bk_time_mono_ms() + BACKLOG_MS;
	struct bk_err *err = &d->err;

	for (size_t i = 0; i < kept->n; i++) {
		BK_AUTO(message_free) struct message m = { .ping = -1 };

		if (get_kept(name, kept->v[i], h, &m) < 0)
			continue;
		if (bk_time_mono_ms() > end) {
			d->result = DELIVER_KEPT;
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "it is too slow for all that waits");
		}
		if (try_to_deliver(d, &m, how, err) == 0) {
			if (!h->known || m.time >= h->told_at)
				history_take(h, &m);
			d->result = DELIVER_DONE;
		} else if (err->exit == BK_EX_DATAERR &&
			   !d->monitor.token_err.exit) {
			bk_error("monitor %s: a message is lost: %s", name,
				 err->msg);
			history_unsure(h);
		} else {
			d->result = DELIVER_KEPT;
			return -1;
		}
		queue_drop(name, kept->v[i]);
	}
	return 0;
}

static void keep(struct delivery *d, struct history *h)
{
	const struct service *service = d->monitor.service;
	struct bk_err err;

	d->result = DELIVER_KEPT;
	if (queue_put(d->monitor.name, &d->message, service->heartbeat, &err) <
	    0) {
		bk_warning("monitor %s: the message cannot be kept: %s",
			   d->monitor.name, err.msg);
		d->result = DELIVER_LOST;
	} else if (!service->heartbeat) {
		history_take(h, &d->message);
	}
}

static void deliver_new(struct delivery *d, struct history *h,
			const struct deliver_how *how)
{
	if (try_to_deliver(d, &d->message, how, &d->err) == 0) {
		d->result = DELIVER_DONE;
		history_take(h, &d->message);
	} else if (d->err.exit == BK_EX_DATAERR && !d->monitor.token_err.exit) {
		d->result = DELIVER_LOST;
	} else {
		keep(d, h);
	}
}

/* All that is to be told, the old before the new. */
static void deliver_all(struct delivery *d, struct history *h, bool news,
			const struct deliver_how *how)
{
	BK_AUTO_STRV struct bk_strv kept = BK_STRV_INIT;

	queue_list(d->monitor.name, &kept);
	if (d->monitor.service->heartbeat && news) {
		deliver_new(d, h, how);
		for (size_t i = 0; d->result == DELIVER_DONE && i < kept.n; i++)
			queue_drop(d->monitor.name, kept.v[i]);
	} else if (deliver_kept(d, &kept, h, how) == 0 && news) {
		deliver_new(d, h, how);
	} else if (news) {
		keep(d, h);
	}
}

/* Where there was nothing to tell, what was true before still is. */
static int outcome(const struct delivery *d, const struct history *h,
		   const char **ret_message)
{
	const struct bk_err *token = &d->monitor.token_err;

	*ret_message = "";
	if (d->result == DELIVER_DONE)
		return BK_EX_OK;
	if (d->result == DELIVER_NOTHING && !token->exit) {
		*ret_message = h->message ? h->message : "";
		return h->exit;
	}
	*ret_message = token->exit ? token->msg : d->err.msg;
	return token->exit ? token->exit : d->err.exit;
}

static void note(struct delivery *d, struct history *h, int64_t start)
{
	BK_AUTO_FREE char *job = bk_asprintf("monitor %s", d->monitor.name);
	BK_AUTO_STRV struct bk_strv left = BK_STRV_INIT;
	BK_AUTO_JSON json_t *counts = json_object(), *extra = NULL;
	const char *message;
	int exit = outcome(d, h, &message);
	struct bk_err err;

	queue_list(d->monitor.name, &left);
	d->waiting = left.n;
	if (d->result == DELIVER_DONE)
		h->reached = bk_time_now();
	extra = history_json(h);
	bk_rec_set_int(counts, "undelivered", (int64_t)d->waiting);
	if (bk_state_write("bk-notify", job, d->monitor.host, start, exit,
			   message, counts, extra, &err) < 0)
		bk_warning("the state of '%s' is not recorded: %s", job,
			   err.msg);
}

/* -1: another process is busy with it; without any lock there is still 0. */
static int take_lock(const struct delivery *d, int ms, int *ret_fd,
		     struct bk_err *err)
{
	BK_AUTO_FREE char *name = bk_asprintf("notify-%s", d->monitor.name);

	*ret_fd = bk_lock_take(name, ms, err);
	if (*ret_fd < 0 && err->exit == BK_EX_TEMPFAIL)
		return -1;
	if (*ret_fd < 0)
		bk_warning("monitor %s: %s", d->monitor.name, err->msg);
	return 0;
}

/* A test, or the start of a run, which is not waited for. */
static void deliver_once(struct delivery *d, const struct deliver_how *how)
{
	BK_AUTO(history_free) struct history h = HISTORY_INIT;
	BK_AUTO_CLOSE int lock = -1;
	int64_t start = bk_time_now();
	struct bk_err err;

	(void)how->compose(d, &h, how->arg);
	if (how->dry)
		return;
	if (try_to_deliver(d, &d->message, how, &d->err) == 0)
		d->result = DELIVER_DONE;
	else
		d->result = DELIVER_LOST;
	if (d->message.start || take_lock(d, TEST_LOCK_MS, &lock, &err) < 0)
		return;
	history_read(&h, d->monitor.name, start);
	note(d, &h, start);
}

static void deliver_one(struct delivery *d, const struct deliver_how *how)
{
	BK_AUTO(history_free) struct history h = HISTORY_INIT;
	BK_AUTO_CLOSE int lock = -1;
	int64_t start = bk_time_now();
	bool busy = !how->dry && take_lock(d, LOCK_MS, &lock, &d->err) < 0;
	bool news;

	history_read(&h, d->monitor.name, start);
	news = how->compose(d, &h, how->arg);
	if (how->dry)
		return;
	if (busy) {
		/* Whoever has the lock does the rest, or the next does. */
		if (how->anew)
			bk_warning("monitor %s: %s", d->monitor.name,
				   d->err.msg);
		else if (news)
			keep(d, &h);
		return;
	}
	deliver_all(d, &h, news, how);
	if (!news && d->message.text)
		history_forget(&h, &d->message);
	note(d, &h, start);
}

static void *work(void *arg)
{
	struct job *j = arg;
	sigset_t pipe;
	size_t i;

	/* A connection that breaks is an error, and no signal. */
	(void)sigemptyset(&pipe);
	(void)sigaddset(&pipe, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &pipe, NULL);
	while ((i = atomic_fetch_add(&j->next, 1)) < j->n)
		(j->how->once ? deliver_once : deliver_one)(&j->d[i], j->how);
	return NULL;
}

void deliver(struct delivery *d, size_t n, const struct deliver_how *how)
{
	struct job j = { .d = d, .n = n, .how = how };
	pthread_t threads[THREADS];
	size_t started = 0;

	http_begin();
	while (started < n && started < THREADS &&
	       pthread_create(&threads[started], NULL, work, &j) == 0)
		started++;
	if (started == 0)
		(void)work(&j);
	for (size_t i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	http_end();
}
