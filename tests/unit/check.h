/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef CHECK_H
#define CHECK_H

/*
 * Unit checks that print TAP. A file of tests includes this once and has no
 * main of its own:
 *
 *	CHECK_TEST(parses_hours)
 *	{
 *		CHECK_INT(parse("2h"), 7200);
 *	}
 *
 * Each test runs in a child of its own, with 20 seconds to do so; a failed
 * check ends it with its place and values, and a signal is a failure too.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct check_test {
	const char *name;
	void (*run)(void);
	struct check_test *next;
};

static struct check_test *check_first, **check_last = &check_first;

#define CHECK_TEST(fn)                                                \
	static void fn(void);                                         \
	static struct check_test check_##fn = { #fn, fn, NULL };      \
	__attribute__((constructor)) static void check_add_##fn(void) \
	{                                                             \
		*check_last = &check_##fn;                            \
		check_last = &check_##fn.next;                        \
		check_plan++;                                         \
	}                                                             \
	static void fn(void)

/* A test's child that ends with this status has printed its result. */
#define CHECK_SAID 113

static int check_number, check_plan;
static const char *check_name;

#define CHECK_FAIL(...)                                             \
	do {                                                        \
		printf("not ok %d %s\n", check_number, check_name); \
		printf("# %s:%d: ", __FILE__, __LINE__);            \
		printf(__VA_ARGS__);                                \
		printf("\n");                                       \
		fflush(stdout);                                     \
		_exit(CHECK_SAID);                                  \
	} while (0)

#define CHECK(expr)                                      \
	do {                                             \
		if (!(expr))                             \
			CHECK_FAIL("not so: %s", #expr); \
	} while (0)

#define CHECK_INT(a, b)                                                     \
	do {                                                                \
		intmax_t a_ = (intmax_t)(a), b_ = (intmax_t)(b);            \
		if (a_ != b_)                                               \
			CHECK_FAIL("%s is %" PRIdMAX ", not %" PRIdMAX, #a, \
				   a_, b_);                                 \
	} while (0)

/* NULL equals only NULL. */
#define CHECK_STR(a, b)                                                        \
	do {                                                                   \
		const char *a_ = (a), *b_ = (b);                               \
		if (a_ == b_ || (a_ && b_ && strcmp(a_, b_) == 0))             \
			break;                                                 \
		CHECK_FAIL("%s is \"%s\", not \"%s\"", #a, a_ ? a_ : "(null)", \
			   b_ ? b_ : "(null)");                                \
	} while (0)

#define CHECK_SKIP(why)                                                        \
	do {                                                                   \
		printf("ok %d %s # skip %s\n", check_number, check_name, why); \
		fflush(stdout);                                                \
		_exit(CHECK_SAID);                                             \
	} while (0)

/* Runs a test in a child; returns the child's wait status. */
static int check_run(const struct check_test *t)
{
	int status = -1;
	pid_t pid;

	check_number++;
	check_name = t->name;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		alarm(20);
		t->run();
		/* exit, not _exit: leaks are looked for there */
		exit(0);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	return status;
}

/* The status is 0 unless this program itself failed: TAP tells the rest. */
int main(void)
{
	printf("1..%d\n", check_plan);
	for (struct check_test *t = check_first; t; t = t->next) {
		int status = check_run(t);

		if (WIFEXITED(status) && WEXITSTATUS(status) == CHECK_SAID)
			continue;
		printf("%sok %d %s\n", status ? "not " : "", check_number,
		       t->name);
		if (WIFSIGNALED(status))
			printf("# ended by %s\n", strsignal(WTERMSIG(status)));
		else if (status)
			printf("# ended with %d\n", WEXITSTATUS(status));
	}
	return 0;
}

#endif
