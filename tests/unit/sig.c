/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sig.h"

#include <poll.h>
#include <signal.h>

#include "mem.h"
#include "scratch.h"

static int readable(void)
{
	struct pollfd p = { .fd = bk_sig_fd(), .events = POLLIN };

	return poll(&p, 1, 0);
}

CHECK_TEST(before_init)
{
	CHECK_INT(bk_sig_fd(), -1);
	CHECK_INT(bk_sig_pending(), 0);
	bk_sig_die();
}

CHECK_TEST(is_noted)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };

	bk_sig_init();
	CHECK(bk_sig_fd() >= 0);
	CHECK_INT(fcntl(bk_sig_fd(), F_GETFD), FD_CLOEXEC);
	CHECK_INT(readable(), 0);
	for (size_t i = 0; i < BK_COUNT(sigs); i++) {
		raise(sigs[i]);
		CHECK_INT(bk_sig_pending(), sigs[i]);
		CHECK_INT(readable(), 1);
	}
}

CHECK_TEST(any_number_of_them)
{
	bk_sig_init();
	for (int i = 0; i < 100000; i++)
		raise(SIGTERM);
	CHECK_INT(readable(), 1);
}

static void die(void)
{
	bk_sig_init();
	raise(SIGHUP);
	bk_sig_die();
	_exit(0);
}

CHECK_TEST(dies_of_it)
{
	const struct ran *r = ran(die);

	CHECK(WIFSIGNALED(r->status));
	CHECK_INT(WTERMSIG(r->status), SIGHUP);
}

static void ignored(void)
{
	(void)signal(SIGHUP, SIG_IGN);
	bk_sig_init();
	raise(SIGHUP);
	_exit(bk_sig_pending());
}

CHECK_TEST(ignored_stays_ignored)
{
	CHECK_EXIT(ran(ignored), 0);
}

static void reset(void)
{
	sigset_t all;

	bk_sig_init();
	(void)signal(SIGUSR1, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	bk_sig_reset();
	raise(SIGUSR1);
	_exit(0);
}

CHECK_TEST(reset_undoes_all)
{
	const struct ran *r = ran(reset);

	CHECK(WIFSIGNALED(r->status));
	CHECK_INT(WTERMSIG(r->status), SIGUSR1);
}
