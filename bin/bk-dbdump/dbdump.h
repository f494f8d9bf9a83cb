/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the commands of bk-dbdump share.
 */
#ifndef DBDUMP_H
#define DBDUMP_H

#include <stdbool.h>

#include "cli.h"
#include "conf.h"
#include "dump.h"
#include "rec.h"
#include "resolve.h"

struct dbdump {
	struct bk_cli cli;
	struct bk_conf *conf;
	struct bk_resolve secrets;
	struct bk_rec out;

	struct login over;	  /* --socket and so on */
	bool direct;		  /* one of them was given */
	bool exec;		  /* --exec */
	unsigned int connections; /* -j; 0: not given */
	bool stage;		  /* --backup-stage */
	const char *broken;	  /* --broken */
	const char *max_age;	  /* --max-age */
	const char *folder;	  /* -o */
	const char *at;		  /* --at */
	const char *snapshot;	  /* --snapshot */
	const char *from;	  /* --from */
	const char *into;	  /* --into */
	struct bk_strv dbs;	  /* --db */
	struct bk_strv tables;	  /* --table */
	bool yes;		  /* --yes */
	bool overwrite;		  /* --overwrite */
	bool globals;		  /* --globals */
	bool accept;		  /* --accept */
	char **command;		  /* behind "--", or NULL */
};

/* Each command: its operands, its exit status. */
int cmd_backup(struct dbdump *d, char **args);
int cmd_check(struct dbdump *d, char **args);
int cmd_dump(struct dbdump *d, char **args);
int cmd_list(struct dbdump *d, char **args);
int cmd_restore(struct dbdump *d, char **args);

/*
 * A server to work on: section is NULL where the command line alone says
 * where it is. The options have what the section and the command line say;
 * selection is what options.selection points to.
 */
struct target {
	const struct bk_conf_section *section;
	const char *name; /* of the section, or "" */
	struct selection selection;
	struct dump_options options;
};

/*
 * From *args, the first of which is taken where it names a server: it is a
 * [mariadb NAME], or nothing is taken and there is exactly one, or --socket
 * and its like were given. 66, 78. target_free() in any case.
 */
int target_open(struct dbdump *d, char ***args, struct target *ret,
		struct bk_err *err);
/* The same for one section. */
int target_section(struct dbdump *d, const struct bk_conf_section *s,
		   struct target *ret, struct bk_err *err);
void target_free(struct target *t);

#endif
