/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli.h"

#include <signal.h>

#include "err.h"
#include "exec.h"
#include "log.h"
#include "scratch.h"
#include "sig.h"

static char **args;
static struct bk_cli cli;

static void parse(void)
{
	static const struct option longs[] = {
		BK_CLI_LONG, { "own", no_argument, NULL, BK_CLI_OWN }, { 0 }
	};
	int argc = 0, c;

	cli = (struct bk_cli){ .usage = "usage: bk-x\n" };
	while (args[argc])
		argc++;
	optind = 0;
	while ((c = getopt_long(argc, args, BK_CLI_SHORT "o", longs, NULL)) !=
	       -1)
		if (c != BK_CLI_OWN && c != 'o')
			bk_cli_option(&cli, c);
}

static void start_and_parse(void)
{
	bk_cli_start("bk-x");
	parse();
	_exit(99);
}

#define ARGS(...)                               \
	(args = (char *[]){ (char[]){ "bk-x" }, \
			    __VA_ARGS__ __VA_OPT__(, ) NULL })
#define A(s) ((char[]){ s })

CHECK_TEST(options)
{
	ARGS(A("-c"), A("f"), A("-n"), A("-0"), A("--own"), A("x"));
	parse();
	CHECK_STR(cli.config, "f");
	CHECK(cli.dry_run);
	CHECK_INT(cli.mode, BK_REC_NUL);
	ARGS(A("--config=g"), A("--dry-run"), A("--json"));
	parse();
	CHECK_STR(cli.config, "g");
	CHECK(cli.dry_run);
	CHECK_INT(cli.mode, BK_REC_JSON);
	ARGS(A("--null"));
	parse();
	CHECK_INT(cli.mode, BK_REC_NUL);
	ARGS();
	parse();
	CHECK(!cli.config && !cli.dry_run);
	CHECK_INT(cli.mode, BK_REC_TEXT);
}

CHECK_TEST(quiet_and_verbose)
{
	CHECK_INT(bk_log_level(), BK_LOG_NOTICE);
	ARGS(A("-v"));
	parse();
	CHECK_INT(bk_log_level(), BK_LOG_INFO);
	parse();
	CHECK_INT(bk_log_level(), BK_LOG_DEBUG);
	parse();
	CHECK_INT(bk_log_level(), BK_LOG_DEBUG);
	ARGS(A("-q"));
	parse();
	CHECK_INT(bk_log_level(), BK_LOG_WARNING);
}

CHECK_TEST(version_and_help)
{
	const struct ran *r;

	ARGS(A("-V"));
	r = ran(start_and_parse);
	CHECK_EXIT(r, 0);
	CHECK_STR(r->out, "bk-x " BK_VERSION "\n");
	CHECK_STR(r->err, "");
	ARGS(A("--help"));
	r = ran(start_and_parse);
	CHECK_EXIT(r, 0);
	CHECK_STR(r->out, "usage: bk-x\n");
}

CHECK_TEST(unknown_options)
{
	const struct ran *r;

	ARGS(A("-Z"));
	r = ran(start_and_parse);
	CHECK_EXIT(r, 64);
	CHECK_STR(r->out, "");
	CHECK_HAS(r->err, "Try 'bk-x -h'");
	ARGS(A("--nonsense"));
	CHECK_EXIT(ran(start_and_parse), 64);
	ARGS(A("-c"));
	CHECK_EXIT(ran(start_and_parse), 64);
	ARGS(A("--json=x"));
	CHECK_EXIT(ran(start_and_parse), 64);
}

static void wrong_use(void)
{
	bk_cli_start("bk-x");
	_exit(bk_cli_usage("no such set '%s'", "x\n"));
}

CHECK_TEST(usage)
{
	const struct ran *r = ran(wrong_use);

	CHECK_EXIT(r, 64);
	CHECK_HAS(r->err, "bk-x: error: no such set 'x\\n'");
	CHECK_HAS(r->err, "Try 'bk-x -h'");
}

/* Standard descriptors that are closed. */

static void write_without_stdout(void)
{
	close(1);
	bk_cli_start("bk-x");
	/* what is opened next is no standard descriptor */
	if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 3)
		_exit(99);
	puts("data");
	_exit(bk_cli_finish(0));
}

static void silent_without_stdout(void)
{
	close(1);
	bk_cli_start("bk-x");
	_exit(bk_cli_finish(3));
}

static void without_any(void)
{
	char c;

	close(0);
	close(1);
	close(2);
	bk_cli_start("bk-x");
	bk_error("nobody reads this");
	if (read(0, &c, 1) != 0 || open("/dev/null", O_RDONLY | O_CLOEXEC) < 3)
		_exit(99);
	_exit(bk_cli_finish(0));
}

CHECK_TEST(closed_descriptors)
{
	const struct ran *r = ran(write_without_stdout);

	CHECK_EXIT(r, 74);
	CHECK_HAS(r->err, "cannot write to standard output");
	CHECK_EXIT(ran(silent_without_stdout), 3);
	CHECK_EXIT(ran(without_any), 0);
}

static size_t length;

static void fill(void)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	dup2(fd, 1);
	bk_cli_start("bk-x");
	for (size_t i = 0; i < length; i++)
		putchar('x');
	_exit(bk_cli_finish(0));
}

CHECK_TEST(full_disk)
{
	static const size_t lengths[] = { 1, 4095, 4096, 4097, 8192, 100000 };

	for (size_t i = 0; i < BK_COUNT(lengths); i++) {
		const struct ran *r;

		length = lengths[i];
		r = ran(fill);
		CHECK_EXIT(r, 74);
		CHECK_HAS(r->err, "cannot write to standard output: ");
		CHECK(!strstr(r->err, "ioctl"));
	}
	length = 0;
	CHECK_EXIT(ran(fill), 0);
}

static void finish(void)
{
	bk_cli_start("bk-x");
	puts("data");
	exit(bk_cli_finish(3));
}

CHECK_TEST(status_is_kept)
{
	const struct ran *r = ran(finish);

	CHECK_EXIT(r, 3);
	CHECK_STR(r->out, "data\n");
}

static void finish_signalled(void)
{
	bk_cli_start("bk-x");
	bk_sig_init();
	raise(SIGTERM);
	_exit(bk_cli_finish(0));
}

CHECK_TEST(dies_of_a_pending_signal)
{
	const struct ran *r = ran(finish_signalled);

	CHECK(WIFSIGNALED(r->status));
	CHECK_INT(WTERMSIG(r->status), SIGTERM);
}

/* What was inherited. */

static void inherited(void)
{
	struct sigaction sa;
	char word[] = "true";
	char *argv[] = { word, NULL };
	struct bk_exec x = { .argv = argv, .in = BK_EXEC_NULL };
	struct bk_err err;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGCHLD, SIG_IGN);
	umask(0);
	bk_cli_start("bk-x");
	sigaction(SIGPIPE, NULL, &sa);
	if (sa.sa_handler != SIG_DFL || umask(0) != 077)
		_exit(1);
	/* else the status of a child is lost */
	_exit(bk_exec_run(&x, 10, 0, NULL, NULL, &err) == 0 ? 0 : 2);
}

CHECK_TEST(inherited_settings)
{
	CHECK_EXIT(ran(inherited), 0);
}

/* The configuration. */

CHECK_TEST(configuration)
{
	struct bk_conf *conf;
	int status = 99;

	scratch();
	bk_log_set_level(BK_LOG_ERROR);
	put_file("good", "[host]\nname = box\n");
	conf = bk_cli_conf(&(struct bk_cli){ .config = "good" }, &status);
	CHECK(conf);
	CHECK_STR(conf->host, "box");
	CHECK_INT(status, 99);
	bk_conf_free(conf);
}

static void bad_configuration(void)
{
	int status = 0;

	bk_cli_start("bk-x");
	if (bk_cli_conf(&cli, &status))
		_exit(99);
	_exit(status);
}

CHECK_TEST(configuration_with_problems)
{
	const struct ran *r;

	scratch();
	put_file("bad", "[host]\nnonsense = 1\nmore = 2\n");
	cli.config = "bad";
	r = ran(bad_configuration);
	CHECK_EXIT(r, 78);
	CHECK_HAS(r->err, "bk-x: error: bad:2: ");
	CHECK_HAS(r->err, "bk-x: error: bad:3: ");
	cli.config = "gone";
	r = ran(bad_configuration);
	CHECK_EXIT(r, 66);
	CHECK_HAS(r->err, "bk-x: error: gone: No such file");
}
