/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the commands of bk-cold share.
 */
#ifndef COLD_H
#define COLD_H

#include "box.h"
#include "catalog.h"
#include "cli.h"
#include "rec.h"

struct cold {
	struct bk_cli cli;
	struct bk_conf *conf;
	struct bk_rec out;

	bool all;	      /* --all */
	bool in_place;	      /* --in-place */
	bool yes;	      /* --yes */
	bool numeric_owner;   /* --numeric-owner */
	bool offline;	      /* --offline */
	bool read_back;	      /* --read-back */
	const char *at;	      /* --at TIME */
	const char *to;	      /* --to DIR */
	const char *box;      /* --box NAME */
	const char *identity; /* --identity FILE */
	uint64_t max_bytes;   /* --max-bytes SIZE, 0: no limit */
	uint64_t max_time;    /* --max-time DURATION, seconds, 0: no limit */
};

/* Each command: its operands, its exit status. */
int cmd_check(struct cold *c, char **args);
int cmd_get(struct cold *c, char **args);
int cmd_init(struct cold *c, char **args);
int cmd_list(struct cold *c, char **args);
int cmd_probe(struct cold *c, char **args);
int cmd_push(struct cold *c, char **args);
int cmd_rebuild(struct cold *c, char **args);
int cmd_release(struct cold *c, char **sets);
int cmd_status(struct cold *c, char **args);
int cmd_undo(struct cold *c, char **args);

/* [box name]; NULL with err (66) where there is none. */
const struct bk_conf_section *cold_section(struct cold *c, const char *name,
					   struct bk_err *err);
/*
 * [box name], connected, and its id file read and compared with what the
 * catalog knows of it: 78 where it was not initialised, 77 where it is another
 * box than it was. Fills *ret_known (which the caller frees) where not NULL.
 */
struct box *cold_open_box(struct cold *c, struct catalog *cat, const char *name,
			  struct catalog_box *ret_known, struct bk_err *err);

/* The id in a box's id file: 32 hexadecimal digits; 78 where there is none. */
int cold_read_id(struct box *b, char ret[static 33], struct bk_err *err);

/* "markers" for "", what only markers choose. */
const char *cold_set_name(const char *set);
/* Is this one among the operands, if there are any? */
bool cold_is_asked(char **sets, const char *set);
/* Are all of these there? Says so, and returns the exit status. */
int cold_check_sets(const struct cold *c, char **sets);

/*
 * Is there a box of [cold] that may be written (all: are they all)? Says what
 * is in the way, and returns the exit status (77).
 */
int cold_check_writable(const struct cold *c, bool all);

/* Write the state of a job ("push"), with what is the same for all. */
void cold_state(struct cold *c, const char *job, int64_t start, int exit,
		const char *message, json_t *counts);

#endif
