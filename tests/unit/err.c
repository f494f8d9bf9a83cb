/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "err.h"

#include <errno.h>

#include "check.h"

CHECK_TEST(set_fills_all)
{
	struct bk_err e;

	CHECK_INT(bk_err_set(&e, BK_EX_DATAERR, 0, "bad %s %d", "x", 7), -1);
	CHECK_INT(e.exit, 65);
	CHECK_INT(e.num, 0);
	CHECK_STR(e.msg, "bad x 7");
}

CHECK_TEST(set_appends_errno)
{
	struct bk_err e;

	bk_err_set(&e, BK_EX_IOERR, ENOSPC, "cannot write '%s'", "/p");
	CHECK_INT(e.num, ENOSPC);
	CHECK_STR(e.msg, "cannot write '/p': No space left on device");
}

CHECK_TEST(null_is_fine)
{
	errno = EIO;
	CHECK_INT(bk_err_set(NULL, BK_EX_IOERR, EIO, "x"), -1);
	CHECK_INT(bk_err_sys(NULL, "x"), -1);
}

CHECK_TEST(argument_in_message)
{
	struct bk_err e;

	bk_err_set(&e, BK_EX_NOPERM, 0, "inner");
	bk_err_set(&e, e.exit, 0, "outer: %s; %s", e.msg, e.msg);
	CHECK_STR(e.msg, "outer: inner; inner");
	CHECK_INT(e.exit, 77);
}

CHECK_TEST(long_messages_are_cut)
{
	char text[3000];
	struct bk_err e;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	bk_err_set(&e, BK_EX_OSERR, EIO, "%s", text);
	CHECK_INT(strlen(e.msg), sizeof(e.msg) - 1);
	/* one byte, and none, is left for the errno */
	bk_err_set(&e, BK_EX_OSERR, EIO, "%.1022s", text);
	CHECK_INT(strlen(e.msg), sizeof(e.msg) - 1);
	CHECK(e.msg[1022] == ':');
	bk_err_set(&e, BK_EX_OSERR, EIO, "%.1023s", text);
	CHECK_INT(strlen(e.msg), sizeof(e.msg) - 1);
}

static int exit_of(int num)
{
	struct bk_err e;

	errno = num;
	CHECK_INT(bk_err_sys(&e, "x"), -1);
	CHECK_INT(errno, num);
	CHECK_INT(e.num, num);
	return e.exit;
}

CHECK_TEST(exit_of_errno)
{
	CHECK_INT(exit_of(ENOENT), 66);
	CHECK_INT(exit_of(ENOTDIR), 66);
	CHECK_INT(exit_of(EACCES), 77);
	CHECK_INT(exit_of(EPERM), 77);
	CHECK_INT(exit_of(EIO), 74);
	CHECK_INT(exit_of(ENOSPC), 74);
	CHECK_INT(exit_of(EDQUOT), 74);
	CHECK_INT(exit_of(EROFS), 74);
	CHECK_INT(exit_of(EMFILE), 71);
	CHECK_INT(exit_of(ELOOP), 71);
}
