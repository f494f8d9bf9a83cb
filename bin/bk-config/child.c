/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "child.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"

#define SAID_LIMIT ((size_t)64 << 20)

void said_free(struct said *s)
{
	bk_buf_free(&s->out);
	bk_buf_free(&s->err);
}

void child_tool(const struct tool *t, const char *name, struct bk_strv *argv)
{
	bk_strv_take(argv, bk_exec_sibling(name));
	if (t->cli.config)
		child_add(argv, "-c", t->cli.config);
}

void child_add_all(struct bk_strv *argv, const char *const *words)
{
	for (; *words; words++)
		bk_strv_add(argv, *words);
}

static int run(const struct bk_strv *argv, int in, int timeout_ms,
	       struct said *ret, struct bk_err *err)
{
	struct bk_exec x = { .argv = argv->v, .in = in };

	ret->status = bk_exec_run(&x, SAID_LIMIT, timeout_ms, &ret->out,
				  &ret->err, err);
	return ret->status < 0 ? -1 : 0;
}

int child_run(const struct bk_strv *argv, int timeout_ms, struct said *ret,
	      struct bk_err *err)
{
	return run(argv, BK_EXEC_NULL, timeout_ms, ret, err);
}

int child_feed(const struct bk_strv *argv, const char *text, int timeout_ms,
	       struct said *ret, struct bk_err *err)
{
	BK_AUTO_CLOSE int fd = memfd_create("stdin", MFD_CLOEXEC);

	if (fd < 0 || bk_fd_write(fd, text, strlen(text)) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return bk_err_sys(err, "cannot keep a text in memory");
	return run(argv, fd, timeout_ms, ret, err);
}

int child_pass(const struct bk_strv *argv, int in, int out, struct bk_err *err)
{
	struct bk_child c = BK_CHILD_INIT;
	struct bk_exec x = {
		.argv = argv->v, .in = in, .out = out, .err = BK_EXEC_INHERIT
	};

	/* What we have said comes first. */
	(void)fflush(stdout);
	if (bk_exec_start(&x, &c, err) < 0)
		return -1;
	return bk_exec_wait_forward(&c);
}

/* What stands behind "bk-secret: error: ", "warning: " or "Fatal: ". */
static const char *without_prefix(const char *line)
{
	static const char *const words[] = { "error: ", "warning: " };
	const char *colon = strstr(line, ": ");

	if (bk_str_starts(line, "Fatal: "))
		return line + strlen("Fatal: ");
	if (!bk_str_starts(line, "bk-") || !colon)
		return line;
	line = colon + 2;
	for (size_t i = 0; i < BK_COUNT(words); i++)
		if (bk_str_starts(line, words[i]))
			line += strlen(words[i]);
	return line;
}

void said_lines(const struct bk_buf *b, struct bk_strv *ret)
{
	BK_AUTO_STRV struct bk_strv all = BK_STRV_INIT;

	bk_strv_split(&all, b->p ? b->p : "", "\n\r");
	for (size_t i = 0; i < all.n; i++) {
		const char *line = bk_str_trim(all.v[i]);

		if (*line)
			bk_strv_add(ret, without_prefix(line));
	}
}

char *said_why(const struct said *s)
{
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;

	said_lines(&s->err, &lines);
	if (lines.n == 0)
		said_lines(&s->out, &lines);
	if (lines.n == 0)
		return bk_strdup("it gave no reason");
	return bk_strdup(lines.v[lines.n - 1]);
}

json_t *said_records(const struct said *s)
{
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;
	json_t *all = json_array();
	bool ended = false;

	bk_strv_split(&lines, s->out.p ? s->out.p : "", "\n");
	for (size_t i = 0; i < lines.n && !ended; i++) {
		json_t *o = json_loads(lines.v[i], 0, NULL);
		const char *type = bk_rec_str(o, "type");

		ended = type && strcmp(type, "end") == 0;
		if (!type || ended)
			json_decref(o);
		else if (json_array_append_new(all, o) < 0)
			abort();
	}
	if (ended)
		return all;
	json_decref(all);
	return NULL;
}

char *child_line(const struct bk_strv *argv)
{
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;
	struct bk_buf b = BK_BUF_INIT;

	for (size_t i = 0; i < argv->n; i++) {
		const char *base = i == 0 ? strrchr(argv->v[0], '/') : NULL;

		bk_strv_add(&words, base ? base + 1 : argv->v[i]);
	}
	bk_exec_add_line(&b, words.v);
	return bk_buf_steal(&b);
}
