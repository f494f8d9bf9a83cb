/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-secret enroll: the master of the keyring becomes a credential that this
 * host alone can unseal, so that timers open the keyring with nobody there.
 *
 * What is stored is proved: it is unsealed and compared, and, where systemd
 * runs, a unit that lives for a moment opens the keyring with it. If that
 * fails, what was there before is put back.
 */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "credential.h"
#include "exec.h"
#include "file.h"
#include "log.h"
#include "make.h"
#include "path.h"
#include "sig.h"
#include "source.h"
#include "terminal.h"

#define PROOF_TIMEOUT_MS 120000

/* The first credential that [keyring] unlock names, or the default one. */
static char *credential_name(const struct tool *t)
{
	BK_AUTO_STRV struct bk_strv refs = BK_STRV_INIT;

	keyring_unlock_refs(t, &refs);
	for (size_t i = 0; i < refs.n; i++)
		if (bk_str_starts(refs.v[i], "credential:"))
			return bk_strdup(refs.v[i] + strlen("credential:"));
	bk_warning("[keyring] unlock names no credential; add the line: "
		   "unlock = credential:bk.keyring");
	return bk_strdup("bk.keyring");
}

/* The master that is to be sealed: made up, from stdin, or typed. */
static int get_master(struct tool *t, struct keyring *k, struct bk_err *err)
{
	int got = TERMINAL_NONE;

	if (t->generate && !k->is_new)
		return bk_err_set(err, BK_EX_CANTCREAT, 0,
				  "there is a keyring '%s' already, and it has "
				  "its master password: enroll that one",
				  k->path);
	if (t->generate)
		return make_password(&k->master, err);
	if (isatty(STDIN_FILENO))
		got = terminal_ask(k->is_new ? "Master password of the new "
					       "keyring"
					     : "Master password of the keyring",
				   k->is_new, &k->master, err);
	if (got < 0)
		return -1;
	if (got == TERMINAL_NONE) {
		if (bk_secret_read(&k->master, STDIN_FILENO, BK_SECRET_MAX,
				   err) < 0)
			return -1;
		bk_secret_chomp(&k->master);
	}
	if (k->master.len == 0)
		return bk_err_set(err, BK_EX_NOINPUT, 0,
				  "the master password is to be typed, or "
				  "written to stdin");
	return k->is_new
		       ? check_new_master(&k->master, got != TERMINAL_NONE, err)
		       : 0;
}

/* Shown once, before anything depends on it. */
static int show_master(const struct tool *t, const struct keyring *k,
		       struct bk_err *err)
{
	if (!t->generate)
		return 0;
	bk_notice("the master password of the keyring follows, this once; "
		  "write it down and keep it away from this host");
	if (bk_fd_write(STDOUT_FILENO, k->master.p, k->master.len) == 0 &&
	    bk_fd_write(STDOUT_FILENO, "\n", 1) == 0)
		return 0;
	return bk_err_sys(err, "cannot write the master password");
}

static bool systemd_runs(void)
{
	return access("/run/systemd/system", F_OK) == 0;
}

static char *absolute(const char *path)
{
	char full[PATH_MAX];

	return bk_strdup(realpath(path, full) ? full : path);
}

/* What check found is the last field of its record. */
static const char *reason(struct bk_buf *out, struct bk_buf *said)
{
	const char *field = out->p ? strrchr(out->p, '\t') : NULL;

	if (field)
		return bk_str_trim(out->p + (field - out->p));
	return said->p ? bk_str_trim(said->p) : "it gave no reason";
}

/* As a timer would do it: in a unit, with this credential and no terminal. */
static int prove_in_unit(const struct tool *t, const char *name,
			 struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf out = BK_BUF_INIT, said = BK_BUF_INIT;
	struct bk_exec x = { .in = BK_EXEC_NULL };
	const char *config =
		t->cli.config ? t->cli.config : getenv("BK_CONFIG");
	int status;

	bk_strv_add(&argv, "systemd-run");
	bk_strv_add(&argv, "--quiet");
	bk_strv_add(&argv, "--wait");
	bk_strv_add(&argv, "--pipe");
	bk_strv_add(&argv, "--collect");
	bk_strv_addf(&argv, "--property=LoadCredentialEncrypted=%s", name);
	bk_strv_take(&argv, absolute("/proc/self/exe"));
	if (config && *config) {
		bk_strv_add(&argv, "-c");
		bk_strv_take(&argv, absolute(config));
	}
	bk_strv_add(&argv, "check");
	bk_strv_add(&argv, "--unlock");
	x.argv = argv.v;
	status = bk_exec_run(&x, 65536, PROOF_TIMEOUT_MS, &out, &said, err);
	if (status < 0)
		return -1;
	if (status == 0)
		return 0;
	return bk_err_set(err, BK_EX_NO, 0,
			  "a unit with this credential does not open the "
			  "keyring (status %d): %s",
			  status, reason(&out, &said));
}

static int prove_seal(const char *name, const struct bk_buf *sealed,
		      const struct bk_secret *master, struct bk_err *err)
{
	BK_AUTO_SECRET struct bk_secret back = BK_SECRET_INIT;

	if (credential_unseal(name, sealed, &back, err) < 0)
		return -1;
	if (back.len == master->len && memcmp(back.p, master->p, back.len) == 0)
		return 0;
	return bk_err_set(err, BK_EX_DATAERR, 0,
			  "systemd-creds gives back something else than it was "
			  "given (a newline at the end?)");
}

/* Put back what was there before, or nothing. */
static void undo(const char *name, const struct bk_buf *before)
{
	BK_AUTO_FREE char *path = bk_path_join(CREDENTIAL_STORE, name);
	struct bk_err err;

	if (before->len == 0)
		(void)unlink(path);
	else if (credential_store(name, before, &err) < 0)
		bk_error("the credential of before is not put back: %s",
			 err.msg);
}

static int store_and_prove(struct tool *t, const char *name,
			   const struct bk_secret *master, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf sealed = BK_BUF_INIT, before = BK_BUF_INIT;
	BK_AUTO_FREE char *path = bk_path_join(CREDENTIAL_STORE, name);

	if (credential_seal(name, t->with_key, master, &sealed, err) < 0 ||
	    prove_seal(name, &sealed, master, err) < 0)
		return -1;
	if (access(path, F_OK) == 0 &&
	    bk_file_read(path, 1 << 20, &before, err) < 0)
		return -1;
	if (credential_store(name, &sealed, err) < 0)
		return -1;
	if (!systemd_runs()) {
		bk_notice("systemd does not run here: the credential is "
			  "unsealed and right, but no unit has tried it");
		return 0;
	}
	if (prove_in_unit(t, name, err) == 0)
		return 0;
	undo(name, &before);
	return -1;
}

static int prepare(struct tool *t, struct keyring *k, struct bk_err *err)
{
	if (open_for_change(t, k, err) < 0 || get_master(t, k, err) < 0)
		return -1;
	if (!k->is_new)
		return keyring_prove(k, err);
	if (t->cli.dry_run)
		return 0;
	if (show_master(t, k, err) < 0 || keyring_begin(k, err) < 0 ||
	    keyring_save(k, err) < 0)
		return -1;
	bk_notice("a new keyring: %s", k->path);
	return 0;
}

static int check_kind(const struct tool *t)
{
	static const char *const kinds[] = { "host", "tpm2", "host+tpm2" };

	for (size_t i = 0; t->with_key && i < BK_COUNT(kinds); i++)
		if (strcmp(t->with_key, kinds[i]) == 0)
			return BK_EX_OK;
	return t->with_key ? bk_cli_usage("--with-key is host, tpm2 or "
					  "host+tpm2")
			   : BK_EX_OK;
}

static int enroll(struct tool *t, const char *name, struct bk_err *err)
{
	BK_AUTO(keyring_close) struct keyring k = KEYRING_INIT;
	BK_AUTO_FREE char *program = bk_exec_find("systemd-creds", err);

	if (!program)
		return -1;
	if (geteuid() != 0)
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "only root can enroll: credentials belong to "
				  "the system");
	if (prepare(t, &k, err) < 0)
		return -1;
	return t->cli.dry_run ? 0 : store_and_prove(t, name, &k.master, err);
}

int cmd_enroll(struct tool *t, char **args)
{
	BK_AUTO_FREE char *name = NULL;
	struct bk_err err;

	if (args[0])
		return bk_cli_usage("enroll takes no operands");
	if (check_kind(t) != BK_EX_OK)
		return BK_EX_USAGE;
	name = credential_name(t);
	if (enroll(t, name, &err) < 0)
		return bk_log_err(&err);
	bk_notice("%s: credential '%s' opens the keyring on this host alone; "
		  "that protects copies of " CREDENTIAL_STORE ", not a stolen "
		  "disk",
		  t->cli.dry_run ? "would be enrolled" : "enrolled", name);
	return BK_EX_OK;
}
