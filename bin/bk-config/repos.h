/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Repositories, looked at through bk-restic: nothing is written there, not
 * even a lock, and nothing is tried again.
 */
#ifndef REPOS_H
#define REPOS_H

#include "tool.h"

enum repo_state {
	REPO_OPENS,
	REPO_MISSING, /* there is none at its url */
	REPO_DENIED,  /* its password is another one */
	REPO_UNKNOWN, /* it cannot be reached, or opened */
};
/* [repo name]; *ret_why (the caller frees it): what restic says. */
enum repo_state repo_look(const struct tool *t, const char *name,
			  char **ret_why);

#endif
