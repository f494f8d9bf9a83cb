/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "file.h"
#include "sig.h"
#include "terminal.h"

static int read_line(int tty, struct bk_secret *ret)
{
	char c = 0;
	ssize_t n = 0;

	while (bk_sig_await(tty) && (n = read(tty, &c, 1)) == 1 && c != '\n' &&
	       ret->len < BK_SECRET_MAX)
		ret->p[ret->len++] = c;
	ret->p[ret->len] = '\0';
	errno = EINTR;
	return n < 0 || bk_sig_pending() ? -1 : 0;
}

/* The echo is off before the prompt: what is pasted at once is not seen. */
static int read_hidden(int tty, const char *prompt, struct bk_secret *ret)
{
	struct termios old, quiet;
	sigset_t keys, mask;
	int got = -1;

	if (tcgetattr(tty, &old) < 0)
		return -1;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	/* What ^\ and ^Z do waits, or the shell would have no echo. */
	(void)sigemptyset(&keys);
	(void)sigaddset(&keys, SIGQUIT);
	(void)sigaddset(&keys, SIGTSTP);
	(void)sigprocmask(SIG_BLOCK, &keys, &mask);
	if (tcsetattr(tty, TCSAFLUSH, &quiet) == 0) {
		got = bk_fd_write(tty, prompt, strlen(prompt));
		if (got == 0)
			got = read_line(tty, ret);
		(void)tcsetattr(tty, TCSAFLUSH, &old);
		(void)bk_fd_write(tty, "\n", 1);
	}
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	return got;
}

static int ask(int tty, const char *prompt, const char *end,
	       struct bk_secret *ret, struct bk_err *err)
{
	BK_AUTO_FREE char *text = bk_asprintf("%s%s", prompt, end);

	if (bk_secret_new(ret, err) < 0)
		return -1;
	if (read_hidden(tty, text, ret) == 0)
		return 0;
	bk_secret_free(ret);
	return bk_err_set(err, BK_EX_TEMPFAIL, errno,
			  "cannot ask on the terminal");
}

static bool same(const struct bk_secret *a, const struct bk_secret *b)
{
	return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

/* "su -c" leaves us one that is not the controlling terminal: it echoes. */
static int open_terminal(void)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (tty < 0 && isatty(STDIN_FILENO))
		tty = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	return tty;
}

int terminal_ask(const char *prompt, bool twice, struct bk_secret *ret,
		 struct bk_err *err)
{
	BK_AUTO_CLOSE int tty = open_terminal();
	bool agree;

	if (tty < 0)
		return TERMINAL_NONE;
	do {
		BK_AUTO_SECRET struct bk_secret second = BK_SECRET_INIT;

		if (ask(tty, prompt, ": ", ret, err) < 0)
			return -1;
		if (ret->len == 0) {
			bk_secret_free(ret);
			return bk_err_set(err, BK_EX_DATAERR, 0,
					  "nothing was typed");
		}
		if (twice && ask(tty, prompt, " (again): ", &second, err) < 0) {
			bk_secret_free(ret);
			return -1;
		}
		agree = !twice || same(ret, &second);
		if (!agree) {
			static const char msg[] = "These two differ.\n";

			bk_secret_free(ret);
			(void)bk_fd_write(tty, msg, sizeof(msg) - 1);
		}
	} while (!agree);
	return 0;
}
