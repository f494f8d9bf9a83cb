/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "sig.h"

/*
 * A file opened as descriptor 1 or 2 would receive messages. A closed stdin
 * or stderr reads and swallows nothing; a closed stdout must fail on writing.
 */
static void open_std_fds(void)
{
	static const int flags[3] = { O_RDONLY, O_RDONLY, O_WRONLY };

	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", flags[fd]) != fd)
			_exit(BK_EX_OSERR);
}

void bk_cli_start(const char *name)
{
	open_std_fds();
	(void)signal(SIGPIPE, SIG_DFL);
	/* Who ignores it never learns the status of a child. */
	(void)signal(SIGCHLD, SIG_DFL);
	(void)umask(077);
	bk_log_init(name);
}

int bk_cli_usage(const char *fmt, ...)
{
	va_list ap;
	char *msg = NULL;

	va_start(ap, fmt);
	if (vasprintf(&msg, fmt, ap) < 0)
		msg = NULL;
	va_end(ap);
	bk_error("%s. Try '%s -h'", msg ? msg : fmt, bk_log_name());
	free(msg);
	return BK_EX_USAGE;
}

const void *bk_cli_find(const void *table, size_t n, size_t size,
			const char *name)
{
	for (size_t i = 0; i < n; i++) {
		const void *row = (const char *)table + i * size;

		if (strcmp(*(const char *const *)row, name) == 0)
			return row;
	}
	(void)bk_cli_usage("'%s' is no command of %s", name, bk_log_name());
	return NULL;
}

int bk_cli_allow(const struct option *options, unsigned int given,
		 unsigned int allowed, const char *command)
{
	for (const struct option *o = options; o->name; o++)
		if (o->val >= BK_CLI_OWN &&
		    (given & ~allowed & BK_CLI_BIT(o->val)))
			return bk_cli_usage("--%s is no option of %s", o->name,
					    command);
	return BK_EX_OK;
}

int bk_cli_split(int argc, char **argv, char ***ret_command)
{
	*ret_command = NULL;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		*ret_command = argv + i + 1;
		argv[i] = NULL;
		return i;
	}
	return argc;
}

static _Noreturn void print_and_exit(const char *text)
{
	(void)fputs(text, stdout);
	exit(bk_cli_finish(BK_EX_OK));
}

void bk_cli_option(struct bk_cli *cli, int c)
{
	char version[64];

	switch (c) {
	case 'c':
		cli->config = optarg;
		break;
	case 'n':
		cli->dry_run = true;
		break;
	case 'q':
		bk_log_set_level(BK_LOG_WARNING);
		break;
	case 'v':
		bk_log_set_level(bk_log_level() < BK_LOG_INFO ? BK_LOG_INFO
							      : BK_LOG_DEBUG);
		break;
	case '0':
		cli->mode = BK_REC_NUL;
		break;
	case BK_CLI_JSON:
		cli->mode = BK_REC_JSON;
		break;
	case 'h':
		print_and_exit(cli->usage);
	case 'V':
		(void)snprintf(version, sizeof(version), "%s %s\n",
			       bk_log_name(), BK_VERSION);
		print_and_exit(version);
	default:
		/* getopt_long() has said what is wrong. */
		(void)fprintf(stderr, "Try '%s -h'.\n", bk_log_name());
		exit(BK_EX_USAGE);
	}
}

struct bk_conf *bk_cli_conf(const struct bk_cli *cli, int *ret_exit)
{
	BK_AUTO_STRV struct bk_strv problems = BK_STRV_INIT;
	struct bk_err err;
	struct bk_conf *conf = bk_conf_load(cli->config, &problems, &err);

	for (size_t i = 0; i < problems.n; i++)
		bk_error("%s", problems.v[i]);
	if (conf)
		return conf;
	if (problems.n == 0)
		bk_error("%s", err.msg);
	*ret_exit = err.exit;
	return NULL;
}

int bk_cli_finish(int status)
{
	bool failed = ferror(stdout) != 0;

	bk_log_progress(NULL);
	bk_sig_die();
	errno = 0;
	if (fclose(stdout) != 0 || failed) {
		bk_error("cannot write to standard output: %s",
			 errno ? strerror(errno) : "write error");
		return BK_EX_IOERR;
	}
	return status;
}
