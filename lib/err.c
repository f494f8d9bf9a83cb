/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int err_fill(struct bk_err *err, int exit, int num, const char *fmt,
		    va_list ap)
{
	char msg[sizeof(err->msg)];
	size_t len;

	if (!err)
		return -1;
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	len = strlen(msg);
	if (num != 0 && len < sizeof(msg))
		(void)snprintf(msg + len, sizeof(msg) - len, ": %s",
			       strerror(num));
	err->exit = exit;
	err->num = num;
	memcpy(err->msg, msg, sizeof(msg));
	return -1;
}

int bk_err_set(struct bk_err *err, int exit, int num, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)err_fill(err, exit, num, fmt, ap);
	va_end(ap);
	return -1;
}

static int exit_of_errno(int num)
{
	switch (num) {
	case ENOENT:
	case ENOTDIR:
		return BK_EX_NOINPUT;
	case EACCES:
	case EPERM:
		return BK_EX_NOPERM;
	case EIO:
	case ENOSPC:
	case EDQUOT:
	case EROFS:
	case EFBIG:
	case EPIPE:
		return BK_EX_IOERR;
	default:
		return BK_EX_OSERR;
	}
}

int bk_err_sys(struct bk_err *err, const char *fmt, ...)
{
	int num = errno;
	va_list ap;

	va_start(ap, fmt);
	(void)err_fill(err, exit_of_errno(num), num, fmt, ap);
	va_end(ap);
	errno = num;
	return -1;
}
