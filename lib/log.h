/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages on stderr: "bk-scan: error: cannot open 'p': Permission denied".
 *
 * Each message is one line and one write(2), with control bytes escaped.
 * Where stderr is the journal ($JOURNAL_STREAM), lines carry the <N> priority
 * prefix of sd-daemon(3).
 */
#ifndef BK_LOG_H
#define BK_LOG_H

#include "err.h"

enum bk_log_level {
	BK_LOG_ERROR,
	BK_LOG_WARNING,
	BK_LOG_NOTICE, /* the default */
	BK_LOG_INFO,   /* -v */
	BK_LOG_DEBUG,  /* -vv */
};

/* The name in front of every line; must outlive the program's messages. */
void bk_log_init(const char *name);
const char *bk_log_name(void);
void bk_log_set_level(enum bk_log_level level);
enum bk_log_level bk_log_level(void);

void bk_log(enum bk_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define bk_error(...) bk_log(BK_LOG_ERROR, __VA_ARGS__)
#define bk_warning(...) bk_log(BK_LOG_WARNING, __VA_ARGS__)
#define bk_notice(...) bk_log(BK_LOG_NOTICE, __VA_ARGS__)
#define bk_info(...) bk_log(BK_LOG_INFO, __VA_ARGS__)
#define bk_debug(...) bk_log(BK_LOG_DEBUG, __VA_ARGS__)

/*
 * A command that the reader may type, at the level of a notice: a line of its
 * own, indented, without a name before it. Its words are those of
 * bk_str_add_typed(), and printed as they are.
 */
void bk_log_command(const char *line);

/* Report err as an error and return its exit status. */
int bk_log_err(const struct bk_err *err);

/*
 * One progress line on a terminal, overwritten by the next one; nothing where
 * stderr is none or -q was given. NULL clears it. Messages clear it first.
 */
void bk_log_progress(const char *line);

#endif
