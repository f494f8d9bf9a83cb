/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-verify: everything proved, on a schedule, within a bound.
 *
 * Each subject (a repository, its files, a set, a dump) is proved in parts,
 * the oldest proof first, as much in a run as its budget allows, so that every
 * part is proved anew within the cycle. What failed stays failed until the
 * same thing is proved; what cannot be told is unknown, and no proof.
 *
 *   main.c       command line         run.c        which part, and what then
 *   subject.c    subjects, verdicts   progress.c   what was proved when
 *   status.c     status               child.c      other programs
 *   repo.c       restic check
 *   packs.c      its files, hashed where they lie: place.c, ssh.c, listing.c;
 *                missing.c, known.c: those that are gone
 *   drill.c      restored and compared: sample.c, compare.c
 *   cold.c       cold copies on a box
 *   dump.c       loaded and dumped again: scratch.c, echo.c
 *   age.c        the newest snapshot: newest.c
 *
 * Exit: 0 all that was tried is proved, and nothing is behind; 1 a proof
 * failed, now or before; 3 some could not be told, or the proof is behind its
 * cycle; 64 usage; 66 no such subject; 69 a program is missing; 75 nothing
 * could be told now, or another run is under way; 78 configuration.
 */
#include <stdio.h>

#include "log.h"
#include "scratch.h"
#include "sig.h"
#include "tool.h"

static const char usage[] =
	"Usage: bk-verify COMMAND [OPTION...] [SUBJECT...]\n"
	"\n"
	"  run [SUBJECT...]        prove what is due, as far as the budget goes\n"
	"  status [SUBJECT...]     what is proved, how, and when last\n"
	"  accept SUBJECT...       what is gone of it was removed on purpose\n"
	"\n"
	"SUBJECT is a kind, or a kind and a name: repo, packs:main, drill:home.\n"
	"\n"
	"  --all                   run: every part once, whatever it takes\n"
	"  -c FILE  -n (dry run)  -q  -v  -0  --json  -h  -V\n"
	"\n"
	"See bk-verify(1), bk.conf(5), bk(7).\n";

enum {
	OPT_ALL = BK_CLI_OWN,
};

static const struct option options[] = {
	BK_CLI_LONG,
	{ "all", no_argument, NULL, OPT_ALL },
	{ NULL, 0, NULL, 0 },
};

static const struct command {
	const char *name;
	int (*run)(struct verify *v, char **args);
	unsigned int options; /* of its own */
} commands[] = {
	{ "accept", cmd_accept, 0 },
	{ "run", cmd_run, BK_CLI_BIT(OPT_ALL) },
	{ "status", cmd_status, 0 },
};

static int run_command(struct verify *v, char **args, unsigned int given)
{
	const struct command *c = bk_cli_find(commands, BK_COUNT(commands),
					      sizeof(*commands), args[0]);
	int exit = BK_EX_OK;

	if (!c || bk_cli_allow(options, given, c->options, c->name) != 0)
		return BK_EX_USAGE;
	v->conf = bk_cli_conf(&v->cli, &exit);
	if (!v->conf)
		return exit;
	exit = c->run(v, args + 1);
	subjects_free(v);
	bk_conf_free(v->conf);
	bk_rec_end(&v->out, exit);
	return exit;
}

/* bk-verify-mariadb.service, which has no configuration. */
static int serve(void)
{
	struct bk_err err;

	return scratch_serve(&err) < 0 ? bk_log_err(&err) : BK_EX_OK;
}

int main(int argc, char **argv)
{
	struct verify v = { .cli = { .usage = usage } };
	unsigned int given = 0;
	int c, exit;

	bk_cli_start("bk-verify");
	bk_sig_init();
	while ((c = getopt_long(argc, argv, BK_CLI_SHORT, options, NULL)) !=
	       -1) {
		if (c >= BK_CLI_OWN)
			given |= BK_CLI_BIT(c);
		if (c == OPT_ALL)
			v.all = true;
		else
			bk_cli_option(&v.cli, c);
	}
	if (!argv[optind])
		return bk_cli_finish(bk_cli_usage("which command?"));
	if (strcmp(argv[optind], "mariadb") == 0 && !argv[optind + 1])
		return serve();
	v.out = bk_rec_stdout(v.cli.mode);
	exit = run_command(&v, argv + optind, given);
	return bk_cli_finish(exit);
}
