/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lock.h"

#include <signal.h>

#include "../../lib/time.h"
#include "log.h"
#include "scratch.h"
#include "sig.h"

static struct bk_err err;

static void set_up(void)
{
	setenv("BK_RUN_DIR", scratch(), 1);
	bk_log_set_level(BK_LOG_ERROR);
}

/* A process that takes the lock and keeps it for ms, or until killed. */
static pid_t holder(int ms)
{
	int p[2];
	char c;
	pid_t pid;

	CHECK_INT(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		if (bk_lock_take("x", 0, &err) < 0)
			_exit(1);
		if (write(p[1], "", 1) != 1)
			_exit(1);
		usleep((useconds_t)ms * 1000);
		_exit(0);
	}
	CHECK_INT(read(p[0], &c, 1), 1);
	close(p[0]);
	close(p[1]);
	return pid;
}

CHECK_TEST(take_and_release)
{
	int fd, again;

	set_up();
	fd = bk_lock_take("repo.main-1_A", 0, &err);
	CHECK(fd >= 0);
	CHECK_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_INT(mode_of("lock"), 0700);
	CHECK_INT(mode_of("lock/repo.main-1_A"), 0600);
	CHECK_INT(atol(text_of("lock/repo.main-1_A")), getpid());
	again = bk_lock_take("repo.main-1_A", 0, &err);
	CHECK_INT(again, -1);
	CHECK_INT(err.exit, 75);
	again = bk_lock_take("other", 0, &err);
	CHECK(again >= 0);
	close(again);
	close(fd);
	fd = bk_lock_take("repo.main-1_A", 0, &err);
	CHECK(fd >= 0);
	close(fd);
}

CHECK_TEST(names_the_holder)
{
	char text[64];
	pid_t pid;

	set_up();
	pid = holder(20000);
	CHECK_INT(bk_lock_take("x", 0, &err), -1);
	CHECK_INT(err.exit, 75);
	(void)snprintf(text, sizeof(text), "is locked by process %d", pid);
	CHECK_HAS(err.msg, text);
	CHECK_HAS(err.msg, "/lock/x'");
	/* the kernel releases it with its holder */
	kill(pid, SIGKILL);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK(bk_lock_take("x", 0, &err) >= 0);
	CHECK_INT(atol(text_of("lock/x")), getpid());
}

CHECK_TEST(waits)
{
	int64_t start;
	pid_t pid;
	int fd;

	set_up();
	pid = holder(400);
	start = bk_time_mono_ms();
	CHECK_INT(bk_lock_take("x", 100, &err), -1);
	CHECK(bk_time_mono_ms() - start >= 100);
	fd = bk_lock_take("x", 15000, &err);
	CHECK(fd >= 0);
	CHECK(bk_time_mono_ms() - start < 10000);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
}

CHECK_TEST(a_signal_ends_the_waiting)
{
	int64_t start = bk_time_mono_ms();
	pid_t pid, killer;

	set_up();
	bk_sig_init();
	pid = holder(20000);
	killer = fork();
	if (killer == 0) {
		usleep(300000);
		kill(getppid(), SIGTERM);
		_exit(0);
	}
	CHECK_INT(bk_lock_take("x", 15000, &err), -1);
	CHECK_INT(err.exit, 75);
	CHECK(bk_time_mono_ms() - start < 10000);
	kill(pid, SIGKILL);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK_INT(waitpid(killer, NULL, 0), killer);
}

CHECK_TEST(no_such_folder)
{
	setenv("BK_RUN_DIR", "/proc/none", 1);
	CHECK_INT(bk_lock_take("x", 0, &err), -1);
	CHECK_INT(err.exit, 73);
}

CHECK_TEST(follows_no_link)
{
	set_up();
	CHECK_INT(mkdir("lock", 0700), 0);
	put_file("victim", "keep");
	CHECK_INT(symlink("../victim", "lock/x"), 0);
	CHECK_INT(bk_lock_take("x", 0, &err), -1);
	CHECK_INT(err.exit, 73);
	CHECK_STR(text_of("victim"), "keep");
}

CHECK_TEST(a_pid_that_is_none)
{
	set_up();
	CHECK(bk_lock_take("x", 0, &err) >= 0);
	put_file("lock/x", "99999999999999999999 \x1b[2J");
	CHECK_INT(bk_lock_take("x", 0, &err), -1);
	CHECK_INT(err.exit, 75);
	CHECK_HAS(err.msg, "locked by process 0");
}
