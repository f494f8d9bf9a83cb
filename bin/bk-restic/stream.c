/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-restic backup SET --stdin NAME [-- COMMAND]
 *
 * To restic the end of its input is success, also where the program that
 * wrote it died. So restic's input is kept open until the stream is proved
 * complete, by COMMAND's exit status 0 or by the trailer in its last line;
 * where it is not, restic is stopped first, and nothing is stored.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "backup.h"
#include "file.h"
#include "log.h"
#include "sig.h"
#include "time.h"
#include "trailer.h"

#define GRACE_MS 30000

struct pump {
	int from, to;
	struct bk_child *restic;
	struct bk_child *command; /* NULL: the trailer decides */
	struct trailer tail;
	atomic_bool ended; /* restic is gone */
	bool good;
	struct bk_err err; /* why not */
};

/* 1: more, 0: the end, -1: err */
static int copy_some(struct pump *p)
{
	char data[65536];
	struct pollfd wait[2] = { { .fd = p->from, .events = POLLIN },
				  { .fd = bk_sig_fd(), .events = POLLIN } };
	ssize_t n;

	if (poll(wait, 2, 1000) < 0 && errno != EINTR)
		return bk_err_sys(&p->err, "cannot poll");
	if (bk_sig_pending() || atomic_load(&p->ended))
		return bk_err_set(&p->err, BK_EX_TEMPFAIL, 0,
				  "it was interrupted");
	if (!wait[0].revents)
		return 1;
	n = read(p->from, data, sizeof(data));
	if (n < 0)
		return errno == EINTR
			       ? 1
			       : bk_err_sys(&p->err, "cannot read the stream");
	if (n == 0)
		return 0;
	if (bk_fd_write(p->to, data, (size_t)n) < 0)
		return bk_err_sys(&p->err, "cannot write to restic");
	/* What is not looked at need not be hashed. */
	if (p->command)
		p->tail.bytes += (uint64_t)n;
	else
		trailer_add(&p->tail, data, (size_t)n);
	return 1;
}

/* Proved complete: 0; else -1 and why. */
static int check_end(struct pump *p)
{
	int status = p->command ? bk_exec_wait(p->command) : 0;

	if (bk_sig_pending())
		return bk_err_set(&p->err, BK_EX_TEMPFAIL, 0,
				  "it was interrupted");
	if (status != 0)
		return bk_err_set(&p->err, BK_EX_DATAERR, 0,
				  "the command ended with status %d", status);
	if (p->tail.bytes == 0)
		return bk_err_set(&p->err, BK_EX_DATAERR, 0,
				  "the stream is empty");
	if (!p->command && !trailer_complete(&p->tail))
		return bk_err_set(&p->err, BK_EX_DATAERR, 0,
				  "the stream does not end with a trailer that "
				  "is right (\"" TRAILER_START
				  "...\"): it was cut off, or damaged");
	return 0;
}

static void stop_restic(struct pump *p)
{
	static const char zeros[65536];
	int64_t end = bk_time_mono_ms() + GRACE_MS;

	/* Whoever waits for restic passes a signal on; a second one would
	 * keep it from removing its lock. */
	if (!bk_sig_pending())
		bk_exec_kill(p->restic, SIGINT);
	(void)poll(NULL, 0, 300);
	/* Since 0.19 it notes the signal but stays in a read: give it data to
	 * return with, never an end. */
	(void)fcntl(p->to, F_SETFL, O_NONBLOCK);
	while (!atomic_load(&p->ended) && bk_time_mono_ms() < end) {
		(void)poll(NULL, 0, 50);
		while (write(p->to, zeros, sizeof(zeros)) > 0)
			;
	}
	if (!atomic_load(&p->ended))
		bk_exec_kill(p->restic, SIGKILL);
}

static void *pump_main(void *arg)
{
	struct pump *p = arg;
	sigset_t pipe;
	int got;

	(void)sigemptyset(&pipe);
	(void)sigaddset(&pipe, SIGPIPE);
	(void)pthread_sigmask(SIG_BLOCK, &pipe, NULL);
	while ((got = copy_some(p)) == 1)
		;
	p->good = got == 0 && check_end(p) == 0;
	if (p->good)
		(void)close(p->to);
	else
		stop_restic(p);
	return NULL;
}

static void on_json(void *arg, const json_t *o)
{
	const char *type = bk_rec_str(o, "message_type");

	if (type && strcmp(type, "summary") == 0)
		summary_take(arg, o, false);
}

/* restic and the pump side by side, until both are done. */
static int run_both(struct run *run, struct pump *p, struct bk_err *err)
{
	struct bk_child restic = BK_CHILD_INIT;
	pthread_t thread;
	int got;

	if (run_start(run, &restic, err) < 0)
		return -1;
	p->restic = &restic;
	p->to = restic.in;
	if (pthread_create(&thread, NULL, pump_main, p) != 0) {
		(void)bk_exec_stop(&restic, GRACE_MS);
		return bk_err_sys(err, "cannot start a thread");
	}
	got = run_finish(run, &restic, err);
	atomic_store(&p->ended, true);
	(void)pthread_join(thread, NULL);
	if (!p->good)
		(void)close(p->to);
	if (got < 0)
		return -1;
	if (!p->good && run->outcome != OUTCOME_OK &&
	    p->err.exit != BK_EX_DATAERR && !bk_sig_pending())
		return run_err(run, err);
	if (!p->good) {
		*err = p->err;
		return -1;
	}
	return run->outcome == OUTCOME_OK ? 0 : run_err(run, err);
}

static void add_arguments(struct restic *r, const char *set, struct run *run)
{
	struct bk_strv *args = &run->args;
	BK_AUTO_FREE char *tag = bk_asprintf("name=%s", r->stdin_name);

	/* restic separates tags by commas. */
	for (char *p = tag; *p; p++)
		if (*p == ',')
			*p = '_';
	bk_strv_add(args, "backup");
	bk_strv_add(args, "--json");
	bk_strv_add(args, "--quiet");
	bk_strv_add(args, "--stdin");
	bk_strv_add(args, "--stdin-filename");
	bk_strv_add(args, r->stdin_name);
	bk_strv_add(args, "--host");
	bk_strv_add(args, r->conf->host);
	bk_strv_add(args, "--tag");
	bk_strv_addf(args, "bk,%s,stdin,%s", set, tag);
}

static int start_command(struct restic *r, struct bk_child *c,
			 struct bk_err *err)
{
	struct bk_exec x = { .argv = r->command,
			     .in = BK_EXEC_NULL,
			     .out = BK_EXEC_PIPE,
			     .err = BK_EXEC_INHERIT };

	return bk_exec_start(&x, c, err);
}

static int store(struct restic *r, const struct set *set, struct repo *repo,
		 struct summary *sum, struct bk_err *err)
{
	BK_AUTO(run_free) struct run run = RUN_INIT(repo);
	struct bk_child command = BK_CHILD_INIT;
	struct pump p = { .from = STDIN_FILENO };
	int got;

	run.in = BK_EXEC_PIPE;
	run.json = on_json;
	run.arg = sum;
	add_arguments(r, set->name, &run);
	if (r->cli.dry_run) {
		say_command(r, &run);
		return 0;
	}
	/*
	 * A stream cannot be read twice: that the repository opens and is not
	 * locked is found out before its first byte.
	 */
	if (repo_lock(repo, err) < 0 || check_opens(repo, err) < 0)
		return -1;
	if (r->command) {
		if (start_command(r, &command, err) < 0)
			return -1;
		p.command = &command;
		p.from = command.out;
	}
	got = run_both(&run, &p, err);
	if (command.pid > 0)
		(void)bk_exec_stop(&command, 2000);
	trailer_free(&p.tail);
	if (got == 0 && (!sum->seen || !sum->snapshot))
		return run_err(&run, err);
	return got;
}

static int report(struct restic *r, const char *set, const char *job,
		  int64_t start, const struct summary *sum)
{
	BK_AUTO_JSON json_t *extra = json_object();
	BK_AUTO_JSON json_t *counts = json_object();
	BK_AUTO_BUF struct bk_buf message = BK_BUF_INIT;

	bk_str_add_size(&message, (uint64_t)sum->bytes);
	bk_buf_addf(&message, " as %s, ", r->stdin_name);
	bk_str_add_size(&message, (uint64_t)sum->added);
	bk_buf_adds(&message, " added");
	bk_rec_set_int(counts, "bytes", sum->bytes);
	bk_rec_set_int(counts, "bytes_added", sum->added);
	bk_rec_set_str(extra, "snapshot", sum->snapshot);
	write_state(r, job, start, BK_EX_OK, message.p, counts, extra);
	backup_report(r, set, BK_EX_OK, sum, message.p);
	return BK_EX_OK;
}

int backup_stream(struct restic *r, char **args)
{
	struct repo repo = { .lock = -1 };
	BK_AUTO_FREE char *job = NULL;
	struct summary sum = { 0 };
	struct set set;
	int64_t start = bk_time_now();
	struct bk_err err;
	int exit = BK_EX_OK;

	if (!args[0] || args[1])
		return bk_cli_usage("--stdin wants one set");
	if (!*r->stdin_name || r->stdin_name[0] == '-')
		return bk_cli_usage("--stdin wants the name to store under");
	if (set_find(r, args[0], &set) < 0)
		return BK_EX_NOINPUT;
	job = bk_asprintf("backup %s:%s", set.name, r->stdin_name);
	if (open_set(r, &set, &repo, &err) < 0 ||
	    store(r, &set, &repo, &sum, &err) < 0)
		exit = fail_job(r, job, start, &err);
	else if (!r->cli.dry_run)
		exit = report(r, set.name, job, start, &sum);
	repo_close(&repo);
	free(sum.snapshot);
	return exit;
}
