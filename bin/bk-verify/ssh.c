/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "child.h"
#include "dirs.h"
#include "file.h"
#include "log.h"
#include "path.h"
#include "sig.h"
#include "time.h"

#define SSH_FAILED 255
#define START_MS 60000
#define COMMAND_MS ((int64_t)1800000)

struct ssh {
	const char *repo; /* name of its section */
	struct bk_strv base;
	char *socket;		/* NULL: a connection for each command */
	struct bk_child master; /* that holds the connection */
	bool single;		/* sha256sum takes one file at a time */
};

/* ---- how to get there ---------------------------------------------------------- */

static const char *option_of(const struct bk_conf_section *repo,
			     const char *name)
{
	const struct bk_conf_value *v = NULL;
	size_t n = strlen(name);

	while ((v = bk_conf_value(repo, "option", v)))
		if (strncmp(v->value, name, n) == 0 && v->value[n] == '=')
			return v->value + n + 1;
	return NULL;
}

static bool is_ssh(const struct bk_strv *argv)
{
	return argv->n > 1 && strcmp(bk_path_base(argv->v[0]), "ssh") == 0;
}

/* "ssh ... HOST -s sftp": what restic is told to run, without the sftp. */
static bool from_command(const char *command, struct bk_strv *ret)
{
	bk_strv_split(ret, command, " \t");
	if (strpbrk(command, "\"'\\") || ret->n < 4 ||
	    strcmp(ret->v[ret->n - 2], "-s") != 0 ||
	    strcmp(ret->v[ret->n - 1], "sftp") != 0 || !is_ssh(ret))
		return false;
	for (int i = 0; i < 2; i++)
		free(ret->v[--ret->n]);
	ret->v[ret->n] = NULL;
	return true;
}

bool ssh_base(const struct bk_conf_section *repo, const struct bk_remote *at,
	      struct bk_strv *ret)
{
	const char *command = option_of(repo, "sftp.command");
	const char *args = option_of(repo, "sftp.args");
	BK_AUTO_FREE char *config = bk_remote_ssh_config();

	if (command)
		return from_command(command, ret);
	bk_strv_add(ret, "ssh");
	if (args && strpbrk(args, "\"'\\"))
		return false;
	if (args) {
		bk_strv_split(ret, args, " \t");
	} else {
		if (config) {
			bk_strv_add(ret, "-F");
			bk_strv_add(ret, config);
		}
		bk_remote_add_options(ret);
	}
	bk_remote_add_login(ret, at);
	bk_strv_add(ret, at->host);
	return true;
}

/* The base, with options behind its first word. */
static void add_ssh(const struct ssh *s, struct bk_strv *argv,
		    const char *const *options)
{
	bk_strv_add(argv, s->base.v[0]);
	for (; *options; options++)
		bk_strv_add(argv, *options);
	if (s->socket) {
		bk_strv_add(argv, "-S");
		bk_strv_add(argv, s->socket);
	}
	for (size_t i = 1; i < s->base.n; i++)
		bk_strv_add(argv, s->base.v[i]);
}

/* Time does not mend these. */
static bool is_denied(const char *said)
{
	static const char *const words[] = {
		"permission denied (", "host key verification failed",
		"host identification has changed",
		"too many authentication failures"
	};

	for (size_t i = 0; i < BK_COUNT(words); i++)
		if (strcasestr(said, words[i]))
			return true;
	return false;
}

static int unreachable(const struct ssh *s, const char *said,
		       struct bk_err *err)
{
	bool denied = is_denied(said);

	return bk_err_set(err, denied ? BK_EX_NOPERM : BK_EX_TEMPFAIL, 0,
			  "[repo %s] %s: %s", s->repo,
			  denied ? "the box does not let us in"
				 : "the box cannot be reached",
			  *said ? said : "ssh gave no reason");
}

/* ---- one connection ---------------------------------------------------------- */

static bool has_ended(const struct bk_child *c)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)c->pid, &info,
		      WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid != 0;
}

static int master_failed(struct ssh *s, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf said = BK_BUF_INIT;
	char *last;

	bk_buf_adds(&said, "");
	(void)bk_fd_read(s->master.err, 65536, &said);
	(void)bk_exec_wait(&s->master);
	last = bk_str_trim(said.p);
	if (strrchr(last, '\n'))
		last = bk_str_trim(strrchr(last, '\n') + 1);
	return unreachable(s, is_denied(said.p) ? bk_str_trim(said.p) : last,
			   err);
}

/* It is there once its socket is. */
static int start_master(struct ssh *s, struct bk_err *err)
{
	static const char *const options[] = {
		"-M", "-N", "-T", "-o", "ControlPersist=no", NULL
	};
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	struct bk_exec x = { .in = BK_EXEC_NULL,
			     .out = BK_EXEC_NULL,
			     .err = BK_EXEC_PIPE };
	int64_t end = bk_time_mono_ms() + START_MS;

	add_ssh(s, &argv, options);
	x.argv = argv.v;
	if (bk_exec_start(&x, &s->master, err) < 0)
		return -1;
	while (access(s->socket, F_OK) < 0) {
		struct pollfd p = { .fd = bk_sig_fd(), .events = POLLIN };

		if (has_ended(&s->master))
			return master_failed(s, err);
		if (bk_sig_pending() || bk_time_mono_ms() > end) {
			(void)bk_exec_stop(&s->master, 2000);
			return unreachable(s, "ssh did not log in in time",
					   err);
		}
		(void)poll(&p, 1, 20);
	}
	return 0;
}

/* A path that is too long for a socket is none. */
static char *socket_path(void)
{
	BK_AUTO_FREE char *name = bk_asprintf("verify-%ld.ssh", (long)getpid());
	char *path = bk_dirs_path(BK_DIRS_RUN, name, NULL);

	/* ssh binds a name that is 17 bytes longer first. */
	if (path &&
	    strlen(path) + 20 < sizeof(((struct sockaddr_un *)0)->sun_path))
		return path;
	free(path);
	return NULL;
}

struct ssh *ssh_open(const struct bk_conf_section *repo,
		     const struct bk_remote *at, struct bk_err *err)
{
	struct ssh *s = bk_calloc(1, sizeof(*s));

	s->repo = repo->name;
	s->master = BK_CHILD_INIT;
	if (!ssh_base(repo, at, &s->base)) {
		(void)bk_err_set(err, BK_EX_NO, 0,
				 "[repo %s] its sftp option is no plain ssh "
				 "that could run commands, too",
				 repo->name);
		ssh_close(s);
		return NULL;
	}
	s->socket = socket_path();
	if (s->socket && start_master(s, err) < 0) {
		ssh_close(s);
		return NULL;
	}
	return s;
}

void ssh_close(struct ssh *s)
{
	if (!s)
		return;
	(void)bk_exec_stop(&s->master, 2000);
	if (s->socket)
		(void)unlink(s->socket);
	free(s->socket);
	bk_strv_free(&s->base);
	free(s);
}

/* ---- commands ---------------------------------------------------------------- */

/* Run a command there; its status, or -1 with err where ssh failed. */
static int command(struct ssh *s, const struct bk_buf *line, struct child *c,
		   struct bk_err *err)
{
	static const char *const options[] = {
		"-T", "-o", "ControlMaster=no", "-o", "ControlPersist=no", NULL
	};

	add_ssh(s, &c->argv, options);
	bk_strv_add(&c->argv, line->p);
	c->deadline = bk_time_mono_ms() + COMMAND_MS;
	if (child_run(c, err) < 0)
		return -1;
	if (c->status == SSH_FAILED || c->status > 128)
		return unreachable(s, c->why ? c->why : "", err);
	return c->status;
}

static int no_commands(const struct ssh *s, struct bk_err *err)
{
	return bk_err_set(err, BK_EX_NO, 0,
			  "[repo %s] the box has no ls and sha256sum for us",
			  s->repo);
}

static void take_ls(void *arg, char *text)
{
	listing_ls_line(arg, text);
}

static bool saw_any(const struct listing *l)
{
	for (int k = 0; k < LISTING_KINDS; k++)
		if (l->seen[k])
			return true;
	return false;
}

int ssh_list(struct ssh *s, const char *dir, struct listing *ret,
	     struct bk_err *err)
{
	AUTO_CHILD struct child c = CHILD_INIT;
	BK_AUTO_BUF struct bk_buf line = BK_BUF_INIT;
	struct listing_ls ls = { .list = ret, .dir = dir };
	int status;

	bk_buf_adds(&line, "ls -lnR");
	for (int k = 0; k < LISTING_KINDS; k++) {
		BK_AUTO_FREE char *path = bk_path_join(dir, listing_word(k));

		bk_buf_addc(&line, ' ');
		bk_str_add_shell(&line, path);
	}
	c.line = take_ls;
	c.arg = &ls;
	status = command(s, &line, &c, err);
	free(ls.folder);
	if (status < 0)
		return -1;
	if (saw_any(ret) &&
	    (status == 0 || !c.why || strstr(c.why, "No such file")))
		return 0;
	if (saw_any(ret))
		return bk_err_set(err, BK_EX_IOERR, 0,
				  "[repo %s] the box cannot list all of it: %s",
				  s->repo, c.why);
	/* Its own words are those of an ls; else there is none. */
	if (c.why && strstr(c.why, "No such file"))
		return bk_err_set(err, BK_EX_NOINPUT, 0,
				  "[repo %s] has no repository at its url",
				  s->repo);
	return no_commands(s, err);
}

char *ssh_parse_sum(const char *line, char ret_hash[static 65])
{
	bool escaped = line[0] == '\\';
	struct bk_buf b = BK_BUF_INIT;

	line += escaped;
	if (strspn(line, "0123456789abcdef") != 64 ||
	    (strncmp(line + 64, "  ", 2) != 0 &&
	     strncmp(line + 64, " *", 2) != 0))
		return NULL;
	memcpy(ret_hash, line, 64);
	ret_hash[64] = '\0';
	bk_buf_adds(&b, "");
	for (const char *p = line + 66; *p; p++) {
		if (!escaped || *p != '\\' || !p[1]) {
			bk_buf_addc(&b, *p);
			continue;
		}
		p++;
		bk_buf_addc(&b, *p == 'n' ? '\n' : *p == 'r' ? '\r' : *p);
	}
	return bk_buf_steal(&b);
}

/*
 * Bytes of names in one command line. Dropbear ends the connection at 9000
 * (MAX_CMD_LEN).
 */
#define SUM_LINE ((size_t)8000)

struct sums {
	const char *dir;
	const struct listing_file *f;
	enum place_sum *ret;
	size_t n;
	size_t told; /* lines that were understood */
};

static void take_sum(void *arg, char *text)
{
	struct sums *s = arg;
	char got[65], want[65];
	BK_AUTO_FREE char *name = ssh_parse_sum(text, got);

	for (size_t i = 0; name && i < s->n; i++) {
		BK_AUTO_FREE char *below = listing_path(&s->f[i]);
		BK_AUTO_FREE char *path = bk_path_join(s->dir, below);

		if (strcmp(path, name) != 0)
			continue;
		listing_name(&s->f[i], want);
		s->ret[i] = strcmp(got, want) == 0 ? PLACE_SUM_GOOD
						   : PLACE_SUM_WRONG;
		s->told++;
		return;
	}
}

static int sum_some(struct ssh *s, struct sums *sums, struct bk_err *err)
{
	AUTO_CHILD struct child c = CHILD_INIT;
	BK_AUTO_BUF struct bk_buf line = BK_BUF_INIT;
	int status;

	bk_buf_adds(&line, "sha256sum");
	for (size_t i = 0; i < sums->n; i++) {
		BK_AUTO_FREE char *below = listing_path(&sums->f[i]);
		BK_AUTO_FREE char *path = bk_path_join(sums->dir, below);

		bk_buf_addc(&line, ' ');
		bk_str_add_shell(&line, path);
	}
	c.line = take_sum;
	c.arg = sums;
	status = command(s, &line, &c, err);
	if (status < 0)
		return -1;
	/* Complaints about files are its own; others are of who has none. */
	if (sums->told == 0 && (!c.why || !strstr(c.why, "sha256sum: ")))
		return no_commands(s, err);
	return 0;
}

/* How many of f go into one command; at least one. */
static size_t fitting(const char *dir, const struct listing_file *f, size_t n)
{
	BK_AUTO_BUF struct bk_buf line = BK_BUF_INIT;
	size_t k = 0;

	while (k < n) {
		BK_AUTO_FREE char *below = listing_path(&f[k]);
		BK_AUTO_FREE char *path = bk_path_join(dir, below);

		bk_buf_addc(&line, ' ');
		bk_str_add_shell(&line, path);
		if (k > 0 && line.len > SUM_LINE)
			break;
		k++;
	}
	return k;
}

int ssh_sum(struct ssh *s, const char *dir, const struct listing_file *f,
	    size_t n, enum place_sum *ret, struct bk_err *err)
{
	size_t k;

	for (size_t i = 0; i < n; i += k) {
		struct sums some = { dir, &f[i], &ret[i], 0, 0 };

		k = some.n = s->single ? 1 : fitting(dir, &f[i], n - i);
		if (sum_some(s, &some, err) == 0)
			continue;
		if (err->exit != BK_EX_NO || k == 1)
			return -1;
		s->single = true;
		k = 0;
	}
	return 0;
}
