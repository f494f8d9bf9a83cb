/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-secret get: one secret on stdout, nothing added; or, for another tool,
 * many of them (bk-records(5)).
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "sig.h"
#include "source.h"

/* Requests come from a pipe of a tool, and name things, not secrets. */
#define REQUESTS_MAX ((size_t)1 << 20)

static int print(const struct bk_secret *s, struct bk_err *err)
{
	if (bk_fd_write(STDOUT_FILENO, s->p, s->len) == 0)
		return 0;
	return bk_err_set(err, BK_EX_IOERR, errno, "cannot write the secret");
}

static int get_one(struct tool *t, char **args)
{
	BK_AUTO_STRV struct bk_strv refs = BK_STRV_INIT;
	BK_AUTO_SECRET struct bk_secret s = BK_SECRET_INIT;
	struct bk_err err;
	size_t source;

	for (; *args; args++) {
		BK_AUTO_REF struct bk_ref ref = BK_REF_INIT;

		if (take_ref(*args, &ref) != BK_EX_OK)
			return BK_EX_USAGE;
		bk_strv_add(&refs, ref.text);
	}
	if (refs.n == 0)
		return bk_cli_usage("get wants a reference");
	if (isatty(STDOUT_FILENO) && !t->force)
		return bk_cli_usage("stdout is a terminal; -f shows the secret "
				    "on it");
	if (source_first(t, &refs, "Secret", &source, &s, &err) < 0 ||
	    print(&s, &err) < 0)
		return bk_log_err(&err);
	return BK_EX_OK;
}

/* "STATUS SOURCE LENGTH\n", then that many bytes. */
static int reply(int status, size_t source, const char *p, size_t len)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_buf_addf(&b, "%d %zu %zu\n", status, source, len);
	return bk_fd_write(STDOUT_FILENO, b.p, b.len) < 0 ||
			       bk_fd_write(STDOUT_FILENO, p, len) < 0
		       ? -1
		       : 0;
}

static int answer(struct tool *t, const char *label, const struct bk_strv *refs)
{
	BK_AUTO_SECRET struct bk_secret s = BK_SECRET_INIT;
	struct bk_err err;
	size_t source = 0;

	if (source_first(t, refs, label, &source, &s, &err) == 0)
		return reply(0, source, s.p, s.len);
	return reply(err.exit, source, err.msg, strlen(err.msg));
}

/* The next NUL-terminated text, or NULL. */
static const char *next_text(const char **p, const char *end)
{
	const char *s = *p;
	const char *nul = s < end ? memchr(s, '\0', (size_t)(end - s)) : NULL;

	if (!nul)
		return NULL;
	*p = nul + 1;
	return s;
}

static int answer_all(struct tool *t, const char *p, const char *end)
{
	const char *label, *ref = "";

	while ((label = next_text(&p, end))) {
		BK_AUTO_STRV struct bk_strv refs = BK_STRV_INIT;

		while ((ref = next_text(&p, end)) && *ref)
			bk_strv_add(&refs, ref);
		if (!ref)
			break;
		if (answer(t, label, &refs) < 0)
			return BK_EX_IOERR;
	}
	if (ref && p == end)
		return BK_EX_OK;
	bk_error("the requests are cut off");
	return BK_EX_PROTOCOL;
}

/* As bk_fd_read(), and a signal ends it. */
static int read_requests(struct bk_buf *b)
{
	ssize_t n = 1;

	while (n > 0 && b->len <= REQUESTS_MAX) {
		bk_buf_reserve(b, 4096);
		n = bk_sig_await(STDIN_FILENO)
			    ? read(STDIN_FILENO, b->p + b->len, 4096)
			    : -1;
		b->len += n > 0 ? (size_t)n : 0;
	}
	return n < 0 || b->len > REQUESTS_MAX ? -1 : 0;
}

static int get_batch(struct tool *t)
{
	BK_AUTO_BUF struct bk_buf in = BK_BUF_INIT;

	if (read_requests(&in) < 0) {
		if (!bk_sig_pending())
			bk_error("cannot read the requests");
		return BK_EX_IOERR;
	}
	return in.len > 0 ? answer_all(t, in.p, in.p + in.len) : BK_EX_OK;
}

int cmd_get(struct tool *t, char **args)
{
	if (!t->batch)
		return get_one(t, args);
	if (*args)
		return bk_cli_usage("--batch takes its references from stdin");
	return get_batch(t);
}
