/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The configuration as its files have it, before anything is checked but who
 * may write them. For conf.c alone.
 */
#ifndef BK_CONF_READ_H
#define BK_CONF_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "str.h"

/* One line. What is wrong with a line or a file is one too, in its place. */
struct bk_conf_line {
	const char *file;
	size_t line;   /* 0: the file as a whole */
	char *section; /* NULL: value is a problem */
	char *key;     /* NULL: the section starts */
	char *value;
	bool continued;
};

struct bk_conf_lines {
	struct bk_conf_line *v;
	size_t n, cap;
	struct bk_strv files; /* in the order of reading */
	bool some;	      /* there is a file */
	bool incomplete;      /* one was not read */
	int exit;	      /* 66 or 77, where that is why; else 0 */
};

/*
 * Read file, or with NULL $BK_CONFIG or bk.conf and conf.d. -1 where it is
 * not known where they are.
 */
int bk_conf_read(const char *file, struct bk_conf_lines *ret,
		 struct bk_err *err);
void bk_conf_lines_free(struct bk_conf_lines *l);

#endif
