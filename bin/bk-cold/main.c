/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-cold: cold storage, proved.
 *
 * Copies what the plan of bk-scan has in cold storage to one or more boxes
 * (a folder behind ssh, or on a disk of its own), proves each copy by its
 * SHA-256 where it lies, and gets files back. Exit: 0 done; 1 the answer is no
 * (check found something wrong); 3 some files or boxes failed; 64 usage; 65
 * the catalog, or what came back, is damaged; 66 no such path, box or set; 73
 * a file to be made exists; 74 a box or disk failed or is full; 75 a box
 * cannot be reached now, or another bk-cold runs; 76 a box speaks nonsense;
 * 77 not let in, or another box than it was; 78 configuration.
 *
 * wire.c, sftp.c and ssh.c speak to a machine, box*.c make a box of that or of
 * a folder, hash.c proves; catalog*.c know what lies where, name.c, meta*.c,
 * entry.c and manifest*.c write that down on the boxes too, age_*.c encrypt and
 * identity.c knows for whom; plan.c and walk.c
 * find the files, source.c reads one while nobody may change it, target.c
 * connects, send.c sends, listing.c lists; safe.c has the rules for a file
 * that is to be released, evidence.c what speaks for its copies, go.c takes it
 * away, quarantine.c keeps it, catalog_release.c is the journal, index.c what
 * people find in its place; each command has a file of its name.
 */
#include "cold.h"
#include "log.h"
#include "sig.h"

static const char usage[] =
	"usage: bk-cold [OPTION]... COMMAND [ARGUMENT]...\n"
	"\n"
	"  init BOX         make the folder of a box its own, and know it\n"
	"  probe BOX        what the box can do\n"
	"  push [SET]...    copy what is new or was changed, and prove it\n"
	"  list [PATH]...   what is in cold storage, and where\n"
	"  get PATH...      bring it back: --to DIR, or --in-place\n"
	"  release [SET]... take away local files whose copies are proved\n"
	"  undo [PATH]...   bring back what was released, from quarantine\n"
	"  check [BOX]...   prove the copies again, the oldest proofs first\n"
	"  status           the boxes, their room, copies, proofs\n"
	"  rebuild BOX      make the catalog anew from what lies there\n"
	"\n"
	"      --all           list: also what is no more\n"
	"      --at TIME       list, get: as it was then\n"
	"      --box NAME      get: from this box\n"
	"      --identity FILE get, rebuild, release: the key of what is encrypted\n"
	"      --in-place      get: to where it was; nothing is overwritten\n"
	"      --to DIR        get: below this folder\n"
	"      --numeric-owner get: owners by number, not by name\n"
	"      --yes           get: do not ask; release: do it\n"
	"      --max-bytes N   check: no more than that\n"
	"      --max-time T    check: no longer than that\n"
	"      --read-back     check: by reading the copies here\n"
	"      --offline       status: without connecting\n"
	"  -c, --config FILE   read FILE only\n"
	"  -n, --dry-run       only say what would be done\n"
	"  -0, --null          first field, with a NUL byte behind it\n"
	"      --json          records, see bk-records(5)\n"
	"  -q, --quiet         warnings and errors only\n"
	"  -v, --verbose       say more\n"
	"  -h, --help   -V, --version\n";

enum {
	OPT_ALL = BK_CLI_OWN,
	OPT_AT,
	OPT_BOX,
	OPT_IDENTITY,
	OPT_IN_PLACE,
	OPT_MAX_BYTES,
	OPT_MAX_TIME,
	OPT_NUMERIC_OWNER,
	OPT_OFFLINE,
	OPT_READ_BACK,
	OPT_TO,
	OPT_YES,
};

static const struct option options[] = {
	BK_CLI_LONG,
	{ "all", no_argument, NULL, OPT_ALL },
	{ "at", required_argument, NULL, OPT_AT },
	{ "box", required_argument, NULL, OPT_BOX },
	{ "identity", required_argument, NULL, OPT_IDENTITY },
	{ "in-place", no_argument, NULL, OPT_IN_PLACE },
	{ "max-bytes", required_argument, NULL, OPT_MAX_BYTES },
	{ "max-time", required_argument, NULL, OPT_MAX_TIME },
	{ "numeric-owner", no_argument, NULL, OPT_NUMERIC_OWNER },
	{ "offline", no_argument, NULL, OPT_OFFLINE },
	{ "read-back", no_argument, NULL, OPT_READ_BACK },
	{ "to", required_argument, NULL, OPT_TO },
	{ "yes", no_argument, NULL, OPT_YES },
	{ NULL, 0, NULL, 0 },
};

static const struct command {
	const char *name;
	int (*run)(struct cold *c, char **args);
	unsigned int options; /* of its own */
} commands[] = {
	{ "check", cmd_check,
	  BK_CLI_BIT(OPT_MAX_BYTES) | BK_CLI_BIT(OPT_MAX_TIME) |
		  BK_CLI_BIT(OPT_READ_BACK) },
	{ "get", cmd_get,
	  BK_CLI_BIT(OPT_AT) | BK_CLI_BIT(OPT_BOX) | BK_CLI_BIT(OPT_IDENTITY) |
		  BK_CLI_BIT(OPT_IN_PLACE) | BK_CLI_BIT(OPT_NUMERIC_OWNER) |
		  BK_CLI_BIT(OPT_TO) | BK_CLI_BIT(OPT_YES) },
	{ "init", cmd_init, 0 },
	{ "list", cmd_list, BK_CLI_BIT(OPT_ALL) | BK_CLI_BIT(OPT_AT) },
	{ "probe", cmd_probe, 0 },
	{ "push", cmd_push, 0 },
	{ "rebuild", cmd_rebuild, BK_CLI_BIT(OPT_IDENTITY) },
	{ "release", cmd_release,
	  BK_CLI_BIT(OPT_IDENTITY) | BK_CLI_BIT(OPT_YES) },
	{ "status", cmd_status, BK_CLI_BIT(OPT_OFFLINE) },
	{ "undo", cmd_undo, 0 },
};

/* A limit; 64 where it is none. */
static void take_limit(struct cold *c, int option, const char *text)
{
	uint64_t n = 0;
	bool bytes = option == OPT_MAX_BYTES;
	int got = bytes ? bk_parse_size(text, &n) : bk_parse_duration(text, &n);

	if (got < 0 || n == 0)
		exit(bk_cli_usage("--max-%s: '%s' is no %s; write e.g. %s",
				  bytes ? "bytes" : "time", text,
				  bytes ? "size" : "time",
				  bytes ? "10G" : "30m"));
	if (bytes)
		c->max_bytes = n;
	else
		c->max_time = n;
}

static void take_option(struct cold *c, int option)
{
	switch (option) {
	case OPT_ALL:
		c->all = true;
		break;
	case OPT_AT:
		c->at = optarg;
		break;
	case OPT_BOX:
		c->box = optarg;
		break;
	case OPT_IDENTITY:
		c->identity = optarg;
		break;
	case OPT_IN_PLACE:
		c->in_place = true;
		break;
	case OPT_MAX_BYTES:
	case OPT_MAX_TIME:
		take_limit(c, option, optarg);
		break;
	case OPT_NUMERIC_OWNER:
		c->numeric_owner = true;
		break;
	case OPT_OFFLINE:
		c->offline = true;
		break;
	case OPT_READ_BACK:
		c->read_back = true;
		break;
	case OPT_TO:
		c->to = optarg;
		break;
	case OPT_YES:
		c->yes = true;
		break;
	default:
		bk_cli_option(&c->cli, option);
	}
}

static int run_command(struct cold *c, char **args, unsigned int given)
{
	const struct command *cmd = bk_cli_find(commands, BK_COUNT(commands),
						sizeof(*commands), args[0]);
	int status = BK_EX_OK;

	if (!cmd || bk_cli_allow(options, given, cmd->options, cmd->name) != 0)
		return BK_EX_USAGE;
	c->conf = bk_cli_conf(&c->cli, &status);
	if (!c->conf)
		return status;
	status = cmd->run(c, args + 1);
	bk_conf_free(c->conf);
	return status;
}

int main(int argc, char **argv)
{
	struct cold c = { .cli = { .usage = usage } };
	unsigned int given = 0;
	int option;

	bk_cli_start("bk-cold");
	bk_sig_init();
	while ((option = getopt_long(argc, argv, BK_CLI_SHORT, options,
				     NULL)) != -1) {
		if (option >= BK_CLI_OWN)
			given |= BK_CLI_BIT(option);
		take_option(&c, option);
	}
	if (!argv[optind])
		return bk_cli_finish(bk_cli_usage("which command?"));
	c.out = bk_rec_stdout(c.cli.mode);
	return bk_cli_finish(run_command(&c, argv + optind, given));
}
