/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "exec.h"

#include <errno.h>
#include <signal.h>

#include "../../lib/time.h"
#include "scratch.h"
#include "sig.h"

static struct bk_err err;
static struct bk_buf out, said;

/* How the next one is started; its command stands in sh(). */
static struct bk_exec x;

static void fresh(void)
{
	x = (struct bk_exec){ .in = BK_EXEC_NULL,
			      .out = BK_EXEC_INHERIT,
			      .err = BK_EXEC_INHERIT };
}

static void free_buffers(void)
{
	bk_buf_free(&out);
	bk_buf_free(&said);
}

static int run(char *const *argv, size_t limit, int timeout)
{
	free_buffers();
	memset(&err, 0, sizeof(err));
	x.argv = argv;
	bk_buf_adds(&out, "");
	bk_buf_adds(&said, "");
	return bk_exec_run(&x, limit, timeout, &out, &said, &err);
}

static char *const *sh(const char *text)
{
	static char word[] = "sh", option[] = "-c", script[1024];
	static char *const argv[] = { word, option, script, NULL };

	(void)snprintf(script, sizeof(script), "%s", text);
	return argv;
}

static int run_sh(const char *text)
{
	return run(sh(text), 1 << 20, 15000);
}

/* How it ends. */

CHECK_TEST(status)
{
	fresh();
	CHECK_INT(run_sh("true"), 0);
	CHECK_INT(run_sh("exit 3"), 3);
	CHECK_INT(run_sh("exit 255"), 255);
	CHECK_INT(run_sh("kill -9 $$"), 137);
	CHECK_INT(run_sh("kill -TERM $$"), 143);
	CHECK_INT(run_sh("kill -PIPE $$"), 141);
	free_buffers();
}

CHECK_TEST(no_child)
{
	struct bk_child c = BK_CHILD_INIT;

	CHECK_INT(bk_exec_wait(&c), -1);
	CHECK_INT(bk_exec_wait_forward(&c), -1);
	CHECK_INT(bk_exec_stop(&c, 10), -1);
	bk_exec_kill(&c, SIGKILL);
}

/* The end of its output is not its end. */
CHECK_TEST(status_behind_the_output)
{
	fresh();
	CHECK_INT(
		run_sh("echo x; echo y >&2; exec >&- 2>&-; sleep 0.2; exit 5"),
		5);
	CHECK_STR(out.p, "x\n");
	CHECK_STR(said.p, "y\n");
	free_buffers();
}

CHECK_TEST(wait_only_once)
{
	struct bk_child c = BK_CHILD_INIT;

	fresh();
	x.argv = sh("exit 4");
	x.out = BK_EXEC_PIPE;
	CHECK_INT(bk_exec_start(&x, &c, &err), 0);
	CHECK(c.pid > 0 && c.in == -1 && c.out >= 0 && c.err == -1);
	CHECK_INT(fcntl(c.out, F_GETFD), FD_CLOEXEC);
	CHECK_INT(bk_exec_wait(&c), 4);
	CHECK(c.pid == 0 && c.out == -1);
	CHECK_INT(bk_exec_wait(&c), -1);
}

CHECK_TEST(as_another_user)
{
	fresh();
	if (geteuid() != 0)
		return;
	x.uid = 65534;
	x.gid = 65533;
	CHECK_INT(run_sh("sed -n -e '/^[UG]id/p' -e '/^Groups/p' "
			 "/proc/self/status"),
		  0);
	CHECK_STR(out.p, "Uid:\t65534\t65534\t65534\t65534\n"
			 "Gid:\t65533\t65533\t65533\t65533\n"
			 "Groups:\t \n");
	free_buffers();
}

/* What cannot be started. */

static void refused(const char *file, const char *why)
{
	char *copy = bk_strdup(file);
	char *argv[] = { copy, NULL };

	CHECK_INT(run(argv, 10, 5000), -1);
	CHECK_INT(err.exit, 69);
	CHECK_HAS(err.msg, file);
	CHECK_HAS(err.msg, why);
	free(copy);
	free_buffers();
}

CHECK_TEST(not_started)
{
	scratch();
	fresh();
	refused("bk-no-such-program", "is not installed, or not in $PATH");
	refused("./gone", "No such file or directory");
	put_file("plain", "#!/bin/sh\n");
	refused("./plain", "Permission denied");
	refused("./", "Permission denied");
	put_file("lost", "#!/no/such/shell\n");
	chmod("lost", 0755);
	refused("./lost", "No such file or directory");
	/* no shell takes what the kernel does not */
	put_file("text", "echo x\n");
	chmod("text", 0755);
	refused("./text", "Exec format error");
}

CHECK_TEST(nothing_is_left_of_it)
{
	int before = dup(0), after;

	close(before);
	scratch();
	fresh();
	put_file("text", "x");
	chmod("text", 0755);
	refused("./text", "");
	refused("gone", "");
	after = dup(0);
	CHECK_INT(after, before);
	close(after);
	CHECK_INT(waitpid(-1, NULL, WNOHANG), -1);
	CHECK_INT(errno, ECHILD);
}

CHECK_TEST(find)
{
	char *got;

	scratch();
	CHECK_INT(mkdir("a", 0755) | mkdir("b", 0755) | mkdir("c", 0755), 0);
	CHECK_INT(mkdir("a/tool", 0755), 0);
	put_file("b/tool", "");
	put_file("c/tool", "");
	chmod("c/tool", 0755);
	setenv("PATH", "a:b::c", 1);
	got = bk_exec_find("tool", &err);
	CHECK_STR(got, "c/tool");
	free(got);
	got = bk_exec_find("./c/tool", &err);
	CHECK_STR(got, "./c/tool");
	free(got);
	CHECK(!bk_exec_find("b/tool", &err));
	CHECK_INT(err.exit, 69);
	setenv("PATH", "", 1);
	CHECK(!bk_exec_find("sh", &err));
	CHECK_INT(err.exit, 69);
	unsetenv("PATH");
	got = bk_exec_find("sh", &err);
	CHECK(got);
	free(got);
}

/* What the child has. */

CHECK_TEST(environment)
{
	char *env[] = { (char[]){ "UNIT_A=1=2" },
			(char[]){ "UNIT_B" },
			(char[]){ "UNIT_C=new" },
			(char[]){ "UNIT_C=newer" },
			(char[]){ "UNIT_NONE" },
			(char[]){ "UNIT_E=" },
			NULL };

	fresh();
	setenv("UNIT_B", "gone", 1);
	setenv("UNIT_BB", "stays", 1);
	setenv("UNIT_C", "old", 1);
	x.env = env;
	CHECK_INT(run_sh("env | grep ^UNIT_ | sort"), 0);
	CHECK_STR(out.p, "UNIT_A=1=2\nUNIT_BB=stays\nUNIT_C=newer\nUNIT_E=\n");
	CHECK_STR(getenv("UNIT_B"), "gone");
	x.env = NULL;
	CHECK_INT(run_sh("env | grep ^UNIT_ | sort"), 0);
	CHECK_STR(out.p, "UNIT_B=gone\nUNIT_BB=stays\nUNIT_C=old\n");
	free_buffers();
}

CHECK_TEST(no_other_descriptors)
{
	int kept[] = { 50, 51 };

	fresh();
	/* also those that we inherited ourselves */
	CHECK_INT(dup2(0, 50), 50);
	CHECK_INT(dup2(0, 60), 60);
	CHECK_INT(fcntl(0, F_DUPFD_CLOEXEC, 51), 51);
	CHECK_INT(run_sh("ls /proc/self/fd"), 0);
	CHECK_STR(out.p, "0\n1\n2\n3\n");
	x.keep = kept;
	x.nkeep = 2;
	CHECK_INT(run_sh("ls /proc/self/fd"), 0);
	CHECK_STR(out.p, "0\n1\n2\n3\n50\n51\n");
	/* we have them as before */
	CHECK_INT(fcntl(50, F_GETFD), 0);
	CHECK_INT(fcntl(51, F_GETFD), FD_CLOEXEC);
	CHECK_INT(fcntl(60, F_GETFD), 0);
	free_buffers();
}

CHECK_TEST(standard_descriptors)
{
	char *argv[] = { (char[]){ "cat" }, NULL };
	int in, to;

	scratch();
	fresh();
	CHECK_INT(run(argv, 10, 5000), 0);
	CHECK_STR(out.p, "");
	put_file("in", "data");
	in = open("in", O_RDONLY | O_CLOEXEC);
	x.in = in;
	CHECK_INT(run(argv, 10, 5000), 0);
	CHECK_STR(out.p, "data");
	CHECK_INT(fcntl(in, F_GETFD), FD_CLOEXEC);
	close(in);
	/* both into one file */
	fresh();
	to = open("to", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	x.out = x.err = to;
	x.argv = sh("echo a; echo b >&2; echo c");
	CHECK_INT(bk_exec_run(&x, 10, 5000, NULL, NULL, &err), 0);
	CHECK_STR(text_of("to"), "a\nb\nc\n");
	CHECK_INT(fcntl(to, F_GETFD), FD_CLOEXEC);
	close(to);
	/* into nothing */
	fresh();
	free_buffers();
	x.err = BK_EXEC_NULL;
	x.argv = sh("readlink /proc/self/fd/2; echo x >&2");
	CHECK_INT(bk_exec_run(&x, 100, 5000, &out, NULL, &err), 0);
	CHECK_STR(out.p, "/dev/null\n");
	free_buffers();
}

CHECK_TEST(pipes_both_ways)
{
	struct bk_child c = BK_CHILD_INIT;
	char text[16] = "";

	fresh();
	x.in = x.out = BK_EXEC_PIPE;
	x.argv = sh("read a; echo \"<$a>\"");
	CHECK_INT(bk_exec_start(&x, &c, &err), 0);
	CHECK_INT(write(c.in, "hi\n", 3), 3);
	CHECK_INT(read(c.out, text, sizeof(text) - 1), 5);
	CHECK_STR(text, "<hi>\n");
	CHECK_INT(bk_exec_wait(&c), 0);
}

static void ignored(int sig)
{
	(void)sig;
}

CHECK_TEST(signals_are_default)
{
	sigset_t all;
	char *p;

	fresh();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGUSR1, ignored);
	sigfillset(&all);
	sigdelset(&all, SIGALRM);
	sigprocmask(SIG_SETMASK, &all, NULL);
	CHECK_INT(run_sh("exec grep -E '^Sig(Blk|Ign)' /proc/self/status"), 0);
	sigemptyset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	/* Signals 32 and 33 are the C library's own; make ignores them. */
	if ((p = strstr(out.p, "180000000")))
		memset(p, '0', 2);
	CHECK_STR(out.p,
		  "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
	CHECK_INT(run_sh("exec cut -d ' ' -f 5 /proc/self/stat"), 0);
	CHECK_INT(atol(out.p), getpgrp());
	free_buffers();
}

/* Limits. */

CHECK_TEST(limit_of_output)
{
	fresh();
	CHECK_INT(run(sh("printf 0123456789"), 10, 5000), 0);
	CHECK_STR(out.p, "0123456789");
	CHECK_INT(run(sh("printf 0123456789x"), 10, 5000), -1);
	CHECK_INT(err.exit, 65);
	CHECK_INT(run(sh("printf 0123456789x >&2"), 10, 5000), -1);
	CHECK_INT(err.exit, 65);
	CHECK_INT(run(sh("cat /dev/zero"), 1 << 20, 15000), -1);
	CHECK_INT(err.exit, 65);
	CHECK_INT(waitpid(-1, NULL, WNOHANG), -1);
	free_buffers();
}

CHECK_TEST(much_on_both)
{
	fresh();
	CHECK_INT(run(sh("head -c 300000 /dev/zero; head -c 400000 /dev/zero "
			 ">&2; head -c 300000 /dev/zero; exit 2"),
		      1 << 20, 15000),
		  2);
	CHECK_INT(out.len, 600000);
	CHECK_INT(said.len, 400000);
	free_buffers();
}

static void times_out(struct bk_buf *o, struct bk_buf *e, const char *text)
{
	int64_t start = bk_time_mono_ms(), took;

	memset(&err, 0, sizeof(err));
	x.argv = sh(text);
	CHECK_INT(bk_exec_run(&x, 1000, 300, o, e, &err), -1);
	took = bk_time_mono_ms() - start;
	CHECK_INT(err.exit, 75);
	CHECK_HAS(err.msg, "took too long");
	CHECK(took >= 300 && took < 8000);
	CHECK_INT(waitpid(-1, NULL, WNOHANG), -1);
}

CHECK_TEST(limit_of_time)
{
	fresh();
	times_out(&out, &said, "exec sleep 18");
	times_out(&out, NULL, "exec sleep 18");
	times_out(NULL, NULL, "exec sleep 18");
	times_out(&out, &said, "exec >&- 2>&- sleep 18");
	free_buffers();
}

CHECK_TEST(limit_of_patience)
{
	fresh();
	times_out(&out, &said, "trap '' TERM; exec sleep 18");
	free_buffers();
}

CHECK_TEST(in_time)
{
	fresh();
	x.argv = sh("sleep 0.1; exit 6");
	CHECK_INT(bk_exec_run(&x, 0, 15000, NULL, NULL, &err), 6);
	CHECK_INT(bk_exec_run(&x, 0, 0, NULL, NULL, &err), 6);
}

/* Stopping. */

static struct bk_child started(const char *text)
{
	struct bk_child c = BK_CHILD_INIT;
	char ready;

	fresh();
	x.out = BK_EXEC_PIPE;
	x.argv = sh(text);
	CHECK_INT(bk_exec_start(&x, &c, &err), 0);
	CHECK_INT(read(c.out, &ready, 1), 1);
	return c;
}

CHECK_TEST(stop)
{
	struct bk_child c = started("echo x; exec sleep 18");
	int64_t start = bk_time_mono_ms();

	CHECK_INT(bk_exec_stop(&c, 15000), 128 + SIGTERM);
	c = started("trap '' TERM; echo x; exec sleep 18");
	CHECK_INT(bk_exec_stop(&c, 200), 128 + SIGKILL);
	c = started("trap 'exit 9' TERM; echo x; while :; do sleep 0.05; done");
	CHECK_INT(bk_exec_stop(&c, 15000), 9);
	CHECK(bk_time_mono_ms() - start < 12000);
}

CHECK_TEST(kill_once)
{
	struct bk_child c = started("echo x; exec sleep 18");

	bk_exec_kill(&c, SIGKILL);
	CHECK_INT(bk_exec_wait(&c), 137);
	bk_exec_kill(&c, SIGKILL);
}

CHECK_TEST(signals_go_on_to_the_child)
{
	struct bk_child c;

	bk_sig_init();
	c = started("trap 'exit 7' HUP; echo x; while :; do sleep 0.05; done");
	raise(SIGHUP);
	CHECK_INT(bk_exec_wait_forward(&c), 7);
}

CHECK_TEST(wait_forward_without_signals)
{
	struct bk_child c;

	c = started("echo x; exit 3");
	CHECK_INT(bk_exec_wait_forward(&c), 3);
	bk_sig_init();
	c = started("echo x; sleep 0.1; exit 4");
	CHECK_INT(bk_exec_wait_forward(&c), 4);
}

CHECK_TEST(a_signal_stops_the_run)
{
	fresh();
	bk_sig_init();
	raise(SIGTERM);
	CHECK_INT(run_sh("exec sleep 18"), -1);
	CHECK_INT(err.exit, 75);
	x.argv = sh("exec sleep 18");
	CHECK_INT(bk_exec_run(&x, 0, 0, NULL, NULL, &err), -1);
	CHECK_INT(waitpid(-1, NULL, WNOHANG), -1);
	free_buffers();
}

/* The pid that a parent, which is then killed, tells of its child. */
static pid_t orphan(void)
{
	struct bk_child c = BK_CHILD_INIT;
	int p[2];
	pid_t parent, pid = 0;

	CHECK_INT(pipe(p), 0);
	fresh();
	x.argv = sh("exec sleep 18");
	parent = fork();
	if (parent == 0) {
		if (bk_exec_start(&x, &c, &err) < 0 ||
		    write(p[1], &c.pid, sizeof(c.pid)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	CHECK_INT(read(p[0], &pid, sizeof(pid)), (int)sizeof(pid));
	close(p[0]);
	close(p[1]);
	kill(parent, SIGKILL);
	CHECK_INT(waitpid(parent, NULL, 0), parent);
	return pid;
}

static char state_of(pid_t pid)
{
	char path[64];
	const char *text;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	text = strrchr(text_of(path), ')');
	return text ? text[2] : 'X';
}

CHECK_TEST(dies_with_its_parent)
{
	pid_t pid = orphan();

	/* a zombie, where nobody adopts it */
	for (int i = 0; i < 500; i++) {
		char s = state_of(pid);

		if (s == 'X' || s == 'Z')
			return;
		usleep(20000);
	}
	kill(pid, SIGKILL);
	CHECK_FAIL("the child lives on without its parent");
}

CHECK_TEST(line_for_people)
{
	char *argv[] = { (char[]){ "restic" }, (char[]){ "-r" },
			 (char[]){ "a b" },    (char[]){ "it's" },
			 (char[]){ "" },       NULL };
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_exec_add_line(&b, argv);
	CHECK_STR(b.p, "restic -r 'a b' 'it'\\''s' ''");
}
