/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the commands of bk-config share.
 */
#ifndef TOOL_H
#define TOOL_H

#include <stdbool.h>

#include "answers.h"
#include "cli.h"
#include "conf.h"
#include "rec.h"

struct tool {
	struct bk_cli cli;
	struct bk_conf *conf; /* NULL until a command has read it */
	struct bk_rec out;

	bool offline;	     /* --offline */
	bool push;	     /* --push */
	struct answers want; /* what the options of init say */
};

/* Each command: its operands, its exit status. */
int cmd_append_only(struct tool *t, char **args);
int cmd_check(struct tool *t, char **args);
int cmd_init(struct tool *t, char **args);
int cmd_show(struct tool *t, char **args);

/* "[repo main]"; the caller frees it, and those below. */
char *section_label(const struct bk_conf_section *s);

/* As bk.conf has a value that may hold "%H", and an exclude of this path. */
char *plain_value(const char *text);
char *exclude_value(const char *path);

#endif
