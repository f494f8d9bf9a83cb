/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scratch.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dirs.h"
#include "file.h"
#include "log.h"
#include "path.h"
#include "sig.h"
#include "str.h"
#include "time.h"

/* Below the users that systemd makes up; nobody has it. */
#define UID_HIGH 61183
#define UID_LOW 60578
#define START_MS 120000
#define STOP_MS 60000
#define PREFIX "/var/tmp/bk-verify."
/* Of systemd, where this process may not become another user. */
#define UNIT "bk-verify-mariadb.service"
#define UNIT_SOCKET "/run/bk-verify-mariadb/sock"

/* ---- what is there ------------------------------------------------------------- */

static char *find_program(const char *name, struct bk_err *err)
{
	static const char *const folders[] = { "/usr/sbin", "/usr/libexec" };
	char *found = bk_exec_find(name, err);

	for (size_t i = 0; i < BK_COUNT(folders) && !found; i++) {
		found = bk_path_join(folders[i], name);
		if (access(found, X_OK) < 0) {
			free(found);
			found = NULL;
		}
	}
	return found;
}

/* The third is what the second needs, of another package. */
static bool has_programs(void)
{
	static const char *const names[] = { "mariadbd", "mariadb-install-db",
					     "my_print_defaults" };

	for (size_t i = 0; i < BK_COUNT(names); i++) {
		BK_AUTO_FREE char *path = find_program(names[i], NULL);

		if (!path)
			return false;
	}
	return true;
}

char *scratch_release(void)
{
	BK_AUTO_FREE char *server = find_program("mariadbd", NULL);
	char *argv[] = { server, (char[]){ "--version" }, NULL };
	struct bk_exec x = { .argv = argv,
			     .in = BK_EXEC_NULL,
			     .err = BK_EXEC_NULL };
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	unsigned int major, minor;
	const char *at;

	if (!server || bk_exec_run(&x, 4096, 10000, &b, NULL, NULL) != 0)
		return NULL;
	at = strstr(b.p ? b.p : "", "Ver ");
	return at && sscanf(at, "Ver %u.%u", &major, &minor) == 2
		       ? bk_asprintf("%u.%u", major, minor)
		       : NULL;
}

/* One of them by chance, so that two servers have not the same. */
static uid_t free_uid(uint64_t chance)
{
	uid_t all = UID_HIGH - UID_LOW, first = (uid_t)(chance % all);

	for (uid_t i = 0; i < all; i++) {
		uid_t uid = UID_LOW + 1 + (first + i) % all;

		if (!getpwuid(uid))
			return uid;
	}
	return UID_HIGH;
}

/* ---- its folder ------------------------------------------------------------------ */

/* Where it is noted, so that the next run finds it. */
static char *note_path(void)
{
	return bk_dirs_path(BK_DIRS_STATE, "verify/scratch", NULL);
}

static int make_below(const struct scratch *s, struct bk_err *err)
{
	static const char *const below[] = { "data", "tmp", "files" };

	for (size_t i = 0; i < BK_COUNT(below); i++) {
		BK_AUTO_FREE char *path = bk_path_join(s->dir, below[i]);

		if (mkdir(path, 0700) < 0 ||
		    (s->uid && chown(path, s->uid, s->uid) < 0))
			return bk_err_sys(err, "cannot make '%s'", path);
	}
	return 0;
}

/* Noted before it is made, so that it is found in any case. */
static int make_folder(struct scratch *s, struct bk_err *err)
{
	BK_AUTO_FREE char *note = note_path();
	uint64_t name;

	if (getrandom(&name, sizeof(name), 0) != sizeof(name))
		return bk_err_sys(err, "cannot read random bytes");
	s->uid = geteuid() == 0 ? free_uid(name) : 0;
	s->dir = bk_asprintf(PREFIX "%016llx", (unsigned long long)name);
	s->socket = bk_path_join(s->dir, "sock");
	if (!note || bk_file_write(note, s->dir, strlen(s->dir), 0600, err) < 0)
		return -1;
	if (mkdir(s->dir, 0700) < 0)
		return bk_err_sys(err, "cannot make '%s'", s->dir);
	if (make_below(s, err) < 0)
		return -1;
	if (s->uid && chown(s->dir, s->uid, s->uid) < 0)
		return bk_err_sys(err, "cannot give '%s' away", s->dir);
	return 0;
}

/*
 * What installs a server has a child of its own, which may outlive us. Nobody
 * else is this user.
 */
static void end_user(uid_t uid)
{
	pid_t pid;

	if (geteuid() != 0 || uid <= UID_LOW || uid > UID_HIGH)
		return;
	pid = fork();
	if (pid == 0) {
		if (setresgid(uid, uid, uid) == 0 &&
		    setresuid(uid, uid, uid) == 0)
			(void)kill(-1, SIGKILL);
		_exit(0);
	}
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
}

static bool remove_folder(const char *dir)
{
	struct bk_err err;
	struct stat st;

	if (lstat(dir, &st) < 0)
		return true;
	end_user(st.st_uid);
	/* One that is just ending may still write there. */
	for (int i = 0; i < 100; i++) {
		if (bk_file_remove_tree(dir, &err) == 0)
			return true;
		(void)poll(NULL, 0, 100);
	}
	bk_warning("a server for dumps left something behind: %s", err.msg);
	return false;
}

/* 0: done. It goes on though a signal asks us to stop. */
static int ask_systemd(const char *verb, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	struct bk_child c = BK_CHILD_INIT;
	struct bk_exec x = { .in = BK_EXEC_NULL,
			     .out = BK_EXEC_NULL,
			     .err = BK_EXEC_INHERIT };
	int status;

	bk_strv_add(&argv, "systemctl");
	bk_strv_add(&argv, verb);
	bk_strv_add(&argv, UNIT);
	x.argv = argv.v;
	if (bk_exec_start(&x, &c, err) < 0)
		return -1;
	status = bk_exec_wait(&c);
	return status == 0 ? 0
			   : bk_err_set(err, BK_EX_TEMPFAIL, 0,
					"'systemctl %s " UNIT
					"' failed with status %d",
					verb, status);
}

static bool stop_unit(void)
{
	struct bk_err err;

	if (ask_systemd("stop", &err) == 0)
		return true;
	bk_warning("a server for dumps may run on: %s", err.msg);
	return false;
}

void scratch_tidy(void)
{
	BK_AUTO_FREE char *note = note_path();
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (!note || access(note, F_OK) < 0 ||
	    bk_file_read(note, 4096, &b, NULL) < 0)
		return;
	if (b.p && strcmp(b.p, UNIT) == 0
		    ? stop_unit()
		    : !b.p || !bk_str_starts(b.p, PREFIX) ||
			      strchr(b.p + strlen(PREFIX), '/') ||
			      remove_folder(b.p))
		(void)unlink(note);
}

/* ---- its programs ------------------------------------------------------------------- */

static int timeout_ms(const struct scratch *s)
{
	int64_t left = s->deadline ? s->deadline - bk_time_mono_ms() : START_MS;

	return left > START_MS ? START_MS : left > 1 ? (int)left : 1;
}

static struct bk_exec exec_as(const struct scratch *s,
			      const struct bk_strv *argv)
{
	return (struct bk_exec){ .argv = argv->v,
				 .in = BK_EXEC_NULL,
				 .out = BK_EXEC_NULL,
				 .err = BK_EXEC_NULL,
				 .uid = s->uid,
				 .gid = s->uid };
}

const char *scratch_user(void)
{
	const struct passwd *pw = getpwuid(geteuid());

	return pw ? pw->pw_name : "root";
}

static int install(const struct scratch *s, struct bk_err *err)
{
	BK_AUTO_FREE char *program = find_program("mariadb-install-db", err);
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_FREE char *tmp = bk_asprintf("TMPDIR=%s/tmp", s->dir);
	char *env[] = { tmp, (char[]){ "HOME=/" }, NULL };
	BK_AUTO_BUF struct bk_buf said = BK_BUF_INIT, more = BK_BUF_INIT;
	struct bk_exec x;
	int status;

	if (!program)
		return -1;
	bk_strv_add(&argv, program);
	bk_strv_add(&argv, "--no-defaults");
	/* also where the name of this host cannot be looked up */
	bk_strv_add(&argv, "--force");
	bk_strv_addf(&argv, "--datadir=%s/data", s->dir);
	bk_strv_add(&argv, "--auth-root-authentication-method=socket");
	bk_strv_addf(&argv, "--auth-root-socket-user=%s",
		     s->root ? s->root : scratch_user());
	bk_strv_add(&argv, "--skip-test-db");
	bk_strv_add(&argv, "--skip-name-resolve");
	bk_strv_add(&argv, "--innodb-log-file-size=16M");
	x = exec_as(s, &argv);
	x.env = env;
	status = bk_exec_run(&x, (size_t)1 << 20, timeout_ms(s), &more, &said,
			     err);
	if (status <= 0)
		return status;
	return bk_err_set(err, BK_EX_OSERR, 0,
			  "'%s' failed with status %d: %.200s", program, status,
			  said.len > 0 ? said.p
			  : more.p     ? more.p
				       : "");
}

static void add_server(const struct scratch *s, struct bk_strv *argv)
{
	bk_strv_add(argv, "--no-defaults");
	bk_strv_addf(argv, "--datadir=%s/data", s->dir);
	bk_strv_addf(argv, "--tmpdir=%s/tmp", s->dir);
	bk_strv_addf(argv, "--secure-file-priv=%s/files", s->dir);
	bk_strv_addf(argv, "--socket=%s", s->socket);
	bk_strv_addf(argv, "--pid-file=%s/pid", s->dir);
	bk_strv_addf(argv, "--log-error=%s/log", s->dir);
	bk_strv_split(argv,
		      "--skip-networking --skip-log-bin --skip-name-resolve "
		      "--event-scheduler=OFF --performance-schema=OFF "
		      "--innodb-flush-log-at-trx-commit=0 "
		      "--innodb-doublewrite=0 --max-allowed-packet=1G",
		      " ");
	if (geteuid() == 0 && s->uid == 0)
		bk_strv_add(argv, "--user=root");
}

static int start_server(struct scratch *s, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	char *program = find_program("mariadbd", err);
	struct bk_exec x;

	if (!program)
		return -1;
	bk_strv_take(&argv, program);
	add_server(s, &argv);
	x = exec_as(s, &argv);
	return bk_exec_start(&x, &s->server, err);
}

/*
 * The unit's: a user that systemd made up, in a /var/tmp of its own, which goes
 * away with it. It tells systemd by itself when it is ready.
 */
int scratch_serve(struct bk_err *err)
{
	char dir[] = "/var/tmp/bk-verify", socket[] = UNIT_SOCKET;
	struct scratch s = { .dir = dir, .socket = socket, .root = "root" };
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	char *program = find_program("mariadbd", err);

	if (!program)
		return -1;
	bk_strv_take(&argv, program);
	if (geteuid() == 0)
		return bk_err_set(err, BK_EX_USAGE, 0,
				  "this is for " UNIT ", and not for root");
	if (mkdir(dir, 0700) < 0)
		return bk_err_sys(err, "cannot make '%s'", dir);
	if (make_below(&s, err) < 0 || install(&s, err) < 0)
		return -1;
	add_server(&s, &argv);
	(void)execv(argv.v[0], argv.v);
	return bk_err_sys(err, "cannot run '%s'", argv.v[0]);
}

static bool answers(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	BK_AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(a.sun_path))
		return false;
	memcpy(a.sun_path, path, strlen(path));
	return connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0;
}

static bool has_ended(const struct scratch *s)
{
	siginfo_t info = { 0 };

	return s->server.pid > 0 &&
	       waitid(P_PID, (id_t)s->server.pid, &info,
		      WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid != 0;
}

static int await_server(struct scratch *s, struct bk_err *err)
{
	int64_t end = bk_time_mono_ms() + timeout_ms(s);

	while (!answers(s->socket)) {
		if (bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "it was interrupted");
		if (bk_time_mono_ms() >= end || has_ended(s))
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "a MariaDB for dumps did not start");
		(void)poll(NULL, 0, 50);
	}
	return 0;
}

/* In the sandbox of bk-verify.service: systemd may, and is asked. */
static int start_unit(struct scratch *s, struct bk_err *err)
{
	BK_AUTO_FREE char *note = note_path();

	scratch_tidy();
	free(s->dir);
	s->dir = bk_strdup(UNIT);
	free(s->socket);
	s->socket = bk_strdup(UNIT_SOCKET);
	s->uid = 0;
	if (access("/run/systemd/system", F_OK) < 0)
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "this process may not become another user");
	if (!note || bk_file_write(note, UNIT, strlen(UNIT), 0600, err) < 0 ||
	    ask_systemd("restart", err) < 0)
		return -1;
	return await_server(s, err);
}

int scratch_start(struct scratch *s, struct bk_err *err)
{
	if (!has_programs())
		return bk_err_set(err, BK_EX_UNAVAILABLE, 0,
				  "there is no MariaDB server here "
				  "(mariadb-server-core, mariadb-client-core)");
	if (make_folder(s, err) < 0) {
		if (err->num != EPERM && err->num != EROFS)
			return -1;
		return start_unit(s, err);
	}
	if (install(s, err) < 0 || start_server(s, err) < 0)
		return -1;
	return await_server(s, err);
}

void scratch_stop(struct scratch *s)
{
	if (s->server.pid > 0)
		(void)bk_exec_stop(&s->server, STOP_MS);
	if (s->dir)
		scratch_tidy();
	free(s->dir);
	free(s->socket);
	*s = SCRATCH_INIT;
}
