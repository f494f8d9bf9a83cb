/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-secret list: names of secrets, and no secret. A keyring file is read
 * without its master.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>

#include "credential.h"
#include "log.h"
#include "source.h"

static void print(struct tool *t, const char *ref, const char *note)
{
	json_t *o;

	if (t->out.mode != BK_REC_JSON) {
		bk_rec_text(&t->out, ref, note, NULL);
		return;
	}
	o = json_object();
	bk_rec_set_path(o, "ref", ref);
	if (note)
		bk_rec_set_str(o, "note", note);
	bk_rec_json(&t->out, "secret", o);
}

/* The Python tool keeps users in lower case. */
static int list_keyring(struct tool *t, struct bk_err *err)
{
	int got = keyring_ready(t, false, err);

	for (size_t i = 0; got == 0 && i < t->ring.file.nentries; i++) {
		const struct cryptfile_entry *e = &t->ring.file.entries[i];
		BK_AUTO_FREE char *service = cryptfile_unescape(e->section);
		BK_AUTO_FREE char *user = cryptfile_unescape(e->option);
		BK_AUTO_FREE char *ref = NULL;

		if (keyring_is_setting(e))
			continue;
		if (service && user && *service && *user) {
			ref = bk_ref_pair("keyring", service, user);
			print(t, ref, NULL);
		} else {
			bk_warning("'%s', line %zu: not the name of an entry",
				   t->ring.path, e->line);
		}
	}
	return got;
}

static int list_folder(struct tool *t, const char *path, const char *note,
		       struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv names = BK_STRV_INIT;
	DIR *d = opendir(path);
	const struct dirent *de;

	if (!d)
		return errno == ENOENT
			       ? 0
			       : bk_err_sys(err, "cannot read '%s'", path);
	while ((de = readdir(d)))
		if (de->d_name[0] != '.')
			bk_strv_add(&names, de->d_name);
	(void)closedir(d);
	bk_strv_sort(&names);
	for (size_t i = 0; i < names.n; i++) {
		BK_AUTO_FREE char *ref =
			bk_asprintf("credential:%s", names.v[i]);

		print(t, ref, note);
	}
	return 0;
}

static int list_credentials(struct tool *t, struct bk_err *err)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	if (dir && *dir && list_folder(t, dir, "given to this unit", err) < 0)
		return -1;
	if (list_folder(t, CREDENTIAL_STORE, "sealed", err) < 0)
		return -1;
	return list_folder(t, "/etc/credstore", "plain", err);
}

/* One item: its attributes, each ending in NUL, up to end; false where they
 * are hidden. */
static bool print_item(struct tool *t, const char *p, const char *end)
{
	BK_AUTO_BUF struct bk_buf attributes = BK_BUF_INIT;
	const char *service = NULL, *user = NULL;
	BK_AUTO_FREE char *ref = NULL;

	for (; p < end; p += strlen(p) + 1) {
		/* gnome-keyring's, while it is locked. */
		if (bk_str_starts(p, "gkr:compat:hashed:"))
			return false;
		if (bk_str_starts(p, "service="))
			service = p + strlen("service=");
		else if (bk_str_starts(p, "username="))
			user = p + strlen("username=");
		if (!bk_str_starts(p, "xdg:schema=")) {
			if (attributes.len > 0)
				bk_buf_addc(&attributes, ',');
			bk_ref_add_attribute(&attributes, p);
		}
	}
	if (service && user && *service && *user)
		ref = bk_ref_pair("secret-service", service, user);
	else if (attributes.len > 0)
		ref = bk_asprintf("secret-service:%s", attributes.p);
	if (ref)
		print(t, ref, NULL);
	return true;
}

/* Items end in an empty text. */
static int list_service(struct tool *t, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf out = BK_BUF_INIT;
	int got = service_run(t, "list", NULL, NULL, &out, err);
	const char *p = out.p, *end = p ? p + out.len : p, *item = p;
	size_t hidden = 0;

	for (; got == 0 && p < end; p += strlen(p) + 1) {
		if (*p)
			continue;
		hidden += !print_item(t, item, p);
		item = p + 1;
	}
	if (hidden > 0)
		bk_warning("the desktop's keyring is locked, and hides the "
			   "names of %zu items",
			   hidden);
	return got;
}

static const struct {
	const char *name;
	int (*list)(struct tool *t, struct bk_err *err);
} kinds[] = {
	{ "keyring", list_keyring },
	{ "secret-service", list_service },
	{ "credential", list_credentials },
};

static int list_kind(struct tool *t, const char *name)
{
	struct bk_err err;

	for (size_t i = 0; i < BK_COUNT(kinds); i++)
		if (strcmp(name, kinds[i].name) == 0)
			return kinds[i].list(t, &err) == 0 ? BK_EX_OK
							   : bk_log_err(&err);
	return bk_cli_usage("'%s' is no kind of store; there are keyring, "
			    "secret-service and credential",
			    name);
}

int cmd_list(struct tool *t, char **args)
{
	char keyring[] = "keyring";
	char *just_that[] = { keyring, NULL };
	int all = BK_EX_OK;

	if (!args[0])
		args = just_that;
	for (; *args; args++) {
		int exit = list_kind(t, *args);

		if (exit == BK_EX_USAGE)
			return exit;
		if (exit != BK_EX_OK)
			all = exit;
	}
	bk_rec_end(&t->out, all);
	return all;
}
