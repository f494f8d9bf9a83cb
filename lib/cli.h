/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What all command lines share: start and end of a program, common options.
 */
#ifndef BK_CLI_H
#define BK_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include "conf.h"
#include "rec.h"

/* Values of the common options. */
struct bk_cli {
	const char *config;    /* -c */
	bool dry_run;	       /* -n */
	enum bk_rec_mode mode; /* -0, --json */
	const char *usage;     /* text of -h, set by the tool */
};

/* For getopt_long(3): a tool appends its own to these. */
#define BK_CLI_SHORT "c:nqv0hV"
enum { BK_CLI_JSON = 256, BK_CLI_OWN = 300 };
/* clang-format off */
#define BK_CLI_LONG \
	{"config", required_argument, NULL, 'c'}, \
	{"dry-run", no_argument, NULL, 'n'}, \
	{"quiet", no_argument, NULL, 'q'}, \
	{"verbose", no_argument, NULL, 'v'}, \
	{"null", no_argument, NULL, '0'}, \
	{"json", no_argument, NULL, BK_CLI_JSON}, \
	{"help", no_argument, NULL, 'h'}, \
	{"version", no_argument, NULL, 'V'}
/* clang-format on */

/*
 * First thing in main(): descriptors 0 to 2 exist, SIGPIPE and SIGCHLD are
 * default again, umask 077, the log has its name. argv must have an argv[0].
 */
void bk_cli_start(const char *name);

/*
 * Handle one option that getopt_long() returned. Exits for -h and -V (0),
 * and for '?' and what nobody knows (64, after one line of usage).
 */
void bk_cli_option(struct bk_cli *cli, int c);

/*
 * Tools with commands. Each has a table of them, whose rows begin with the
 * name; BK_CLI_BIT() of its options says which ones a command takes.
 */
#define BK_CLI_BIT(option) (1U << ((option)-BK_CLI_OWN))
/* The row of this command, or NULL, which is reported as wrong usage. */
const void *bk_cli_find(const void *table, size_t n, size_t size,
			const char *name);
/* 0, or 64 where an option was given that this command does not take. */
int bk_cli_allow(const struct option *options, unsigned int given,
		 unsigned int allowed, const char *command);
/*
 * What is behind "--" is a command of its own: *ret_command, else NULL.
 * Returns argc without it.
 */
int bk_cli_split(int argc, char **argv, char ***ret_command);

/* "bk-scan: error: ..." and "Try 'bk-scan -h'."; returns 64. */
int bk_cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * The configuration, with every problem in it reported; NULL and *ret_exit
 * (78, 77, ...) where there was one.
 */
struct bk_conf *bk_cli_conf(const struct bk_cli *cli, int *ret_exit);

/*
 * Last thing in main(): closes stdout and returns status, or 74 where what
 * was written did not arrive; dies of a signal that is pending.
 */
int bk_cli_finish(int status);

#endif
