/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the commands of bk-secret share.
 */
#ifndef TOOL_H
#define TOOL_H

#include <stdbool.h>

#include "cli.h"
#include "conf.h"
#include "keyring.h"
#include "rec.h"
#include "ref.h"
#include "secret.h"

struct tool {
	struct bk_cli cli;
	struct bk_conf *conf; /* an empty one where there is no file */
	struct bk_rec out;

	bool batch;	      /* --batch */
	bool exact;	      /* --exact */
	bool force;	      /* -f */
	bool generate;	      /* --generate */
	bool html;	      /* --html */
	bool overwrite;	      /* --overwrite */
	bool unlock;	      /* --unlock */
	bool with_master;     /* --with-master */
	const char *with_key; /* --with-key KIND, or NULL */
	bool unattended;      /* nobody is asked */

	/* The keyring, opened when it is first needed, and once. */
	struct keyring ring;
	int ring_state; /* RING_UNKNOWN, 0 read, else see ring_err */
	struct bk_err ring_err;
};
enum { RING_UNKNOWN = 99 };

/* Each command: its operands, its exit status. */
int cmd_get(struct tool *t, char **args);
int cmd_set(struct tool *t, char **args);
int cmd_del(struct tool *t, char **args);
int cmd_list(struct tool *t, char **args);
int cmd_check(struct tool *t, char **args);
int cmd_import(struct tool *t, char **args);
int cmd_enroll(struct tool *t, char **args);
int cmd_kit(struct tool *t, char **args);

/* One operand that is a reference; reports what is wrong with it. */
int take_ref(const char *arg, struct bk_ref *ret);

#endif
