/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the commands of bk-notify share.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "cli.h"
#include "deliver.h"
#include "resolve.h"

struct notify {
	struct bk_cli cli;
	struct bk_conf *conf;
	struct bk_strv problems; /* of the configuration */
	int broken; /* 78, 66, 77: conf has what can be used of it; or 0 */
	struct bk_resolve secrets;
	struct bk_rec out;
	int64_t ping;	/* --ping, or -1 */
	bool record;	/* --record */
	char **command; /* run: behind "--", or NULL */
};

/* Each command: its operands, its exit status. */
int cmd_push(struct notify *n, char **args);
int cmd_run(struct notify *n, char **args);
int cmd_state(struct notify *n, char **args);
int cmd_test(struct notify *n, char **args);
int cmd_unit(struct notify *n, char **args);

/*
 * Read the configuration, and say what is wrong with it; then conf has the
 * monitors that can be told, and broken is the exit status.
 */
void notify_load(struct notify *n);

/* The monitors that one command tells. */
struct targets {
	struct delivery *v;
	size_t n;
};
#define TARGETS_INIT ((struct targets){ NULL, 0 })
/* Those that args name, or all; 66 where one is not there. */
int targets_find(struct notify *n, char *const *args, struct targets *ret);
void targets_add(struct notify *n, const struct bk_conf_section *s,
		 struct targets *t);
void targets_free(struct targets *t);

/* Get the tokens and tell all of them. */
void targets_deliver(struct notify *n, struct targets *t,
		     const struct deliver_how *how);
/*
 * Say what became of it: a record each, and a message where it was not
 * delivered. With out NULL the messages alone.
 */
void targets_report(struct notify *n, const struct targets *t,
		    struct bk_rec *out);
/* 0, 75 where it may be delivered later, 1 where something is wrong. */
int targets_status(const struct targets *t);

/* For deliver_how: the message that is in the delivery already. */
bool compose_given(struct delivery *d, const struct history *h, void *arg);

/*
 * Tell monitors how their jobs are, t being some or all of them. 0; or 1, or
 * broken, where that could not be found out, and they were told so.
 */
int tell_state(struct notify *n, struct targets *t);

#endif
