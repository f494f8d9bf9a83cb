/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-secret kit: the recovery sheet, with a key of its own for each
 * repository. The sheet is kept nowhere; until all of it is written, a
 * failure takes the new keys away again.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "file.h"
#include "kit.h"
#include "log.h"
#include "make.h"
#include "recovery.h"
#include "sig.h"
#include "source.h"

int kit_join(int all, int status)
{
	if (all == KIT_NONE || all == status)
		return status;
	if (all == BK_EX_OK || status == BK_EX_OK || all == BK_EX_PARTIAL)
		return BK_EX_PARTIAL;
	return all;
}

int kit_each(struct tool *t, char **args,
	     int (*each)(struct tool *t, const struct bk_conf_section *s,
			 void *arg),
	     void *arg)
{
	const struct bk_conf_section *s = NULL;
	int all = KIT_NONE;

	for (char **p = args; *p; p++) {
		for (char **q = args; q < p; q++)
			if (strcmp(*p, *q) == 0)
				return bk_cli_usage("'%s' is named twice", *p);
		if (bk_conf_find(t->conf, "repo", *p))
			continue;
		bk_error("there is no [repo %s] in the configuration", *p);
		return BK_EX_NOINPUT;
	}
	for (char **p = args; *p && !bk_sig_pending(); p++)
		all = kit_join(all,
			       each(t, bk_conf_find(t->conf, "repo", *p), arg));
	while (!args[0] && !bk_sig_pending() &&
	       (s = bk_conf_next(t->conf, "repo", s)))
		all = kit_join(all, each(t, s, arg));
	if (all != KIT_NONE || bk_sig_pending())
		return bk_sig_pending() ? BK_EX_NO : all;
	bk_error("the configuration has no [repo NAME] for this");
	return BK_EX_CONFIG;
}

int kit_fail(const char *repo, const struct bk_err *err)
{
	bk_error("[repo %s]: %s", repo, err->msg);
	return err->exit;
}

/*
 * Take the new key away. Where its id was not told, that is the one that was
 * not there before.
 */
static int remove_new(struct tool *t, const struct recovery_repo *repo,
		      struct bk_err *err)
{
	const char *name = repo->section->name;
	BK_AUTO_KEYS struct keys now = KEYS_INIT;

	if (repo->added.n > 0)
		return keys_remove(t, name, repo->added.v[0].id, true, err);
	if (keys_list(t, name, true, &now, err) < 0)
		return -1;
	for (size_t i = 0; i < now.n; i++)
		if (keys_is_ours(t, &now.v[i]) &&
		    !keys_find(&repo->before, now.v[i].id) &&
		    keys_remove(t, name, now.v[i].id, true, err) < 0)
			return -1;
	return 0;
}

static void undo(struct tool *t, const struct recovery_repo *repo)
{
	const char *name = repo->section->name;
	struct bk_err err;

	if (remove_new(t, repo, &err) == 0)
		return;
	bk_error("[repo %s]: a key of this sheet may be left there: look with "
		 "'bk-restic key list %s'",
		 name, name);
}

static void undo_all(const struct recovery *r)
{
	for (size_t i = 0; i < r->nrepos; i++)
		if (r->repos[i].exit == BK_EX_OK)
			undo(r->tool, &r->repos[i]);
}

static void say_command(struct tool *t, const char *repo)
{
	BK_AUTO_BUF struct bk_buf line = BK_BUF_INIT;
	json_t *o;

	keys_add_line(t, repo, &line);
	if (t->out.mode != BK_REC_JSON) {
		bk_rec_raw(&t->out, line.p);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "line", line.p);
	bk_rec_json(&t->out, "command", o);
}

static int add_key(struct tool *t, struct recovery_repo *repo,
		   struct bk_err *err)
{
	if (make_password(&repo->password, err) < 0)
		return -1;
	if (keys_add(t, repo->section->name, &repo->password, &repo->added,
		     err) == 0)
		return 0;
	/* It may have come further than it told. */
	undo(t, repo);
	return -1;
}

static int make_key(struct tool *t, struct recovery_repo *repo,
		    struct bk_err *err)
{
	const char *url = bk_conf_str(repo->section, "url", "");

	if (keys_list(t, repo->section->name, false, &repo->before, err) < 0)
		return -1;
	if (t->cli.dry_run) {
		say_command(t, repo->section->name);
		return 0;
	}
	if (add_key(t, repo, err) < 0)
		return -1;
	if (hostkey_is_ssh(url))
		hostkey_find(url, &repo->server);
	return 0;
}

static int prepare(struct tool *t, const struct bk_conf_section *s, void *arg)
{
	struct recovery *r = arg;
	struct recovery_repo *repo;
	struct bk_err err;

	r->repos = bk_realloc(r->repos, r->nrepos + 1, sizeof(*r->repos));
	repo = &r->repos[r->nrepos++];
	*repo = (struct recovery_repo){ .section = s };
	if (make_key(t, repo, &err) < 0)
		repo->exit = kit_fail(s->name, &err);
	return repo->exit;
}

/* A reader that stops reading does not hold up a signal. */
static int write_out(const struct sheet *s, struct bk_err *err)
{
	size_t done = 0;
	int copy;

	while (done < s->b.len) {
		size_t n = s->b.len - done;
		struct pollfd p[2] = {
			{ .fd = STDOUT_FILENO, .events = POLLOUT },
			{ .fd = bk_sig_fd(), .events = POLLIN },
		};

		if (bk_sig_pending())
			return bk_err_set(err, BK_EX_NO, 0,
					  "it was interrupted");
		if (poll(p, 2, -1) < 0 || !p[0].revents)
			continue;
		if (n > 4096)
			n = 4096;
		if (bk_fd_write(STDOUT_FILENO, s->b.p + done, n) < 0)
			return bk_err_set(err, BK_EX_IOERR, errno,
					  "cannot write the sheet");
		done += n;
	}
	/* Some file systems tell only now that there is no room. */
	copy = dup(STDOUT_FILENO);
	if (copy >= 0 && close(copy) < 0)
		return bk_err_set(err, BK_EX_IOERR, errno,
				  "cannot write the sheet");
	return 0;
}

static void tell_older(struct tool *t, const struct recovery_repo *repo)
{
	const char *name = repo->section->name;
	BK_AUTO_BUF struct bk_buf ids = BK_BUF_INIT;
	size_t n = 0;

	for (size_t i = 0; i < repo->before.n; i++)
		if (keys_is_ours(t, &repo->before.v[i]))
			bk_buf_addf(&ids, "%s%.8s", n++ ? ", " : "",
				    repo->before.v[i].id);
	if (n > 0)
		bk_notice("[repo %s] has %zu older key%s of sheets of this "
			  "host: %s. When the new sheet is verified, take them "
			  "away: bk-secret kit revoke %s",
			  name, n, n == 1 ? "" : "s", ids.p, name);
	bk_notice("[repo %s]: the new sheet is not verified yet: bk-secret kit "
		  "verify %s",
		  name, name);
}

static int print_sheet(const struct recovery *r, struct bk_err *err)
{
	BK_AUTO(sheet_free) struct sheet s = { 0 };

	/* Who reads it may go away; the keys must not stay then. */
	(void)signal(SIGPIPE, SIG_IGN);
	recovery_write(r, &s);
	return write_out(&s, err);
}

static int finish(const struct recovery *r, int exit)
{
	struct bk_err err;
	size_t made = 0;

	for (size_t i = 0; i < r->nrepos; i++)
		made += r->repos[i].exit == BK_EX_OK;
	if (made == 0)
		return exit;
	if (bk_sig_pending() || print_sheet(r, &err) < 0) {
		if (!bk_sig_pending())
			exit = bk_log_err(&err);
		bk_notice("no sheet was made; its keys are taken away again");
		undo_all(r);
		return exit;
	}
	for (size_t i = 0; i < r->nrepos; i++)
		if (r->repos[i].exit == BK_EX_OK)
			tell_older(r->tool, &r->repos[i]);
	return exit;
}

static void recovery_free(struct recovery *r)
{
	for (size_t i = 0; i < r->nrepos; i++) {
		bk_secret_free(&r->repos[i].password);
		keys_free(&r->repos[i].before);
		keys_free(&r->repos[i].added);
		hostkey_free(&r->repos[i].server);
	}
	free(r->repos);
}

/* Before anything is changed: is the master there, and right? */
static int take_master(struct tool *t, struct recovery *r, struct bk_err *err)
{
	if (keyring_ready(t, true, err) != 0 ||
	    keyring_prove(&t->ring, err) < 0)
		return -1;
	r->master = &t->ring.master;
	return 0;
}

static int print_kit(struct tool *t, char **args)
{
	BK_AUTO(recovery_free) struct recovery r = { .tool = t };
	struct bk_err err;
	int exit;

	if (t->with_master && take_master(t, &r, &err) < 0)
		return bk_log_err(&err);
	exit = kit_each(t, args, prepare, &r);
	if (!t->cli.dry_run)
		return finish(&r, exit);
	bk_rec_end(&t->out, exit);
	return exit;
}

int cmd_kit(struct tool *t, char **args)
{
	bool verify = args[0] && strcmp(args[0], "verify") == 0;
	bool revoke = args[0] && strcmp(args[0], "revoke") == 0;

	if (!verify && !revoke)
		return print_kit(t, args);
	if (t->html || t->with_master)
		return bk_cli_usage("--%s is for the sheet",
				    t->html ? "html" : "with-master");
	if (args[1] && args[2])
		return bk_cli_usage("kit %s takes one repository", args[0]);
	return verify ? kit_verify(t, args + 1) : kit_revoke(t, args + 1);
}
