/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-status: "am I safe?", in the first line, then job by job.
 *
 * Reads the configuration, the state files and the clock, and asks systemd
 * what runs next; nothing else. It changes nothing but what --publish writes.
 *
 *   main.c      command line
 *   host.c      what is true of this host       schedule.c  asks systemd
 *   verdict.c   the first line                  screen.c    the rest of it
 *   text.c      80 columns and colours          prom.c      for Prometheus
 *   publish.c   puts it where others look       fleet.c     shows all hosts
 *   entry.c     what a host tells the others
 *   box.c       where they meet: dir.c a folder, sftp.c behind ssh
 *
 * Exit: 0 all is well; 1 something is wrong; 64 usage; 66 no such job or
 * host; 73, 74 cannot write; 75 the box does not answer; 77 not permitted;
 * 78 configuration. With --prom and --publish 0 also if something is wrong.
 */
#include <stdio.h>

#include "entry.h"
#include "host.h"
#include "log.h"
#include "prom.h"
#include "screen.h"
#include "sig.h"
#include "status.h"
#include "time.h"
#include "verdict.h"

static const char usage[] =
	"Usage: bk-status [OPTION...] [JOB...]     this host, or all about jobs\n"
	"       bk-status --fleet                  all hosts, the worst first\n"
	"       bk-status --publish                for the fleet and Prometheus\n"
	"       bk-status --forget-host NAME       one that is no more\n"
	"\n"
	"  --prom    for Prometheus, on standard output\n"
	"  -q        only the first line\n"
	"  -v        all messages, in full\n"
	"  -0        names of the jobs, or hosts, each with a NUL byte\n"
	"  -c FILE  -n (dry run)  --json  -h  -V\n"
	"\n"
	"JOB: as the first table names it (backup home), or all of a kind (backup).\n"
	"See bk-status(1), bk.conf(5), bk(7).\n";

enum {
	OPT_FLEET = BK_CLI_OWN,
	OPT_FORGET_HOST,
	OPT_PROM,
	OPT_PUBLISH,
};

static const struct option options[] = {
	BK_CLI_LONG,
	{ "fleet", no_argument, NULL, OPT_FLEET },
	{ "forget-host", required_argument, NULL, OPT_FORGET_HOST },
	{ "prom", no_argument, NULL, OPT_PROM },
	{ "publish", no_argument, NULL, OPT_PUBLISH },
	{ NULL, 0, NULL, 0 },
};

json_t *status_jobs(struct status *s, int *ret_exit)
{
	struct bk_err err;
	json_t *jobs = host_read(s->conf, s->now, &err);

	if (!jobs)
		*ret_exit = bk_log_err(&err);
	return jobs;
}

void status_records(struct status *s, const json_t *jobs)
{
	size_t i;
	const json_t *o;

	json_array_foreach(jobs, i, o)
		bk_rec_json(&s->out, job_is_monitor(o) ? "monitor" : "job",
			    json_copy((json_t *)(uintptr_t)o));
}

/* All operands as one name ("backup home" without quotes), or each alone. */
static json_t *choose(const json_t *jobs, char **names)
{
	BK_AUTO_BUF struct bk_buf whole = BK_BUF_INIT;
	json_t *chosen = json_array();
	size_t i;
	json_t *o;

	bk_buf_adds(&whole, "");
	for (char **name = names; *name; name++)
		bk_buf_addf(&whole, "%s%s", whole.len ? " " : "", *name);
	json_array_foreach(jobs, i, o)
		if (strcmp(job_name(o), whole.p) == 0)
			(void)json_array_append(chosen, o);
	if (json_array_size(chosen) > 0)
		return chosen;
	for (; *names; names++) {
		size_t before = json_array_size(chosen);

		json_array_foreach(jobs, i, o)
			if (job_is(o, *names))
				(void)json_array_append(chosen, o);
		if (json_array_size(chosen) > before)
			continue;
		bk_error("there is no job '%s'", *names);
		json_decref(chosen);
		return NULL;
	}
	return chosen;
}

static void print_names(struct status *s, const json_t *jobs)
{
	size_t i;
	const json_t *o;

	json_array_foreach(jobs, i, o)
		bk_rec_text(&s->out, job_name(o), NULL);
}

static void print_host(struct status *s, const json_t *jobs)
{
	struct text t = text_stdout(s->verbose);

	switch (s->out.mode) {
	case BK_REC_JSON:
		bk_rec_json(&s->out, "status",
			    entry_status(s->conf->host, s->now, jobs, false));
		status_records(s, jobs);
		break;
	case BK_REC_NUL:
		print_names(s, jobs);
		break;
	default:
		screen_verdict(&t, s->conf->host, jobs, s->now);
		if (s->quiet || json_array_size(jobs) == 0)
			break;
		(void)putchar('\n');
		screen_jobs(&t, jobs, s->now);
	}
}

static int cmd_host(struct status *s)
{
	int exit = BK_EX_OK;
	BK_AUTO_JSON json_t *jobs = status_jobs(s, &exit);

	if (!jobs)
		return exit;
	print_host(s, jobs);
	return verdict_safe(jobs) ? BK_EX_OK : BK_EX_NO;
}

static int cmd_jobs(struct status *s, char **names)
{
	int exit = BK_EX_OK;
	BK_AUTO_JSON json_t *jobs = status_jobs(s, &exit);
	BK_AUTO_JSON json_t *chosen = jobs ? choose(jobs, names) : NULL;
	struct text t = text_stdout(true);
	size_t i;
	const json_t *o;

	if (!chosen)
		return jobs ? BK_EX_NOINPUT : exit;
	if (s->out.mode == BK_REC_JSON)
		status_records(s, chosen);
	else if (s->out.mode == BK_REC_NUL)
		print_names(s, chosen);
	json_array_foreach(chosen, i, o) {
		if (s->out.mode == BK_REC_TEXT && i > 0)
			(void)putchar('\n');
		if (s->out.mode == BK_REC_TEXT)
			screen_job(&t, o, s->now);
		if (job_health(o) >= BK_HEALTH_WRONG)
			exit = BK_EX_NO;
	}
	return exit;
}

static int cmd_prom(struct status *s)
{
	int exit = BK_EX_OK;
	BK_AUTO_JSON json_t *jobs = status_jobs(s, &exit);
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (!jobs)
		return exit;
	prom_add(&b, jobs, s->now);
	(void)fwrite(b.p, 1, b.len, stdout);
	return BK_EX_OK;
}

static const char *option_name(int option)
{
	for (const struct option *o = options; o->name; o++)
		if (o->val == option)
			return o->name;
	return "?";
}

static int run(struct status *s, int command, const char *host, char **names)
{
	int exit = BK_EX_OK;

	if (command && *names)
		return bk_cli_usage("--%s takes no names of jobs",
				    option_name(command));
	s->conf = bk_cli_conf(&s->cli, &exit);
	if (!s->conf)
		return exit;
	switch (command) {
	case OPT_FLEET:
		exit = cmd_fleet(s);
		break;
	case OPT_FORGET_HOST:
		exit = cmd_forget_host(s, host);
		break;
	case OPT_PROM:
		return cmd_prom(s);
	case OPT_PUBLISH:
		exit = cmd_publish(s);
		break;
	default:
		exit = *names ? cmd_jobs(s, names) : cmd_host(s);
	}
	bk_rec_end(&s->out, exit);
	return exit;
}

int main(int argc, char **argv)
{
	struct status s = { .cli = { .usage = usage }, .now = bk_time_now() };
	const char *host = NULL;
	int c, command = 0;

	bk_cli_start("bk-status");
	bk_sig_init();
	while ((c = getopt_long(argc, argv, BK_CLI_SHORT, options, NULL)) !=
	       -1) {
		if (c < BK_CLI_OWN) {
			bk_cli_option(&s.cli, c);
			s.quiet = s.quiet || c == 'q';
			s.verbose = s.verbose || c == 'v';
			continue;
		}
		if (command && command != c)
			return bk_cli_finish(bk_cli_usage(
				"--fleet, --forget-host, --prom and --publish "
				"exclude each other"));
		command = c;
		host = c == OPT_FORGET_HOST ? optarg : host;
	}
	s.out = bk_rec_stdout(s.cli.mode);
	c = run(&s, command, host, argv + optind);
	bk_conf_free(s.conf);
	return bk_cli_finish(c);
}
