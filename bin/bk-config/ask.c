/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Questions at the terminal, with a proposal in brackets that an empty line
 * accepts.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "log.h"
#include "setup.h"
#include "sig.h"

#define LINE_MAX_BYTES 8192

static void prompt(const struct answer *a)
{
	(void)fflush(stdout);
	if (a->proposal)
		(void)fprintf(stderr, "%s [%s]: ", a->question, a->proposal);
	else
		(void)fprintf(stderr, "%s: ", a->question);
}

/* One line of stdin, of which nothing more is read. */
static int read_line(struct bk_buf *b, struct bk_err *err)
{
	char c = 0;
	ssize_t n = 0;

	bk_buf_clear(b);
	bk_buf_adds(b, "");
	while (bk_sig_await(STDIN_FILENO)) {
		n = read(STDIN_FILENO, &c, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || c == '\n')
			break;
		if (b->len < LINE_MAX_BYTES)
			bk_buf_addc(b, c);
	}
	if (bk_sig_pending() || n <= 0)
		return bk_err_set(err, BK_EX_NO, 0,
				  "there was no answer; 'bk-config init' goes "
				  "on where it stopped");
	return 0;
}

int ask(const struct answer *a, char **ret, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf line = BK_BUF_INIT;

	for (;;) {
		BK_AUTO_FREE char *why = NULL;
		const char *text;

		prompt(a);
		if (read_line(&line, err) < 0)
			return -1;
		text = bk_str_trim(line.p);
		if (!*text && a->proposal)
			text = a->proposal;
		if (!*text)
			continue;
		why = a->check ? a->check(text) : NULL;
		if (!why) {
			free(*ret);
			*ret = bk_strdup(text);
			return 0;
		}
		bk_notice("%s", why);
	}
}

static char *check_yes(const char *text)
{
	bool yes;

	return bk_parse_bool(text, &yes) == 0
		       ? NULL
		       : bk_strdup("please answer yes or no");
}

int ask_yes(const char *question)
{
	struct answer a = { question, "no", check_yes };
	BK_AUTO_FREE char *text = NULL;
	struct bk_err err;
	bool yes = false;

	if (ask(&a, &text, &err) < 0)
		return -1;
	(void)bk_parse_bool(text, &yes);
	return yes ? 1 : 0;
}
