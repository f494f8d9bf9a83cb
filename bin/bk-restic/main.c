/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-restic: the plan of bk-scan, kept by restic.
 *
 * Reads the configuration (and, for backup, a plan: from bk-scan, or from a
 * pipe), runs restic with everything set, and turns what it says into one
 * truth: exit status, state file, record.
 *
 *   main.c       command line
 *   backup.c     a plan becomes a snapshot    stream.c    so does a pipe
 *   trailer.c    the proof that a stream is whole
 *   plan.c       the plan as it is read       exclude.c   as restic wants it
 *   baseline.c   what the last good run held: the measure for the next
 *   forget.c     retention, prune             restore.c   the way back
 *   room.c       does it fit?                 kept.c      what was not set
 *   listing.c    what is in a snapshot        gauge.c     how far a restore is
 *   snapshots.c  what there is                find.c      names in it
 *   simple.c     init, unlock, exec
 *   key.c        the passwords of a repository
 *   check.c      is it whole?                 findings.c  what restic says of it
 *   run.c        one run of restic, retries   outcome.c   what it came to
 *   repo.c       restic, URL, ssh, lock, password
 *
 * Exit: 0 done; 1 the job failed, or forget is held; 3 partial: the backup
 * is there, but not all of it or not as expected; 64 usage; 65 a stream was
 * cut off, or a repository is damaged; 66 no such set, snapshot, path or repository; 69 no restic, or too
 * old; 73 cannot create; 74 I/O; 75 locked or no connection, try later; 76 a
 * broken plan; 77 wrong password; 78 configuration. exec: restic's own.
 */
#include <stdio.h>

#include "log.h"
#include "restic.h"
#include "sig.h"

static const char usage[] =
	"Usage: bk-restic COMMAND [OPTION...] [OPERAND...]\n"
	"\n"
	"  init [REPO...]          create the repository\n"
	"  backup [SET...] [-]     back up; with '-' the plan is read from a pipe\n"
	"  backup SET --stdin NAME [-- COMMAND...]\n"
	"                          back up a stream, or what COMMAND prints\n"
	"  snapshots [SET...]      list them\n"
	"  find SET PATTERN...     search names in all snapshots of a set\n"
	"  restore SET [PATH...]   get files back, into a new folder\n"
	"  forget [SET...]         remove snapshots that keep does not name\n"
	"  prune [REPO...]         give back the space of what was forgotten\n"
	"  check [REPO...]         is it whole? Names what is damaged\n"
	"  unlock [REPO...]        remove locks of dead processes\n"
	"  key list|add|test REPO  its passwords; add, test: one from stdin\n"
	"  key remove REPO ID      take one away\n"
	"  exec REPO -- ARGS...    run restic itself with everything set\n"
	"\n"
	"  --accept        backup: the set is as it shall be, take it as good\n"
	"  --at TIME       restore: as of then (2026-11-22, \"2026-11-22 18:00\", 3d)\n"
	"  --snapshot ID   restore: this one\n"
	"  --target DIR    restore: into DIR instead of a new folder\n"
	"  --overwrite     restore: DIR need not be empty\n"
	"  --in-place      restore: to where the files were\n"
	"  --yes           restore: do not ask\n"
	"  --no-verify     restore: do not read back what was written\n"
	"  --no-space-check\n"
	"                  restore: though it may not fit\n"
	"  --patterns FILE restore: what these patterns of restic choose\n"
	"  --host NAME     restore, snapshots, find: of another host; key add\n"
	"  --user NAME     key add: what the new key is called\n"
	"  --subset N/T    check: read the Nth of T parts of the data, too\n"
	"  --no-lock       check, restore, snapshots: beside all others, who may\n"
	"                  confuse it\n"
	"  --with-cache    check: believe the cache of this host\n"
	"  --due           prune: only where prune-every has passed\n"
	"  --prune         forget: then prune, where it is due\n"
	"  -c FILE  -n (dry run)  -q  -v  -0  --json  -h  -V\n"
	"\n"
	"See bk-restic(1), bk.conf(5), bk(7).\n";

enum {
	OPT_ACCEPT = BK_CLI_OWN,
	OPT_AT,
	OPT_DUE,
	OPT_HOST,
	OPT_IN_PLACE,
	OPT_NO_LOCK,
	OPT_NO_SPACE_CHECK,
	OPT_NO_VERIFY,
	OPT_OVERWRITE,
	OPT_PATTERNS,
	OPT_PRUNE,
	OPT_SNAPSHOT,
	OPT_STDIN,
	OPT_SUBSET,
	OPT_TARGET,
	OPT_USER,
	OPT_WITH_CACHE,
	OPT_YES,
};

static const struct option options[] = {
	BK_CLI_LONG,
	{ "accept", no_argument, NULL, OPT_ACCEPT },
	{ "at", required_argument, NULL, OPT_AT },
	{ "due", no_argument, NULL, OPT_DUE },
	{ "host", required_argument, NULL, OPT_HOST },
	{ "in-place", no_argument, NULL, OPT_IN_PLACE },
	{ "no-lock", no_argument, NULL, OPT_NO_LOCK },
	{ "no-space-check", no_argument, NULL, OPT_NO_SPACE_CHECK },
	{ "no-verify", no_argument, NULL, OPT_NO_VERIFY },
	{ "overwrite", no_argument, NULL, OPT_OVERWRITE },
	{ "patterns", required_argument, NULL, OPT_PATTERNS },
	{ "prune", no_argument, NULL, OPT_PRUNE },
	{ "snapshot", required_argument, NULL, OPT_SNAPSHOT },
	{ "stdin", required_argument, NULL, OPT_STDIN },
	{ "subset", required_argument, NULL, OPT_SUBSET },
	{ "target", required_argument, NULL, OPT_TARGET },
	{ "user", required_argument, NULL, OPT_USER },
	{ "with-cache", no_argument, NULL, OPT_WITH_CACHE },
	{ "yes", no_argument, NULL, OPT_YES },
	{ NULL, 0, NULL, 0 },
};

static const struct command {
	const char *name;
	int (*run)(struct restic *r, char **args);
	unsigned int options; /* of its own */
	bool command;	      /* "-- COMMAND" may follow */
} commands[] = {
	{ "backup", cmd_backup, BK_CLI_BIT(OPT_ACCEPT) | BK_CLI_BIT(OPT_STDIN),
	  true },
	{ "check", cmd_check,
	  BK_CLI_BIT(OPT_NO_LOCK) | BK_CLI_BIT(OPT_SUBSET) |
		  BK_CLI_BIT(OPT_WITH_CACHE),
	  false },
	{ "exec", cmd_exec, 0, true },
	{ "find", cmd_find, BK_CLI_BIT(OPT_HOST), false },
	{ "forget", cmd_forget, BK_CLI_BIT(OPT_PRUNE), false },
	{ "init", cmd_init, 0, false },
	{ "key", cmd_key, BK_CLI_BIT(OPT_HOST) | BK_CLI_BIT(OPT_USER), false },
	{ "prune", cmd_prune, BK_CLI_BIT(OPT_DUE), false },
	{ "restore", cmd_restore,
	  BK_CLI_BIT(OPT_AT) | BK_CLI_BIT(OPT_HOST) | BK_CLI_BIT(OPT_IN_PLACE) |
		  BK_CLI_BIT(OPT_NO_LOCK) | BK_CLI_BIT(OPT_NO_SPACE_CHECK) |
		  BK_CLI_BIT(OPT_NO_VERIFY) | BK_CLI_BIT(OPT_OVERWRITE) |
		  BK_CLI_BIT(OPT_PATTERNS) | BK_CLI_BIT(OPT_SNAPSHOT) |
		  BK_CLI_BIT(OPT_TARGET) | BK_CLI_BIT(OPT_YES),
	  false },
	{ "snapshots", cmd_snapshots,
	  BK_CLI_BIT(OPT_HOST) | BK_CLI_BIT(OPT_NO_LOCK), false },
	{ "unlock", cmd_unlock, 0, false },
};

static void take_option(struct restic *r, int c)
{
	switch (c) {
	case OPT_ACCEPT:
		r->accept = true;
		break;
	case OPT_AT:
		r->at = optarg;
		break;
	case OPT_DUE:
		r->due = true;
		break;
	case OPT_HOST:
		r->host = optarg;
		break;
	case OPT_IN_PLACE:
		r->in_place = true;
		break;
	case OPT_NO_LOCK:
		r->no_lock = true;
		break;
	case OPT_NO_SPACE_CHECK:
		r->no_space_check = true;
		break;
	case OPT_NO_VERIFY:
		r->no_verify = true;
		break;
	case OPT_OVERWRITE:
		r->overwrite = true;
		break;
	case OPT_PATTERNS:
		r->patterns = optarg;
		break;
	case OPT_PRUNE:
		r->prune = true;
		break;
	case OPT_SNAPSHOT:
		r->snapshot = optarg;
		break;
	case OPT_STDIN:
		r->stdin_name = optarg;
		break;
	case OPT_SUBSET:
		r->subset = optarg;
		break;
	case OPT_TARGET:
		r->target = optarg;
		break;
	case OPT_USER:
		r->user = optarg;
		break;
	case OPT_WITH_CACHE:
		r->with_cache = true;
		break;
	case OPT_YES:
		r->yes = true;
		break;
	default:
		bk_cli_option(&r->cli, c);
	}
}

static int run_command(struct restic *r, char **args, unsigned int given)
{
	const struct command *c = bk_cli_find(commands, BK_COUNT(commands),
					      sizeof(*commands), args[0]);
	int exit = BK_EX_OK;

	if (!c || bk_cli_allow(options, given, c->options, c->name) != 0)
		return BK_EX_USAGE;
	if (r->command && !c->command)
		return bk_cli_usage("%s takes no command behind --", c->name);
	r->conf = bk_cli_conf(&r->cli, &exit);
	if (!r->conf)
		return exit;
	r->secrets.config = r->cli.config;
	exit = c->run(r, args + 1);
	bk_resolve_free(&r->secrets);
	bk_conf_free(r->conf);
	if ((c->run != cmd_exec || r->cli.dry_run) && exit != BK_EX_USAGE)
		bk_rec_end(&r->out, exit);
	return exit;
}

int main(int argc, char **argv)
{
	struct restic r = { .cli = { .usage = usage } };
	unsigned int given = 0;
	int c, exit;

	bk_cli_start("bk-restic");
	bk_sig_init();
	argc = bk_cli_split(argc, argv, &r.command);
	while ((c = getopt_long(argc, argv, BK_CLI_SHORT, options, NULL)) !=
	       -1) {
		if (c >= BK_CLI_OWN)
			given |= BK_CLI_BIT(c);
		take_option(&r, c);
	}
	if (!argv[optind])
		return bk_cli_finish(bk_cli_usage("which command?"));
	r.out = bk_rec_stdout(r.cli.mode);
	exit = run_command(&r, argv + optind, given);
	return bk_cli_finish(exit);
}
