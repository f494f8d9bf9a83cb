/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "echo.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "str.h"

#define BLOCK ((size_t)65536)
/* No host has users for more. */
#define GLOBALS_LIMIT ((off_t)64 << 20)

struct text {
	int fd;
	off_t size; /* without its last line */
};

static int open_text(const char *path, struct text *t, struct bk_err *err)
{
	char end[4096];
	struct stat st;
	off_t at;
	ssize_t n;

	t->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (t->fd < 0 || fstat(t->fd, &st) < 0)
		return bk_err_sys(err, "cannot open '%s'", path);
	at = st.st_size > (off_t)sizeof(end) ? st.st_size - (off_t)sizeof(end)
					     : 0;
	n = pread(t->fd, end, sizeof(end), at);
	if (n < 0)
		return bk_err_sys(err, "cannot read '%s'", path);
	while (n > 1 && end[n - 2] != '\n')
		n--;
	t->size = at + (n > 1 ? n - 1 : 0);
	return 0;
}

/*
 * How many bytes from there on are the same, n at most; *ret_line: how many of
 * them are whole lines.
 */
static off_t same(const struct text *a, off_t from, const struct text *b,
		  off_t other, off_t n, off_t *ret_line)
{
	char x[BLOCK], y[BLOCK];
	off_t done = 0;

	*ret_line = 0;
	while (done < n) {
		size_t some =
			n - done < (off_t)BLOCK ? (size_t)(n - done) : BLOCK;
		ssize_t got = pread(a->fd, x, some, from + done);

		if (got <= 0 ||
		    pread(b->fd, y, (size_t)got, other + done) != got)
			break;
		for (ssize_t i = 0; i < got; i++, done++) {
			if (x[i] != y[i])
				return done;
			if (x[i] == '\n')
				*ret_line = done + 1;
		}
	}
	return done;
}

/* Does each line of it have to do with users, rights and settings alone? */
static bool is_global(const char *text)
{
	static const char *const starts[] = {
		"CREATE USER", "CREATE ROLE",	  "CREATE SERVER",
		"CREATE OR",   "CREATE FUNCTION", "ALTER USER",
		"GRANT ",      "REVOKE ",	  "SET ",
		"--",
	};

	for (const char *p = text; *p;) {
		bool known = false;

		for (size_t i = 0; i < BK_COUNT(starts); i++)
			known = known || bk_str_starts(p, starts[i]);
		if (!known)
			return false;
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return true;
}

/* What the first has more is n bytes from there on. */
static int judge_more(const struct text *a, off_t at, off_t n,
		      struct bk_err *err)
{
	BK_AUTO_FREE char *text = NULL;

	if (n < 0 || n > GLOBALS_LIMIT)
		return 1;
	text = bk_calloc(1, (size_t)n + 1);
	if (pread(a->fd, text, (size_t)n, at) != n)
		return bk_err_sys(err, "cannot read a dump");
	return strlen(text) == (size_t)n && is_global(text) ? 0 : 1;
}

int echo_compare(const char *first, const char *second, struct bk_err *err)
{
	struct text a = { -1, 0 }, b = { -1, 0 };
	off_t more, line, none, rest;
	int got = -1;

	if (open_text(first, &a, err) == 0 && open_text(second, &b, err) == 0) {
		more = a.size - b.size;
		(void)same(&a, 0, &b, 0, a.size < b.size ? a.size : b.size,
			   &line);
		rest = b.size - line;
		got = more >= 0 && same(&a, line + more, &b, line, rest,
					&none) == rest
			      ? judge_more(&a, line, more, err)
			      : 1;
	}
	if (a.fd >= 0)
		(void)close(a.fd);
	if (b.fd >= 0)
		(void)close(b.fd);
	return got;
}
