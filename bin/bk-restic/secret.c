/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>

#include "exec.h"
#include "file.h"
#include "log.h"
#include "path.h"
#include "sig.h"
#include "str.h"

/* A pipe takes this much without a reader; no password is longer. */
#define SECRET_LIMIT ((size_t)32768)
#define COMMAND_TIMEOUT_MS 60000

enum { NOT_HERE = 1 }; /* a source that does not apply, and no error */

static int keep(struct secret *ret, const struct bk_buf *b, const char *what,
		struct bk_err *err)
{
	size_t len = b->len;

	if (len > 0 && b->p[len - 1] == '\n')
		len--;
	if (len > 0 && b->p[len - 1] == '\r')
		len--;
	if (len == 0)
		return bk_err_set(err, BK_EX_DATAERR, 0, "%s is empty", what);
	ret->p = mmap(NULL, SECRET_LIMIT, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ret->p == MAP_FAILED) {
		ret->p = NULL;
		return bk_err_sys(err, "cannot map memory");
	}
	/* Best effort: RLIMIT_MEMLOCK may be 0. */
	(void)mlock(ret->p, SECRET_LIMIT);
	(void)madvise(ret->p, SECRET_LIMIT, MADV_DONTDUMP);
	memcpy(ret->p, b->p, len);
	ret->len = len;
	return 0;
}

void secret_free(struct secret *s)
{
	if (s->p) {
		explicit_bzero(s->p, SECRET_LIMIT);
		(void)munmap(s->p, SECRET_LIMIT);
	}
	*s = (struct secret){ NULL, 0 };
}

static int from_command(const char *words, struct secret *ret,
			struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf out = BK_BUF_INIT;
	struct bk_exec x = { .in = BK_EXEC_NULL, .err = BK_EXEC_INHERIT };
	int status;

	bk_strv_split(&argv, words, " \t");
	if (argv.n == 0)
		return bk_err_set(err, BK_EX_CONFIG, 0,
				  "'command:' names no program");
	x.argv = argv.v;
	bk_buf_reserve(&out, 2 * SECRET_LIMIT + 65536);
	status = bk_exec_run(&x, SECRET_LIMIT, COMMAND_TIMEOUT_MS, &out, NULL,
			     err);
	if (status < 0)
		return -1;
	if (status != 0)
		return bk_err_set(err, BK_EX_NO, 0,
				  "'%s' ended with status %d instead of a "
				  "password",
				  argv.v[0], status);
	return keep(ret, &out, "what the command printed", err);
}

static int from_file(const char *path, bool must_be_private, struct secret *ret,
		     struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return NOT_HERE;
	if (fd < 0 || fstat(fd, &st) < 0)
		return bk_err_sys(err, "cannot open '%s'", path);
	if (!S_ISREG(st.st_mode))
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "'%s' is not a regular file", path);
	if (must_be_private && ((st.st_mode & 077) || bk_file_distrust(&st)))
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "'%s' holds a secret and is not private: "
				  "make it yours and mode 0600",
				  path);
	bk_buf_reserve(&b, 2 * SECRET_LIMIT + 65536);
	if (bk_fd_read(fd, SECRET_LIMIT, &b) < 0)
		return bk_err_set(err, BK_EX_DATAERR, errno, "cannot read '%s'",
				  path);
	return keep(ret, &b, path, err);
}

static int decrypt_credential(const char *path, const char *name,
			      struct secret *ret, struct bk_err *err)
{
	BK_AUTO_FREE char *option = bk_asprintf("--name=%s", name);
	BK_AUTO_FREE char *file = bk_strdup(path);
	char program[] = "systemd-creds", verb[] = "decrypt", out[] = "-";
	char *argv[] = { program, option, verb, file, out, NULL };
	struct bk_exec x = { .argv = argv,
			     .in = BK_EXEC_NULL,
			     .err = BK_EXEC_INHERIT };
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	int status;

	bk_buf_reserve(&b, 2 * SECRET_LIMIT + 65536);
	status = bk_exec_run(&x, SECRET_LIMIT, COMMAND_TIMEOUT_MS, &b, NULL,
			     err);
	if (status < 0)
		return -1;
	if (status != 0)
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "cannot decrypt credential '%s'", path);
	return keep(ret, &b, path, err);
}

/* In a unit from $CREDENTIALS_DIRECTORY; for root elsewhere from the stores
 * that systemd itself searches. */
static int from_credential(const char *name, struct secret *ret,
			   struct bk_err *err)
{
	static const char *const stores[] = { "/etc", "/run", "/usr/lib" };
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	if (strchr(name, '/') || !*name)
		return bk_err_set(err, BK_EX_CONFIG, 0,
				  "'%s' is no name of a credential", name);
	if (dir) {
		BK_AUTO_FREE char *path = bk_path_join(dir, name);

		return from_file(path, false, ret, err);
	}
	if (geteuid() != 0)
		return NOT_HERE;
	for (size_t i = 0; i < BK_COUNT(stores); i++) {
		BK_AUTO_FREE char *sealed = bk_asprintf(
			"%s/credstore.encrypted/%s", stores[i], name);
		BK_AUTO_FREE char *plain =
			bk_asprintf("%s/credstore/%s", stores[i], name);
		int got;

		if (access(sealed, F_OK) == 0)
			return decrypt_credential(sealed, name, ret, err);
		got = from_file(plain, true, ret, err);
		if (got != NOT_HERE)
			return got;
	}
	return NOT_HERE;
}

static int read_hidden(int tty, struct bk_buf *b)
{
	struct termios old, quiet;
	char c = 0;
	ssize_t n = 0;

	if (tcgetattr(tty, &old) < 0)
		return -1;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	if (tcsetattr(tty, TCSAFLUSH, &quiet) < 0)
		return -1;
	while (bk_sig_await(tty) && (n = read(tty, &c, 1)) == 1 && c != '\n' &&
	       b->len < SECRET_LIMIT)
		bk_buf_addc(b, c);
	(void)tcsetattr(tty, TCSAFLUSH, &old);
	(void)bk_fd_write(tty, "\n", 1);
	errno = EINTR;
	return n < 0 || bk_sig_pending() ? -1 : 0;
}

static int from_terminal(const char *owner, struct secret *ret,
			 struct bk_err *err)
{
	BK_AUTO_CLOSE int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_FREE char *prompt = bk_asprintf("Password of [%s]: ", owner);

	if (tty < 0)
		return NOT_HERE;
	bk_buf_reserve(&b, SECRET_LIMIT);
	if (bk_fd_write(tty, prompt, strlen(prompt)) < 0 ||
	    read_hidden(tty, &b) < 0)
		return bk_err_sys(err, "cannot ask on the terminal");
	return keep(ret, &b, "the password that was typed", err);
}

static int from_reference(const char *ref, const char *owner,
			  struct secret *ret, struct bk_err *err)
{
	if (bk_str_starts(ref, "command:"))
		return from_command(ref + strlen("command:"), ret, err);
	if (bk_str_starts(ref, "file:"))
		return from_file(ref + strlen("file:"), true, ret, err);
	if (bk_str_starts(ref, "credential:"))
		return from_credential(ref + strlen("credential:"), ret, err);
	return from_terminal(owner, ret, err);
}

int secret_get(const struct bk_conf_section *s, const char *key,
	       struct secret *ret, struct bk_err *err)
{
	BK_AUTO_FREE char *owner = bk_asprintf("%s %s", s->kind, s->name);
	const struct bk_conf_value *v = NULL;

	while ((v = bk_conf_value(s, key, v))) {
		struct bk_err why;
		int got = from_reference(v->value, owner, ret, &why);

		if (got == 0)
			return 0;
		if (got < 0)
			return bk_err_set(err, why.exit, 0,
					  "%s:%zu: [%s] %s: %s", v->file,
					  v->line, owner, key, why.msg);
		bk_debug("%s:%zu: '%s' does not apply here", v->file, v->line,
			 v->value);
	}
	return bk_err_set(err, BK_EX_NOINPUT, 0,
			  "[%s] %s: none of its sources is here (no such "
			  "credential or file, no terminal)",
			  owner, key);
}

int secret_pipe(const struct secret *s, struct bk_err *err)
{
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) < 0)
		return bk_err_sys(err, "cannot make a pipe");
	if (bk_fd_write(fd[1], s->p, s->len) < 0) {
		bk_err_sys(err, "cannot fill a pipe");
		(void)close(fd[0]);
		fd[0] = -1;
	}
	(void)close(fd[1]);
	return fd[0];
}
