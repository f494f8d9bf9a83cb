/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "path.h"
#include "sig.h"
#include "time.h"

/* Ends of the pipes of one child: [i][0] is read from, [i][1] written to. */
struct plumbing {
	int std[3][2];
	int report[2]; /* errno of a failed exec */
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void close_plumbing(struct plumbing *p)
{
	for (int i = 0; i < 3; i++) {
		close_fd(&p->std[i][0]);
		close_fd(&p->std[i][1]);
	}
	close_fd(&p->report[0]);
	close_fd(&p->report[1]);
}

static int open_plumbing(const struct bk_exec *x, struct plumbing *p)
{
	const int how[3] = { x->in, x->out, x->err };

	*p = (struct plumbing){ { { -1, -1 }, { -1, -1 }, { -1, -1 } },
				{ -1, -1 } };
	if (pipe2(p->report, O_CLOEXEC) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (how[i] == BK_EXEC_PIPE && pipe2(p->std[i], O_CLOEXEC) < 0)
			return -1;
	return 0;
}

char *bk_exec_find(const char *name, struct bk_err *err)
{
	const char *path = getenv("PATH");
	BK_AUTO_STRV struct bk_strv dirs = BK_STRV_INIT;

	if (strchr(name, '/')) {
		if (access(name, X_OK) == 0)
			return bk_strdup(name);
		bk_err_set(err, BK_EX_UNAVAILABLE, errno, "cannot execute '%s'",
			   name);
		return NULL;
	}
	bk_strv_split(&dirs, path ? path : "/usr/local/bin:/usr/bin:/bin", ":");
	for (size_t i = 0; i < dirs.n; i++) {
		char *file = bk_asprintf("%s/%s", dirs.v[i], name);
		struct stat st;

		if (stat(file, &st) == 0 && S_ISREG(st.st_mode) &&
		    access(file, X_OK) == 0)
			return file;
		free(file);
	}
	bk_err_set(err, BK_EX_UNAVAILABLE, 0,
		   "program '%s' is not installed, or not in $PATH", name);
	return NULL;
}

char *bk_exec_sibling(const char *name)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	BK_AUTO_FREE char *dir = NULL;
	char *path;

	if (n <= 0)
		return bk_strdup(name);
	self[n] = '\0';
	dir = bk_path_parent(self);
	path = bk_path_join(dir, name);
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return bk_strdup(name);
}

/* environ with the changes of x; the strings are not copied. */
static char **environment(char *const *changes)
{
	size_t n = 0, extra = 0;
	char **env;

	while (environ && environ[n])
		n++;
	while (changes && changes[extra])
		extra++;
	env = bk_calloc(n + extra + 1, sizeof(*env));
	for (size_t i = 0; i < n; i++)
		env[i] = environ[i];
	for (size_t k = 0; k < extra; k++) {
		size_t len = strcspn(changes[k], "=");
		size_t to = 0;

		for (size_t i = 0; i < n; i++)
			if (strncmp(env[i], changes[k], len) != 0 ||
			    env[i][len] != '=')
				env[to++] = env[i];
		n = to;
		if (changes[k][len] == '=')
			env[n++] = changes[k];
		env[n] = NULL;
	}
	return env;
}

/* Make child's descriptor target what the caller asked for. */
static int place(int how, int pipe_end, int target)
{
	int fd = how;

	if (how == BK_EXEC_INHERIT)
		return 0;
	if (how == BK_EXEC_PIPE)
		fd = pipe_end;
	if (how == BK_EXEC_NULL)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fd == target)
		return fcntl(fd, F_SETFD, 0);
	return dup2(fd, target);
}

static _Noreturn void run_child(const struct bk_exec *x, const char *file,
				char **env, const struct plumbing *p,
				pid_t parent)
{
	int num;

	/* First of all: whoever changes is not told that the parent died. */
	if (x->uid != 0 &&
	    (setgroups(0, NULL) < 0 || setresgid(x->gid, x->gid, x->gid) < 0 ||
	     setresuid(x->uid, x->uid, x->uid) < 0))
		goto fail;
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
		_exit(127);
	bk_sig_reset();
	if (place(x->in, p->std[0][0], 0) < 0 ||
	    place(x->out, p->std[1][1], 1) < 0 ||
	    place(x->err, p->std[2][1], 2) < 0)
		goto fail;
	/* We may have inherited some ourselves. Linux 5.11 has the flag. */
	(void)close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	for (size_t i = 0; i < x->nkeep; i++)
		if (fcntl(x->keep[i], F_SETFD, 0) < 0)
			goto fail;
	(void)execve(file, x->argv, env);
fail:
	num = errno;
	if (write(p->report[1], &num, sizeof(num)) < 0) {
		/* The parent sees the status 127 then. */
	}
	_exit(127);
}

int bk_exec_start(const struct bk_exec *x, struct bk_child *ret,
		  struct bk_err *err)
{
	BK_AUTO_FREE char *file = bk_exec_find(x->argv[0], err);
	BK_AUTO_FREE char **env = environment(x->env);
	struct plumbing p;
	pid_t parent = getpid(), pid;
	sigset_t all, old;
	int num = 0;
	ssize_t n;

	if (!file)
		return -1;
	if (open_plumbing(x, &p) < 0) {
		bk_err_sys(err, "cannot make a pipe");
		close_plumbing(&p);
		return -1;
	}
	/* No handler of ours may run in the child. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid == 0)
		run_child(x, file, env, &p, parent);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid < 0) {
		bk_err_sys(err, "cannot fork");
		close_plumbing(&p);
		return -1;
	}
	close_fd(&p.report[1]);
	do {
		n = read(p.report[0], &num, sizeof(num));
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(num)) {
		close_plumbing(&p);
		(void)waitpid(pid, NULL, 0);
		return bk_err_set(err, BK_EX_UNAVAILABLE, num,
				  "cannot execute '%s'", file);
	}
	*ret = (struct bk_child){ pid, p.std[0][1], p.std[1][0], p.std[2][0] };
	p.std[0][1] = p.std[1][0] = p.std[2][0] = -1;
	close_plumbing(&p);
	return 0;
}

int bk_exec_wait(struct bk_child *c)
{
	int status;
	pid_t got;

	if (c->pid <= 0)
		return -1;
	close_fd(&c->in);
	close_fd(&c->out);
	close_fd(&c->err);
	do {
		got = waitpid(c->pid, &status, 0);
	} while (got < 0 && errno == EINTR);
	c->pid = 0;
	if (got < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void bk_exec_kill(struct bk_child *c, int sig)
{
	if (c->pid > 0)
		(void)kill(c->pid, sig);
}

/* Wait until the child has ended, fd is readable, or ms (-1: for ever) pass. */
static bool await_end(const struct bk_child *c, int fd, int ms)
{
	BK_AUTO_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	struct pollfd p[2] = { { .fd = pidfd, .events = POLLIN },
			       { .fd = fd, .events = POLLIN } };

	/* Without pidfd there is only waiting for the end. */
	if (pidfd < 0)
		return true;
	while (poll(p, 2, ms) < 0 && errno == EINTR)
		;
	return p[0].revents != 0;
}

int bk_exec_wait_forward(struct bk_child *c)
{
	while (c->pid > 0 && !bk_sig_pending() &&
	       !await_end(c, bk_sig_fd(), -1))
		;
	if (bk_sig_pending())
		bk_exec_kill(c, bk_sig_pending());
	return bk_exec_wait(c);
}

int bk_exec_stop(struct bk_child *c, int grace_ms)
{
	if (c->pid <= 0)
		return -1;
	bk_exec_kill(c, SIGTERM);
	if (!await_end(c, -1, grace_ms))
		bk_exec_kill(c, SIGKILL);
	return bk_exec_wait(c);
}

/* Read what is there of one pipe; closes it at the end. */
static int collect(int *fd, size_t limit, struct bk_buf *b)
{
	ssize_t n;

	bk_buf_reserve(b, 65536);
	n = read(*fd, b->p + b->len, 65536);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -1;
	if (n == 0)
		close_fd(fd);
	b->len += (size_t)n;
	b->p[b->len] = '\0';
	if (b->len > limit) {
		errno = EFBIG;
		return -1;
	}
	return 0;
}

/* How many milliseconds to wait for it next; -1 with err: none any more. */
static int time_left(const char *name, int64_t end, struct bk_err *err)
{
	int64_t left = end ? end - bk_time_mono_ms() : 60000;

	if (left <= 0)
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "'%s' took too long and was stopped", name);
	if (bk_sig_pending())
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "'%s' was stopped by a signal", name);
	return left > 60000 ? 60000 : (int)left;
}

static int pump(struct bk_child *c, const char *name, size_t limit, int64_t end,
		struct bk_buf *out, struct bk_buf *err_out, struct bk_err *err)
{
	int left;

	while (c->out >= 0 || c->err >= 0) {
		struct pollfd p[3] = {
			{ .fd = out ? c->out : -1, .events = POLLIN },
			{ .fd = err_out ? c->err : -1, .events = POLLIN },
			{ .fd = bk_sig_fd(), .events = POLLIN }
		};

		left = time_left(name, end, err);
		if (left < 0)
			return -1;
		if (poll(p, 3, left) < 0 && errno != EINTR)
			return bk_err_sys(err, "cannot poll");
		if ((out && p[0].revents && collect(&c->out, limit, out) < 0) ||
		    (err_out && p[1].revents &&
		     collect(&c->err, limit, err_out) < 0))
			return bk_err_set(err, BK_EX_DATAERR, errno,
					  "cannot read what '%s' says", name);
	}
	/* It may close its output long before it ends. */
	do {
		left = time_left(name, end, err);
		if (left < 0)
			return -1;
	} while (!await_end(c, bk_sig_fd(), left));
	return 0;
}

int bk_exec_run(const struct bk_exec *x, size_t limit, int timeout_ms,
		struct bk_buf *out, struct bk_buf *err_out, struct bk_err *err)
{
	struct bk_exec piped = *x;
	struct bk_child c = BK_CHILD_INIT;
	int64_t end = timeout_ms ? bk_time_mono_ms() + timeout_ms : 0;

	if (out)
		piped.out = BK_EXEC_PIPE;
	if (err_out)
		piped.err = BK_EXEC_PIPE;
	if (bk_exec_start(&piped, &c, err) < 0)
		return -1;
	if (pump(&c, x->argv[0], limit, end, out, err_out, err) < 0) {
		(void)bk_exec_stop(&c, 2000);
		return -1;
	}
	return bk_exec_wait(&c);
}

void bk_exec_add_line(struct bk_buf *b, char *const *argv)
{
	for (size_t i = 0; argv[i]; i++) {
		if (i > 0)
			bk_buf_addc(b, ' ');
		bk_str_add_shell(b, argv[i]);
	}
}
