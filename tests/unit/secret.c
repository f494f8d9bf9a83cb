/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "secret.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "scratch.h"

static struct bk_err err;
static char big[2 * 32768];

static struct bk_secret made(const void *p, size_t len)
{
	struct bk_secret s;

	if (bk_secret_set(&s, p, len, &err) < 0)
		CHECK_FAIL("refused: %s", err.msg);
	CHECK_INT(s.len, len);
	CHECK(len == 0 || memcmp(s.p, p, len) == 0);
	CHECK_INT(s.p[len], 0);
	return s;
}

CHECK_TEST(bytes_of_any_value)
{
	struct bk_secret s = made("a\0b\n", 4);

	bk_secret_free(&s);
	CHECK(!s.p && s.len == 0);
	bk_secret_free(&s);
	s = made(NULL, 0);
	bk_secret_free(&s);
}

CHECK_TEST(limit)
{
	struct bk_secret s;

	memset(big, 'x', sizeof(big));
	s = made(big, BK_SECRET_MAX);
	bk_secret_free(&s);
	s = BK_SECRET_INIT;
	CHECK_INT(bk_secret_set(&s, big, BK_SECRET_MAX + 1, &err), -1);
	CHECK_INT(err.exit, BK_EX_DATAERR);
	CHECK(!s.p);
	CHECK(!strchr(err.msg, 'x') || !strstr(err.msg, "xxx"));
}

CHECK_TEST(one_newline_goes)
{
	static const struct {
		const char *text;
		size_t len, left;
	} texts[] = { { "", 0, 0 },	{ "\n", 1, 0 },	   { "\n\n", 2, 1 },
		      { "a", 1, 1 },	{ "a\n", 2, 1 },   { "a\r\n", 3, 2 },
		      { "\na", 2, 2 },	{ "a\n\n", 3, 2 }, { "a\0\n", 3, 2 },
		      { "a\n\0", 3, 3 } };

	for (size_t i = 0; i < BK_COUNT(texts); i++) {
		struct bk_secret s = made(texts[i].text, texts[i].len);

		bk_secret_chomp(&s);
		CHECK_INT(s.len, texts[i].left);
		CHECK(memcmp(s.p, texts[i].text, s.len) == 0);
		CHECK_INT(s.p[s.len], 0);
		bk_secret_free(&s);
	}
}

/* From a pipe, whose other end is closed. */
static int read_back(const void *p, size_t len, size_t limit,
		     struct bk_secret *ret)
{
	int fd[2], got;

	CHECK_INT(pipe(fd), 0);
	CHECK_INT(write(fd[1], p, len), len);
	close(fd[1]);
	got = bk_secret_read(ret, fd[0], limit, &err);
	close(fd[0]);
	return got;
}

CHECK_TEST(reading)
{
	struct bk_secret s;

	CHECK_INT(read_back("a\0b\n", 4, BK_SECRET_MAX, &s), 0);
	CHECK(s.len == 4 && memcmp(s.p, "a\0b\n", 5) == 0);
	bk_secret_free(&s);
	CHECK_INT(read_back("", 0, BK_SECRET_MAX, &s), 0);
	CHECK(s.len == 0 && s.p);
	bk_secret_free(&s);
	CHECK_INT(read_back("abc", 3, 3, &s), 0);
	CHECK_STR(s.p, "abc");
	bk_secret_free(&s);
	CHECK_INT(read_back("abcd", 4, 3, &s), -1);
	CHECK_INT(err.exit, BK_EX_DATAERR);
	CHECK(!s.p);
	memset(big, 'x', sizeof(big));
	CHECK_INT(read_back(big, BK_SECRET_MAX, BK_SECRET_MAX, &s), 0);
	CHECK_INT(s.len, BK_SECRET_MAX);
	bk_secret_free(&s);
	CHECK_INT(read_back(big, BK_SECRET_MAX + 1, BK_SECRET_MAX, &s), -1);
	CHECK_INT(err.exit, BK_EX_DATAERR);
	CHECK_INT(bk_secret_read(&s, 1000, 10, &err), -1); /* is not open */
	CHECK(!s.p);
}

/* It comes in pieces, and only what belongs to it is taken. */
CHECK_TEST(reading_pieces)
{
	struct bk_secret s;
	int fd[2];
	pid_t pid;

	CHECK_INT(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 5; i++) {
			usleep(2000);
			if (write(fd[1], "ab", 2) != 2)
				_exit(1);
		}
		_exit(0);
	}
	close(fd[1]);
	CHECK_INT(bk_secret_read(&s, fd[0], 100, &err), 0);
	CHECK_STR(s.p, "ababababab");
	bk_secret_free(&s);
	close(fd[0]);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
}

CHECK_TEST(piping)
{
	struct bk_secret s = made("a\0b", 3), back;
	int fd = bk_secret_pipe(&s, &err);

	CHECK(fd >= 0);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK_INT(bk_secret_read(&back, fd, 10, &err), 0);
	CHECK(back.len == 3 && memcmp(back.p, "a\0b", 3) == 0);
	close(fd);
	bk_secret_free(&s);
	bk_secret_free(&back);
	/* the longest one does not block */
	memset(big, 'x', sizeof(big));
	s = made(big, BK_SECRET_MAX);
	fd = bk_secret_pipe(&s, &err);
	CHECK_INT(bk_secret_read(&back, fd, BK_SECRET_MAX, &err), 0);
	CHECK_INT(back.len, BK_SECRET_MAX);
	close(fd);
	bk_secret_free(&s);
	bk_secret_free(&back);
}

/* The mapping that holds p: its line in smaps holds these flags? */
static bool has_flags(const void *p, const char *flags)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[512];
	bool inside = false, found = false;

	CHECK(f);
	while (!found && fgets(line, sizeof(line), f)) {
		unsigned long start, end;

		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = (unsigned long)p >= start &&
				 (unsigned long)p < end;
		found = inside && strncmp(line, "VmFlags:", 8) == 0 &&
			strstr(line, flags);
	}
	fclose(f);
	return found;
}

CHECK_TEST(left_out_of_dumps_and_of_children)
{
	struct bk_secret s = made("hunter2", 7);
	int status;
	pid_t pid;

	CHECK(has_flags(s.p, " dd")); /* MADV_DONTDUMP */
	CHECK(has_flags(s.p, " wf")); /* MADV_WIPEONFORK */
	pid = fork();
	if (pid == 0) {
		for (size_t i = 0; i <= BK_SECRET_MAX; i++)
			if (s.p[i])
				_exit(1);
		_exit(0);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 0);
	CHECK_STR(s.p, "hunter2");
	bk_secret_free(&s);
}

CHECK_TEST(locked_where_that_is_allowed)
{
	struct rlimit r;
	struct bk_secret s = made("x", 1);

	CHECK_INT(getrlimit(RLIMIT_MEMLOCK, &r), 0);
	if (r.rlim_cur < BK_SECRET_MAX + 4096)
		CHECK_SKIP("no memory may be locked here");
#if !defined(__SANITIZE_ADDRESS__) /* where mlock(2) does nothing */
	CHECK(has_flags(s.p, " lo"));
#endif
	bk_secret_free(&s);
	/* best effort, otherwise */
	r.rlim_cur = 0;
	CHECK_INT(setrlimit(RLIMIT_MEMLOCK, &r), 0);
	s = made("x", 1);
	bk_secret_free(&s);
}

/* What is freed is gone, and was wiped before: no page of it is left. */
CHECK_TEST(nothing_is_left_when_freed)
{
	struct bk_secret s = made("hunter2", 7);
	void *p = s.p;
	unsigned char vec[16];

	bk_secret_free(&s);
	errno = 0;
	if (mincore(p, BK_SECRET_MAX, vec) == 0)
		CHECK(memcmp(p, "hunter2", 7) != 0);
	else
		CHECK_INT(errno, ENOMEM);
}

CHECK_TEST(hardened)
{
	struct rlimit r = { 4096, 4096 };

	(void)setrlimit(RLIMIT_CORE, &r);
	bk_secret_harden();
	CHECK_INT(getrlimit(RLIMIT_CORE, &r), 0);
	CHECK_INT(r.rlim_cur, 0);
	CHECK_INT(prctl(PR_GET_DUMPABLE), 0);
	/* for the search for leaks, which traces this process */
	(void)prctl(PR_SET_DUMPABLE, 1);
}
