/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exec.h"
#include "file.h"
#include "log.h"
#include "sig.h"
#include "state.h"
#include "time.h"

void stored_free(struct stored *s)
{
	free(s->snapshot);
	free(s->partial);
	s->snapshot = s->partial = NULL;
	s->added = 0;
}

static void add_command(const struct dbdump *d, const char *name,
			const char *folder, struct bk_strv *argv)
{
	bk_strv_take(argv, bk_exec_sibling("bk-restic"));
	bk_strv_add(argv, "--json");
	if (d->cli.config) {
		bk_strv_add(argv, "-c");
		bk_strv_add(argv, d->cli.config);
	}
	if (bk_log_level() < BK_LOG_NOTICE)
		bk_strv_add(argv, "-q");
	bk_strv_add(argv, "backup");
	if (folder && d->accept)
		bk_strv_add(argv, "--accept");
	bk_strv_addf(argv, "mariadb:%s", name);
	if (folder) {
		bk_strv_add(argv, "-");
	} else {
		bk_strv_add(argv, "--stdin");
		bk_strv_addf(argv, "%s.sql", name);
	}
}

void store_say(struct dbdump *d, const char *name, const char *folder)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf line = BK_BUF_INIT;
	json_t *o;

	add_command(d, name, folder, &argv);
	bk_exec_add_line(&line, argv.v);
	if (d->out.mode != BK_REC_JSON) {
		bk_rec_raw(&d->out, line.p);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "line", line.p);
	bk_rec_json(&d->out, "command", o);
}

/* The plan: one set, whose one root is the folder. */
static void write_plan(const struct dbdump *d, const char *name,
		       const char *folder, FILE *f)
{
	struct bk_rec r = { .mode = BK_REC_JSON, .f = f };
	BK_AUTO_FREE char *set = bk_asprintf("mariadb:%s", name);
	json_t *o = json_object();

	bk_rec_set_str(o, "host", d->conf->host);
	bk_rec_set_time(o, "time", bk_time_now());
	bk_rec_json(&r, "plan", o);
	o = json_object();
	bk_rec_set_str(o, "class", "restic");
	bk_rec_set_str(o, "name", set);
	bk_rec_json(&r, "set", o);
	o = json_object();
	bk_rec_set_str(o, "class", "restic");
	bk_rec_set_str(o, "set", set);
	bk_rec_set_path(o, "path", folder);
	bk_rec_set_str(o, "state", "ok");
	bk_rec_json(&r, "root", o);
	bk_rec_end(&r, 0);
}

/* A descriptor to read it from. */
static int plan_fd(const struct dbdump *d, const char *name, const char *folder,
		   struct bk_err *err)
{
	BK_AUTO_FREE char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	int fd = memfd_create("bk", MFD_CLOEXEC);

	if (f)
		write_plan(d, name, folder, f);
	if (f && fclose(f) == 0 && fd >= 0 && bk_fd_write(fd, text, len) == 0 &&
	    lseek(fd, 0, SEEK_SET) == 0)
		return fd;
	bk_err_sys(err, "cannot keep a plan in memory");
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* What bk-restic says about the set, up to its end. */
static int read_records(int fd, struct stored *ret, struct bk_err *err)
{
	BK_AUTO(bk_rec_in_free)
	struct bk_rec_in in = { .lines = { .fd = fd, .stoppable = true } };
	json_t *o;
	int got;

	while ((got = bk_rec_next(&in, &o, err)) == 1) {
		const char *type = bk_rec_str(o, "type");
		const char *id = bk_rec_str(o, "snapshot");
		const char *result = bk_rec_str(o, "result");
		const char *message = bk_rec_str(o, "message");

		if (strcmp(type, "backup") == 0) {
			stored_free(ret);
			ret->snapshot = id ? bk_strdup(id) : NULL;
			ret->added = bk_rec_int(o, "bytes_added", 0);
			if (!result || strcmp(result, "ok") != 0)
				ret->partial =
					bk_strdup(message ? message : "?");
		}
		json_decref(o);
	}
	return got;
}

/* It has said on stderr, and in its state, why it failed. */
static int failed(const char *job, int64_t start, int status,
		  struct bk_err *err)
{
	BK_AUTO_JSON json_t *state = bk_state_read("bk-restic", job, NULL);
	const char *message = bk_rec_str(state, "message");

	if (bk_sig_pending())
		return bk_err_set(err, BK_EX_TEMPFAIL, 0, "it was interrupted");
	if (status > 128)
		return bk_err_set(err, BK_EX_NO, 0,
				  "bk-restic was killed by signal %d",
				  status - 128);
	if (message && bk_rec_time(state, "end", 0) >= start)
		return bk_err_set(err, status, 0, "bk-restic: %s", message);
	return bk_err_set(err, status, 0, "bk-restic ended with status %d",
			  status);
}

/* After its input: what it says, and how it ends. */
static int finish(struct bk_child *c, const char *job, int64_t start,
		  struct stored *ret, struct bk_err *err)
{
	int got = read_records(c->out, ret, err);
	int status = bk_exec_wait_forward(c);

	if (status != BK_EX_OK && status != BK_EX_PARTIAL)
		return failed(job, start, status, err);
	if (got == 0 && !ret->snapshot)
		return bk_err_set(err, BK_EX_PROTOCOL, 0,
				  "bk-restic ended well, but did not tell "
				  "what it did");
	return got;
}

int store_folder(struct dbdump *d, const char *name, const char *folder,
		 struct stored *ret, struct bk_err *err)
{
	BK_AUTO_FREE char *job = bk_asprintf("backup mariadb:%s", name);
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_CLOSE int plan = plan_fd(d, name, folder, err);
	struct bk_child c = BK_CHILD_INIT;
	struct bk_exec x = { .out = BK_EXEC_PIPE, .err = BK_EXEC_INHERIT };
	int64_t start = bk_time_now();

	if (plan < 0)
		return -1;
	add_command(d, name, folder, &argv);
	x.argv = argv.v;
	x.in = plan;
	if (bk_exec_start(&x, &c, err) < 0)
		return -1;
	return finish(&c, job, start, ret, err);
}

/*
 * A dump that failed is told by a signal, before the end of the input that
 * looks like success to so many. Where bk-restic is gone, that is why.
 */
int store_stream(struct dbdump *d, const char *name,
		 const struct dump_options *o, struct dump_result *result,
		 struct stored *ret, struct bk_err *err)
{
	BK_AUTO_FREE char *job =
		bk_asprintf("backup mariadb:%s:%s.sql", name, name);
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	struct bk_child c = BK_CHILD_INIT;
	struct bk_exec x = { .in = BK_EXEC_PIPE,
			     .out = BK_EXEC_PIPE,
			     .err = BK_EXEC_INHERIT };
	int64_t start = bk_time_now();
	int got;

	add_command(d, name, NULL, &argv);
	x.argv = argv.v;
	(void)signal(SIGPIPE, SIG_IGN);
	if (bk_exec_start(&x, &c, err) < 0)
		return -1;
	got = dump_stream(o, c.in, result, err);
	if (got < 0 && err->num == EPIPE) {
		(void)finish(&c, job, start, ret, err);
		return -1;
	}
	if (got < 0) {
		bk_exec_kill(&c, SIGINT);
		(void)bk_exec_wait(&c);
		return -1;
	}
	(void)close(c.in);
	c.in = -1;
	return finish(&c, job, start, ret, err);
}
