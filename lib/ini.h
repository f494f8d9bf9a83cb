/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * INI text, read by libinih behind a reader that lifts its limits: each line
 * reaches libinih with its value replaced by its line number, so that values
 * of any length arrive whole and with their line, whatever libinih was built
 * with.
 *
 * [kind name] starts a section; "key = value" or "key: value"; a line that
 * starts with white space continues the key above, as one more value of it;
 * ';' or '#' start a comment line; white space and ';' start a comment behind
 * a value.
 */
#ifndef BK_INI_H
#define BK_INI_H

#include <stdbool.h>
#include <stddef.h>

/*
 * One key and value. section is the text between the brackets, "" before the
 * first; key is NULL for the line that starts a section. continued: the value
 * stands on a line of its own below the key.
 */
struct bk_ini_line {
	const char *section;
	const char *key;
	const char *value;
	size_t line;
	bool continued;
};

/*
 * Parse len bytes of text. Calls each() for every section start and value,
 * and problem() for every line that cannot be read, with a message without
 * file and line. Goes on to the end in any case. Limits: 1 MiB a line, 64
 * bytes a key, 256 bytes a section; NUL bytes and invalid UTF-8 in keys and
 * sections are problems.
 */
struct bk_ini {
	void (*each)(void *arg, const struct bk_ini_line *line);
	void (*problem)(void *arg, size_t line, const char *msg);
	void *arg;
};
void bk_ini_parse(const char *text, size_t len, const struct bk_ini *ini);

#endif
