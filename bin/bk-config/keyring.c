/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * init: the keyring that this host opens by itself, and secrets in it. No
 * secret comes through here: bk-secret makes it up, asks for it, or reads it
 * from the file that was named.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dirs.h"
#include "file.h"
#include "log.h"
#include "path.h"
#include "remote.h"
#include "setup.h"
#include "sig.h"

#define CHECK_TIMEOUT_MS 300000

static bool uses_keyring(const struct bk_conf *conf)
{
	for (size_t i = 0; i < conf->nsections; i++)
		for (size_t k = 0; k < conf->sections[i].nvalues; k++)
			if (bk_str_starts(conf->sections[i].values[k].value,
					  "keyring:"))
				return true;
	return false;
}

/* For root; others have theirs where Python has it, and make it by a set. */
static char *keyring_file(const struct bk_conf *conf)
{
	const struct bk_conf_section *s = bk_conf_find(conf, "keyring", NULL);
	BK_AUTO_FREE char *dir = bk_dirs_config(NULL);
	const char *path = bk_conf_str(s, "path", NULL);

	if (path)
		return bk_strdup(path);
	return dir ? bk_path_join(dir, "cryptfile_pass.cfg") : NULL;
}

static bool opens_by_itself(struct setup *s, char **ret_why)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;
	struct bk_err err;

	child_tool(s->t, "bk-secret", &argv);
	child_add(&argv, "-q", "check", "--unlock");
	if (child_run(&argv, CHECK_TIMEOUT_MS, &said, &err) < 0) {
		*ret_why = bk_strdup(err.msg);
		return false;
	}
	*ret_why = said_why(&said);
	return said.status == 0;
}

/* The file that --master-to names, where it has the master already. */
static bool has_master(const struct setup *s)
{
	const char *file = s->want->master_to;
	struct stat st;

	return file && strcmp(file, "-") != 0 && stat(file, &st) == 0 &&
	       S_ISREG(st.st_mode) && st.st_size > 0;
}

/* Where the new master is shown, once: a descriptor; -1 with err: nowhere. */
static int master_out(struct setup *s, struct bk_err *err)
{
	const char *file = s->want->master_to;
	int fd;

	if (file && strcmp(file, "-") != 0) {
		fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0)
			return fd;
		if (errno == EEXIST)
			return bk_err_set(err, BK_EX_CANTCREAT, 0,
					  "cannot create '%s': it is there; "
					  "move it away, should it be needed",
					  file);
		return bk_err_set(err, BK_EX_CANTCREAT, errno,
				  "cannot create '%s'", file);
	}
	if (file || (isatty(STDOUT_FILENO) && s->person &&
		     s->t->out.mode == BK_REC_TEXT))
		return STDOUT_FILENO;
	return bk_err_set(err, BK_EX_USAGE, 0,
			  "nobody would see its master: give --master-to FILE");
}

/* By the master that an interrupted init wrote down. */
static int run_enroll_again(struct setup *s, const struct bk_strv *argv,
			    struct bk_err *err)
{
	BK_AUTO_CLOSE int fd =
		open(s->want->master_to, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return bk_err_sys(err, "cannot open '%s'", s->want->master_to);
	return child_pass(argv, fd, STDERR_FILENO, err);
}

/* What was shown stays, whatever came after, unless nothing has that master. */
static int run_enroll(struct setup *s, const struct bk_strv *argv,
		      const char *keyring, bool new, struct bk_err *err)
{
	int out = new ? master_out(s, err) : BK_EXEC_INHERIT, status, num;
	struct stat st;

	if (new &&out < 0)
		return -1;
	status = child_pass(argv, BK_EXEC_INHERIT, out, err);
	if (out <= STDOUT_FILENO)
		return status;
	num = fsync(out) < 0 ? errno : 0;
	if ((fstat(out, &st) == 0 && st.st_size == 0) ||
	    (status != 0 && access(keyring, F_OK) < 0 && errno == ENOENT))
		(void)unlink(s->want->master_to);
	(void)close(out);
	if (num)
		return bk_err_set(err, BK_EX_IOERR, num, "cannot write '%s'",
				  s->want->master_to);
	return status;
}

static void enroll(struct setup *s, const char *file)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_FREE char *line = NULL;
	bool new = access(file, F_OK) < 0 && errno == ENOENT;
	struct bk_err err;
	int status;

	child_tool(s->t, "bk-secret", &argv);
	bk_strv_add(&argv, "enroll");
	if (new)
		bk_strv_add(&argv, "--generate");
	line = child_line(&argv);
	if (s->t->cli.dry_run) {
		step(s, STEP_WOULD, "keyring", line, "make '%s'", file);
		return;
	}
	if (!new && !s->person && !has_master(s)) {
		step_failed(s, BK_EX_TEMPFAIL, "keyring", line,
			    "'%s' is there, and nobody can type its master",
			    file);
		return;
	}
	status = !new &&has_master(s) ? run_enroll_again(s, &argv, &err)
				      : run_enroll(s, &argv, file, new, &err);
	if (status < 0)
		step_failed(s, err.exit, "keyring", line, "%s", err.msg);
	else if (status != 0)
		step_failed(s, status, "keyring", line,
			    "this host does not open '%s' by itself", file);
	else
		step(s, STEP_DONE, "keyring", line,
		     "this host opens '%s' by itself", file);
}

static void have_keyring(struct setup *s, const char *file)
{
	BK_AUTO_FREE char *why = NULL;

	if (access(file, F_OK) == 0 && opens_by_itself(s, &why)) {
		step(s, STEP_KEPT, "keyring", "bk-secret check --unlock",
		     "this host opens '%s' by itself", file);
		return;
	}
	enroll(s, file);
	if (!s->person || s->exit != BK_EX_OK || s->t->cli.dry_run || why)
		return;
	/* It is new, and its master is on the screen. */
	while (ask_yes("Have you written down the master password of the "
		       "keyring?") == 0)
		;
}

void step_keyring(struct setup *s)
{
	BK_AUTO_FREE char *file = keyring_file(s->t->conf);

	if (!uses_keyring(s->t->conf) || !file)
		return;
	if (geteuid() == 0)
		have_keyring(s, file);
	else
		step(s, STEP_SKIPPED, "keyring", NULL,
		     "only root's is opened by the host");
}

/* One secret. */

static bool is_settable(const char *ref)
{
	return bk_str_starts(ref, "keyring:") || bk_str_starts(ref, "file:") ||
	       bk_str_starts(ref, "credential:") ||
	       bk_str_starts(ref, "secret-service:");
}

/* The last field of a record, else what it said. */
static char *note_of(const struct said *said)
{
	BK_AUTO_FREE char *why = said_why(said);
	const char *tab = strrchr(why, '\t');

	return bk_strdup(tab && tab[1] ? tab + 1 : why);
}

/* Its exit status: 0 there, 66 absent; -1 with err. */
static int check_ref(struct setup *s, const char *ref, char **ret_why)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;
	struct bk_err err;

	child_tool(s->t, "bk-secret", &argv);
	child_add(&argv, "-q", "check", ref);
	free(*ret_why);
	*ret_why = NULL;
	if (child_run(&argv, CHECK_TIMEOUT_MS, &said, &err) < 0) {
		*ret_why = bk_strdup(err.msg);
		return err.exit;
	}
	*ret_why = note_of(&said);
	return said.status;
}

/* Its exit status; -1 with err. */
static int run_set(const struct bk_strv *argv, const struct new_secret *from,
		   struct bk_err *err)
{
	BK_AUTO_CLOSE int fd = -1;

	if (!from->file || strcmp(from->file, "-") == 0)
		return child_pass(argv, BK_EXEC_INHERIT, STDERR_FILENO, err);
	fd = open(from->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return bk_err_sys(err, "cannot open '%s'", from->file);
	return child_pass(argv, fd, STDERR_FILENO, err);
}

static void set_secret(struct setup *s, const char *name, const char *ref,
		       const struct new_secret *from)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_FREE char *line = NULL;
	struct bk_err err;
	int status;

	child_tool(s->t, "bk-secret", &argv);
	bk_strv_add(&argv, "set");
	if (from->generate)
		bk_strv_add(&argv, "--generate");
	bk_strv_add(&argv, ref);
	line = child_line(&argv);
	if (s->t->cli.dry_run) {
		step(s, STEP_WOULD, name, line, "store %s", ref);
		return;
	}
	if (!from->generate && !from->file && !s->person) {
		step_failed(s, BK_EX_NOINPUT, name, line,
			    "%s is not there, and nobody can type it", ref);
		return;
	}
	status = run_set(&argv, from, &err);
	if (status < 0)
		step_failed(s, err.exit, name, line, "%s", err.msg);
	else if (status != 0)
		step_failed(s, status, name, line, "%s is not stored", ref);
	else
		step(s, STEP_DONE, name, line, "stored %s", ref);
}

/* Sources in order; the first one that keeps secrets gets a new one. */
bool secret_is_there(struct setup *s, const char *name,
		     const struct bk_conf_section *section, const char *key,
		     const struct new_secret *from)
{
	const struct bk_conf_value *v = NULL;
	const char *settable = NULL;
	BK_AUTO_FREE char *why = NULL;
	int failed = s->exit, status;

	while ((v = bk_conf_value(section, key, v))) {
		if (strcmp(v->value, "ask") == 0) {
			step(s, STEP_KEPT, name, NULL,
			     "%s is asked for at each run", key);
			return true;
		}
		status = s->t->cli.dry_run && is_settable(v->value)
				 ? BK_EX_NOINPUT
				 : check_ref(s, v->value, &why);
		if (status == BK_EX_OK) {
			step(s, STEP_KEPT, name, NULL, "%s is there", v->value);
			return true;
		}
		if (status != BK_EX_NOINPUT) {
			step_failed(s, status, name, NULL, "%s: %s", v->value,
				    why);
			return false;
		}
		if (!settable && is_settable(v->value))
			settable = v->value;
	}
	if (settable)
		set_secret(s, name, settable, from);
	else
		step_failed(s, BK_EX_NOINPUT, name, NULL, "%s is not there",
			    key);
	return s->exit == failed;
}

/* That of a repository that is there is not to be made up. */
static bool is_there(const struct bk_conf_section *repo)
{
	const char *path = bk_remote_local(bk_conf_str(repo, "url", ""));
	BK_AUTO_FREE char *config = path ? bk_path_join(path, "config") : NULL;

	return config && access(config, F_OK) == 0;
}

void step_passwords(struct setup *s)
{
	const struct bk_conf_section *repo = NULL;

	while (!bk_sig_pending() &&
	       (repo = bk_conf_next(s->t->conf, "repo", repo))) {
		BK_AUTO_FREE char *name =
			bk_asprintf("password %s", repo->name);
		struct new_secret from = { !is_there(repo), NULL };

		if (!secret_is_there(s, name, repo, "password", &from))
			s->no_repo = true;
	}
}
