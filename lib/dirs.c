/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dirs.h"

#include <string.h>
#include <unistd.h>

#include "file.h"
#include "mem.h"
#include "path.h"

static const struct {
	const char *variable;
	const char *systemd;
	const char *system;
	const char *xdg;
	const char *home;
	const char *below; /* the folder of a user's XDG base */
} kinds[] = {
	[BK_DIRS_STATE] = { "BK_STATE_DIR", "STATE_DIRECTORY", BK_STATEDIR,
			    "XDG_STATE_HOME", ".local/state", "bk" },
	[BK_DIRS_CACHE] = { "BK_CACHE_DIR", "CACHE_DIRECTORY", BK_CACHEDIR,
			    "XDG_CACHE_HOME", ".cache", "bk" },
	[BK_DIRS_RUN] = { "BK_RUN_DIR", "RUNTIME_DIRECTORY", BK_RUNDIR,
			  "XDG_RUNTIME_DIR", NULL, "bk" },
};

static char *from_env(const char *variable)
{
	const char *s = getenv(variable);

	return s && s[0] == '/' ? bk_strdup(s) : NULL;
}

static char *below_home(const char *xdg, const char *home, const char *below,
			struct bk_err *err)
{
	BK_AUTO_FREE char *base = from_env(xdg);
	const char *h = getenv("HOME");

	if (!base && home && h && h[0] == '/')
		base = bk_path_join(h, home);
	if (base)
		return bk_path_join(base, below);
	bk_err_set(err, BK_EX_CONFIG, 0, "neither $%s nor $HOME is set", xdg);
	return NULL;
}

static char *folder(enum bk_dirs_kind kind, struct bk_err *err)
{
	char *dir = from_env(kinds[kind].variable);

	if (!dir) {
		dir = from_env(kinds[kind].systemd);
		/* It may name several, separated by colons. */
		if (dir)
			dir[strcspn(dir, ":")] = '\0';
	}
	if (!dir && geteuid() == 0)
		dir = bk_strdup(kinds[kind].system);
	if (!dir && kind == BK_DIRS_RUN && !getenv(kinds[kind].xdg))
		dir = bk_asprintf("/run/user/%u/bk", (unsigned int)geteuid());
	if (!dir)
		dir = below_home(kinds[kind].xdg, kinds[kind].home,
				 kinds[kind].below, err);
	return dir;
}

char *bk_dirs_peek(enum bk_dirs_kind kind, const char *name, struct bk_err *err)
{
	BK_AUTO_FREE char *dir = folder(kind, err);

	if (!dir)
		return NULL;
	return name ? bk_path_join(dir, name) : bk_strdup(dir);
}

char *bk_dirs_path(enum bk_dirs_kind kind, const char *name, struct bk_err *err)
{
	BK_AUTO_FREE char *path = bk_dirs_peek(kind, name, err);
	BK_AUTO_FREE char *parent = NULL;
	char *ret;

	if (!path)
		return NULL;
	parent = name ? bk_path_parent(path) : bk_strdup(path);
	if (bk_file_mkdirs(parent, 0700, err) < 0)
		return NULL;
	ret = path;
	path = NULL;
	return ret;
}

char *bk_dirs_config(struct bk_err *err)
{
	if (geteuid() == 0)
		return bk_strdup(BK_SYSCONFDIR);
	return below_home("XDG_CONFIG_HOME", ".config", "bk", err);
}
