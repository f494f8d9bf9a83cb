/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "str.h"

/* The log is the one thing that every function of a program shares. */
static struct {
	const char *name;
	enum bk_log_level level;
	bool journal;
	bool progress; /* a progress line stands on the terminal */
} state = { "bk", BK_LOG_NOTICE, false, false };

/* $JOURNAL_STREAM is "device:inode" of the descriptor that is the journal. */
static bool is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &dev, &ino) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
	       st.st_ino == ino;
}

void bk_log_init(const char *name)
{
	state.name = name;
	state.journal = is_journal();
}

const char *bk_log_name(void)
{
	return state.name;
}

void bk_log_set_level(enum bk_log_level level)
{
	state.level = level;
}

enum bk_log_level bk_log_level(void)
{
	return state.level;
}

static void write_stderr(const struct bk_buf *b)
{
	size_t done = 0;

	while (done < b->len) {
		ssize_t n = write(STDERR_FILENO, b->p + done, b->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		done += (size_t)n;
	}
}

void bk_log(enum bk_log_level level, const char *fmt, ...)
{
	static const char *const word[] = { "error: ", "warning: ", "", "",
					    "" };
	static const int priority[] = { 3, 4, 5, 6, 7 };
	int saved = errno;
	va_list ap;
	char *msg = NULL;
	BK_AUTO_BUF struct bk_buf line = BK_BUF_INIT;

	if (level > state.level)
		return;
	va_start(ap, fmt);
	if (vasprintf(&msg, fmt, ap) < 0)
		msg = NULL;
	va_end(ap);
	if (state.progress)
		bk_log_progress(NULL);
	if (state.journal)
		bk_buf_addf(&line, "<%d>", priority[level]);
	bk_buf_addf(&line, "%s: %s", state.name, word[level]);
	bk_str_add_term(&line, msg ? msg : fmt);
	bk_buf_addc(&line, '\n');
	write_stderr(&line);
	free(msg);
	errno = saved;
}

void bk_log_command(const char *command)
{
	BK_AUTO_BUF struct bk_buf line = BK_BUF_INIT;

	if (state.level < BK_LOG_NOTICE)
		return;
	if (state.progress)
		bk_log_progress(NULL);
	bk_buf_addf(&line, "%s    %s\n", state.journal ? "<5>" : "", command);
	write_stderr(&line);
}

int bk_log_err(const struct bk_err *err)
{
	bk_error("%s", err->msg);
	return err->exit;
}

void bk_log_progress(const char *text)
{
	BK_AUTO_BUF struct bk_buf line = BK_BUF_INIT;

	if (state.level < BK_LOG_NOTICE || !isatty(STDERR_FILENO))
		return;
	bk_buf_adds(&line, "\r\033[K");
	if (text)
		bk_str_add_term(&line, text);
	state.progress = text != NULL;
	write_stderr(&line);
}
