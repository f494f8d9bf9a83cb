/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-config append-only: a repository to which this host can add, and from
 * which it can remove nothing.
 *
 * The new key and the full one are let in first, and proved; then bk.conf
 * changes, and the repository opens by it; only then the keys that this host
 * has are shut out, by the full one. Whatever fails leaves a way in.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "append.h"
#include "authkeys.h"
#include "file.h"
#include "lock.h"
#include "log.h"
#include "path.h"
#include "repos.h"
#include "sig.h"

void append_free(struct append *a)
{
	free(a->label);
	bk_remote_free(&a->at);
	ssh_view_free(&a->view);
	free(a->path);
	free(a->alias);
	free(a->key);
	free(a->line);
	free(a->carry);
	free(a->full);
	bk_strv_free(&a->mine);
	bk_strv_free(&a->files);
	bk_strv_free(&a->s.broken);
	bk_strv_free(&a->s.aliases);
}

static bool fail(struct append *a, const struct bk_err *err)
{
	step_failed(&a->s, err->exit, a->label, NULL, "%s", err->msg);
	return false;
}

/* ---- what it is about ------------------------------------------------------- */

/* It is a word of a command on the server, and below the home there. */
static char *clean_path(const char *path)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";
	BK_AUTO_STRV struct bk_strv parts = BK_STRV_INIT;
	struct bk_buf b = BK_BUF_INIT;

	if (*path == '/' || path[strspn(path, good)])
		return NULL;
	bk_strv_split(&parts, path, "/");
	for (size_t i = 0; i < parts.n; i++) {
		const char *part = parts.v[i];

		if (i == 0 && strcmp(part, ".") == 0)
			continue;
		if (*part == '.' || *part == '-') {
			bk_buf_free(&b);
			return NULL;
		}
		bk_buf_addf(&b, "%s%s", b.len > 0 ? "/" : "", part);
	}
	return b.len > 0 ? bk_buf_steal(&b) : NULL;
}

int append_find(struct append *a, const char *name, struct bk_err *err)
{
	BK_AUTO_FREE char *key = NULL;

	a->repo = bk_conf_find(a->s.t->conf, "repo", name);
	if (!a->repo)
		return bk_err_set(err, BK_EX_NOINPUT, 0,
				  "there is no [repo %s] in the configuration",
				  name);
	a->label = bk_asprintf("repository %s", a->repo->name);
	if (!ssh_remote(a->repo, &a->at))
		return bk_err_set(err, BK_EX_CONFIG, 0,
				  "[repo %s] url is no sftp:SERVER:FOLDER, or "
				  "ssh is its own, by option =",
				  name);
	a->path = clean_path(a->at.path);
	if (!a->path)
		return bk_err_set(
			err, BK_EX_CONFIG, 0,
			"[repo %s] url: its folder '%s' is not one "
			"below the home there, of letters, digits and . _ - only, "
			"in which no name begins with . or -",
			name, a->at.path);
	key = append_name(a->repo->name);
	a->alias = bk_strdup(key);
	a->key = ssh_file(key);
	if (ssh_view(&a->at, &a->view, err) < 0)
		return -1;
	keys_find(a);
	return 0;
}

static bool is_done(const struct append *a)
{
	return bk_conf_bool(a->repo, "append-only", false);
}

/* Other sections that are on the same account, and write there by sftp. */
static void find_others(const struct append *a, struct bk_strv *ret)
{
	static const char *const kinds[] = { "repo", "box" };

	for (size_t i = 0; i < BK_COUNT(kinds); i++) {
		const struct bk_conf_section *c = NULL;

		while ((c = bk_conf_next(a->s.t->conf, kinds[i], c))) {
			BK_AUTO_REMOTE struct bk_remote h = BK_REMOTE_INIT;
			AUTO_SSH_VIEW struct ssh_view v = SSH_VIEW_INIT;

			if (strcmp(c->name, a->repo->name) == 0 && i == 0)
				continue;
			if (!bk_conf_bool(c, "append-only", false) &&
			    ssh_remote(c, &h) && ssh_view(&h, &v, NULL) == 0 &&
			    v.user && a->view.user &&
			    strcmp(v.hostname, a->view.hostname) == 0 &&
			    strcmp(v.user, a->view.user) == 0)
				bk_strv_take(ret, section_label(c));
		}
	}
}

static char *list(const struct bk_strv *l)
{
	struct bk_buf b = BK_BUF_INIT;

	for (size_t i = 0; i < l->n; i++)
		bk_buf_addf(&b, "%s%s", i > 0 ? ", " : "", l->v[i]);
	return bk_buf_steal(&b);
}

/* ---- the server ------------------------------------------------------------- */

static bool step_server(struct append *a)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_FREE char *why = NULL;
	struct bk_err err;

	if (ssh_login(&a->at, &why) != LOGIN_OK) {
		step_failed(&a->s, BK_EX_UNAVAILABLE, a->label,
			    "bk-config check", "this host cannot log in: %s",
			    why);
		return false;
	}
	box_rclone(a, &argv);
	if (box_refuses(&argv, &err) < 0) {
		step_failed(&a->s, err.exit, a->label, NULL,
			    "this server does not offer it: %s (on a Storage "
			    "Box: port 23, with SSH support switched on)",
			    err.msg);
		return false;
	}
	step(&a->s, STEP_KEPT, a->label, NULL,
	     "the server has an rclone that can refuse to remove");
	return true;
}

/* ---- keys ------------------------------------------------------------------- */

static bool step_key(struct append *a)
{
	BK_AUTO_FREE char *comment = bk_asprintf(
		"bk append-only %s %s", a->repo->name, a->s.t->conf->host);
	BK_AUTO_FREE char *public = NULL;
	bool there = access(a->key, R_OK) == 0;
	struct bk_err err;

	if (a->s.t->cli.dry_run) {
		step(&a->s, STEP_WOULD, a->label, NULL,
		     "make the key '%s', and 'Host %s' in ssh_config", a->key,
		     a->alias);
		return true;
	}
	if ((!there && login_make_key(a->key, comment, &err) < 0) ||
	    append_alias(a, &err) < 0)
		return fail(a, &err);
	public = key_public(a->key, &err);
	if (!public)
		return fail(a, &err);
	a->line = authkeys_append_line(a->path, public, comment);
	step(&a->s, there ? STEP_KEPT : STEP_DONE, a->label, NULL,
	     "the key '%s', and 'Host %s' in ssh_config", a->key, a->alias);
	return true;
}

/* Whoever breaks in reads the backups, and a full key that is in them. */
static int check_outside(const struct append *a, struct bk_err *err)
{
	static const char *const keys[][2] = { { "backup", "path" },
					       { "scan", "root" },
					       { "cold", "path" } };

	for (size_t i = 0; i < BK_COUNT(keys); i++) {
		const struct bk_conf_section *s = NULL;
		const struct bk_conf_value *v = NULL;

		while ((s = bk_conf_next(a->s.t->conf, keys[i][0], s)))
			while ((v = bk_conf_value(s, keys[i][1], v)))
				if (bk_path_within(a->carry, v->value))
					return bk_err_set(
						err, BK_EX_USAGE, 0,
						"'%s' is below '%s', so "
						"backups could hold the full "
						"key: name another folder",
						a->carry, v->value);
	}
	return 0;
}

/* A folder that is new, or in which an earlier run put the key. */
static int make_carry(struct append *a, struct bk_err *err)
{
	struct stat st;

	if (access(a->full, R_OK) == 0)
		return 0;
	if (lstat(a->carry, &st) == 0)
		return bk_err_set(err, BK_EX_CANTCREAT, 0,
				  "'%s' is there: name a folder that is not",
				  a->carry);
	if (bk_file_mkdirs(a->carry, 0700, err) < 0)
		return -1;
	return login_make_key(a->full, "bk full key", err);
}

static bool step_full(struct append *a)
{
	struct bk_err err;

	if (a->s.t->cli.dry_run) {
		step(&a->s, STEP_WOULD, a->label, NULL,
		     "make a full key, in the folder '%s' that you carry away",
		     a->carry);
		return true;
	}
	if (append_remember(a, &err) < 0 || make_carry(a, &err) < 0 ||
	    append_carry(a, &err) < 0)
		return fail(a, &err);
	step(&a->s, STEP_DONE, a->label, NULL,
	     "the full key, with what forget and prune take, is in '%s'",
	     a->carry);
	return true;
}

static void add_line(struct bk_buf *b, const char *line)
{
	if (b->len > 0 && b->p[b->len - 1] != '\n')
		bk_buf_addc(b, '\n');
	bk_buf_addf(b, "%s\n", line);
}

static bool step_let_in(struct append *a)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf keys = BK_BUF_INIT;
	BK_AUTO_FREE char *public = NULL, *blob = NULL, *full = NULL;
	size_t before;
	struct bk_err err;

	if (a->s.t->cli.dry_run) {
		step(&a->s, STEP_WOULD, a->label, NULL,
		     "let both keys in, in the server's .ssh/authorized_keys: "
		     "restrict,command=\"rclone serve restic --stdio "
		     "--append-only %s\" for that of this host",
		     a->path);
		return true;
	}
	public = key_public(a->full, &err);
	box_as_host(a, "sftp", &argv);
	if (!public || box_read_keys(a, &argv, &keys, &err) < 0)
		return fail(a, &err);
	blob = authkeys_blob(public);
	full = bk_asprintf("%.*s %s bk full key of %s",
			   (int)strcspn(public, " "), public, blob,
			   a->s.t->conf->host);
	before = keys.len;
	if (!authkeys_has_line(keys.p, a->line))
		add_line(&keys, a->line);
	if (!authkeys_has_full(keys.p, blob))
		add_line(&keys, full);
	if (keys.len != before && box_write_keys(a, &argv, &keys, &err) < 0)
		return fail(a, &err);
	step(&a->s, keys.len != before ? STEP_DONE : STEP_KEPT, a->label, NULL,
	     "both keys are in the server's .ssh/authorized_keys");
	return true;
}

/* ---- proof ------------------------------------------------------------------ */

static int prove(const struct append *a, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv rclone = BK_STRV_INIT;
	BK_AUTO_STRV struct bk_strv sftp = BK_STRV_INIT;
	BK_AUTO_FREE char *why = NULL;

	box_as_key(a, "ssh", a->key, NULL, &rclone);
	bk_strv_add(&rclone, a->at.host);
	if (prove_shut(a, err) < 0 || box_refuses(&rclone, err) < 0)
		return -1;
	if (!a->full)
		return 0;
	box_as_key(a, "sftp", a->full, NULL, &sftp);
	if (box_login(a, &sftp, &why) != LOGIN_OK)
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "the full key '%s' does not open the server: "
				  "%s",
				  a->full, why);
	return box_probe(a, &rclone, &sftp, err);
}

static bool step_prove(struct append *a)
{
	struct bk_err err;

	if (a->s.t->cli.dry_run) {
		step(&a->s, STEP_WOULD, a->label, NULL,
		     "prove that the new key adds a file, cannot overwrite or "
		     "remove it, and does nothing else; and that the full key "
		     "opens the server");
		return true;
	}
	if (prove(a, &err) < 0)
		return fail(a, &err);
	step(&a->s, STEP_DONE, a->label, NULL,
	     a->full ? "proved: the new key adds a file, cannot overwrite or "
		       "remove it, and does nothing else; the full key can"
		     : "proved: the key of this host cannot remove, and does "
		       "nothing else");
	return true;
}

/* ---- bk.conf ---------------------------------------------------------------- */

static int reload(struct append *a, struct bk_err *err)
{
	BK_AUTO_FREE char *name = bk_strdup(a->repo->name);
	int exit = BK_EX_OK;
	struct bk_conf *conf = bk_cli_conf(&a->s.t->cli, &exit);

	if (!conf)
		return bk_err_set(err, exit, 0,
				  "the configuration has a problem now");
	bk_conf_free(a->s.t->conf);
	a->s.t->conf = conf;
	a->repo = bk_conf_find(conf, "repo", name);
	return a->repo ? 0
		       : bk_err_set(err, BK_EX_CONFIG, 0, "[repo %s] is gone",
				    name);
}

static bool step_conf(struct append *a)
{
	BK_AUTO_FREE char *why = NULL;
	struct bk_err err, ignored;

	if (a->s.t->cli.dry_run) {
		step(&a->s, STEP_WOULD, a->label, NULL,
		     "write into '%s': url = sftp:%s:%s, append-only = yes",
		     a->repo->file, a->alias, a->at.path);
		return true;
	}
	if (append_conf_set(a, &err) < 0 || reload(a, &err) < 0)
		return fail(a, &err);
	if (repo_look(a->s.t, a->repo->name, &why) != REPO_OPENS) {
		(void)append_conf_undo(a, &ignored);
		step_failed(&a->s, BK_EX_UNAVAILABLE, a->label, NULL,
			    "it does not open with the new key, so bk.conf is "
			    "as before: %s",
			    why);
		return false;
	}
	step(&a->s, STEP_DONE, a->label, NULL,
	     "'%s' has it as append-only, and it opens so", a->repo->file);
	return true;
}

/* ---- the keys that could delete --------------------------------------------- */

static int shut_out(struct append *a, struct bk_strv *ret_others, size_t *ret_n,
		    struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_STRV struct bk_strv known = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf keys = BK_BUF_INIT, left = BK_BUF_INIT;
	BK_AUTO_FREE char *public = key_public(a->full, err);

	if (!public)
		return -1;
	box_as_key(a, "sftp", a->full, NULL, &argv);
	if (box_read_keys(a, &argv, &keys, err) < 0)
		return -1;
	authkeys_without(keys.p, &a->mine, &left, ret_n);
	if (*ret_n > 0 && box_write_keys(a, &argv, &left, err) < 0)
		return -1;
	bk_strv_take(&known, authkeys_blob(public));
	authkeys_others(left.p, &known, ret_others);
	return 0;
}

static bool wait_for_others(struct append *a, const struct bk_strv *others)
{
	BK_AUTO_FREE char *names = list(others);
	BK_AUTO_FREE char *again =
		bk_asprintf("bk-config append-only %s", a->repo->name);

	step(&a->s, STEP_HAND, a->label, again,
	     "nothing is gained yet: %s %s on the same account and %s a key "
	     "of this host that can delete. Make a repository append-only, "
	     "too; give a box a sub-account of its own, outside of '%s'. Then "
	     "run this again",
	     names, others->n > 1 ? "are" : "is",
	     others->n > 1 ? "need" : "needs", a->path);
	if (a->s.exit == BK_EX_OK)
		a->s.exit = BK_EX_PARTIAL;
	return false;
}

static bool step_shut_out(struct append *a)
{
	BK_AUTO_STRV struct bk_strv others = BK_STRV_INIT;
	BK_AUTO_STRV struct bk_strv strangers = BK_STRV_INIT;
	BK_AUTO_FREE char *which = NULL, *names = NULL;
	struct bk_err err;
	size_t n = 0;

	find_others(a, &others);
	if (others.n > 0)
		return wait_for_others(a, &others);
	if (a->s.t->cli.dry_run) {
		step(&a->s, STEP_WOULD, a->label, NULL,
		     "take the keys that this host has out of the server's "
		     ".ssh/authorized_keys, and prove that none gets in");
		return true;
	}
	if (a->full && shut_out(a, &strangers, &n, &err) < 0)
		return fail(a, &err);
	if (keys_open(a, &which, &err) < 0)
		return fail(a, &err);
	if (which) {
		step_failed(&a->s, BK_EX_NO, a->label,
			    a->full ? NULL : "--full-key FILE takes it out",
			    "nothing is gained: %s still gets in, and can "
			    "delete",
			    which);
		return false;
	}
	step(&a->s, n > 0 ? STEP_DONE : STEP_KEPT, a->label, NULL,
	     "no key that this host has gets in to its files any more");
	names = list(&strangers);
	if (strangers.n > 0)
		step(&a->s, STEP_HAND, a->label, NULL,
		     "other keys can delete there; are they all kept away "
		     "from this host? %s",
		     names);
	return true;
}

static void step_carry_away(struct append *a)
{
	BK_AUTO_BUF struct bk_buf rm = BK_BUF_INIT;

	bk_buf_adds(&rm, "rm -r ");
	bk_str_add_shell(&rm, a->carry ? a->carry : "");
	if (a->carry)
		step(&a->s, STEP_HAND, a->label, rm.p,
		     "copy '%s' to another machine, try there: "
		     "./bk-restic.sh snapshots; then remove it here: as long "
		     "as it is on this host, whoever breaks in can delete",
		     a->carry);
	step(&a->s, STEP_HAND, a->label, NULL,
	     "the password of the server's account opens all of it, too: see "
	     "that it is not on this host");
}

/* ---- there, and back -------------------------------------------------------- */

static bool run_setup(struct append *a)
{
	struct bk_err err;

	if (!a->carry) {
		step_failed(&a->s, BK_EX_USAGE, a->label, NULL,
			    "where is the full key to be written? "
			    "--full-key-to FOLDER, one that is carried away");
		return false;
	}
	if (check_outside(a, &err) < 0)
		return fail(a, &err);
	if (!step_server(a) || !step_key(a) || !step_full(a) ||
	    !step_let_in(a) || !step_prove(a) || !step_conf(a) ||
	    !step_shut_out(a))
		return false;
	if (!a->s.t->cli.dry_run)
		step_carry_away(a);
	return true;
}

static bool run_again(struct append *a)
{
	step(&a->s, STEP_KEPT, a->label, NULL, "it is append-only in '%s'",
	     a->repo->file);
	return step_prove(a) && step_shut_out(a);
}

static int check_login(const struct bk_remote *at, struct bk_err *err)
{
	BK_AUTO_FREE char *why = NULL;

	if (ssh_login(at, &why) == LOGIN_OK)
		return 0;
	return bk_err_set(err, BK_EX_UNAVAILABLE, 0,
			  "this host still cannot log in: %s", why);
}

/* The key of the url before, let in again. */
static int let_back_in(struct append *a, const char *line, struct bk_err *err)
{
	BK_AUTO_REMOTE struct bk_remote at = BK_REMOTE_INIT;
	AUTO_SSH_VIEW struct ssh_view v = SSH_VIEW_INIT;
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf keys = BK_BUF_INIT, left = BK_BUF_INIT;
	BK_AUTO_FREE char *public = NULL, *blob = NULL;

	box_as_key(a, "sftp", a->full, NULL, &argv);
	if (!ssh_remote(a->repo, &at) || ssh_view(&at, &v, err) < 0)
		return -1;
	public = v.keys.n > 0 ? key_public(v.keys.v[0], err) : NULL;
	blob = public ? authkeys_blob(public) : NULL;
	if (!blob || box_read_keys(a, &argv, &keys, err) < 0)
		return -1;
	authkeys_without_line(keys.p, line, &left);
	if (!authkeys_has_full(left.p, blob))
		add_line(&left, public);
	if (box_write_keys(a, &argv, &left, err) < 0)
		return -1;
	return check_login(&at, err);
}

static bool run_undo(struct append *a)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_FREE char *why = NULL, *public = NULL, *line = NULL;
	BK_AUTO_FREE char *comment = bk_asprintf(
		"bk append-only %s %s", a->repo->name, a->s.t->conf->host);
	struct bk_err err;

	if (!a->full) {
		step_failed(&a->s, BK_EX_USAGE, a->label, NULL,
			    "this host cannot do it by itself, which is the "
			    "point: --full-key FILE");
		return false;
	}
	box_as_key(a, "sftp", a->full, NULL, &argv);
	if (box_login(a, &argv, &why) != LOGIN_OK) {
		step_failed(&a->s, BK_EX_NOPERM, a->label, NULL,
			    "'%s' does not open the server: %s", a->full, why);
		return false;
	}
	if (a->s.t->cli.dry_run) {
		step(&a->s, STEP_WOULD, a->label, NULL,
		     "write its url of before into '%s', and let the key of "
		     "that in again",
		     a->repo->file);
		return true;
	}
	public = key_public(a->key, &err);
	if (!public)
		return fail(a, &err);
	line = authkeys_append_line(a->path, public, comment);
	if (append_conf_undo(a, &err) < 0 || reload(a, &err) < 0 ||
	    let_back_in(a, line, &err) < 0)
		return fail(a, &err);
	step(&a->s, STEP_DONE, a->label, NULL,
	     "this host adds and removes there by sftp again; the full key "
	     "still opens the server");
	return true;
}

static bool run(struct append *a)
{
	const struct answers *want = &a->s.t->want;
	bool undo = want->undo;

	if (undo && !is_done(a)) {
		step(&a->s, STEP_KEPT, a->label, NULL, "it is not append-only");
		return true;
	}
	if (!undo && !is_done(a) && want->full_key) {
		step_failed(&a->s, BK_EX_USAGE, a->label, NULL,
			    "--full-key is for --undo, or for what is "
			    "append-only already");
		return false;
	}
	if (a->s.person && !a->s.t->cli.dry_run) {
		bk_notice("%s", undo ? "from then on this host can delete the "
				       "backups again"
				     : "from then on this host can add "
				       "backups, and delete none: forget and "
				       "prune are done elsewhere, with the "
				       "full key");
		if (ask_yes("Go on?") <= 0) {
			a->s.exit = BK_EX_NO;
			return false;
		}
	}
	return undo ? run_undo(a) : is_done(a) ? run_again(a) : run_setup(a);
}

/* The full key is a file, or will be one of the folder to carry away. */
static void take_full(struct append *a)
{
	const struct answers *want = &a->s.t->want;

	if (want->full_key_to) {
		BK_AUTO_FREE char *cwd = getcwd(NULL, 0);

		a->carry = *want->full_key_to == '/' || !cwd
				   ? bk_strdup(want->full_key_to)
				   : bk_path_join(cwd, want->full_key_to);
		a->full = bk_path_join(a->carry, "key");
	} else if (want->full_key) {
		a->full = bk_strdup(want->full_key);
	}
}

int cmd_append_only(struct tool *t, char **args)
{
	BK_AUTO(append_free)
	struct append a = { .s = { .t = t,
				   .want = &t->want,
				   .person = !t->want.yes &&
					     isatty(STDIN_FILENO) },
			    .view = SSH_VIEW_INIT };
	struct bk_err err;
	int lock, exit = BK_EX_OK;

	if (!args[0] || args[1])
		return bk_cli_usage("append-only wants a repository");
	if (t->want.full_key && t->want.full_key_to)
		return bk_cli_usage("--full-key and --full-key-to exclude each "
				    "other");
	if (!t->want.yes && !a.s.person && !t->cli.dry_run)
		return bk_cli_usage("append-only asks at a terminal; give "
				    "--yes where there is none");
	t->conf = bk_cli_conf(&t->cli, &exit);
	if (!t->conf)
		return exit;
	lock = bk_lock_take("config", 0, &err);
	if (lock < 0)
		return bk_log_err(&err);
	take_full(&a);
	if (append_find(&a, args[0], &err) < 0 || !a.repo)
		exit = bk_log_err(&err);
	else if (!run(&a) && a.s.exit == BK_EX_OK)
		a.s.exit = BK_EX_NO;
	(void)close(lock);
	if (exit == BK_EX_OK)
		exit = a.s.exit;
	if (exit == BK_EX_OK && bk_sig_pending())
		exit = BK_EX_NO;
	bk_rec_end(&t->out, exit);
	return exit;
}
