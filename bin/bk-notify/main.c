/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-notify: tells monitors how the backups are.
 *
 * Whether all is well is computed from the state files and the clock, so that
 * what never ran is told like what failed. A service that does not answer
 * costs nobody but this program: the message is kept, and tried again.
 *
 *   main.c      command line
 *   push.c      by hand, or the end of a pipe
 *   run.c       a command, and how it ended
 *   unit.c      a unit of systemd, and how it ended
 *   state.c     all jobs                   test.c      does the service listen?
 *   targets.c   monitors that are told     deliver.c   how they are told
 *   queue.c     what is not delivered yet  history.c   what was told last
 *   text.c      from jobs to a line        message.c   that line
 *   monitor.c   a [monitor], its answers   http.c      libcurl, here alone
 *   kuma.c healthchecks.c ntfy.c webhook.c             the services
 *
 * Exit: 0 done; 1 not delivered, and that does not get better by itself; 64
 * usage; 66 no such monitor; 75 not delivered yet; 78 configuration. state
 * and unit: 0 also where it was not delivered, which is in the log, in the
 * state and, by its silence, in the monitor; 1 where the state files cannot
 * be read. run: that of the command, 69 where it cannot be started.
 */
#include <stdio.h>

#include "conf_salvage.h"
#include "log.h"
#include "notify.h"
#include "sig.h"

static const char usage[] =
	"Usage: bk-notify COMMAND [OPTION...] [OPERAND...]\n"
	"\n"
	"  push MONITOR [up|down] [MESSAGE]\n"
	"                         tell it that\n"
	"  push MONITOR -         tell it how a stream of records ends\n"
	"  run MONITOR -- COMMAND...\n"
	"                         run COMMAND, tell how it ended\n"
	"  state [MONITOR...]     tell how the jobs are that they watch\n"
	"  unit UNIT              note how a unit of systemd ended, and tell\n"
	"  test [MONITOR...]      does it listen?\n"
	"\n"
	"  --record               unit: note it, and tell nobody\n"
	"  --ping MS              push: how long it took, in milliseconds\n"
	"  -c FILE  -n (dry run)  -q  -v  -0  --json  -h  -V\n"
	"\n"
	"See bk-notify(1), bk.conf(5), bk(7).\n";

enum { OPT_PING = BK_CLI_OWN, OPT_RECORD };

static const struct option options[] = {
	BK_CLI_LONG,
	{ "ping", required_argument, NULL, OPT_PING },
	{ "record", no_argument, NULL, OPT_RECORD },
	{ NULL, 0, NULL, 0 },
};

static const struct command {
	const char *name;
	int (*run)(struct notify *n, char **args);
	unsigned int options; /* of its own */
	bool always;	      /* also where the configuration is broken */
} commands[] = {
	{ "push", cmd_push, BK_CLI_BIT(OPT_PING), false },
	{ "run", cmd_run, 0, true },
	{ "state", cmd_state, 0, true },
	{ "test", cmd_test, 0, false },
	{ "unit", cmd_unit, BK_CLI_BIT(OPT_RECORD), true },
};

void notify_load(struct notify *n)
{
	struct bk_err err;

	n->conf = bk_conf_load(n->cli.config, &n->problems, &err);
	if (n->conf)
		return;
	if (n->problems.n == 0)
		bk_strv_add(&n->problems, err.msg);
	for (size_t i = 0; i < n->problems.n; i++)
		bk_error("%s", n->problems.v[i]);
	n->broken = err.exit;
	n->conf = bk_conf_salvage(n->cli.config);
}

static int run_command(struct notify *n, char **args, unsigned int given)
{
	const struct command *c = bk_cli_find(commands, BK_COUNT(commands),
					      sizeof(*commands), args[0]);
	int exit;

	if (!c || bk_cli_allow(options, given, c->options, c->name) != 0)
		return BK_EX_USAGE;
	n->secrets.config = n->cli.config;
	/* unit has something to note first, and may say nothing. */
	if (c->run != cmd_unit)
		notify_load(n);
	exit = n->broken && !c->always ? n->broken : c->run(n, args + 1);
	bk_resolve_free(&n->secrets);
	bk_conf_free(n->conf);
	bk_strv_free(&n->problems);
	if (n->broken && !c->always)
		return exit;
	if ((c->run != cmd_run || n->cli.dry_run) && exit != BK_EX_USAGE)
		bk_rec_end(&n->out, exit);
	return exit;
}

static int take_ping(struct notify *n)
{
	uint64_t ms;

	if (bk_parse_u64(optarg, 0, INT64_MAX, &ms) < 0)
		return bk_cli_usage("--ping wants milliseconds, not '%s'",
				    optarg);
	n->ping = (int64_t)ms;
	return BK_EX_OK;
}

/* How many arguments are behind the first "--"; -1: there is none. */
static int count_behind(char **argv)
{
	int n = 0;

	while (*argv && strcmp(*argv, "--") != 0)
		argv++;
	if (!*argv)
		return -1;
	while (argv[n + 1])
		n++;
	return n;
}

int main(int argc, char **argv)
{
	struct notify n = { .cli = { .usage = usage }, .ping = -1 };
	int c, behind = count_behind(argv + 1);
	unsigned int given = 0;

	bk_cli_start("bk-notify");
	bk_sig_init();
	while ((c = getopt_long(argc, argv, BK_CLI_SHORT, options, NULL)) !=
	       -1) {
		if (c >= BK_CLI_OWN)
			given |= BK_CLI_BIT(c);
		if (c == OPT_RECORD)
			n.record = true;
		else if (c != OPT_PING)
			bk_cli_option(&n.cli, c);
		else if (take_ping(&n) != BK_EX_OK)
			return bk_cli_finish(BK_EX_USAGE);
	}
	if (!argv[optind])
		return bk_cli_finish(bk_cli_usage("which command?"));
	/* All operands are behind "--" now; the last ones were so before. */
	if (behind > 0 && behind < argc - optind)
		n.command = argv + argc - behind;
	n.out = bk_rec_stdout(n.cli.mode);
	return bk_cli_finish(run_command(&n, argv + optind, given));
}
