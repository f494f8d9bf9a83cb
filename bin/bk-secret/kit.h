/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the commands about recovery sheets share.
 */
#ifndef KIT_H
#define KIT_H

#include "keys.h"
#include "tool.h"

int kit_verify(struct tool *t, char **args);
int kit_revoke(struct tool *t, char **args);

/* Of several statuses: the one that all have, 3 where some are 0, the first. */
enum { KIT_NONE = -1 };
int kit_join(int all, int status);
/* each() for the repositories that args name, or all, until a signal comes. */
int kit_each(struct tool *t, char **args,
	     int (*each)(struct tool *t, const struct bk_conf_section *s,
			 void *arg),
	     void *arg);
/* Report err for a repository; its exit status. */
int kit_fail(const char *repo, const struct bk_err *err);

#endif
