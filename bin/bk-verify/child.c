/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "log.h"
#include "sig.h"
#include "time.h"

#define LINE_LIMIT ((size_t)16 << 20)
/* For a program that is told to stop to tidy up. */
#define GRACE_MS 60000

void child_free(struct child *c)
{
	bk_strv_free(&c->argv);
	free(c->why);
	c->why = NULL;
}

void child_tool(struct child *c, const struct verify *v, const char *name)
{
	bk_strv_take(&c->argv, bk_exec_sibling(name));
	if (v->cli.config) {
		bk_strv_add(&c->argv, "-c");
		bk_strv_add(&c->argv, v->cli.config);
	}
}

void child_add_all(struct child *c, const char *const *words)
{
	for (; *words; words++)
		bk_strv_add(&c->argv, *words);
}

/* ---- what it says ----------------------------------------------------------- */

struct talk {
	struct child *c;
	struct bk_lines out, err;
	bool error;  /* why is an error, not just a line */
	bool ended;  /* the end record was there */
	int64_t end; /* when it is to be dead, once it was told to stop */
};

/* "bk-restic: error: why", "<3>bk-restic: error: why", or anything. */
static void take_message(struct talk *t, char *line)
{
	static const char mark[] = ": error: ";
	char *text = strstr(line, mark);
	bool error = text != NULL;

	bk_info("%s", line);
	if (t->c->message)
		t->c->message(t->c->arg, line);
	text = bk_str_trim(error ? text + strlen(mark) : line);
	if (!*text || (t->error && !error))
		return;
	free(t->c->why);
	t->c->why = bk_strdup(text);
	t->error = error;
}

static void take_record(struct talk *t, const char *line)
{
	BK_AUTO_JSON json_t *o = json_loads(line, 0, NULL);
	const char *type = bk_rec_str(o, "type");

	if (!type || bk_rec_int(o, "v", -1) != 1)
		return;
	if (strcmp(type, "end") == 0)
		t->ended = true;
	else
		t->c->record(t->c->arg, o);
}

static void take_output(struct talk *t, char *line, size_t len)
{
	t->c->bytes += len + 1;
	if (t->c->record)
		take_record(t, line);
	else if (t->c->line)
		t->c->line(t->c->arg, line);
}

/* Bytes as they come. */
static int fill_data(struct talk *t)
{
	static char block[65536];
	ssize_t n = read(t->out.fd, block, sizeof(block));

	if (n < 0)
		return errno == EINTR ? 0 : -1;
	t->out.eof = n == 0;
	t->c->bytes += (uint64_t)n;
	t->c->data(t->c->arg, block, (size_t)n);
	return 0;
}

static int fill_output(struct talk *t)
{
	if (t->c->data)
		return fill_data(t);
	return bk_lines_fill(&t->out) < 0 ? -1 : 0;
}

static int drain(struct talk *t, bool out, struct bk_err *err)
{
	struct bk_lines *l = out ? &t->out : &t->err;
	char *line;
	size_t len;

	while (bk_lines_ready(l)) {
		int got = bk_lines_next(l, &line, &len, err);

		if (got < 0)
			return -1;
		if (got == 0)
			break;
		if (out)
			take_output(t, line, len);
		else
			take_message(t, line);
	}
	return 0;
}

/* ---- until it ends ---------------------------------------------------------- */

/* Told to stop it is on account of a signal to us, or of the time. */
static void stop_in_time(struct talk *t, struct bk_child *p)
{
	int64_t now = bk_time_mono_ms();
	bool late = t->c->deadline && now >= t->c->deadline;

	if (t->end && now >= t->end) {
		bk_exec_kill(p, SIGKILL);
	} else if (!t->end && (late || bk_sig_pending())) {
		t->c->late = late && !bk_sig_pending();
		t->end = now + GRACE_MS;
		bk_exec_kill(p, SIGTERM);
	}
}

static int wait_ms(const struct talk *t)
{
	int64_t end = t->end ? t->end : t->c->deadline;
	int64_t left = end ? end - bk_time_mono_ms() : 60000;

	return left > 60000 ? 60000 : left > 0 ? (int)left : 0;
}

static int talk(struct talk *t, struct bk_child *p, struct bk_err *err)
{
	while (!t->out.eof || !t->err.eof) {
		struct pollfd f[3] = {
			{ .fd = t->out.eof ? -1 : t->out.fd, .events = POLLIN },
			{ .fd = t->err.eof ? -1 : t->err.fd, .events = POLLIN },
			{ .fd = t->end ? -1 : bk_sig_fd(), .events = POLLIN }
		};

		stop_in_time(t, p);
		if (poll(f, 3, wait_ms(t)) < 0 && errno != EINTR)
			return bk_err_sys(err, "cannot poll");
		if ((f[0].revents && fill_output(t) < 0) ||
		    (f[1].revents && bk_lines_fill(&t->err) < 0))
			return bk_err_sys(err, "cannot read what '%s' says",
					  t->c->argv.v[0]);
		if (drain(t, true, err) < 0 || drain(t, false, err) < 0)
			return -1;
	}
	return 0;
}

static int run(struct talk *t, struct bk_child *p, struct bk_err *err)
{
	struct child *c = t->c;
	int got = talk(t, p, err);

	c->status =
		got < 0 ? bk_exec_stop(p, GRACE_MS) : bk_exec_wait_forward(p);
	if (got < 0)
		return -1;
	if (bk_sig_pending())
		return bk_err_set(err, BK_EX_TEMPFAIL, 0, "it was interrupted");
	if (c->late)
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "'%s' took too long and was stopped",
				  c->argv.v[0]);
	if (c->record && !t->ended && c->status == BK_EX_OK)
		return bk_err_set(err, BK_EX_PROTOCOL, 0,
				  "'%s' ended well, but did not say so",
				  c->argv.v[0]);
	return 0;
}

int child_run(struct child *c, struct bk_err *err)
{
	struct bk_exec x = { .argv = c->argv.v,
			     .env = c->env,
			     .in = c->in,
			     .out = BK_EXEC_PIPE,
			     .err = BK_EXEC_PIPE,
			     .uid = c->uid,
			     .gid = c->gid };
	struct bk_child p = BK_CHILD_INIT;
	struct talk t = { .c = c,
			  .out = { .limit = LINE_LIMIT },
			  .err = { .limit = LINE_LIMIT } };
	int got;

	if (bk_exec_start(&x, &p, err) < 0)
		return -1;
	t.out.fd = p.out;
	t.err.fd = p.err;
	got = run(&t, &p, err);
	bk_lines_free(&t.out);
	bk_lines_free(&t.err);
	return got;
}

int child_err(const struct child *c, int exit, struct bk_err *err)
{
	if (c->status > 128 && !c->why)
		return bk_err_set(err, exit, 0, "'%s' was killed by signal %d",
				  c->argv.v[0], c->status - 128);
	return bk_err_set(err, exit, 0, "%s",
			  c->why ? c->why : "it gave no reason");
}
