/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-secret: secrets from where they are kept, and nowhere else.
 *
 * A reference (bk.conf(5)) names a place: a keyring file of Python's
 * keyrings.cryptfile, the desktop's keyring, a credential of systemd, a
 * command, a file, the terminal. This program alone knows these places; the
 * other tools run it and read a pipe.
 *
 *   main.c        command line
 *   get.c         one secret, or a batch of them for another tool
 *   set.c         set, del                 list.c        list
 *   check.c       would the timers get what they need?
 *   import.c      from other stores        enroll.c      the unattended way
 *   kit.c         the recovery sheet       verify.c      its proof, its end
 *   recovery.c    what it says             sheet.c       as text and HTML
 *   keys.c        its key                  hostkey.c     keys of ssh servers
 *   source.c      from a reference to its secret
 *   credential.c  systemd's credentials    terminal.c    what a person types
 *   keyring.c     the keyring file         cryptfile.c   its text
 *   seal.c        its entries              crypto.c      its ciphers
 *   alt.c         keyrings.alt             make.c        new passwords
 *
 * Exit: 0 done; 1 a command failed, or check found something; 3 partial; 64
 * usage; 65 damaged, empty or too long; 66 absent; 69 a program is missing;
 * 71 no memory; 73, 74 cannot write; 75 locked, try later; 77 wrong master,
 * not permitted, badly protected; 78 configuration.
 */
#include <stdio.h>
#include <unistd.h>

#include "conf_salvage.h"
#include "dirs.h"
#include "log.h"
#include "path.h"
#include "sig.h"
#include "tool.h"

static const char usage[] =
	"Usage: bk-secret COMMAND [OPTION...] [OPERAND...]\n"
	"\n"
	"  get REF...        print a secret; the first REF that applies\n"
	"  set REF           store one, from stdin or typed\n"
	"  del REF           remove one\n"
	"  list [KIND...]    names, never secrets: keyring, secret-service,\n"
	"                    credential\n"
	"  check [REF...]    is everything there that the configuration refers to?\n"
	"  import [FILE [REF...]]\n"
	"                    take entries of another store into the keyring\n"
	"  enroll            let this host open the keyring by itself\n"
	"  kit [REPO...]     print the recovery sheet, with a key of its own\n"
	"  kit verify [REPO] prove it: type its password\n"
	"  kit revoke [REPO] remove the keys of all sheets but the last verified\n"
	"\n"
	"  -f              get: also to a terminal\n"
	"  --batch         get: requests on stdin (bk-records(5))\n"
	"  --generate      set, enroll: make a strong one up\n"
	"  --exact         set: keep a newline at the end of stdin\n"
	"  --overwrite     import: replace entries that are there\n"
	"  --unlock        check: only whether the keyring opens\n"
	"  --with-key KIND enroll: host (default), tpm2 or host+tpm2\n"
	"  --html          kit: a page to print\n"
	"  --with-master   kit: with the keyring's master password\n"
	"  -c FILE  -n (dry run)  -q  -v  -0  --json  -h  -V\n"
	"\n"
	"REF is keyring:SERVICE/USER, secret-service:SERVICE/USER,\n"
	"credential:NAME, command:COMMAND, file:/PATH or ask.\n"
	"See bk-secret(1), bk.conf(5), bk(7).\n";

enum {
	OPT_BATCH = BK_CLI_OWN,
	OPT_EXACT,
	OPT_FORCE,
	OPT_GENERATE,
	OPT_HTML,
	OPT_OVERWRITE,
	OPT_UNLOCK,
	OPT_WITH_KEY,
	OPT_WITH_MASTER,
};

static const struct option options[] = {
	BK_CLI_LONG,
	{ "batch", no_argument, NULL, OPT_BATCH },
	{ "exact", no_argument, NULL, OPT_EXACT },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "generate", no_argument, NULL, OPT_GENERATE },
	{ "html", no_argument, NULL, OPT_HTML },
	{ "overwrite", no_argument, NULL, OPT_OVERWRITE },
	{ "unlock", no_argument, NULL, OPT_UNLOCK },
	{ "with-key", required_argument, NULL, OPT_WITH_KEY },
	{ "with-master", no_argument, NULL, OPT_WITH_MASTER },
	{ NULL, 0, NULL, 0 },
};

static const struct command {
	const char *name;
	int (*run)(struct tool *t, char **args);
	unsigned int options; /* of its own */
} commands[] = {
	{ "check", cmd_check, BK_CLI_BIT(OPT_UNLOCK) },
	{ "del", cmd_del, 0 },
	{ "enroll", cmd_enroll,
	  BK_CLI_BIT(OPT_GENERATE) | BK_CLI_BIT(OPT_WITH_KEY) },
	{ "get", cmd_get, BK_CLI_BIT(OPT_BATCH) | BK_CLI_BIT(OPT_FORCE) },
	{ "import", cmd_import, BK_CLI_BIT(OPT_OVERWRITE) },
	{ "kit", cmd_kit, BK_CLI_BIT(OPT_HTML) | BK_CLI_BIT(OPT_WITH_MASTER) },
	{ "list", cmd_list, 0 },
	{ "set", cmd_set, BK_CLI_BIT(OPT_EXACT) | BK_CLI_BIT(OPT_GENERATE) },
};

static void take_option(struct tool *t, int c)
{
	switch (c) {
	case OPT_BATCH:
		t->batch = true;
		break;
	case OPT_EXACT:
		t->exact = true;
		break;
	case OPT_FORCE:
		t->force = true;
		break;
	case OPT_GENERATE:
		t->generate = true;
		break;
	case OPT_HTML:
		t->html = true;
		break;
	case OPT_OVERWRITE:
		t->overwrite = true;
		break;
	case OPT_UNLOCK:
		t->unlock = true;
		break;
	case OPT_WITH_KEY:
		t->with_key = optarg;
		break;
	case OPT_WITH_MASTER:
		t->with_master = true;
		break;
	default:
		bk_cli_option(&t->cli, c);
	}
}

int take_ref(const char *arg, struct bk_ref *ret)
{
	struct bk_err err;

	if (bk_ref_parse(arg, ret, &err) == 0)
		return BK_EX_OK;
	return bk_cli_usage("that is no reference to a secret: %s", err.msg);
}

/* Without any configuration, all has its default. */
static bool is_configured(const struct tool *t)
{
	BK_AUTO_FREE char *dir = bk_dirs_config(NULL);
	BK_AUTO_FREE char *file = dir ? bk_path_join(dir, "bk.conf") : NULL;
	BK_AUTO_FREE char *folder = dir ? bk_path_join(dir, "conf.d") : NULL;
	const char *env = getenv("BK_CONFIG");

	return t->cli.config || (env && *env) ||
	       (file && access(file, F_OK) == 0) ||
	       (folder && access(folder, F_OK) == 0);
}

/*
 * Others have read theirs by then, and say what is wrong with it; who tells
 * people of that needs secrets, too.
 */
static struct bk_conf *load_for_batch(const struct tool *t)
{
	BK_AUTO_STRV struct bk_strv problems = BK_STRV_INIT;
	struct bk_err err;
	struct bk_conf *conf = bk_conf_load(t->cli.config, &problems, &err);

	return conf ? conf : bk_conf_salvage(t->cli.config);
}

static int run_command(struct tool *t, char **args, unsigned int given)
{
	const struct command *c = bk_cli_find(commands, BK_COUNT(commands),
					      sizeof(*commands), args[0]);
	int exit = BK_EX_OK;

	if (!c || bk_cli_allow(options, given, c->options, c->name) != 0)
		return BK_EX_USAGE;
	if (!is_configured(t))
		t->conf = bk_conf_none();
	else if (t->batch)
		t->conf = load_for_batch(t);
	else
		t->conf = bk_cli_conf(&t->cli, &exit);
	if (!t->conf)
		return exit;
	exit = c->run(t, args + 1);
	keyring_close(&t->ring);
	bk_conf_free(t->conf);
	return exit;
}

int main(int argc, char **argv)
{
	struct tool t = { .cli = { .usage = usage },
			  .ring = KEYRING_INIT,
			  .ring_state = RING_UNKNOWN };
	unsigned int given = 0;
	int c;

	bk_cli_start("bk-secret");
	bk_sig_init();
	bk_secret_harden();
	while ((c = getopt_long(argc, argv, BK_CLI_SHORT "f", options, NULL)) !=
	       -1) {
		if (c == 'f')
			c = OPT_FORCE;
		if (c >= BK_CLI_OWN)
			given |= BK_CLI_BIT(c);
		take_option(&t, c);
	}
	if (!argv[optind])
		return bk_cli_finish(bk_cli_usage("which command?"));
	t.out = bk_rec_stdout(t.cli.mode);
	return bk_cli_finish(run_command(&t, argv + optind, given));
}
