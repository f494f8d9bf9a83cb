/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-secret-service: one item of the desktop's keyring, for bk-secret.
 *
 * Asks the Secret Service (gnome-keyring, KWallet, KeePassXC) on the session
 * bus of the user who runs it, or as root of the one that --user names, whom
 * it becomes. Nothing is unlocked and nobody is asked: it ends within 10 s (list: 25 s).
 *
 *   main.c     command line, the limit of time
 *   query.c    attributes as they are asked for
 *   session.c  whose session; the environment
 *   service.c  the connection, without prompts; what errors mean
 *   item.c     get, set, delete, list
 *
 * Exit: 0 done; 64 usage, or several items are meant; 65 bad data; 66 no such
 * item; 69 no session, no bus, no Secret Service: this source does not apply
 * here; 71 OS; 74 cannot write; 75 locked, or no answer; 76 an answer that
 * makes no sense; 77 not permitted.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "item.h"
#include "log.h"
#include "session.h"
#include "str.h"

/* For all that is asked of the service; a long list takes its time. */
#define SECONDS 5
#define LIST_SECONDS 20
/* More, where even the watch of service_open() is stuck. */
#define LAST_SECONDS 4

static const char usage[] =
	"Usage: bk-secret-service [OPTION...] COMMAND [KEY=VALUE...]\n"
	"\n"
	"  get KEY=VALUE...   print the secret, as it is\n"
	"  set KEY=VALUE...   store the secret that stdin holds, all of it\n"
	"  del KEY=VALUE...   delete the item\n"
	"  list               attributes of all items: KEY=VALUE and a NUL each,\n"
	"                     and one NUL more behind each item\n"
	"\n"
	"  --user NAME     of this user's session (for root)\n"
	"  --label TEXT    set: what a keyring program shows\n"
	"  -q  -v  -h  -V\n"
	"\n"
	"See bk-secret(1).\n";

enum { OPT_LABEL = BK_CLI_OWN, OPT_USER };

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "label", required_argument, NULL, OPT_LABEL },
	{ "quiet", no_argument, NULL, 'q' },
	{ "user", required_argument, NULL, OPT_USER },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

enum command { GET, SET, DEL, LIST, NCOMMANDS };
static const char *const names[NCOMMANDS] = { "get", "set", "del", "list" };

struct call {
	enum command command;
	const char *user, *label;
	struct query query;
	struct bk_secret secret; /* set */
};

static void end_late(int sig)
{
	static const char msg[] = "bk-secret-service: error: no answer in "
				  "time; try again later\n";

	(void)sig;
	if (write(STDERR_FILENO, msg, sizeof(msg) - 1) < 0)
		_exit(BK_EX_TEMPFAIL);
	_exit(BK_EX_TEMPFAIL);
}

static void limit_time(unsigned int seconds)
{
	const struct sigaction act = { .sa_handler = end_late };
	sigset_t set;

	(void)sigaction(SIGALRM, &act, NULL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGALRM);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)alarm(seconds);
}

static int run(struct call *c, struct bk_err *err)
{
	const unsigned int seconds =
		c->command == LIST ? LIST_SECONDS : SECONDS;
	struct service s;

	if (c->command == SET &&
	    bk_secret_read(&c->secret, STDIN_FILENO, BK_SECRET_MAX, err) < 0)
		return -1;
	limit_time(seconds + LAST_SECONDS);
	if ((c->user ? session_of(c->user, err) : session_own(err)) < 0 ||
	    service_open(&s, seconds, err) < 0)
		return -1;
	switch (c->command) {
	case GET:
		return item_get(&s, &c->query, err);
	case SET:
		return item_set(&s, &c->query, c->label, &c->secret, err);
	case DEL:
		return item_delete(&s, &c->query, err);
	default:
		return item_list(&s, err);
	}
}

/* The command and its operands; an exit status. */
static int parse_operands(struct call *c, char **args)
{
	struct bk_err err;

	if (!*args)
		return bk_cli_usage("a command is missing");
	while (c->command < NCOMMANDS && strcmp(*args, names[c->command]) != 0)
		c->command++;
	if (c->command == NCOMMANDS)
		return bk_cli_usage("there is no command '%s'", *args);
	if (c->command == LIST && args[1])
		return bk_cli_usage("list takes no attributes");
	if (c->command != LIST && !args[1])
		return bk_cli_usage("%s needs the item's attributes, "
				    "KEY=VALUE",
				    *args);
	if (c->label && c->command != SET)
		return bk_cli_usage("--label goes with set");
	if (c->label && !bk_str_utf8(c->label, strlen(c->label)))
		return bk_cli_usage("the label is not UTF-8");
	if (query_parse(args + 1, &c->query, &err) < 0)
		return bk_log_err(&err);
	return 0;
}

static int parse(struct call *c, int argc, char **argv)
{
	struct bk_cli cli = { .usage = usage };
	int opt;

	while ((opt = getopt_long(argc, argv, "qvhV", options, NULL)) != -1) {
		if (opt == OPT_LABEL)
			c->label = optarg;
		else if (opt == OPT_USER)
			c->user = optarg;
		else
			bk_cli_option(&cli, opt);
	}
	return parse_operands(c, argv + optind);
}

int main(int argc, char **argv)
{
	struct call c = { 0 };
	struct bk_err err;
	int status;

	bk_cli_start("bk-secret-service");
	bk_secret_harden();
	status = parse(&c, argc, argv);
	if (status == 0 && run(&c, &err) < 0) {
		status = err.exit;
		bk_error("%.300s%s%s", c.query.text ? c.query.text : "",
			 c.query.n ? ": " : "", err.msg);
	}
	bk_secret_free(&c.secret);
	query_free(&c.query);
	return bk_cli_finish(status);
}
