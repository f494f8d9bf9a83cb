/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-config: the configuration: made, shown, and tried.
 *
 * It does none of the work itself: it runs the tools that do, in order, and
 * says which command did what.
 *
 *   main.c       command line
 *   check.c      every problem that a run would meet, by
 *     files.c    programs.c  secrets.c  sources.c  hosts.c   repos.c
 *     databases.c monitors.c units.c     system.c
 *     report.c   the worst first
 *   show.c       what holds, and from where   settings.c  defaults
 *   init.c       guided set-up, step by step, by
 *     draft.c    bk.conf           login.c     an ssh server: alias.c pin.c
 *     keyring.c  it, and secrets   jobs.c      what the other tools do
 *     timers.c   systemd
 *   append.c     append-only, by
 *     append_box.c the server         rclone.c  its rclone
 *     append_keys.c keys of this host authkeys.c keys that the server has
 *     append_conf.c bk.conf           append_carry.c the folder to carry away
 *     append_prove.c what the new key can do; append_check.c is it so still?
 *   answers.c    what init is told, or asks   ask.c       at the terminal
 *   ssh.c        servers, as ssh sees them    url.c       what is hidden
 *   child.c      other programs
 *
 * Exit: check: 0 nothing, or notes only; 1 a run would fail; 3 warnings only.
 * init: 0 done; else the status of the first step that failed. All: 64
 * usage; 66 no such section, no configuration; 75 another init runs; 77 not
 * permitted; 78 configuration.
 */
#include <stdio.h>
#include <unistd.h>

#include "log.h"
#include "match.h"
#include "sig.h"
#include "tool.h"

static const char usage[] =
	"Usage: bk-config COMMAND [OPTION...] [OPERAND...]\n"
	"\n"
	"  check             every problem that a run would meet, and its remedy\n"
	"  show [SECTION]    the configuration with its defaults, secrets hidden\n"
	"  init              guided first set-up; goes on where it stopped\n"
	"  append-only REPO  let this host add to it, and remove nothing\n"
	"\n"
	"  --offline         check: nothing that leaves this host\n"
	"  --push            check: send a test to each monitor\n"
	"  --full-key-to DIR append-only: a new folder for the key that can remove,\n"
	"                    to be carried away\n"
	"  --undo --full-key FILE\n"
	"                    append-only: back to what was before\n"
	"  --yes             init, append-only: ask nothing\n"
	"  --repo-url URL    init: where backups go: a folder, sftp:..., or any\n"
	"                    URL of restic\n"
	"  --password-ref REF\n"
	"                    init: where the repository's password is kept\n"
	"  --keep RULES      init: \"hourly 48, daily 14\"; \"\": all\n"
	"  --path PATH       init: back this up; also several times\n"
	"  --root DIR        init: look for markers below it; also several times\n"
	"  --mark DIR        init: put a .backup marker there; also several times\n"
	"  --box URL         init: sftp://[user@]host[:port]/folder, dir:/path\n"
	"  --host-key FINGERPRINT\n"
	"                    init: accept this key of an ssh server (SHA256:...)\n"
	"  --monitor-url URL, --monitor-type TYPE\n"
	"                    init: who is told: kuma, healthchecks, ntfy, webhook\n"
	"  --monitor-token-from FILE\n"
	"                    init: its token; '-' is stdin\n"
	"  --master-to FILE  init: write the master of a new keyring there\n"
	"  --no-backup       init: leave the first backup to the timers\n"
	"  --no-timers       init: enable no timers\n"
	"  -c FILE  -n (dry run)  -q  -v  -0  --json  -h  -V\n"
	"\n"
	"See bk-config(1), bk.conf(5), bk(7).\n";

enum {
	OPT_BOX = BK_CLI_OWN,
	OPT_HOST_KEY,
	OPT_KEEP,
	OPT_MARK,
	OPT_MASTER_TO,
	OPT_MONITOR_TOKEN,
	OPT_MONITOR_TYPE,
	OPT_MONITOR_URL,
	OPT_NO_BACKUP,
	OPT_NO_TIMERS,
	OPT_OFFLINE,
	OPT_PASSWORD,
	OPT_PATH,
	OPT_PUSH,
	OPT_REPO_URL,
	OPT_ROOT,
	OPT_YES,
	OPT_FULL_KEY, /* what init does not take, but for check's */
	OPT_FULL_KEY_TO,
	OPT_UNDO,
};

static const struct option options[] = {
	BK_CLI_LONG,
	{ "box", required_argument, NULL, OPT_BOX },
	{ "full-key", required_argument, NULL, OPT_FULL_KEY },
	{ "full-key-to", required_argument, NULL, OPT_FULL_KEY_TO },
	{ "host-key", required_argument, NULL, OPT_HOST_KEY },
	{ "keep", required_argument, NULL, OPT_KEEP },
	{ "mark", required_argument, NULL, OPT_MARK },
	{ "master-to", required_argument, NULL, OPT_MASTER_TO },
	{ "monitor-token-from", required_argument, NULL, OPT_MONITOR_TOKEN },
	{ "monitor-type", required_argument, NULL, OPT_MONITOR_TYPE },
	{ "monitor-url", required_argument, NULL, OPT_MONITOR_URL },
	{ "no-backup", no_argument, NULL, OPT_NO_BACKUP },
	{ "no-timers", no_argument, NULL, OPT_NO_TIMERS },
	{ "offline", no_argument, NULL, OPT_OFFLINE },
	{ "password-ref", required_argument, NULL, OPT_PASSWORD },
	{ "path", required_argument, NULL, OPT_PATH },
	{ "push", no_argument, NULL, OPT_PUSH },
	{ "repo-url", required_argument, NULL, OPT_REPO_URL },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "undo", no_argument, NULL, OPT_UNDO },
	{ "yes", no_argument, NULL, OPT_YES },
	{ NULL, 0, NULL, 0 },
};

#define CHECK_BITS (BK_CLI_BIT(OPT_OFFLINE) | BK_CLI_BIT(OPT_PUSH))

static const struct command {
	const char *name;
	int (*run)(struct tool *t, char **args);
	unsigned int options; /* of its own */
} commands[] = {
	{ "append-only", cmd_append_only,
	  BK_CLI_BIT(OPT_FULL_KEY) | BK_CLI_BIT(OPT_FULL_KEY_TO) |
		  BK_CLI_BIT(OPT_UNDO) | BK_CLI_BIT(OPT_YES) },
	{ "check", cmd_check, CHECK_BITS },
	{ "init", cmd_init, (BK_CLI_BIT(OPT_YES) * 2 - 1) & ~CHECK_BITS },
	{ "show", cmd_show, 0 },
};

/* The operand of an option, kept as our own; where it came before: 64. */
static int keep(char **to, const char *option)
{
	if (*to)
		return bk_cli_usage("--%s was given before", option);
	*to = bk_strdup(optarg);
	return 0;
}

static int take_answer(struct answers *a, int c)
{
	switch (c) {
	case OPT_BOX:
		return keep(&a->box, "box");
	case OPT_FULL_KEY:
		return keep(&a->full_key, "full-key");
	case OPT_FULL_KEY_TO:
		return keep(&a->full_key_to, "full-key-to");
	case OPT_HOST_KEY:
		bk_strv_add(&a->host_keys, optarg);
		break;
	case OPT_KEEP:
		return keep(&a->keep, "keep");
	case OPT_MARK:
		bk_strv_add(&a->marks, optarg);
		break;
	case OPT_MASTER_TO:
		return keep(&a->master_to, "master-to");
	case OPT_MONITOR_TOKEN:
		return keep(&a->token_from, "monitor-token-from");
	case OPT_MONITOR_TYPE:
		return keep(&a->monitor_type, "monitor-type");
	case OPT_MONITOR_URL:
		return keep(&a->monitor_url, "monitor-url");
	case OPT_PASSWORD:
		return keep(&a->password, "password-ref");
	case OPT_PATH:
		bk_strv_add(&a->paths, optarg);
		break;
	case OPT_REPO_URL:
		return keep(&a->repo_url, "repo-url");
	default:
		bk_strv_add(&a->roots, optarg);
		break;
	}
	return 0;
}

static int take_option(struct tool *t, int c)
{
	switch (c) {
	case OPT_NO_BACKUP:
		t->want.no_backup = true;
		break;
	case OPT_NO_TIMERS:
		t->want.no_timers = true;
		break;
	case OPT_OFFLINE:
		t->offline = true;
		break;
	case OPT_PUSH:
		t->push = true;
		break;
	case OPT_UNDO:
		t->want.undo = true;
		break;
	case OPT_YES:
		t->want.yes = true;
		break;
	default:
		if (c >= BK_CLI_OWN)
			return take_answer(&t->want, c);
		bk_cli_option(&t->cli, c);
	}
	return 0;
}

static int run_command(struct tool *t, char **args, unsigned int given)
{
	const struct command *c = bk_cli_find(commands, BK_COUNT(commands),
					      sizeof(*commands), args[0]);

	if (!c || bk_cli_allow(options, given, c->options, c->name) != 0)
		return BK_EX_USAGE;
	return c->run(t, args + 1);
}

char *section_label(const struct bk_conf_section *s)
{
	return bk_asprintf("[%s%s%s]", s->kind, *s->name ? " " : "", s->name);
}

char *plain_value(const char *text)
{
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "");
	for (; *text; text++) {
		if (bk_str_starts(text, "%H"))
			bk_buf_addc(&b, '%');
		bk_buf_addc(&b, *text);
	}
	return bk_buf_steal(&b);
}

char *exclude_value(const char *path)
{
	BK_AUTO_FREE char *pattern = bk_match_literal(path);

	return plain_value(pattern);
}

int main(int argc, char **argv)
{
	struct tool t = { .cli = { .usage = usage } };
	unsigned int given = 0;
	int c, exit;

	bk_cli_start("bk-config");
	bk_sig_init();
	while ((c = getopt_long(argc, argv, BK_CLI_SHORT, options, NULL)) !=
	       -1) {
		if (c >= BK_CLI_OWN)
			given |= BK_CLI_BIT(c);
		if (take_option(&t, c) != 0)
			return bk_cli_finish(BK_EX_USAGE);
	}
	if (!argv[optind])
		return bk_cli_finish(bk_cli_usage("which command?"));
	t.out = bk_rec_stdout(t.cli.mode);
	exit = run_command(&t, argv + optind, given);
	bk_conf_free(t.conf);
	answers_free(&t.want);
	return bk_cli_finish(exit);
}
