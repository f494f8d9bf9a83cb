/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A repository of the configuration, and the restic that serves it.
 */
#ifndef REPO_H
#define REPO_H

#include <stdint.h>

#include "conf.h"
#include "resolve.h"
#include "str.h"

/* A release of restic as one number: 0.14.0 is 1400, 0.16.1 is 1601. */
#define RESTIC(minor, patch) ((minor)*100 + (patch))

struct repo {
	const struct bk_conf_section *section;
	const char *name;
	const char *url;
	const char *host; /* for --host */
	char *program;	  /* absolute path of restic */
	unsigned int version;
	struct bk_resolve *secrets;
	const struct bk_secret *password; /* NULL until it is needed */
	struct bk_strv env; /* changes to the environment of restic */
	bool dry;	    /* nothing may be changed */
	bool append_only;   /* from here nothing can be removed from it */
	int lock;	    /* the flock of this repository, or -1 */
};

/*
 * Find restic and its release; 69 where there is none, or one older than
 * 0.14. 66 where there is no [repo name]. secrets, which outlives the
 * repository, is where its password comes from. repo_close() unlocks.
 */
int repo_open(struct repo *r, const struct bk_conf *conf, const char *name,
	      struct bk_resolve *secrets, struct bk_err *err);
void repo_close(struct repo *r);

/*
 * Before a command that writes: keep other processes of bk on this host out,
 * waiting for lock-wait. 74 at once where the repository is in a local folder
 * that is on a read-only file system: restic would try for a quarter hour.
 */
int repo_lock(struct repo *r, struct bk_err *err);

/*
 * Read the password, unless it was read before. 65 where it is one that
 * restic would read from a pipe as another one.
 */
int repo_password(struct repo *r, struct bk_err *err);
/* Why restic would read it from a file as another one; NULL: as it is. */
const char *repo_misread(const struct bk_secret *s);

/*
 * Begin an argument vector: the program, the repository, options. A URL with
 * a password in it is not put there but handed over by the descriptor *ret_fd
 * (else -1), which the child inherits and the caller closes.
 */
int repo_args(const struct repo *r, struct bk_strv *argv, int *ret_fd,
	      struct bk_err *err);

/*
 * The ssh command line for an sftp: URL, as one value for restic's
 * sftp.command; NULL for other URLs. ssh_config NULL: ssh's own files.
 */
char *repo_ssh_command(const char *url, const char *ssh_config);

/*
 * Where an append-only repository is reached by ssh, the server runs rclone
 * for the key of this host, whatever it is asked for. So restic is told
 * "rclone:PATH", and that its rclone is this ssh command; both NULL where the
 * repository is not of that kind. The caller frees them.
 */
void repo_append_only(const struct repo *r, const char *ssh_config,
		      char **ret_url, char **ret_program);

/* 77, and says where to do it instead, for what would remove something. */
int repo_refuse_removal(const struct repo *r, const char *what,
			struct bk_err *err);

/* A copy of what restic says, in which no URL holds a password. */
char *repo_hide_password(const char *text);

/* Parse "restic 0.14.0 compiled with ..."; 0 where it is not that. */
unsigned int repo_parse_version(const char *text);

#endif
