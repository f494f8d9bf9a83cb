/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the commands of bk-restic share.
 */
#ifndef RESTIC_H
#define RESTIC_H

#include <stdbool.h>

#include "cli.h"
#include "conf.h"
#include "rec.h"
#include "repo.h"
#include "run.h"

struct restic {
	struct bk_cli cli;
	struct bk_conf *conf;
	struct bk_resolve secrets;
	struct bk_rec out;

	bool accept;		/* --accept */
	bool due;		/* --due */
	bool prune;		/* --prune */
	bool in_place;		/* --in-place */
	bool overwrite;		/* --overwrite */
	bool yes;		/* --yes */
	bool no_verify;		/* --no-verify */
	bool no_lock;		/* --no-lock */
	bool no_space_check;	/* --no-space-check */
	bool with_cache;	/* --with-cache */
	const char *subset;	/* --subset N/T */
	const char *at;		/* --at TIME */
	const char *snapshot;	/* --snapshot ID */
	const char *target;	/* --target DIR */
	const char *patterns;	/* --patterns FILE */
	const char *host;	/* --host NAME */
	const char *user;	/* --user NAME */
	const char *stdin_name; /* --stdin NAME */
	char **command;		/* behind "--", or NULL */
};

/* Each command: its operands, its exit status. */
int cmd_backup(struct restic *r, char **args);
int cmd_check(struct restic *r, char **args);
int cmd_exec(struct restic *r, char **args);
int cmd_find(struct restic *r, char **args);
int cmd_forget(struct restic *r, char **args);
int cmd_init(struct restic *r, char **args);
int cmd_key(struct restic *r, char **args);
int cmd_prune(struct restic *r, char **args);
int cmd_restore(struct restic *r, char **args);
int cmd_snapshots(struct restic *r, char **args);
int cmd_unlock(struct restic *r, char **args);

/*
 * What snapshots are made of, and named after: a [backup NAME], or, as
 * "mariadb:NAME", the dumps of a [mariadb NAME] that has a repo.
 */
#define SET_DUMP "mariadb:"
struct set {
	const struct bk_conf_section *section;
	bool dump;
	char name[80];
};
/* -1, and an error is reported, where there is none of this name. */
int set_find(struct restic *r, const char *name, struct set *ret);
/* The command that takes a set as it is now; the caller frees it. */
char *set_accept_line(const struct set *set);

/*
 * The [repo]s that args name, or all of them: calls each() and joins the exit
 * statuses: the status itself where all agree, 3 where some ended well and
 * some did not, else the first bad one. An unknown name is an error (66)
 * before anything is done. each() returns EACH_SKIP for one that has no part
 * in it.
 */
enum { EACH_SKIP = -1 };
int each_repo(struct restic *r, char **args,
	      int (*each)(struct restic *r, const struct bk_conf_section *s,
			  void *arg),
	      void *arg);
/* The same of sets; dumps: "all" means those of [mariadb NAME], too. */
int each_set(struct restic *r, char **args, bool dumps,
	     int (*each)(struct restic *r, const struct set *set, void *arg),
	     void *arg);

/* [repo name], opened; repo_close() it in any case. */
int open_repo(struct restic *r, const char *name, struct repo *repo,
	      struct bk_err *err);
/* The [repo] of a set, opened. */
int open_set(struct restic *r, const struct set *set, struct repo *repo,
	     struct bk_err *err);

/*
 * Add the arguments that choose the snapshots of a set: --host and --tag.
 * A snapshot of files has the tags "bk" and the set; one of a stream also
 * "stdin" and "name=NAME", so that forget sees each stream on its own.
 */
void add_filter(struct restic *r, const char *set, struct bk_strv *args);

/* A snapshot as restic lists it. */
struct snapshot {
	char *id;
	char *host;
	int64_t time;
	bool stream;	      /* stored from a pipe */
	int64_t files, bytes; /* -1 where restic did not record them */
	struct bk_strv paths;
};
struct snapshots {
	struct snapshot *v;
	size_t n;
};
/* All of a set, oldest first. */
int snapshots_read(struct restic *r, struct repo *repo, const char *set,
		   struct snapshots *ret, struct bk_err *err);
void snapshots_free(struct snapshots *l);

/* Report err, and write the state of a job that it ended. */
int fail_job(struct restic *r, const char *job, int64_t start,
	     const struct bk_err *err);
/* bk_state_write() with what is the same for all jobs. Warns on failure. */
void write_state(struct restic *r, const char *job, int64_t start, int exit,
		 const char *message, json_t *counts, json_t *extra);

/* Does the repository exist, open with its password, and let us lock it? */
int check_opens(struct repo *repo, struct bk_err *err);

/* For a dry run: the command, on stdout. */
void say_command(struct restic *r, const struct run *run);

/* A descriptor of unnamed memory that holds b, for /dev/fd/N; -1 with err. */
int memory_fd(const struct bk_buf *b, struct bk_err *err);

#endif
