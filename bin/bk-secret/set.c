/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-secret set, del.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "credential.h"
#include "file.h"
#include "log.h"
#include "make.h"
#include "path.h"
#include "source.h"
#include "terminal.h"

/* From these places, one newline at the end is not read. */
static int check_end(const struct bk_ref *ref, const struct bk_secret *s,
		     struct bk_err *err)
{
	if (s->p[s->len - 1] != '\n' ||
	    (ref->kind != BK_REF_FILE && ref->kind != BK_REF_CREDENTIAL))
		return 0;
	return bk_err_set(err, BK_EX_DATAERR, 0,
			  "the secret on stdin ends in a newline, which a file "
			  "or credential does not keep; put it in a keyring");
}

/* The new secret: made up, from stdin, or typed twice. */
static int new_secret(struct tool *t, const struct bk_ref *ref,
		      struct bk_secret *ret, struct bk_err *err)
{
	BK_AUTO_FREE char *prompt = bk_asprintf("New secret for %s", ref->text);

	if (t->generate)
		return make_password(ret, err);
	if (isatty(STDIN_FILENO) &&
	    terminal_ask(prompt, true, ret, err) != TERMINAL_NONE)
		return ret->p ? 0 : -1;
	if (bk_secret_read(ret, STDIN_FILENO, BK_SECRET_MAX, err) < 0)
		return bk_err_set(err, err->exit, 0, "the secret on stdin: %s",
				  err->msg);
	if (!t->exact)
		bk_secret_chomp(ret);
	if (ret->len == 0 && ref->kind != BK_REF_KEYRING)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "the secret on stdin is empty");
	return ret->len > 0 ? check_end(ref, ret, err) : 0;
}

/* Into a keyring that is there, or a new one. */
static int set_keyring(struct tool *t, const struct bk_ref *ref,
		       const struct bk_secret *s, struct bk_err *err)
{
	BK_AUTO(keyring_close) struct keyring k = KEYRING_INIT;

	if (open_for_change(t, &k, err) < 0 || change_master(t, &k, err) < 0)
		return -1;
	if (!bk_str_utf8(s->p, s->len))
		bk_warning("the secret is no UTF-8; the Python keyring will "
			   "not read it");
	if (keyring_put(&k, ref->service, ref->user, s, err) < 0)
		return -1;
	if (t->cli.dry_run)
		return 0;
	if (keyring_save(&k, err) < 0)
		return -1;
	if (k.is_new)
		bk_notice("a new keyring: %s", k.path);
	return 0;
}

static int set_credential(struct tool *t, const struct bk_ref *ref,
			  const struct bk_secret *s, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf sealed = BK_BUF_INIT;

	if (geteuid() != 0)
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "only root can store credentials of the "
				  "system");
	if (t->cli.dry_run)
		return 0;
	if (credential_seal(ref->rest, NULL, s, &sealed, err) < 0)
		return -1;
	return credential_store(ref->rest, &sealed, err);
}

static int set_file(struct tool *t, const struct bk_ref *ref,
		    const struct bk_secret *s, struct bk_err *err)
{
	if (t->cli.dry_run)
		return 0;
	return bk_file_write(ref->rest, s->p, s->len, 0600, err);
}

static int set_service(struct tool *t, const struct bk_ref *ref,
		       const struct bk_secret *s, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf out = BK_BUF_INIT;

	if (t->cli.dry_run)
		return 0;
	return service_run(t, "set", ref, s, &out, err) == 0 ? 0 : -1;
}

static int set_any(struct tool *t, const struct bk_ref *ref,
		   const struct bk_secret *s, struct bk_err *err)
{
	switch (ref->kind) {
	case BK_REF_KEYRING:
		return set_keyring(t, ref, s, err);
	case BK_REF_CREDENTIAL:
		return set_credential(t, ref, s, err);
	case BK_REF_SERVICE:
		return set_service(t, ref, s, err);
	default:
		return set_file(t, ref, s, err);
	}
}

/* Reports what is wrong with the operands. */
static bool take_one(char **args, const char *verb, struct bk_ref *ref)
{
	if (!args[0] || args[1]) {
		(void)bk_cli_usage("%s wants one reference", verb);
		return false;
	}
	if (take_ref(args[0], ref) != BK_EX_OK)
		return false;
	if (ref->kind != BK_REF_ASK && ref->kind != BK_REF_COMMAND)
		return true;
	(void)bk_cli_usage("there is nothing to %s behind that; secrets are "
			   "kept in keyring:, secret-service:, credential: and "
			   "file:",
			   verb);
	return false;
}

static void say_done(const struct tool *t, const char *done,
		     const struct bk_ref *ref)
{
	bk_notice("%s%s: %s", t->cli.dry_run ? "would be " : "", done,
		  ref->text);
}

int cmd_set(struct tool *t, char **args)
{
	BK_AUTO_REF struct bk_ref ref = BK_REF_INIT;
	BK_AUTO_SECRET struct bk_secret s = BK_SECRET_INIT;
	struct bk_err err;

	if (!take_one(args, "set", &ref))
		return BK_EX_USAGE;
	if (new_secret(t, &ref, &s, &err) < 0 || set_any(t, &ref, &s, &err) < 0)
		return bk_log_err(&err);
	say_done(t, "stored", &ref);
	return BK_EX_OK;
}

/* del */

static int del_keyring(struct tool *t, const struct bk_ref *ref,
		       struct bk_err *err)
{
	BK_AUTO(keyring_close) struct keyring k = KEYRING_INIT;
	BK_AUTO_FREE char *path = keyring_path(t, err);
	int got = path ? keyring_open(&k, path, true, err) : -1;

	if (got == KEYRING_ABSENT)
		return bk_err_set(err, BK_EX_NOINPUT, 0,
				  "there is no keyring '%s'", path);
	if (got < 0 || keyring_remove(&k, ref->service, ref->user, err) < 0)
		return -1;
	return t->cli.dry_run ? 0 : keyring_save(&k, err);
}

static int del_file(struct tool *t, const char *path, struct bk_err *err)
{
	if (access(path, F_OK) == 0 && (t->cli.dry_run || unlink(path) == 0))
		return t->cli.dry_run ? 0 : bk_file_sync_folder(path, err);
	return bk_err_sys(err, "cannot remove '%s'", path);
}

static int del_any(struct tool *t, const struct bk_ref *ref, struct bk_err *err)
{
	BK_AUTO_FREE char *sealed = bk_path_join(CREDENTIAL_STORE, ref->rest);
	BK_AUTO_BUF struct bk_buf out = BK_BUF_INIT;

	switch (ref->kind) {
	case BK_REF_KEYRING:
		return del_keyring(t, ref, err);
	case BK_REF_CREDENTIAL:
		return del_file(t, sealed, err);
	case BK_REF_SERVICE:
		if (t->cli.dry_run)
			return 0;
		return service_run(t, "del", ref, NULL, &out, err) == 0 ? 0
									: -1;
	default:
		return del_file(t, ref->rest, err);
	}
}

int cmd_del(struct tool *t, char **args)
{
	BK_AUTO_REF struct bk_ref ref = BK_REF_INIT;
	struct bk_err err;

	if (!take_one(args, "del", &ref))
		return BK_EX_USAGE;
	if (del_any(t, &ref, &err) < 0)
		return bk_log_err(&err);
	say_done(t, "removed", &ref);
	return BK_EX_OK;
}
