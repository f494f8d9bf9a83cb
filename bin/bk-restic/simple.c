/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-restic init, unlock, exec: one run of restic each.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "log.h"
#include "restic.h"
#include "sig.h"

static int open_and_run(struct restic *r, const char *name, struct repo *repo,
			struct run *run, struct bk_err *err)
{
	if (open_repo(r, name, repo, err) < 0)
		return -1;
	if (!r->cli.dry_run)
		return run_restic(run, err);
	say_command(r, run);
	return 1;
}

static bool exists_already(const struct run *run)
{
	const char *said = run->said.p ? run->said.p : "";

	return strstr(said, "config file already exists") ||
	       strstr(said, "already initialized");
}

int check_opens(struct repo *repo, struct bk_err *err)
{
	BK_AUTO(run_free) struct run run = RUN_INIT(repo);

	bk_strv_add(&run.args, "cat");
	bk_strv_add(&run.args, "config");
	run.quiet = true;
	if (run_restic(&run, err) < 0)
		return -1;
	return run.outcome == OUTCOME_OK ? 0 : run_err(&run, err);
}

static int init_steps(struct restic *r, const struct bk_conf_section *s,
		      struct repo *repo, struct bk_err *err)
{
	BK_AUTO(run_free) struct run run = RUN_INIT(repo);
	int got;

	bk_strv_add(&run.args, "init");
	run.quiet = true;
	got = open_and_run(r, s->name, repo, &run, err);
	if (got != 0)
		return got;
	if (run.outcome == OUTCOME_OK) {
		bk_notice("[repo %s] created. Whoever loses its password loses "
			  "the backups: keep a copy away from this host",
			  s->name);
		return 0;
	}
	if (!exists_already(&run))
		return run_err(&run, err);
	if (check_opens(repo, err) < 0)
		return -1;
	bk_notice("[repo %s] exists already, and its password opens it",
		  s->name);
	return 0;
}

static int init_repo(struct restic *r, const struct bk_conf_section *s,
		     void *arg)
{
	struct repo repo = { .lock = -1 };
	struct bk_err err;
	int exit = BK_EX_OK;

	(void)arg;
	if (init_steps(r, s, &repo, &err) < 0)
		exit = bk_log_err(&err);
	repo_close(&repo);
	return exit;
}

int cmd_init(struct restic *r, char **args)
{
	return each_repo(r, args, init_repo, NULL);
}

static int unlock_repo(struct restic *r, const struct bk_conf_section *s,
		       void *arg)
{
	struct repo repo = { .lock = -1 };
	BK_AUTO(run_free) struct run run = RUN_INIT(&repo);
	struct bk_err err;
	int got, exit = BK_EX_OK;

	(void)arg;
	bk_strv_add(&run.args, "unlock");
	run.show = true;
	got = open_and_run(r, s->name, &repo, &run, &err);
	if (got == 0 && run.outcome != OUTCOME_OK)
		got = run_err(&run, &err);
	if (got < 0)
		exit = bk_log_err(&err);
	repo_close(&repo);
	return exit;
}

int cmd_unlock(struct restic *r, char **args)
{
	return each_repo(r, args, unlock_repo, NULL);
}

/* exec: restic with its own stdin, stdout and stderr. */

static int exec_restic(struct repo *repo, char **command, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	struct bk_child c = BK_CHILD_INIT;
	struct bk_exec x = { .in = BK_EXEC_INHERIT,
			     .out = BK_EXEC_INHERIT,
			     .err = BK_EXEC_INHERIT,
			     .env = repo->env.v };
	int fds[2] = { -1, -1 }, got;

	if (repo_password(repo, err) < 0 ||
	    repo_args(repo, &argv, &fds[1], err) < 0)
		return -1;
	fds[0] = bk_secret_pipe(repo->password, err);
	if (fds[0] < 0)
		return -1;
	bk_strv_addf(&argv, "--password-file=/dev/fd/%d", fds[0]);
	for (; *command; command++)
		bk_strv_add(&argv, *command);
	x.argv = argv.v;
	x.keep = fds;
	x.nkeep = fds[1] < 0 ? 1 : 2;
	got = bk_exec_start(&x, &c, err);
	(void)close(fds[0]);
	if (fds[1] >= 0)
		(void)close(fds[1]);
	return got < 0 ? -1 : bk_exec_wait_forward(&c);
}

int cmd_exec(struct restic *r, char **args)
{
	struct repo repo = { .lock = -1 };
	struct bk_err err;
	int exit;

	if (!args[0] || args[1] || !r->command || !r->command[0])
		return bk_cli_usage("exec wants a repository, then -- and "
				    "restic's own arguments");
	exit = open_repo(r, args[0], &repo, &err);
	if (exit == 0 && r->cli.dry_run) {
		BK_AUTO(run_free) struct run run = RUN_INIT(&repo);

		for (char **p = r->command; *p; p++)
			bk_strv_add(&run.args, *p);
		say_command(r, &run);
	} else if (exit == 0) {
		exit = exec_restic(&repo, r->command, &err);
	}
	if (exit < 0)
		exit = bk_log_err(&err);
	repo_close(&repo);
	return exit;
}
