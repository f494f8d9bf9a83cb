/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session.h"

#include <errno.h>
#include <gio/gio.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "path.h"
#include "secret.h"

#define ADDRESS "DBUS_SESSION_BUS_ADDRESS"
#define RUNTIME "XDG_RUNTIME_DIR"

/* Where systemd makes the runtime folder of a user. */
#define RUN_USER "/run/user"

static char *copy_env(const char *key)
{
	const char *value = getenv(key);

	return value && *value ? bk_strdup(value) : NULL;
}

static void set_env(const char *key, const char *value)
{
	if (value)
		(void)setenv(key, value, 1);
}

/* Does this user own a bus in the runtime folder? */
static int check_bus(const char *dir, uid_t uid, const char *who,
		     struct bk_err *err)
{
	BK_AUTO_FREE char *path = bk_path_join(dir, "bus");
	struct stat st;

	if (stat(path, &st) < 0)
		return bk_err_set(err, BK_EX_UNAVAILABLE, errno,
				  "%s not logged in: there is no bus '%s'", who,
				  path);
	if (!S_ISSOCK(st.st_mode) || st.st_uid != uid)
		return bk_err_set(err, BK_EX_UNAVAILABLE, 0,
				  "%s not logged in: '%s' is of another user",
				  who, path);
	return 0;
}

int session_own(struct bk_err *err)
{
	uid_t uid = geteuid();
	BK_AUTO_FREE char *address = copy_env(ADDRESS);
	BK_AUTO_FREE char *runtime = copy_env(RUNTIME);
	BK_AUTO_FREE char *home = copy_env("HOME");
	char *escaped;

	(void)clearenv();
	if (!address && uid == 0)
		return bk_err_set(err, BK_EX_UNAVAILABLE, 0,
				  "root has no session bus; say with --user "
				  "whose keyring is meant");
	if (!runtime)
		runtime = bk_asprintf(RUN_USER "/%u", uid);
	if (!address) {
		if (check_bus(runtime, uid, "you are", err) < 0)
			return -1;
		escaped = g_dbus_address_escape_value(runtime);
		address = bk_asprintf("unix:path=%s/bus", escaped);
		g_free(escaped);
	}
	set_env("HOME", home);
	set_env(RUNTIME, runtime);
	set_env(ADDRESS, address);
	return 0;
}

static int denied(struct bk_err *err, const char *user)
{
	return bk_err_set(err, BK_EX_NOPERM, errno, "cannot become user '%s'",
			  user);
}

/* For good: a way back would be a way for that user to become root. */
static int become(const struct passwd *pw, struct bk_err *err)
{
	if (initgroups(pw->pw_name, pw->pw_gid) < 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
		return denied(err, pw->pw_name);
	/* A change of the user makes a process open to that user again. */
	bk_secret_harden();
	if (pw->pw_uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "root's power is not gone as user '%s'",
				  pw->pw_name);
	return chdir("/") < 0 ? bk_err_sys(err, "cannot enter '/'") : 0;
}

int session_of(const char *user, struct bk_err *err)
{
	const struct passwd *pw;
	BK_AUTO_FREE char *runtime = NULL;
	BK_AUTO_FREE char *address = NULL;
	BK_AUTO_FREE char *who = bk_asprintf("%s is", user);

	pw = getpwnam(user);
	if (!pw)
		return bk_err_set(err, BK_EX_NOPERM, 0, "there is no user '%s'",
				  user);
	if (geteuid() != 0 && pw->pw_uid != geteuid())
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "only root uses the keyring of another user");
	if (geteuid() == 0 && become(pw, err) < 0)
		return -1;
	runtime = bk_asprintf(RUN_USER "/%u", pw->pw_uid);
	address = bk_asprintf("unix:path=%s/bus", runtime);
	(void)clearenv();
	set_env("HOME", pw->pw_dir);
	set_env("USER", pw->pw_name);
	set_env("LOGNAME", pw->pw_name);
	set_env(RUNTIME, runtime);
	set_env(ADDRESS, address);
	return check_bus(runtime, pw->pw_uid, who, err);
}
