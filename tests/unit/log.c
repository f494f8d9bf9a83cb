/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>

#include "buf.h"
#include "scratch.h"

static void all_levels(void)
{
	bk_error("e %d", 1);
	bk_warning("w");
	bk_notice("n");
	bk_info("i");
	bk_debug("d");
}

static void named(void)
{
	bk_log_init("bk-x");
	all_levels();
}

CHECK_TEST(default_level)
{
	const struct ran *r = ran(named);

	CHECK_STR(r->err, "bk-x: error: e 1\nbk-x: warning: w\nbk-x: n\n");
	CHECK_STR(r->out, "");
}

static void quiet(void)
{
	bk_log_init("bk-x");
	bk_log_set_level(BK_LOG_WARNING);
	CHECK_INT(bk_log_level(), BK_LOG_WARNING);
	all_levels();
}

static void verbose(void)
{
	bk_log_init("bk-x");
	bk_log_set_level(BK_LOG_DEBUG);
	all_levels();
}

CHECK_TEST(levels)
{
	CHECK_STR(ran(quiet)->err, "bk-x: error: e 1\nbk-x: warning: w\n");
	CHECK_STR(ran(verbose)->err,
		  "bk-x: error: e 1\nbk-x: warning: w\nbk-x: n\nbk-x: i\n"
		  "bk-x: d\n");
}

static void hostile(void)
{
	bk_log_init("bk-x");
	bk_error("'%s'", "\x1b[31m\r\a\n<0>forged\tx\\\xff\xc2\x9b\xc3\xa9");
}

CHECK_TEST(control_bytes_are_escaped)
{
	CHECK_STR(ran(hostile)->err,
		  "bk-x: error: '\\x1b[31m\\x0d\\x07\\n<0>forged\\tx\\\\\\xff"
		  "\\xc2\\x9b\xc3\xa9'\n");
}

static void long_message(void)
{
	bk_log_init("bk-x");
	bk_error("%0*d", 10000, 7);
}

CHECK_TEST(long_messages_are_whole)
{
	const struct ran *r = ran(long_message);

	CHECK_INT(strlen(r->err), strlen("bk-x: error: ") + 10001);
}

static void as_journal(dev_t dev, ino_t ino)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)dev,
		       (unsigned long long)ino);
	setenv("JOURNAL_STREAM", text, 1);
	bk_log_init("bk-x");
	bk_log_set_level(BK_LOG_DEBUG);
	all_levels();
}

static void journal(void)
{
	struct stat st;

	if (fstat(2, &st) == 0)
		as_journal(st.st_dev, st.st_ino);
}

static void other_journal(void)
{
	struct stat st;

	if (fstat(2, &st) == 0)
		as_journal(st.st_dev, st.st_ino + 1);
}

CHECK_TEST(journal_prefix)
{
	CHECK_STR(ran(journal)->err,
		  "<3>bk-x: error: e 1\n<4>bk-x: warning: w\n<5>bk-x: n\n"
		  "<6>bk-x: i\n<7>bk-x: d\n");
	CHECK_HAS(ran(other_journal)->err, "bk-x: error: e 1\n");
	CHECK(!strchr(ran(other_journal)->err, '<'));
	setenv("JOURNAL_STREAM", "rubbish", 1);
	CHECK(!strchr(ran(named)->err, '<'));
}

CHECK_TEST(names_and_errno)
{
	CHECK_STR(bk_log_name(), "bk");
	bk_log_init("bk-y");
	CHECK_STR(bk_log_name(), "bk-y");
	bk_log_set_level(BK_LOG_ERROR);
	errno = EIO;
	bk_notice("not shown");
	CHECK_INT(errno, EIO);
}

static void report(void)
{
	struct bk_err e = { BK_EX_TEMPFAIL, 0, "100% of 'x' is locked %s" };

	bk_log_init("bk-x");
	_exit(bk_log_err(&e));
}

CHECK_TEST(errors_are_reported)
{
	const struct ran *r = ran(report);

	CHECK_EXIT(r, 75);
	CHECK_STR(r->err, "bk-x: error: 100% of 'x' is locked %s\n");
}

static void progress(void)
{
	bk_log_init("bk-x");
	bk_log_progress("half");
	bk_log_progress(NULL);
}

CHECK_TEST(no_progress_without_a_terminal)
{
	CHECK_STR(ran(progress)->err, "");
}

static const char *on_terminal(enum bk_log_level level)
{
	static char text[512];
	int far, near, old = dup(2);
	struct pollfd p = { .events = POLLIN };
	size_t n = 0;

	if (openpty(&far, &near, NULL, NULL, NULL) < 0)
		CHECK_SKIP("there are no pseudo terminals");
	p.fd = far;
	dup2(near, 2);
	bk_log_init("bk-x");
	bk_log_set_level(level);
	bk_log_progress("half\x1b[2J");
	bk_log_progress("more");
	bk_error("e");
	bk_log_progress(NULL);
	dup2(old, 2);
	while (poll(&p, 1, 100) > 0 && n < sizeof(text) - 1) {
		ssize_t got = read(far, text + n, sizeof(text) - 1 - n);

		if (got <= 0)
			break;
		n += (size_t)got;
	}
	text[n] = '\0';
	close(far);
	close(near);
	close(old);
	return text;
}

CHECK_TEST(progress_on_a_terminal)
{
	CHECK_STR(on_terminal(BK_LOG_NOTICE),
		  "\r\033[Khalf\\x1b[2J\r\033[Kmore\r\033[K"
		  "bk-x: error: e\r\n\r\033[K");
	CHECK_STR(on_terminal(BK_LOG_WARNING), "bk-x: error: e\r\n");
}

static void stderr_is_gone(void)
{
	close(2);
	all_levels();
	_exit(7);
}

CHECK_TEST(nobody_listens)
{
	CHECK_EXIT(ran(stderr_is_gone), 7);
}
