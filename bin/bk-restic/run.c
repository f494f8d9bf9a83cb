/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "exec.h"
#include "file.h"
#include "log.h"
#include "rec.h"
#include "remote.h"
#include "sig.h"
#include "time.h"

#define SAID_LIMIT ((size_t)256 << 10)
#define TICK_MS 500
#define LOCK_PAUSE_MS 5000
#define LOCK_STALE_S (30 * 60)

void run_free(struct run *run)
{
	bk_strv_free(&run->args);
	bk_buf_free(&run->said);
	free(run->message);
	run->message = NULL;
}

static void add_args(const struct run *run, struct bk_strv *argv)
{
	for (size_t i = 0; i < run->args.n; i++)
		bk_strv_add(argv, run->args.v[i]);
}

char *run_line(const struct run *run)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_CLOSE int fd = -1;

	if (repo_args(run->repo, &argv, &fd, NULL) == 0)
		add_args(run, &argv);
	bk_exec_add_line(&b, argv.v);
	return bk_buf_steal(&b);
}

/* What restic said, kept up to a limit: the end matters. */
static void keep_said(struct run *run, const char *line)
{
	if (run->said.len > SAID_LIMIT)
		bk_buf_drop(&run->said, run->said.len / 2);
	bk_buf_adds(&run->said, line);
	bk_buf_addc(&run->said, '\n');
}

/* The last line tells why, unless one before it said that it is fatal. */
static void set_message(struct run *run, const char *text)
{
	if (run->message && bk_str_starts(run->message, "Fatal:"))
		return;
	free(run->message);
	run->message = bk_strdup(text);
}

/* The text of an error message of "restic --json", in any of its forms. */
static char *error_text(const json_t *o)
{
	const json_t *error = json_object_get(o, "error");
	const char *message = bk_rec_str(error, "message");
	const char *item = bk_rec_str(o, "item");
	int64_t num = bk_rec_int(error, "Err", 0);

	if (message)
		return bk_strdup(message);
	if (num > 0)
		return bk_asprintf("%s: %s", item ? item : "?",
				   strerror((int)num));
	return bk_asprintf("%s: cannot be read", item ? item : "?");
}

static void on_stderr(struct run *run, char *line)
{
	BK_AUTO_JSON json_t *o = NULL;
	BK_AUTO_FREE char *text = NULL, *raw = NULL;
	const char *type;
	bool again;

	/* It clears a line of the terminal that it does not have. */
	if (bk_str_starts(line, "\033[2K"))
		line += strlen("\033[2K");
	if (line[0] == '{')
		o = json_loads(line, 0, NULL);
	type = bk_rec_str(o, "message_type");
	if (type && strcmp(type, "error") == 0)
		raw = error_text(o);
	else if (type && bk_rec_str(o, "message"))
		raw = bk_strdup(bk_rec_str(o, "message"));
	else
		raw = bk_strdup(bk_str_trim(line));
	text = repo_hide_password(raw);
	keep_said(run, text);
	if (!*text)
		return;
	/* A server's rclone has no use for a file of its own. */
	if (bk_str_starts(text, "rclone: ") &&
	    strstr(text, " NOTICE: Config ")) {
		bk_debug("restic: %s", text);
		return;
	}
	/* A disk that is full is told for each piece of a file. */
	again = run->message && strcmp(run->message, text) == 0;
	set_message(run, text);
	if (!run->quiet && !again)
		bk_warning("restic: %s", text);
}

static void on_stdout(struct run *run, char *line)
{
	BK_AUTO_JSON json_t *o = NULL;

	if (line[0] == '{' || line[0] == '[')
		o = json_loads(line, 0, NULL);
	if (!o && line[0] == '{') {
		/* Status lines of old releases hold numbers out of range. */
		bk_debug("restic: %s", line);
		return;
	}
	if (!o) {
		BK_AUTO_FREE char *text = repo_hide_password(line);

		/* Old releases say some errors here. */
		keep_said(run, text);
		if (run->text)
			run->text(run->arg, text);
		else if (*text && run->show)
			bk_notice("restic: %s", text);
		else if (*text)
			bk_info("restic: %s", text);
		return;
	}
	if (run->json)
		run->json(run->arg, o);
}

static int drain(struct run *run, struct bk_lines *l,
		 void (*each)(struct run *, char *), struct bk_err *err)
{
	char *line;
	size_t len;
	int got = 0;

	while (bk_lines_ready(l)) {
		got = bk_lines_next(l, &line, &len, err);
		if (got <= 0)
			break;
		each(run, line);
	}
	return got < 0 ? -1 : 0;
}

/* Read both pipes to their ends; a signal to us goes on to restic. */
static int read_output(struct run *run, struct bk_child *c, struct bk_err *err)
{
	BK_AUTO(bk_lines_free) struct bk_lines out = { .fd = c->out };
	BK_AUTO(bk_lines_free) struct bk_lines errs = { .fd = c->err };
	bool told = false;

	while (!out.eof || !errs.eof) {
		struct pollfd p[3] = {
			{ .fd = out.eof ? -1 : out.fd, .events = POLLIN },
			{ .fd = errs.eof ? -1 : errs.fd, .events = POLLIN },
			{ .fd = told ? -1 : bk_sig_fd(), .events = POLLIN }
		};

		if (poll(p, 3, run->tick ? TICK_MS : -1) < 0 && errno != EINTR)
			return bk_err_sys(err, "cannot poll");
		if (run->tick)
			run->tick(run->arg, c->pid);
		if (!told && bk_sig_pending()) {
			/* restic cleans up on INT in every release. */
			bk_exec_kill(c, SIGINT);
			told = true;
		}
		if ((p[0].revents && bk_lines_fill(&out) < 0) ||
		    (p[1].revents && bk_lines_fill(&errs) < 0))
			return bk_err_sys(err, "cannot read from restic");
		if (drain(run, &out, on_stdout, err) < 0 ||
		    drain(run, &errs, on_stderr, err) < 0)
			return -1;
	}
	return 0;
}

static size_t kept_fds(const struct run *run, int password, int url,
		       int fds[static 5])
{
	size_t n = 0;

	for (size_t i = 0; i < BK_COUNT(run->keep); i++)
		if (run->keep[i] >= 0)
			fds[n++] = run->keep[i];
	fds[n++] = password;
	if (url >= 0)
		fds[n++] = url;
	return n;
}

int run_start(struct run *run, struct bk_child *c, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_CLOSE int password = -1;
	BK_AUTO_CLOSE int url = -1;
	struct bk_exec x = { .in = run->in,
			     .out = BK_EXEC_PIPE,
			     .err = BK_EXEC_PIPE,
			     .env = run->repo->env.v };
	int fds[5];

	bk_buf_clear(&run->said);
	free(run->message);
	run->message = NULL;
	if (repo_password(run->repo, err) < 0 ||
	    repo_args(run->repo, &argv, &url, err) < 0)
		return -1;
	password = bk_secret_pipe(run->repo->password, err);
	if (password < 0)
		return -1;
	bk_strv_addf(&argv, "--password-file=/dev/fd/%d", password);
	add_args(run, &argv);
	x.argv = argv.v;
	x.nkeep = kept_fds(run, password, url, fds);
	x.keep = fds;
	if (bk_log_level() >= BK_LOG_DEBUG) {
		BK_AUTO_BUF struct bk_buf line = BK_BUF_INIT;

		bk_exec_add_line(&line, argv.v);
		bk_debug("%s", line.p);
	}
	return bk_exec_start(&x, c, err);
}

int run_finish(struct run *run, struct bk_child *c, struct bk_err *err)
{
	int in = c->in;

	if (read_output(run, c, err) < 0) {
		(void)bk_exec_stop(c, 10000);
		return -1;
	}
	c->in = -1;
	run->status = bk_exec_wait(c);
	c->in = in;
	run->outcome = outcome_of(run->status, run->said.p ? run->said.p : "");
	run->exit = outcome_exit(run->outcome);
	return 0;
}

static int run_once(struct run *run, struct bk_err *err)
{
	struct bk_child c = BK_CHILD_INIT;

	if (run_start(run, &c, err) < 0)
		return -1;
	return run_finish(run, &c, err);
}

static void pause_for(uint64_t ms)
{
	int64_t end = bk_time_mono_ms() + (int64_t)ms, left;
	struct pollfd p = { .fd = bk_sig_fd(), .events = POLLIN };

	while (!bk_sig_pending() && (left = end - bk_time_mono_ms()) > 0)
		(void)poll(&p, 1, left > 60000 ? 60000 : (int)left);
}

static bool is_dead(const struct outcome_lock *lock)
{
	char host[256] = "";

	if (lock->age > LOCK_STALE_S)
		return true;
	if (gethostname(host, sizeof(host) - 1) < 0 ||
	    strcmp(host, lock->host) != 0 || lock->pid <= 0)
		return false;
	return kill((pid_t)lock->pid, 0) < 0 && errno == ESRCH;
}

static int unlock(struct repo *repo, struct bk_err *err)
{
	BK_AUTO(run_free) struct run run = RUN_INIT(repo);

	bk_strv_add(&run.args, "unlock");
	if (run_once(&run, err) < 0)
		return -1;
	return run.outcome == OUTCOME_OK ? 0 : -1;
}

/* After a locked repository: 1 try again, 0 give up, -1 err. */
static int await_lock(struct run *run, int64_t end, bool *tried_unlock,
		      struct bk_err *err)
{
	struct outcome_lock lock = { .host = "?" };
	bool known = outcome_lock(run->said.p ? run->said.p : "", &lock);

	if (run->repo->dry)
		return 0;
	if (known && is_dead(&lock) && !*tried_unlock) {
		*tried_unlock = true;
		bk_notice("removing the stale lock of process %ld on %s",
			  lock.pid, lock.host);
		if (unlock(run->repo, err) == 0)
			return 1;
	}
	if (bk_time_mono_ms() >= end || bk_sig_pending())
		return 0;
	bk_notice("[repo %s] is locked by process %ld on %s, waiting",
		  run->repo->name, lock.pid, lock.host);
	pause_for(LOCK_PAUSE_MS);
	return !bk_sig_pending();
}

int run_restic(struct run *run, struct bk_err *err)
{
	const struct bk_conf_section *s = run->repo->section;
	uint64_t retries = bk_conf_u64(s, "retries", 4);
	uint64_t pause = bk_conf_duration(s, "retry-pause", 10) * 1000;
	int64_t lock_end =
		bk_time_mono_ms() +
		(int64_t)bk_conf_duration(s, "lock-wait", 300) * 1000;
	bool tried_unlock = false;

	for (;;) {
		int again = 0;

		if (run_once(run, err) < 0)
			return -1;
		if (bk_sig_pending())
			return 0;
		if (run->outcome == OUTCOME_LOCKED) {
			again = await_lock(run, lock_end, &tried_unlock, err);
		} else if (run->outcome == OUTCOME_NETWORK && retries > 0) {
			/* why, where it was not told as it came */
			if (run->quiet && run->said.len > 0)
				bk_warning("restic: %s",
					   bk_str_trim(run->said.p));
			bk_notice("[repo %s] lost the connection; trying again "
				  "in %llu s",
				  run->repo->name,
				  (unsigned long long)pause / 1000);
			pause_for(pause);
			pause *= 3;
			retries--;
			again = !bk_sig_pending();
		}
		if (!again)
			return 0;
	}
}

static void take_json(void *arg, const json_t *o)
{
	json_t **ret = arg;

	if (!*ret)
		*ret = json_incref((json_t *)(uintptr_t)o);
}

json_t *run_for_json(struct run *run, struct bk_err *err)
{
	json_t *o = NULL;

	run->json = take_json;
	run->arg = &o;
	if (run_restic(run, err) < 0) {
		json_decref(o);
		return NULL;
	}
	if (run->outcome == OUTCOME_OK && o)
		return o;
	json_decref(o);
	/* It was quiet for the case that all is well. */
	if (run->quiet && run->said.len > 0)
		bk_warning("restic: %s", bk_str_trim(run->said.p));
	(void)run_err(run, err);
	return NULL;
}

/* What to do, where restic does not say it. */
static const char *hint(const struct run *run)
{
	if (run->outcome == OUTCOME_PASSWORD)
		return " (password = in bk.conf names another one than the "
		       "repository was made with; bk-secret check looks for "
		       "it)";
	if (run->message && strstr(run->message, "invalid backend"))
		return " (url = in bk.conf is no place that restic knows: "
		       "write such as sftp:HOST:FOLDER or /FOLDER)";
	return "";
}

int run_err(const struct run *run, struct bk_err *err)
{
	const char *name = run->repo->name, *verb = run->args.v[0];

	if (bk_sig_pending())
		return bk_err_set(err, run->exit ? run->exit : BK_EX_NO, 0,
				  "[repo %s] restic %s was interrupted", name,
				  verb);
	if (run->status > 128)
		return bk_err_set(err, run->exit, 0,
				  "[repo %s] restic %s was killed by signal %d",
				  name, verb, run->status - 128);
	if (run->outcome == OUTCOME_NO_REPOSITORY)
		return bk_err_set(err, run->exit, 0,
				  "[repo %s] has no repository at its url (%s"
				  "create one with: bk-restic init %s)",
				  name,
				  bk_remote_local(run->repo->url)
					  ? "is its disk mounted? "
					  : "",
				  name);
	if (run->outcome == OUTCOME_LOCKED) {
		struct outcome_lock lock = { .host = "?" };

		(void)outcome_lock(run->said.p ? run->said.p : "", &lock);
		return bk_err_set(err, run->exit, 0,
				  "[repo %s] is locked by process %ld on %s",
				  name, lock.pid, lock.host);
	}
	if (run->outcome == OUTCOME_OK)
		return bk_err_set(err, BK_EX_PROTOCOL, 0,
				  "[repo %s] restic %s ended well, but did not "
				  "tell what it did",
				  name, verb);
	return bk_err_set(err, run->exit, 0,
			  "[repo %s] restic %s ended with status %d: %s%s",
			  name, verb, run->status,
			  run->message ? run->message : "no reason given",
			  hint(run));
}
