/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * append-only: what its parts share. Three keys matter: the one with which
 * this host reaches the repository by sftp so far; the new one, for which the
 * server runs nothing but rclone; and the full one, which does not stay here.
 */
#ifndef APPEND_H
#define APPEND_H

#include "setup.h"
#include "ssh.h"

struct append {
	struct setup s;
	const struct bk_conf_section *repo;
	char *label;	     /* "repository main" */
	struct bk_remote at; /* as its url has it */
	struct ssh_view view;
	char *path;	      /* of the repository, from the server's home */
	char *alias;	      /* of the new key, in ssh_config */
	char *key;	      /* its file */
	char *line;	      /* with which the server lets it in; NULL yet */
	char *carry, *full;   /* folder, file of the full key; NULL: none */
	struct bk_strv mine;  /* base64 of all keys that this host has */
	struct bk_strv files; /* those that it could log in with */
};

/*
 * What a [repo] is about, and the keys of this host; s.t has the configuration.
 * append_free() it in any case.
 */
int append_find(struct append *a, const char *name, struct bk_err *err);
void append_free(struct append *a);

/* ---- append_box.c: the server ---------------------------------------------- */

/*
 * ssh or sftp as this host does so far, or with this key and no other; NULL:
 * those that ssh offers by itself. port NULL: that of the repository.
 */
void box_as_host(const struct append *a, const char *program,
		 struct bk_strv *argv);
void box_as_key(const struct append *a, const char *program, const char *key,
		const char *port, struct bk_strv *argv);
/* Log in by sftp, which argv has ready but for "-b -" and the host. */
enum login box_login(const struct append *a, const struct bk_strv *argv,
		     char **ret_why);
/* Commands of sftp; what they say is *ret. */
int box_sftp(const struct append *a, const struct bk_strv *argv,
	     const char *commands, struct said *ret, struct bk_err *err);
/* Its authorized_keys, read, and written with a new name first. */
int box_read_keys(const struct append *a, const struct bk_strv *argv,
		  struct bk_buf *ret, struct bk_err *err);
int box_write_keys(const struct append *a, const struct bk_strv *argv,
		   const struct bk_buf *text, struct bk_err *err);
/* The rclone that the server starts itself, for a key that may do all. */
void box_rclone(const struct append *a, struct bk_strv *argv);
/*
 * Does an rclone refuse to remove? argv leads to it. Asked of a name that
 * nobody has. 0, or -1 with err.
 */
int box_refuses(const struct bk_strv *argv, struct bk_err *err);
/*
 * The same of a small file that is put there, and is then taken away by sftp
 * with a key that may: argv.
 */
int box_probe(const struct append *a, const struct bk_strv *rclone,
	      const struct bk_strv *sftp, struct bk_err *err);

/* ---- append_keys.c: keys of this host -------------------------------------- */

/* The public key of a private one; NULL with err. The caller frees it. */
char *key_public(const char *file, struct bk_err *err);
/*
 * Collect those with which this host could log in, but for the new one and the
 * full one: a->mine, a->files.
 */
void keys_find(struct append *a);
/*
 * Does one of them, or the agent, get in by sftp? What does, or NULL; the
 * caller frees it. -1 with err where the server could not be asked.
 */
int keys_open(const struct append *a, char **ret_which, struct bk_err *err);

/* ---- append_prove.c: what the new key can do -------------------------------- */

/* Nothing by sftp, nor by commands, on any port. */
int prove_shut(const struct append *a, struct bk_err *err);

/* ---- append_conf.c: what is written on this host --------------------------- */

/* The alias in ssh_config; bk.conf, there and back. */
int append_alias(const struct append *a, struct bk_err *err);
int append_conf_set(const struct append *a, struct bk_err *err);
int append_conf_undo(const struct append *a, struct bk_err *err);
/* The folder that is to be carried away, all but the key. */
int append_carry(const struct append *a, struct bk_err *err);
/*
 * Where the full key lies on this host, for those who remind people of it: a
 * state file of the job "full-key REPO" (health.h).
 */
int append_remember(const struct append *a, struct bk_err *err);

/* The name in ssh_config, and of the key, of a repository. */
char *append_name(const char *repo);

#endif
