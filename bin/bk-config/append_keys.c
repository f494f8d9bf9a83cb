/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * append-only: the keys that lie on this host, for each of them may still open
 * the server.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include "append.h"
#include "authkeys.h"
#include "file.h"
#include "path.h"

#define TIMEOUT_MS 20000
#define KEY_LIMIT ((size_t)64 << 10)

char *key_public(const char *file, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;

	child_add(&argv, "ssh-keygen", "-y", "-P", "", "-f", file);
	if (child_run(&argv, TIMEOUT_MS, &said, err) < 0)
		return NULL;
	if (said.status != 0 || !said.out.p) {
		(void)bk_err_set(err, BK_EX_DATAERR, 0,
				 "'%s' is no key without a passphrase", file);
		return NULL;
	}
	return bk_strdup(bk_str_trim(said.out.p));
}

static void add(struct append *a, const char *line)
{
	char *blob = line ? authkeys_blob(line) : NULL;

	if (blob && !bk_strv_has(&a->mine, blob))
		bk_strv_take(&a->mine, blob);
	else
		free(blob);
}

/* The new key, and those of other repositories that are append-only. */
static bool only_adds(const struct append *a, const char *path)
{
	const struct bk_conf_section *s = NULL;
	bool hit = bk_str_starts(path, a->key) &&
		   (!path[strlen(a->key)] ||
		    strcmp(path + strlen(a->key), ".pub") == 0);

	while (!hit && (s = bk_conf_next(a->s.t->conf, "repo", s))) {
		BK_AUTO_FREE char *name = append_name(s->name);
		BK_AUTO_FREE char *key = ssh_file(name);
		BK_AUTO_FREE char *public = bk_asprintf("%s.pub", key);

		hit = bk_conf_bool(s, "append-only", false) &&
		      (strcmp(path, key) == 0 || strcmp(path, public) == 0);
	}
	return hit;
}

/* A key with a passphrase has its public one beside it. */
static void add_file(struct append *a, const char *path)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_FREE char *line = NULL;

	if (only_adds(a, path) || bk_strv_has(&a->files, path) ||
	    bk_file_read(path, KEY_LIMIT, &b, NULL) < 0 || !b.p)
		return;
	if (bk_str_starts(b.p, "-----BEGIN")) {
		line = key_public(path, NULL);
		bk_strv_add(&a->files, path);
	}
	add(a, line ? line : bk_str_ends(path, ".pub") ? b.p : NULL);
}

static void add_folder(struct append *a, const char *folder)
{
	DIR *d = opendir(folder);
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		BK_AUTO_FREE char *path = bk_path_join(folder, e->d_name);

		if (e->d_type == DT_REG || e->d_type == DT_LNK)
			add_file(a, path);
	}
	if (d)
		(void)closedir(d);
}

static void add_agent(struct append *a)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;

	child_add(&argv, "ssh-add", "-L");
	if (!getenv("SSH_AUTH_SOCK") ||
	    child_run(&argv, TIMEOUT_MS, &said, NULL) < 0 || said.status != 0)
		return;
	said_lines(&said.out, &lines);
	for (size_t i = 0; i < lines.n; i++)
		add(a, lines.v[i]);
}

void keys_find(struct append *a)
{
	const struct passwd *pw = getpwuid(geteuid());
	BK_AUTO_FREE char *own = ssh_file(NULL);
	BK_AUTO_FREE char *home = pw ? bk_path_join(pw->pw_dir, ".ssh") : NULL;

	for (size_t i = 0; i < a->view.keys.n; i++)
		add_file(a, a->view.keys.v[i]);
	if (own)
		add_folder(a, own);
	if (home)
		add_folder(a, home);
	add_agent(a);
}

/*
 * 1: it gets in; 0: it does not; -1 with err: who knows. On another port there
 * need be nobody. What is let in, and then has no sftp, is let in.
 */
static int try(const struct append *a, const char *key, const char *port,
	       struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_FREE char *why = NULL;

	box_as_key(a, "sftp", key, port, &argv);
	switch (box_login(a, &argv, &why)) {
	case LOGIN_OK:
	case LOGIN_FAILED:
		return 1;
	case LOGIN_DENIED:
		return 0;
	default:
		return port ? 0
			    : bk_err_set(err, BK_EX_TEMPFAIL, 0,
					 "it is not known what still gets in: "
					 "%s",
					 why);
	}
}

static int try_key(const struct append *a, const char *key, const char *port,
		   char **ret_which, struct bk_err *err)
{
	int got = try(a, key, port, err);

	if (got > 0)
		*ret_which = bk_asprintf(
			"%s%s%s%s%s",
			key ? "the key '" : "a key that ssh offers by itself",
			key ? key : "", key ? "' of this host" : "",
			port ? " on port " : "", port ? port : "");
	return got;
}

int keys_open(const struct append *a, char **ret_which, struct bk_err *err)
{
	static const char *const ports[] = { NULL, "22" };
	int got = 0;

	*ret_which = NULL;
	for (size_t p = 0; p < BK_COUNT(ports); p++)
		for (size_t i = 0; i < a->files.n && got == 0; i++)
			got = try_key(a, a->files.v[i], ports[p], ret_which,
				      err);
	if (got == 0)
		got = try_key(a, NULL, NULL, ret_which, err);
	return got < 0 ? -1 : 0;
}
