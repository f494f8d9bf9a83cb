/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static const int stoppers[] = { SIGINT, SIGTERM, SIGHUP };

static volatile sig_atomic_t pending;
static int wake[2] = { -1, -1 };

static void note(int sig)
{
	int saved = errno;

	pending = sig;
	if (write(wake[1], "", 1) < 0) {
		/* The pipe is full: it is readable already. */
	}
	errno = saved;
}

void bk_sig_init(void)
{
	struct sigaction sa = { .sa_handler = note, .sa_flags = SA_RESTART };
	struct sigaction old;

	if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	for (size_t i = 0; i < sizeof(stoppers) / sizeof(*stoppers); i++) {
		/* nohup(1) ignores HUP; a background shell job ignores INT. */
		if (sigaction(stoppers[i], NULL, &old) == 0 &&
		    old.sa_handler == SIG_IGN)
			continue;
		(void)sigaction(stoppers[i], &sa, NULL);
	}
}

int bk_sig_pending(void)
{
	return pending;
}

int bk_sig_fd(void)
{
	return wake[0];
}

bool bk_sig_await(int fd)
{
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
			       { .fd = wake[0], .events = POLLIN } };

	while (!pending)
		if (poll(p, 2, -1) > 0 && p[0].revents)
			return true;
	return false;
}

void bk_sig_reset(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &sa, NULL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void bk_sig_die(void)
{
	int sig = pending;

	if (sig == 0)
		return;
	bk_sig_reset();
	(void)raise(sig);
}
