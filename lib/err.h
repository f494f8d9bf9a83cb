/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors and exit statuses.
 *
 * A library function that can fail takes a struct bk_err as its last argument,
 * fills it and returns -1 or NULL; the program reports it once. The exit
 * statuses are those of sysexits.h where it has one; bk(7) documents them.
 */
#ifndef BK_ERR_H
#define BK_ERR_H

enum bk_exit {
	BK_EX_OK = 0,
	BK_EX_NO = 1,	   /* the answer is no, or the job failed */
	BK_EX_PARTIAL = 3, /* some items failed */
	BK_EX_USAGE = 64,
	BK_EX_DATAERR = 65,
	BK_EX_NOINPUT = 66,
	BK_EX_UNAVAILABLE = 69, /* a needed program or host is missing */
	BK_EX_SOFTWARE = 70,
	BK_EX_OSERR = 71,
	BK_EX_CANTCREAT = 73,
	BK_EX_IOERR = 74,
	BK_EX_TEMPFAIL = 75, /* try later: lock, network */
	BK_EX_PROTOCOL = 76,
	BK_EX_NOPERM = 77,
	BK_EX_CONFIG = 78,
};

struct bk_err {
	int exit;	/* enum bk_exit */
	int num;	/* errno, or 0 */
	char msg[1024]; /* raw bytes; the log escapes what a terminal obeys */
};

/*
 * Fill *err with an exit status and a message; num, where not 0, appends
 * ": strerror(num)". Always returns -1, so that callers can return it.
 * err may be NULL. The arguments may point into err->msg.
 */
int bk_err_set(struct bk_err *err, int exit, int num, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * The same from errno: the exit status is 66 for what does not exist, 77 for
 * what is not permitted, 74 for a full or failing disk, 71 otherwise.
 */
int bk_err_sys(struct bk_err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
