/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-dbdump: MariaDB databases as SQL, complete and exact, and back.
 *
 * A dump is all from one point in time, or there is none: what is chosen is
 * listed and checked against the user's grants, its definitions are read, N
 * connections take one snapshot, rows are read in ranges and written in one
 * order, and last the definitions are compared with what they were. Then
 * there is a trailer, or a manifest; never before.
 *
 *   main.c       command line         target.c     section and options
 *   login.c, server.c   a connection  grants.c     what the user may see
 *   select.c, glob.c    what is chosen
 *   catalog.c    what there is        define.c, exact.c   its definitions
 *   table.c      columns and keys     value.c, real.c   values as SQL
 *   text.c       definitions as SQL   globals.c, servers.c   users and so on
 *   snapshot.c   one point in time    feed.c, read.c, rows.c   rows
 *   cursor.c     a query's rows       frame.c      where statements end
 *   dump.c       the whole of it      sink.c, folder.c   where it goes
 *   manifest.c, proof.c               the proof of it
 *   stream.c, check.c, list.c         commands; oversize.c for list
 *   backup.c     into restic: spool.c, store.c
 *   restore.c    and back: source.c, fetch.c bring a dump, inventory.c,
 *                walk.c, subject.c, statement.c read it, load.c, rename.c
 *                send it
 *
 * Exit: 0 done; 1 the dump failed; 3 complete, but broken objects were saved
 * as text; 64 usage; 65 a dump is not whole; 66 no such section, database,
 * table, file; 69 no server there; 73 cannot create; 74 I/O; 75 try later; 77
 * denied, or a grant is missing; 78 configuration.
 */
#include <stdio.h>

#include "dbdump.h"
#include "log.h"
#include "sig.h"

static const char usage[] =
	"Usage: bk-dbdump COMMAND [OPTION...] [OPERAND...]\n"
	"\n"
	"  list [SERVER...]        what would be dumped, with sizes and warnings\n"
	"  dump [SERVER] [PATTERN...]\n"
	"                          one stream of SQL, its proof in the last line\n"
	"  dump -o DIR ...         a folder, a file for each table\n"
	"  dump --exec ... -- COMMAND...\n"
	"                          the stream into COMMAND, which is stopped\n"
	"                          where the dump fails\n"
	"  backup [SERVER...]      into restic\n"
	"  restore [SERVER]        load a dump into a server\n"
	"  check PATH...           is the dump whole? Needs no server\n"
	"\n"
	"SERVER is a [mariadb NAME]; a PATTERN is db or db.table, with * ? [a-z].\n"
	"\n"
	"  -j N, --connections N   dump: that read at the same time, 1 to 16\n"
	"  -o DIR, --output DIR    dump: which does not exist yet\n"
	"  --backup-stage          dump: hold the server's commits for a moment\n"
	"  --broken=fail|save      dump: of broken views keep the text\n"
	"  --max-age TIME          dump: give up a snapshot older than that\n"
	"  --accept                backup: it is as small as it shall be\n"
	"  --at TIME               restore: as of then\n"
	"  --snapshot ID           restore: this one\n"
	"  --from PATH             restore: a file or folder, not restic\n"
	"  --db DB, --table TABLE  restore: these only\n"
	"  --into DB               restore: under another name\n"
	"  --globals               restore: users and grants, too\n"
	"  --overwrite, --yes      restore: replace what is there; do not ask\n"
	"  --socket PATH, --host NAME, --port N, --user NAME,\n"
	"  --defaults-file FILE, --ssl-ca FILE\n"
	"                          list, dump, restore: the server\n"
	"  -c FILE  -n (dry run)  -q  -v  -0  --json  -h  -V\n"
	"\n"
	"See bk-dbdump(1), bk.conf(5), bk(7).\n";

enum {
	OPT_ACCEPT = BK_CLI_OWN,
	OPT_AT,
	OPT_BACKUP_STAGE,
	OPT_BROKEN,
	OPT_CONNECTIONS,
	OPT_DB,
	OPT_DEFAULTS_FILE,
	OPT_EXEC,
	OPT_FROM,
	OPT_GLOBALS,
	OPT_HOST,
	OPT_INTO,
	OPT_MAX_AGE,
	OPT_OUTPUT,
	OPT_OVERWRITE,
	OPT_PORT,
	OPT_SNAPSHOT,
	OPT_SOCKET,
	OPT_SSL_CA,
	OPT_TABLE,
	OPT_USER,
	OPT_YES,
};

static const struct option options[] = {
	BK_CLI_LONG,
	{ "accept", no_argument, NULL, OPT_ACCEPT },
	{ "at", required_argument, NULL, OPT_AT },
	{ "backup-stage", no_argument, NULL, OPT_BACKUP_STAGE },
	{ "broken", required_argument, NULL, OPT_BROKEN },
	{ "connections", required_argument, NULL, OPT_CONNECTIONS },
	{ "db", required_argument, NULL, OPT_DB },
	{ "defaults-file", required_argument, NULL, OPT_DEFAULTS_FILE },
	{ "exec", no_argument, NULL, OPT_EXEC },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "globals", no_argument, NULL, OPT_GLOBALS },
	{ "host", required_argument, NULL, OPT_HOST },
	{ "into", required_argument, NULL, OPT_INTO },
	{ "max-age", required_argument, NULL, OPT_MAX_AGE },
	{ "output", required_argument, NULL, OPT_OUTPUT },
	{ "overwrite", no_argument, NULL, OPT_OVERWRITE },
	{ "port", required_argument, NULL, OPT_PORT },
	{ "snapshot", required_argument, NULL, OPT_SNAPSHOT },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "ssl-ca", required_argument, NULL, OPT_SSL_CA },
	{ "table", required_argument, NULL, OPT_TABLE },
	{ "user", required_argument, NULL, OPT_USER },
	{ "yes", no_argument, NULL, OPT_YES },
	{ NULL, 0, NULL, 0 },
};

#define SERVER                                                  \
	(BK_CLI_BIT(OPT_DEFAULTS_FILE) | BK_CLI_BIT(OPT_HOST) | \
	 BK_CLI_BIT(OPT_PORT) | BK_CLI_BIT(OPT_SOCKET) |        \
	 BK_CLI_BIT(OPT_SSL_CA) | BK_CLI_BIT(OPT_USER))

static const struct command {
	const char *name;
	int (*run)(struct dbdump *d, char **args);
	unsigned int options; /* of its own */
	bool records;	      /* it writes some, and an end */
	bool config;	      /* it reads the configuration */
} commands[] = {
	{ "backup", cmd_backup, BK_CLI_BIT(OPT_ACCEPT), true, true },
	{ "check", cmd_check, 0, true, false },
	{ "dump", cmd_dump,
	  SERVER | BK_CLI_BIT(OPT_BACKUP_STAGE) | BK_CLI_BIT(OPT_BROKEN) |
		  BK_CLI_BIT(OPT_CONNECTIONS) | BK_CLI_BIT(OPT_EXEC) |
		  BK_CLI_BIT(OPT_MAX_AGE) | BK_CLI_BIT(OPT_OUTPUT),
	  false, true },
	{ "list", cmd_list, SERVER, true, true },
	{ "restore", cmd_restore,
	  SERVER | BK_CLI_BIT(OPT_AT) | BK_CLI_BIT(OPT_DB) |
		  BK_CLI_BIT(OPT_FROM) | BK_CLI_BIT(OPT_GLOBALS) |
		  BK_CLI_BIT(OPT_INTO) | BK_CLI_BIT(OPT_OVERWRITE) |
		  BK_CLI_BIT(OPT_SNAPSHOT) | BK_CLI_BIT(OPT_TABLE) |
		  BK_CLI_BIT(OPT_YES),
	  true, true },
};

/* Numbers, with their limits. */
static void take_number(const char *option, uint64_t max, unsigned int *ret)
{
	uint64_t n;

	if (bk_parse_u64(optarg, 1, max, &n) < 0)
		exit(bk_cli_finish(
			bk_cli_usage("%s '%s' is not a number from 1 to %llu",
				     option, optarg, (unsigned long long)max)));
	*ret = (unsigned int)n;
}

static void take_server(struct dbdump *d, int c)
{
	d->direct = true;
	switch (c) {
	case OPT_SOCKET:
		d->over.socket = optarg;
		break;
	case OPT_HOST:
		d->over.host = optarg;
		break;
	case OPT_PORT:
		take_number("--port", 65535, &d->over.port);
		break;
	case OPT_USER:
		d->over.user = optarg;
		break;
	case OPT_DEFAULTS_FILE:
		d->over.defaults_file = optarg;
		break;
	default:
		d->over.ssl_ca = optarg;
		break;
	}
}

static void take_restore(struct dbdump *d, int c)
{
	switch (c) {
	case OPT_AT:
		d->at = optarg;
		break;
	case OPT_SNAPSHOT:
		d->snapshot = optarg;
		break;
	case OPT_FROM:
		d->from = optarg;
		break;
	case OPT_INTO:
		d->into = optarg;
		break;
	case OPT_DB:
		bk_strv_add(&d->dbs, optarg);
		break;
	case OPT_TABLE:
		bk_strv_add(&d->tables, optarg);
		break;
	case OPT_GLOBALS:
		d->globals = true;
		break;
	case OPT_OVERWRITE:
		d->overwrite = true;
		break;
	default:
		d->yes = true;
		break;
	}
}

static void take_option(struct dbdump *d, int c)
{
	switch (c) {
	case OPT_ACCEPT:
		d->accept = true;
		break;
	case OPT_BACKUP_STAGE:
		d->stage = true;
		break;
	case OPT_BROKEN:
		d->broken = optarg;
		break;
	case OPT_CONNECTIONS:
		take_number("-j", 16, &d->connections);
		break;
	case OPT_EXEC:
		d->exec = true;
		break;
	case OPT_MAX_AGE:
		d->max_age = optarg;
		break;
	case OPT_OUTPUT:
		d->folder = optarg;
		break;
	default:
		if (c < BK_CLI_OWN)
			bk_cli_option(&d->cli, c);
		else if (BK_CLI_BIT(c) & SERVER)
			take_server(d, c);
		else
			take_restore(d, c);
	}
}

/* Who says where the server is needs no configuration. */
static struct bk_conf *read_config(const struct dbdump *d, bool wanted,
				   int *ret_exit)
{
	BK_AUTO_STRV struct bk_strv problems = BK_STRV_INIT;
	struct bk_err err;
	struct bk_conf *conf;

	if (!wanted)
		return bk_conf_none();
	if (!d->direct || d->cli.config)
		return bk_cli_conf(&d->cli, ret_exit);
	conf = bk_conf_load(NULL, &problems, &err);
	if (conf)
		return conf;
	return err.exit == BK_EX_NOINPUT ? bk_conf_none()
					 : bk_cli_conf(&d->cli, ret_exit);
}

static int run_command(struct dbdump *d, char **args, unsigned int given)
{
	const struct command *c = bk_cli_find(commands, BK_COUNT(commands),
					      sizeof(*commands), args[0]);
	int exit = BK_EX_OK;

	if (!c || bk_cli_allow(options, given, c->options, c->name) != 0)
		return BK_EX_USAGE;
	if (d->command && c->run != cmd_dump)
		return bk_cli_usage("%s takes no command behind --", c->name);
	d->conf = read_config(d, c->config, &exit);
	if (!d->conf)
		return exit;
	d->secrets.config = d->cli.config;
	exit = c->run(d, args + 1);
	bk_resolve_free(&d->secrets);
	bk_conf_free(d->conf);
	if (c->records && exit != BK_EX_USAGE)
		bk_rec_end(&d->out, exit);
	return exit;
}

int main(int argc, char **argv)
{
	struct dbdump d = { .cli = { .usage = usage } };
	unsigned int given = 0;
	int c, exit;

	bk_cli_start("bk-dbdump");
	bk_sig_init();
	argc = bk_cli_split(argc, argv, &d.command);
	while ((c = getopt_long(argc, argv, BK_CLI_SHORT "j:o:", options,
				NULL)) != -1) {
		if (c == 'j')
			c = OPT_CONNECTIONS;
		else if (c == 'o')
			c = OPT_OUTPUT;
		if (c >= BK_CLI_OWN)
			given |= BK_CLI_BIT(c);
		take_option(&d, c);
	}
	if (!argv[optind])
		return bk_cli_finish(bk_cli_usage("which command?"));
	d.out = bk_rec_stdout(d.cli.mode);
	exit = run_command(&d, argv + optind, given);
	bk_strv_free(&d.dbs);
	bk_strv_free(&d.tables);
	return bk_cli_finish(exit);
}
