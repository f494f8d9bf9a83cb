/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-notify unit [--record] UNIT: for OnSuccess= and OnFailure=.
 *
 * A program that was killed, or never started, wrote down nothing. systemd
 * knows: from 251 on it says so in $MONITOR_*, and systemctl can be asked.
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "exec.h"
#include "health.h"
#include "log.h"
#include "notify.h"
#include "state.h"
#include "text.h"
#include "time.h"

#define SYSTEMCTL_MS 10000
#define SYSTEMCTL_LIMIT ((size_t)64 << 10)
/* Of systemd.exec(5), PROCESS EXIT CODES. */
#define EXIT_EXEC 203
#define EXIT_NAMESPACE 226
#define EXIT_CREDENTIALS 243

/* How a unit ended, as systemd says. */
struct ending {
	char *result;  /* "exit-code" */
	char *code;    /* "exited", "killed", "dumped" */
	char *status;  /* "75", "KILL" */
	char *run;     /* systemd's id of it; "": not known */
	int64_t start; /* 0: not known */
};

static void ending_free(struct ending *e)
{
	free(e->result);
	free(e->code);
	free(e->status);
	free(e->run);
}

static void set(char **to, const char *value)
{
	free(*to);
	*to = bk_strdup(value);
}

/* NAME=VALUE of systemctl show. */
static void take_property(struct ending *e, const char *line)
{
	static const char *const codes[] = { "", "exited", "killed", "dumped" };
	const char *value = strchr(line, '=');
	uint64_t n = 0;

	if (!value++)
		return;
	if (bk_str_starts(line, "InactiveExitTimestamp=@") &&
	    bk_parse_u64(value + 1, 1, INT64_MAX, &n) == 0)
		e->start = (int64_t)n;
	else if (bk_str_starts(line, "InvocationID="))
		set(&e->run, value);
	else if (bk_str_starts(line, "Result="))
		set(&e->result, value);
	else if (bk_str_starts(line, "ExecMainCode=") &&
		 bk_parse_u64(value, 1, BK_COUNT(codes) - 1, &n) == 0)
		set(&e->code, codes[n]);
	else if (bk_str_starts(line, "ExecMainStatus="))
		set(&e->status, value);
}

/* Signals are numbers there, and names in $MONITOR_EXIT_STATUS. */
static void name_signal(struct ending *e)
{
	const char *name;
	uint64_t n;

	if (strcmp(e->code, "exited") == 0 ||
	    bk_parse_u64(e->status, 1, 64, &n) < 0)
		return;
	name = sigabbrev_np((int)n);
	if (name)
		set(&e->status, name);
}

static void ask_systemctl(const char *unit, struct ending *e)
{
	char *argv[] = { (char[]){ "systemctl" },
			 (char[]){ "show" },
			 (char[]){ "--timestamp=unix" },
			 (char[]){ "--property=InactiveExitTimestamp,Result,"
				   "ExecMainCode,ExecMainStatus,InvocationID" },
			 (char[]){ "--" },
			 bk_strdup(unit),
			 NULL };
	struct bk_exec x = { .argv = argv,
			     .in = BK_EXEC_NULL,
			     .out = BK_EXEC_NULL,
			     .err = BK_EXEC_NULL };
	BK_AUTO_BUF struct bk_buf out = BK_BUF_INIT;
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;
	struct bk_err err = { 0 };

	if (bk_exec_run(&x, SYSTEMCTL_LIMIT, SYSTEMCTL_MS, &out, NULL, &err) !=
	    0)
		bk_debug("systemctl does not tell about %s: %s", unit, err.msg);
	else if (out.p)
		bk_strv_split(&lines, out.p, "\n");
	for (size_t i = 0; i < lines.n; i++)
		take_property(e, lines.v[i]);
	free(argv[5]);
	name_signal(e);
}

/* What the environment says is about this very run; it goes before. */
static void read_environment(const char *unit, struct ending *e)
{
	const char *of = getenv("MONITOR_UNIT");
	const char *result = getenv("MONITOR_SERVICE_RESULT");
	const char *code = getenv("MONITOR_EXIT_CODE");
	const char *status = getenv("MONITOR_EXIT_STATUS");
	const char *run = getenv("MONITOR_INVOCATION_ID");

	if (!result || !*result || (of && strcmp(of, unit) != 0))
		return;
	set(&e->result, result);
	set(&e->code, code ? code : "");
	set(&e->status, status ? status : "");
	set(&e->run, run ? run : "");
}

static char *describe_status(int status)
{
	switch (status) {
	case BK_EX_NO:
		return bk_strdup("the job failed (1)");
	case BK_EX_PARTIAL:
		return bk_strdup("partial (3)");
	case BK_EX_TEMPFAIL:
		return bk_strdup("locked, or no connection (75)");
	case BK_EX_NOPERM:
		return bk_strdup("not permitted, or a wrong password (77)");
	case BK_EX_CONFIG:
		return bk_strdup("configuration (78)");
	case EXIT_EXEC:
		return bk_strdup("the program cannot be started (203)");
	case EXIT_NAMESPACE:
		return bk_strdup("the sandbox cannot be set up (226)");
	case EXIT_CREDENTIALS:
		return bk_strdup("a credential cannot be loaded (243)");
	default:
		return bk_asprintf("exit status %d", status);
	}
}

/* Exit status and message for the state file. */
static int judge(const struct ending *e, char **ret_message)
{
	static const struct {
		const char *result, *message;
	} words[] = {
		{ "core-dump", "crashed" },
		{ "oom-kill", "out of memory" },
		{ "resources", "no resources to start it" },
		{ "start-limit-hit", "was started too often" },
		{ "timeout", "took too long" },
		{ "watchdog", "hung" },
	};
	uint64_t status = 0;

	if (strcmp(e->result, "success") == 0) {
		*ret_message = bk_strdup("");
		return BK_EX_OK;
	}
	if (strcmp(e->result, "exit-code") == 0 &&
	    bk_parse_u64(e->status, 1, 255, &status) == 0) {
		*ret_message = describe_status((int)status);
		return (int)status;
	}
	for (size_t i = 0; i < BK_COUNT(words); i++)
		if (strcmp(words[i].result, e->result) == 0) {
			*ret_message = bk_strdup(words[i].message);
			return BK_EX_NO;
		}
	if (strcmp(e->result, "signal") == 0)
		*ret_message = bk_asprintf("killed by signal %s", e->status);
	else if (*e->result)
		*ret_message = bk_asprintf("systemd says: %s", e->result);
	else
		*ret_message = bk_strdup("it failed, systemd says not how");
	return BK_EX_NO;
}

/* Also where the configuration is what is broken: conf may be NULL. */
static int write_state(const char *unit, const struct bk_conf *conf,
		       const struct ending *e)
{
	BK_AUTO_FREE char *message = NULL;
	const char *host = conf ? conf->host : NULL;
	struct utsname u;
	int exit = judge(e, &message);
	bool killed = exit != BK_EX_OK && strcmp(e->result, "exit-code") != 0;
	/* Not the run of bk-notify itself, even where it is not known. */
	BK_AUTO_JSON json_t *extra =
		json_pack("{s:b,s:s?}", "killed", (int)killed, "invocation",
			  *e->run ? e->run : NULL);
	struct bk_err err;

	if (!host)
		host = uname(&u) == 0 ? u.nodename : "localhost";
	if (exit != BK_EX_OK)
		bk_notice("%s failed: %s", unit, message);
	if (bk_state_write("unit", unit, host,
			   e->start ? e->start : bk_time_now(), exit, message,
			   NULL, extra, &err) == 0)
		return BK_EX_OK;
	bk_error("how '%s' ended is not noted: %s", unit, err.msg);
	return err.exit;
}

/* --record: what is wrong with the configuration, others say. */
static int record(struct notify *n, const char *unit, const struct ending *e)
{
	BK_AUTO_STRV struct bk_strv problems = BK_STRV_INIT;
	struct bk_err err;

	n->conf = bk_conf_load(n->cli.config, &problems, &err);
	return n->cli.dry_run ? BK_EX_OK : write_state(unit, n->conf, e);
}

static bool is_of(const struct bk_health_job *j, const char *unit)
{
	size_t n = strcspn(unit, "@");

	if (bk_str_starts(j->name, "unit ") && strcmp(j->name + 5, unit) == 0)
		return true;
	return j->unit && strlen(j->unit) == n &&
	       strncmp(j->unit, unit, n) == 0;
}

/*
 * Those that watch a job of this unit; all, where no job is known of it, or
 * nobody knows which there are.
 */
static void find_targets(struct notify *n, const char *unit, struct targets *t)
{
	const struct bk_conf_section *s = NULL;
	BK_AUTO_HEALTH struct bk_health_list jobs = BK_HEALTH_INIT;
	BK_AUTO_JSON json_t *states = bk_state_all(NULL);
	bool known = false;

	bk_health_read(&jobs, n->conf, states, bk_time_now());
	for (size_t i = 0; i < jobs.n; i++)
		known = known || is_of(&jobs.jobs[i], unit);
	while ((s = bk_conf_next(n->conf, "monitor", s))) {
		bool hears = !known || n->broken;

		for (size_t i = 0; i < jobs.n; i++)
			hears = hears || (is_of(&jobs.jobs[i], unit) &&
					  text_watches(s, &jobs.jobs[i]));
		if (hears)
			targets_add(n, s, t);
	}
}

int cmd_unit(struct notify *n, char **args)
{
	BK_AUTO(targets_free) struct targets t = TARGETS_INIT;
	BK_AUTO(ending_free)
	struct ending e = { .result = bk_strdup(""),
			    .code = bk_strdup(""),
			    .status = bk_strdup(""),
			    .run = bk_strdup("") };
	BK_AUTO_FREE char *unit = NULL;

	if (!args[0] || args[1] || !*args[0])
		return bk_cli_usage("unit wants the name of one unit");
	ask_systemctl(args[0], &e);
	read_environment(args[0], &e);
	/* It did not run, and need not: that says nothing about its job. */
	if (strcmp(e.result, "exec-condition") == 0)
		return BK_EX_OK;
	unit = bk_strdup(args[0]);
	if (bk_str_ends(unit, ".service"))
		unit[strlen(unit) - strlen(".service")] = '\0';
	if (n->record)
		return record(n, unit, &e);
	notify_load(n);
	if (!n->cli.dry_run)
		(void)write_state(unit, n->conf, &e);
	find_targets(n, unit, &t);
	return tell_state(n, &t);
}
