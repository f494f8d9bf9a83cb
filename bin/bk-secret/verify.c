/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-secret kit verify: does the sheet open the repository? And kit revoke:
 * then the others need not.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "kit.h"
#include "log.h"
#include "make.h"
#include "sig.h"
#include "state.h"
#include "terminal.h"
#include "time.h"

enum { TRIES = 3 };

static json_t *read_state(const char *repo)
{
	BK_AUTO_FREE char *job = bk_asprintf("kit %s", repo);
	struct bk_err err;
	json_t *o = bk_state_read("bk-secret", job, &err);

	if (!o && err.exit != BK_EX_NOINPUT)
		bk_warning("%s", err.msg);
	return o;
}

/* key: the one that was proved, or NULL: the last one stays. */
static void write_state(struct tool *t, const char *repo, int64_t start,
			int exit, const char *message, const char *key)
{
	BK_AUTO_FREE char *job = bk_asprintf("kit %s", repo);
	BK_AUTO_JSON json_t *before = read_state(repo);
	BK_AUTO_JSON json_t *extra = json_object();
	struct bk_err err;

	if (!key)
		key = bk_rec_str(before, "key");
	if (key)
		bk_rec_set_str(extra, "key", key);
	if (bk_state_write("bk-secret", job, t->conf->host, start, exit,
			   message, NULL, extra, &err) < 0)
		bk_warning("[repo %s]: the result is not recorded: %s", repo,
			   err.msg);
}

static void tell_last(const char *repo)
{
	BK_AUTO_JSON json_t *state = read_state(repo);
	int64_t last = bk_rec_time(state, "last_ok", 0);
	BK_AUTO_BUF struct bk_buf when = BK_BUF_INIT;

	if (last == 0) {
		bk_notice("[repo %s]: no sheet was verified yet", repo);
		return;
	}
	bk_time_add_local(&when, last);
	bk_notice("[repo %s]: a sheet was verified last on %s", repo, when.p);
}

/* What was typed. */

/* A line of stdin, for the next one belongs to the next repository. */
static int read_line(struct bk_secret *ret, struct bk_err *err)
{
	ssize_t n = 0;
	char c = 0;

	if (bk_secret_new(ret, err) < 0)
		return -1;
	while (ret->len < BK_SECRET_MAX && bk_sig_await(STDIN_FILENO) &&
	       (n = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n')
		ret->p[ret->len++] = c;
	ret->p[ret->len] = '\0';
	if (n < 0)
		return bk_err_sys(err, "cannot read the password");
	return ret->len > 0
		       ? 0
		       : bk_err_set(err, BK_EX_NOINPUT, 0,
				    "there is no password for it on stdin");
}

static int check_typed(struct bk_secret *s, struct bk_err *err)
{
	int bad = make_normal(s);

	if (bad == 0)
		return 0;
	if (bad > 0)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "there is a slip in group %d of %d", bad,
				  MAKE_GROUPS);
	return bk_err_set(err, BK_EX_DATAERR, 0,
			  "that is no password of a sheet, which has %d groups "
			  "of 5 letters and digits",
			  MAKE_GROUPS);
}

static int ask_once(struct tool *t, const char *repo, struct bk_secret *ret,
		    struct bk_err *err)
{
	BK_AUTO_FREE char *prompt =
		bk_asprintf("Password on the sheet of %s for the repository %s",
			    t->conf->host, repo);
	int got = isatty(STDIN_FILENO) ? terminal_ask(prompt, false, ret, err)
				       : TERMINAL_NONE;

	return got == TERMINAL_NONE ? read_line(ret, err) : got;
}

static int ask_password(struct tool *t, const char *repo, struct bk_secret *ret,
			struct bk_err *err)
{
	int tries = isatty(STDIN_FILENO) ? TRIES : 1;

	for (;;) {
		if (ask_once(t, repo, ret, err) < 0)
			return -1;
		if (check_typed(ret, err) == 0)
			return 0;
		bk_secret_free(ret);
		if (--tries == 0)
			return -1;
		bk_warning("%s; once more", err->msg);
	}
}

/* It opens the repository; is it that of a sheet, and of this host? */
static int check_key(struct tool *t, const struct key *k, struct bk_err *err)
{
	if (strcmp(k->user, KEYS_USER) != 0)
		return bk_err_set(err, BK_EX_NO, 0,
				  "it opens the repository, but key %.8s (of "
				  "%s, host %s) is not that of a sheet",
				  k->id, k->user, k->host);
	if (!keys_is_ours(t, k))
		return bk_err_set(err, BK_EX_NO, 0,
				  "it opens the repository, but is the sheet "
				  "of host %s, not of %s",
				  k->host, t->conf->host);
	return 0;
}

static int try_password(struct tool *t, const char *repo,
			const struct bk_secret *password, struct keys *found,
			struct bk_err *err)
{
	if (keys_test(t, repo, password, found, err) < 0)
		return err->exit == BK_EX_NOPERM
			       ? bk_err_set(err, BK_EX_NOPERM, 0,
					    "this password does not open it: "
					    "its key was taken away, or the "
					    "sheet is that of another "
					    "repository")
			       : -1;
	return check_key(t, &found->v[0], err);
}

static int verify_repo(struct tool *t, const struct bk_conf_section *s,
		       void *arg)
{
	BK_AUTO_SECRET struct bk_secret password = BK_SECRET_INIT;
	BK_AUTO_KEYS struct keys found = KEYS_INIT;
	int64_t start = bk_time_now();
	struct bk_err err = { .exit = BK_EX_OK, .msg = "the sheet opens it" };
	int got;

	(void)arg;
	tell_last(s->name);
	if (ask_password(t, s->name, &password, &err) < 0)
		return kit_fail(s->name, &err);
	got = try_password(t, s->name, &password, &found, &err);
	/* What was interrupted proves nothing. */
	if (!t->cli.dry_run && !bk_sig_pending())
		write_state(t, s->name, start, got < 0 ? err.exit : BK_EX_OK,
			    err.msg, got < 0 ? NULL : found.v[0].id);
	if (got < 0)
		return kit_fail(s->name, &err);
	bk_notice("[repo %s]: verified: the sheet with key %.8s opens it",
		  s->name, found.v[0].id);
	return BK_EX_OK;
}

int kit_verify(struct tool *t, char **args)
{
	return kit_each(t, args, verify_repo, NULL);
}

/* revoke */

static void print_revoked(struct tool *t, const char *repo, const struct key *k)
{
	BK_AUTO_BUF struct bk_buf when = BK_BUF_INIT;
	json_t *o;

	if (t->out.mode != BK_REC_JSON) {
		bk_time_add_local(&when, k->created);
		bk_rec_text(&t->out, k->id, repo, when.p, NULL);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "repo", repo);
	bk_rec_set_str(o, "id", k->id);
	bk_rec_set_str(o, "user", k->user);
	bk_rec_set_str(o, "host", k->host);
	bk_rec_set_time(o, "created", k->created);
	bk_rec_set_bool(o, "current", k->current);
	bk_rec_json(&t->out, "key", o);
}

/* The key of the sheet that was verified last, if it is one of these. */
static const struct key *verified_key(struct tool *t, const char *repo,
				      const struct keys *list,
				      struct bk_err *err)
{
	BK_AUTO_JSON json_t *state = read_state(repo);
	const char *id = bk_rec_str(state, "key");
	const struct key *k = NULL;

	if (id && bk_rec_time(state, "last_ok", 0) > 0)
		k = keys_find(list, id);
	if (k && keys_is_ours(t, k))
		return k;
	bk_err_set(err, BK_EX_NO, 0,
		   "%s; first prove one that shall stay: bk-secret kit verify "
		   "%s",
		   id ? "the sheet that was verified last has no key there any "
			"more"
		      : "no sheet was verified yet",
		   repo);
	return NULL;
}

static int revoke_key(struct tool *t, const char *repo, const struct key *k)
{
	struct bk_err err;

	if (k->current) {
		bk_warning("[repo %s]: key %.8s stays: its password is that of "
			   "the configuration",
			   repo, k->id);
		return BK_EX_OK;
	}
	if (!t->cli.dry_run && keys_remove(t, repo, k->id, false, &err) < 0)
		return kit_fail(repo, &err);
	print_revoked(t, repo, k);
	return BK_EX_OK;
}

static int revoke_repo(struct tool *t, const struct bk_conf_section *s,
		       void *arg)
{
	BK_AUTO_KEYS struct keys list = KEYS_INIT;
	const struct key *stays;
	struct bk_err err;
	int all = KIT_NONE;

	(void)arg;
	if (keys_list(t, s->name, false, &list, &err) < 0)
		return kit_fail(s->name, &err);
	stays = verified_key(t, s->name, &list, &err);
	if (!stays)
		return kit_fail(s->name, &err);
	for (size_t i = 0; i < list.n && !bk_sig_pending(); i++)
		if (&list.v[i] != stays && keys_is_ours(t, &list.v[i]))
			all = kit_join(all, revoke_key(t, s->name, &list.v[i]));
	if (all == KIT_NONE)
		bk_notice("[repo %s]: the only sheet is the verified one",
			  s->name);
	return all == KIT_NONE ? BK_EX_OK : all;
}

int kit_revoke(struct tool *t, char **args)
{
	int exit = kit_each(t, args, revoke_repo, NULL);

	bk_rec_end(&t->out, exit);
	return exit;
}
