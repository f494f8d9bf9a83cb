/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the steps of bk-config init share. Each looks first whether it is done
 * already, does it if not, and says so, with the command that does it by
 * hand; so a set-up that was interrupted goes on where it stopped.
 */
#ifndef SETUP_H
#define SETUP_H

#include "child.h"
#include "remote.h"
#include "tool.h"

struct setup {
	struct tool *t;
	struct answers *want;
	bool person;		/* somebody at a terminal can be asked */
	bool no_repo;		/* a repository could not be had */
	bool no_plan;		/* nothing is chosen for backup */
	int exit;		/* of the first step that failed */
	struct bk_strv broken;	/* labels of sections whose server fails */
	struct bk_strv aliases; /* of ssh_config, that a dry run lacks */
};

enum state {
	STEP_DONE,
	STEP_KEPT, /* as it was found */
	STEP_WOULD,
	STEP_SKIPPED,
	STEP_HAND, /* by a person */
	STEP_FAILED,
};
/* command: what does it by hand, or NULL. */
void step(struct setup *s, enum state state, const char *name,
	  const char *command, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* The same for what failed: exit is that of init, unless one failed before. */
void step_failed(struct setup *s, int exit, const char *name,
		 const char *command, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/*
 * The steps in order. Those that return an exit status end init with it where
 * it is not 0; others have said what failed, and the rest goes on.
 */
int step_config(struct setup *s);   /* draft.c */
void step_hosts(struct setup *s);   /* login.c */
void step_keyring(struct setup *s); /* keyring.c */
void step_passwords(struct setup *s);
void step_repos(struct setup *s); /* jobs.c */
void step_marks(struct setup *s);
void step_backup(struct setup *s);
void step_monitors(struct setup *s); /* keyring.c: its token; jobs.c */
void step_timers(struct setup *s);   /* timers.c */
void step_sheets(struct setup *s);

/*
 * The alias of ssh_config for a server, which is made where there is none;
 * NULL with err where that fails. The caller frees it.
 */
char *login_alias(struct setup *s, const struct bk_remote *h,
		  struct bk_err *err);

/*
 * Write a file, whole or not at all; one that is there keeps its mode and
 * owner, and of a link what it leads to is written. mode: of a new one.
 */
int write_whole(const char *path, const char *p, size_t len, mode_t mode,
		struct bk_err *err);

/* Make a key without a passphrase; one that is there is replaced. */
int login_make_key(const char *file, const char *comment, struct bk_err *err);
/* Append text to a file of ssh's, whole or not at all; mode: of a new one. */
int login_append(const char *path, const char *text, mode_t mode,
		 struct bk_err *err);
/*
 * Make sure that a key of this server is known, one that was accepted;
 * false: none is, and that has been said. name: of the step.
 */
struct ssh_view;
bool login_pin(struct setup *s, const char *name, const struct ssh_view *v);

/*
 * Make sure that the secret of this key is there: a new one is made up, or
 * comes from a file ("-": stdin), or is typed. false: it is not there, and
 * that has been said.
 */
struct new_secret {
	bool generate;
	const char *file; /* or NULL */
};
bool secret_is_there(struct setup *s, const char *name,
		     const struct bk_conf_section *section, const char *key,
		     const struct new_secret *from);

/* A person's answer; 0, or -1 with err where there is none. */
struct answer {
	const char *question;
	const char *proposal; /* NULL: there is none, and one is needed */
	/* NULL if it will do, else why not; the caller frees it. May be NULL */
	char *(*check)(const char *text);
};
int ask(const struct answer *a, char **ret, struct bk_err *err);
/* 1 yes, 0 no, -1 there was no answer. */
int ask_yes(const char *question);

/*
 * What is to be known for sections that conf has not: from want, else from
 * the person. 64 where neither says it.
 */
int answers_complete(struct setup *s, const struct bk_conf *conf,
		     struct bk_err *err);

#endif
