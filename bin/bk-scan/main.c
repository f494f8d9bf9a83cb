/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-scan: what is backed up, and why.
 *
 * Walks the [scan] roots for marker files and the configured paths for what
 * lies there, decides for each folder in which sets it is, and prints that as
 * a plan: for people, for pipes, or as the stream that bk-restic and bk-cold
 * read. Exit: 0 done; 1 the answer is no (why, diff); 3 the plan may lack
 * something, a warning says what; 64 usage; 66 no such path; 73 a marker
 * cannot be made; 74 output failed; 77 not permitted; 78 configuration.
 *
 * fresh.c decides whether the cache is believed, image.c reads and save.c
 * writes it; prove.c, level.c and btrfs.c find what changed since, record.c
 * tells the walk what is known, cache.c puts both together and zones.c makes
 * zones of it, fsid.c knows file systems again.
 * walk.c, open.c and visit.c read the tree into zones, zone.c; marker.c
 * knows markers, plan.c decides, known.c keeps what cannot
 * be seen, check.c looks it over, stream.c writes and reads plans; each
 * command has a file of its name.
 */
#include "scan.h"
#include "sig.h"

static const char usage[] =
	"usage: bk-scan [OPTION]... [list] [CLASS]...   the plan's decisions\n"
	"       bk-scan show [PATH]                     as a tree, with sizes\n"
	"       bk-scan why PATH                        is it covered, and why\n"
	"       bk-scan files CLASS...                  every file in it\n"
	"       bk-scan uncovered [-N] [CLASS]...       largest not in it\n"
	"       bk-scan diff                            against the last list\n"
	"       bk-scan mark|unmark MARKER PATH...      make, remove a marker\n"
	"\n"
	"CLASS: restic, restic:SET, cold, delete, redundant\n"
	"MARKER: backup, nobackup, coldstorage, coldstorage_redundant,\n"
	"        coldstorage_delete\n"
	"\n"
	"  -c, --config FILE   read FILE only\n"
	"  -n, --dry-run       list: keep nothing; mark: only say what\n"
	"  -0, --null          paths, each with a NUL byte behind it\n"
	"      --json          records, see bk-records(5)\n"
	"      --accept        keep nothing (of CLASS) that cannot be seen any more\n"
	"      --full          read all, whatever the cache knows\n"
	"      --cached        read nothing but the cache, and say how old it is\n"
	"      --no-size       show: faster, without sizes\n"
	"      --color WHEN    auto, always or never\n"
	"  -q, --quiet         warnings and errors only\n"
	"  -v, --verbose       say more\n"
	"  -h, --help   -V, --version\n";

static const struct {
	const char *name;
	int (*run)(struct scan *s, int argc, char **argv);
} commands[] = {
	{ "list", cmd_list },
	{ "show", cmd_show },
	{ "why", cmd_why },
	{ "files", cmd_files },
	{ "uncovered", cmd_uncovered },
	{ "diff", cmd_diff },
	{ "mark", cmd_mark },
	{ "unmark", cmd_unmark },
};

enum {
	OPT_ACCEPT = BK_CLI_OWN,
	OPT_NO_SIZE,
	OPT_COLOR,
	OPT_FULL,
	OPT_CACHED,
};

/* "-20" is a number of lines; getopt(3) would see options in it. */
static void take_count(struct scan *s, int *argc, char **argv)
{
	int n = 1;

	for (int i = 1; i < *argc; i++) {
		uint64_t count;

		if (strcmp(argv[i], "--") == 0) {
			for (; i < *argc; i++)
				argv[n++] = argv[i];
			break;
		}
		if (argv[i][0] == '-' && argv[i][1] >= '1' &&
		    argv[i][1] <= '9' &&
		    bk_parse_u64(argv[i] + 1, 1, UINT32_MAX, &count) == 0)
			s->count = (size_t)count;
		else
			argv[n++] = argv[i];
	}
	argv[n] = NULL;
	*argc = n;
}

static int set_color(struct scan *s, const char *when)
{
	if (strcmp(when, "always") == 0)
		s->color = COLOR_ALWAYS;
	else if (strcmp(when, "never") == 0)
		s->color = COLOR_NEVER;
	else if (strcmp(when, "auto") == 0)
		s->color = COLOR_AUTO;
	else
		return bk_cli_usage("--color is auto, always or never, "
				    "not '%s'",
				    when);
	return BK_EX_OK;
}

static int parse_options(struct scan *s, int argc, char **argv)
{
	static const struct option options[] = {
		BK_CLI_LONG,
		{ "accept", no_argument, NULL, OPT_ACCEPT },
		{ "full", no_argument, NULL, OPT_FULL },
		{ "cached", no_argument, NULL, OPT_CACHED },
		{ "no-size", no_argument, NULL, OPT_NO_SIZE },
		{ "color", required_argument, NULL, OPT_COLOR },
		{ "colour", required_argument, NULL, OPT_COLOR },
		{ 0 },
	};
	int c, status = BK_EX_OK;

	while ((c = getopt_long(argc, argv, BK_CLI_SHORT, options, NULL)) !=
	       -1) {
		if (c == OPT_ACCEPT)
			s->accept = true;
		else if (c == OPT_FULL)
			s->full = true;
		else if (c == OPT_CACHED)
			s->cached = true;
		else if (c == OPT_NO_SIZE)
			s->no_size = true;
		else if (c == OPT_COLOR)
			status = set_color(s, optarg);
		else
			bk_cli_option(&s->cli, c);
		if (status)
			break;
	}
	if (!status && s->full && s->cached)
		return bk_cli_usage("--full and --cached exclude each other");
	return status;
}

static int run(struct scan *s, int argc, char **argv)
{
	for (size_t i = 0; argc > 0 && i < BK_COUNT(commands); i++)
		if (strcmp(argv[0], commands[i].name) == 0)
			return commands[i].run(s, argc - 1, argv + 1);
	return cmd_list(s, argc, argv);
}

int main(int argc, char **argv)
{
	struct scan s = { .cli = { .usage = usage }, .count = 20 };
	int status;

	bk_cli_start("bk-scan");
	take_count(&s, &argc, argv);
	status = parse_options(&s, argc, argv);
	if (status == BK_EX_OK) {
		bk_sig_init();
		status = run(&s, argc - optind, argv + optind);
	}
	scan_free(&s);
	return bk_cli_finish(status);
}
