/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dirs.h"

#include "mem.h"
#include "scratch.h"

static struct bk_err err;

static void clean_env(void)
{
	static const char *const v[] = { "BK_STATE_DIR",
					 "BK_CACHE_DIR",
					 "BK_RUN_DIR",
					 "STATE_DIRECTORY",
					 "CACHE_DIRECTORY",
					 "RUNTIME_DIRECTORY",
					 "XDG_STATE_HOME",
					 "XDG_CACHE_HOME",
					 "XDG_RUNTIME_DIR",
					 "XDG_CONFIG_HOME",
					 "HOME" };

	for (size_t i = 0; i < BK_COUNT(v); i++)
		unsetenv(v[i]);
}

static void peek(enum bk_dirs_kind kind, const char *name, const char *want)
{
	char *got = bk_dirs_peek(kind, name, &err);

	CHECK_STR(got, want);
	free(got);
}

static void config(const char *want)
{
	char *got = bk_dirs_config(&err);

	CHECK_STR(got, want);
	free(got);
}

/* The user's folders: root becomes another user for a while. */
static void as_user(void)
{
	if (geteuid() == 0)
		CHECK_INT(seteuid(65534), 0);
}

static void as_before(void)
{
	if (getuid() == 0)
		CHECK_INT(seteuid(0), 0);
}

CHECK_TEST(roots_folders)
{
	if (geteuid() != 0)
		CHECK_SKIP("only root has them");
	clean_env();
	peek(BK_DIRS_STATE, NULL, BK_STATEDIR);
	peek(BK_DIRS_STATE, "a/b", BK_STATEDIR "/a/b");
	peek(BK_DIRS_CACHE, "x", BK_CACHEDIR "/x");
	peek(BK_DIRS_RUN, "x", BK_RUNDIR "/x");
	config(BK_SYSCONFDIR);
	/* root's XDG variables change nothing */
	setenv("XDG_STATE_HOME", "/xdg", 1);
	setenv("XDG_CONFIG_HOME", "/xdg", 1);
	peek(BK_DIRS_STATE, NULL, BK_STATEDIR);
	config(BK_SYSCONFDIR);
}

CHECK_TEST(order_of_variables)
{
	clean_env();
	setenv("STATE_DIRECTORY", "/sd", 1);
	peek(BK_DIRS_STATE, "x", "/sd/x");
	setenv("STATE_DIRECTORY", "/sd1:/sd2", 1);
	peek(BK_DIRS_STATE, "x", "/sd1/x");
	setenv("BK_STATE_DIR", "/own", 1);
	peek(BK_DIRS_STATE, "x", "/own/x");
	setenv("RUNTIME_DIRECTORY", "/run/sd", 1);
	peek(BK_DIRS_RUN, "x", "/run/sd/x");
	setenv("CACHE_DIRECTORY", "/cache/sd", 1);
	peek(BK_DIRS_CACHE, NULL, "/cache/sd");
	setenv("BK_CACHE_DIR", "/cache/own", 1);
	peek(BK_DIRS_CACHE, NULL, "/cache/own");
}

/* Only systemd's variables are lists. */
CHECK_TEST(colons)
{
	clean_env();
	setenv("BK_STATE_DIR", "/own:1", 1);
	peek(BK_DIRS_STATE, "x", "/own:1/x");
	as_user();
	setenv("XDG_CACHE_HOME", "/x:y", 1);
	peek(BK_DIRS_CACHE, NULL, "/x:y/bk");
	as_before();
}

CHECK_TEST(relative_is_unset)
{
	clean_env();
	as_user();
	setenv("HOME", "/h", 1);
	setenv("BK_STATE_DIR", "rel", 1);
	setenv("STATE_DIRECTORY", "", 1);
	setenv("XDG_STATE_HOME", "rel", 1);
	peek(BK_DIRS_STATE, NULL, "/h/.local/state/bk");
	as_before();
}

CHECK_TEST(a_users_folders)
{
	char want[64];

	clean_env();
	as_user();
	(void)snprintf(want, sizeof(want), "/run/user/%u/bk", geteuid());
	peek(BK_DIRS_RUN, NULL, want);
	setenv("HOME", "/h", 1);
	peek(BK_DIRS_STATE, NULL, "/h/.local/state/bk");
	peek(BK_DIRS_CACHE, NULL, "/h/.cache/bk");
	config("/h/.config/bk");
	setenv("XDG_STATE_HOME", "/s", 1);
	setenv("XDG_CACHE_HOME", "/c", 1);
	setenv("XDG_RUNTIME_DIR", "/r", 1);
	setenv("XDG_CONFIG_HOME", "/f", 1);
	peek(BK_DIRS_STATE, NULL, "/s/bk");
	peek(BK_DIRS_CACHE, NULL, "/c/bk");
	peek(BK_DIRS_RUN, "lock/x", "/r/bk/lock/x");
	config("/f/bk");
	as_before();
}

CHECK_TEST(no_home)
{
	clean_env();
	as_user();
	peek(BK_DIRS_STATE, "x", NULL);
	CHECK_INT(err.exit, 78);
	CHECK_STR(err.msg, "neither $XDG_STATE_HOME nor $HOME is set");
	config(NULL);
	CHECK_INT(err.exit, 78);
	setenv("HOME", "rel", 1);
	peek(BK_DIRS_STATE, "x", NULL);
	as_before();
}

CHECK_TEST(path_makes_the_parent)
{
	char dir[300], want[400], *got;

	(void)snprintf(dir, sizeof(dir), "%s/new/state", scratch());
	clean_env();
	setenv("BK_STATE_DIR", dir, 1);
	got = bk_dirs_peek(BK_DIRS_STATE, "a/b", &err);
	CHECK(got);
	free(got);
	CHECK_INT(mode_of("new"), -1);
	got = bk_dirs_path(BK_DIRS_STATE, "a/b", &err);
	(void)snprintf(want, sizeof(want), "%s/a/b", dir);
	CHECK_STR(got, want);
	free(got);
	CHECK_INT(mode_of("new"), 0700);
	CHECK_INT(mode_of("new/state/a"), 0700);
	CHECK_INT(mode_of("new/state/a/b"), -1);
	(void)snprintf(dir, sizeof(dir), "%s/cache", scratch_path);
	setenv("BK_CACHE_DIR", dir, 1);
	got = bk_dirs_path(BK_DIRS_CACHE, NULL, &err);
	CHECK_STR(got, dir);
	free(got);
	CHECK_INT(mode_of("cache"), 0700);
}

CHECK_TEST(path_cannot_be_made)
{
	clean_env();
	setenv("BK_STATE_DIR", "/proc/none", 1);
	CHECK(!bk_dirs_path(BK_DIRS_STATE, "a/b", &err));
	CHECK_INT(err.exit, 73);
	peek(BK_DIRS_STATE, "a/b", "/proc/none/a/b");
}
