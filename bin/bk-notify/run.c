/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-notify run MONITOR -- COMMAND
 *
 * The command comes first: it starts at once, its output is its own, its exit
 * status is ours. Of it, only its name is told: arguments can be private.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "exec.h"
#include "log.h"
#include "notify.h"
#include "sig.h"
#include "time.h"

#define KILLED 128

/* A UUID, version 4. */
static void make_rid(char rid[static 37])
{
	unsigned char b[16] = { 0 };

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return;
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	(void)snprintf(rid, 37,
		       "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		       "%02x%02x%02x%02x%02x%02x",
		       b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8],
		       b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void compose_end(struct message *m, const char *command, int status,
			int64_t ms)
{
	const char *name = base_name(command), *sig = NULL;
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (status > KILLED)
		sig = sigabbrev_np(status - KILLED);
	if (status == 0)
		bk_buf_addf(&b, "ok: %s took ", name);
	else if (sig)
		bk_buf_addf(&b, "%s was killed by signal %s after ", name, sig);
	else
		bk_buf_addf(&b, "%s failed with status %d after ", name,
			    status);
	bk_str_add_duration(&b, (uint64_t)ms / 1000);
	message_init(m, status == 0, message_text(b.p, ""));
	if (!m->up)
		bk_strv_addf(&m->causes, "%s failed", name);
	m->ping = ms;
}

/* Tells of the start, while the command runs already. */
struct starter {
	struct targets t;
	struct deliver_how how;
	pthread_t thread;
	bool running;
};

static void *start_main(void *arg)
{
	struct starter *s = arg;

	deliver(s->t.v, s->t.n, &s->how);
	return NULL;
}

static void starter_begin(struct notify *n, struct starter *s,
			  const struct monitor *m, const char *rid)
{
	struct message *msg;

	if (!m->service->starts)
		return;
	targets_add(n, m->section, &s->t);
	monitor_resolve(&s->t.v[0].monitor, &n->secrets);
	msg = &s->t.v[0].message;
	message_init(msg, true, message_text("start", ""));
	msg->start = true;
	memcpy(msg->rid, rid, sizeof(msg->rid));
	s->how.compose = compose_given;
	s->how.once = true;
	s->running = pthread_create(&s->thread, NULL, start_main, s) == 0;
}

static void starter_end(struct starter *s)
{
	if (s->running) {
		(void)pthread_join(s->thread, NULL);
		if (s->t.v[0].result != DELIVER_DONE)
			bk_warning("monitor %s: it does not know of the start: "
				   "%s",
				   s->t.v[0].monitor.name, s->t.v[0].err.msg);
	}
	targets_free(&s->t);
}

/* Its own result is what counts, whatever is wrong with ours. */
static int run_untold(struct notify *n)
{
	struct bk_exec x = { .argv = n->command,
			     .in = BK_EXEC_INHERIT,
			     .out = BK_EXEC_INHERIT,
			     .err = BK_EXEC_INHERIT };
	struct bk_child c = BK_CHILD_INIT;
	struct bk_err err;

	if (bk_exec_start(&x, &c, &err) < 0)
		return bk_log_err(&err);
	return bk_exec_wait_forward(&c);
}

static int run_command(struct notify *n, struct message *m,
		       const struct monitor *monitor)
{
	struct bk_exec x = { .argv = n->command,
			     .in = BK_EXEC_INHERIT,
			     .out = BK_EXEC_INHERIT,
			     .err = BK_EXEC_INHERIT };
	struct bk_child c = BK_CHILD_INIT;
	struct starter s = { .t = TARGETS_INIT };
	char rid[37] = "";
	int64_t start;
	struct bk_err err;
	int status;

	make_rid(rid);
	starter_begin(n, &s, monitor, rid);
	start = bk_time_mono_ms();
	if (bk_exec_start(&x, &c, &err) < 0) {
		bk_error("%s", err.msg);
		message_init(m, false, message_text(err.msg, ""));
		bk_strv_add(&m->causes, m->text);
		status = err.exit;
	} else {
		status = bk_exec_wait_forward(&c);
		compose_end(m, n->command[0], status,
			    bk_time_mono_ms() - start);
	}
	starter_end(&s);
	if (monitor->service->starts)
		memcpy(m->rid, rid, sizeof(m->rid));
	return status;
}

static int dry_run(struct notify *n, struct targets *t)
{
	struct deliver_how how = { .compose = compose_given, .dry = true };
	BK_AUTO_BUF struct bk_buf line = BK_BUF_INIT;

	bk_exec_add_line(&line, n->command);
	if (n->out.mode == BK_REC_JSON) {
		json_t *o = json_object();

		bk_rec_set_str(o, "line", line.p);
		bk_rec_json(&n->out, "command", o);
	} else {
		bk_rec_raw(&n->out, line.p);
	}
	compose_end(&t->v[0].message, n->command[0], 0, 0);
	targets_deliver(n, t, &how);
	targets_report(n, t, &n->out);
	return BK_EX_OK;
}

int cmd_run(struct notify *n, char **args)
{
	BK_AUTO(targets_free) struct targets t = TARGETS_INIT;
	struct deliver_how how = { .compose = compose_given };
	char *name[] = { args[0], NULL };
	int exit;

	if (!args[0] || !n->command || n->command != args + 1)
		return bk_cli_usage("run wants MONITOR -- COMMAND");
	if (!n->command[0])
		return bk_cli_usage("run wants a command behind --");
	exit = targets_find(n, name, &t);
	if (n->broken && n->cli.dry_run)
		return n->broken;
	if (exit != BK_EX_OK)
		return n->broken ? run_untold(n) : exit;
	if (n->cli.dry_run)
		return dry_run(n, &t);
	exit = run_command(n, &t.v[0].message, &t.v[0].monitor);
	/* After a signal nothing waits for a service: the message is kept. */
	targets_deliver(n, &t, &how);
	targets_report(n, &t, NULL);
	return exit;
}
