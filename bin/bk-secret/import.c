/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-secret import: entries of another store become entries of the keyring;
 * where there is no keyring yet, a store of its own format becomes it as it
 * is. The other store is only read.
 */
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "alt.h"
#include "file.h"
#include "log.h"
#include "make.h"
#include "path.h"
#include "sig.h"
#include "source.h"
#include "terminal.h"

struct import {
	struct tool *t;
	enum store_kind kind;
	struct keyring from; /* its file part also for other kinds */
	struct keyring to;
	size_t done, left;
	int exit; /* why some were left */
};

static void leave(struct import *im, const char *ref, const struct bk_err *why)
{
	bk_warning("%s is left out: %s", ref, why->msg);
	im->exit =
		im->left++ == 0 || im->exit == why->exit ? why->exit : BK_EX_NO;
}

/* The other store's own master: typed, or from stdin. */
static int ask_master(struct import *im, struct bk_err *err)
{
	BK_AUTO_FREE char *prompt =
		bk_asprintf("Master password of %s", im->from.path);
	int got = TERMINAL_NONE;

	if (im->kind == STORE_PLAIN)
		return 0;
	if (isatty(STDIN_FILENO))
		got = terminal_ask(prompt, false, &im->from.master, err);
	if (got != TERMINAL_NONE)
		return got;
	if (bk_secret_read(&im->from.master, STDIN_FILENO, BK_SECRET_MAX, err) <
	    0)
		return bk_err_set(err, err->exit, 0, "the master on stdin: %s",
				  err->msg);
	bk_secret_chomp(&im->from.master);
	if (im->from.master.len > 0)
		return 0;
	return bk_err_set(err, BK_EX_NOINPUT, 0,
			  "the master password of '%s' is to be typed, or "
			  "written to stdin",
			  im->from.path);
}

static int get_entry(const struct import *im, const struct cryptfile_entry *e,
		     const char *service, const char *user,
		     struct bk_secret *ret, struct bk_err *err)
{
	if (im->kind == STORE_CRYPTFILE)
		return keyring_get(&im->from, service, user, ret, err);
	return alt_get(im->kind, e, &im->from.master, ret, err);
}

static void import_entry(struct import *im, const char *service,
			 const char *user)
{
	BK_AUTO_FREE char *ref = bk_ref_pair("keyring", service, user);
	BK_AUTO_FREE char *section = cryptfile_escape(service);
	BK_AUTO_FREE char *option = cryptfile_escape(user);
	BK_AUTO_SECRET struct bk_secret s = BK_SECRET_INIT;
	const struct cryptfile_entry *e =
		cryptfile_find(&im->from.file, section, option);
	struct bk_err err;

	if (!e)
		bk_err_set(&err, BK_EX_NOINPUT, 0, "'%s' has no such entry",
			   im->from.path);
	else if (keyring_has(&im->to, service, user, NULL) && !im->t->overwrite)
		bk_err_set(&err, BK_EX_CANTCREAT, 0,
			   "the keyring has an entry of this name already "
			   "(--overwrite replaces it)");
	else if (get_entry(im, e, service, user, &s, &err) == 0 &&
		 keyring_put(&im->to, service, user, &s, &err) == 0) {
		im->done++;
		bk_notice("%s: %s",
			  im->t->cli.dry_run ? "would be taken" : "taken", ref);
		return;
	}
	leave(im, ref, &err);
}

static void import_all(struct import *im)
{
	for (size_t i = 0; i < im->from.file.nentries; i++) {
		const struct cryptfile_entry *e = &im->from.file.entries[i];
		BK_AUTO_FREE char *service = cryptfile_unescape(e->section);
		BK_AUTO_FREE char *user = cryptfile_unescape(e->option);

		if (keyring_is_setting(e))
			continue;
		if (service && user && *service && *user)
			import_entry(im, service, user);
		else
			bk_warning("'%s', line %zu: not the name of an entry",
				   im->from.path, e->line);
	}
}

static void import_named(struct import *im, char **args)
{
	for (; *args; args++) {
		BK_AUTO_REF struct bk_ref ref = BK_REF_INIT;

		if (bk_ref_parse(*args, &ref, NULL) == 0)
			import_entry(im, ref.service, ref.user);
	}
}

/* A store of the keyring's own format, where there is none: all of it. */
static int adopt(struct import *im, struct bk_err *err)
{
	struct keyring k = im->from;

	if (keyring_prove(&im->from, err) < 0)
		return -1;
	k.path = im->to.path;
	k.is_new = true;
	if (!im->t->cli.dry_run && keyring_save(&k, err) < 0)
		return -1;
	bk_notice("'%s' %s '%s', with the same master password", im->from.path,
		  im->t->cli.dry_run ? "would be copied to" : "is copied to",
		  im->to.path);
	return 0;
}

static int read_store(struct import *im, const char *path, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;

	if (bk_file_read(path, CRYPTFILE_MAX, &text, err) < 0 ||
	    cryptfile_parse(text.p ? text.p : "", text.len, &im->from.file,
			    err) < 0)
		return bk_err_set(err, err->exit, 0, "'%s': %s", path,
				  err->msg);
	im->kind = alt_kind(&im->from.file);
	if (im->kind == STORE_CRYPTFILE) {
		cryptfile_free(&im->from.file);
		return keyring_load(&im->from, path, text.p ? text.p : "",
				    text.len, err);
	}
	im->from.path = bk_strdup(path);
	bk_notice("'%s' is a store of %s; remove it once all is taken", path,
		  alt_kind_name(im->kind));
	return 0;
}

static int run(struct import *im, char **args, struct bk_err *err)
{
	if (read_store(im, args[0], err) < 0 || ask_master(im, err) < 0)
		return -1;
	if (open_for_change(im->t, &im->to, err) < 0)
		return -1;
	if (im->to.is_new && im->kind == STORE_CRYPTFILE && !args[1])
		return adopt(im, err);
	if (change_master(im->t, &im->to, err) < 0)
		return -1;
	if (args[1])
		import_named(im, args + 1);
	else
		import_all(im);
	if (bk_sig_pending())
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "interrupted; nothing is changed");
	if (im->done == 0 || im->t->cli.dry_run)
		return 0;
	return keyring_save(&im->to, err);
}

/* Without a file: where stores are. */

static void look_at(struct tool *t, const char *path)
{
	BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;
	BK_AUTO(cryptfile_free) struct cryptfile f = { 0 };
	BK_AUTO_FREE char *count = NULL;
	json_t *o;

	if (bk_file_read(path, CRYPTFILE_MAX, &text, NULL) < 0 ||
	    cryptfile_parse(text.p ? text.p : "", text.len, &f, NULL) < 0)
		return;
	if (t->out.mode != BK_REC_JSON) {
		count = bk_asprintf("%zu", f.nentries);
		bk_rec_text(&t->out, path, alt_kind_name(alt_kind(&f)), count,
			    NULL);
		return;
	}
	o = json_object();
	bk_rec_set_path(o, "path", path);
	bk_rec_set_str(o, "kind", alt_kind_name(alt_kind(&f)));
	bk_rec_set_int(o, "lines", (int64_t)f.nentries);
	bk_rec_json(&t->out, "store", o);
}

static void look_below(struct tool *t, const char *data)
{
	static const char *const names[] = { "cryptfile_pass.cfg",
					     "crypted_pass.cfg",
					     "keyring_pass.cfg" };

	for (size_t i = 0; i < BK_COUNT(names); i++) {
		BK_AUTO_FREE char *path =
			bk_asprintf("%s/python_keyring/%s", data, names[i]);

		look_at(t, path);
	}
}

/* Of who runs this, and of who became root to do so. */
static int find_stores(struct tool *t)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw =
		sudo && geteuid() == 0 ? getpwnam(sudo) : NULL;

	if (data && *data == '/') {
		look_below(t, data);
	} else if (home && *home == '/') {
		BK_AUTO_FREE char *below = bk_asprintf("%s/.local/share", home);

		look_below(t, below);
	}
	if (pw) {
		BK_AUTO_FREE char *below =
			bk_asprintf("%s/.local/share", pw->pw_dir);

		look_below(t, below);
	}
	bk_rec_end(&t->out, BK_EX_OK);
	if (t->out.mode != BK_REC_JSON)
		bk_info("bk-secret import FILE takes one of them over");
	return BK_EX_OK;
}

static int check_args(char **args)
{
	for (; *args; args++) {
		BK_AUTO_REF struct bk_ref ref = BK_REF_INIT;

		if (take_ref(*args, &ref) != BK_EX_OK)
			return BK_EX_USAGE;
		if (ref.kind != BK_REF_KEYRING)
			return bk_cli_usage("import takes entries of a "
					    "keyring: keyring:SERVICE/USER");
	}
	return BK_EX_OK;
}

int cmd_import(struct tool *t, char **args)
{
	struct import im = { .t = t, .from = KEYRING_INIT, .to = KEYRING_INIT };
	struct bk_err err;
	int exit = BK_EX_OK;

	if (!args[0])
		return find_stores(t);
	if (check_args(args + 1) != BK_EX_OK)
		return BK_EX_USAGE;
	if (run(&im, args, &err) < 0)
		exit = bk_log_err(&err);
	else if (im.left > 0)
		exit = im.done > 0 ? BK_EX_PARTIAL : im.exit;
	keyring_close(&im.from);
	keyring_close(&im.to);
	return exit;
}
