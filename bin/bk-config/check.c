/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-config check: every problem that a run would meet, each with its remedy,
 * the worst first.
 */
#include "checks.h"

#include "log.h"

void check_break(struct check *c, const char *label)
{
	bk_strv_add(&c->broken, label);
}

bool check_is_broken(const struct check *c, const char *label)
{
	return bk_strv_has(&c->broken, label);
}

/* "FILE:LINE: what is wrong; the remedy" */
static void add_config_problem(struct check *c, const char *text)
{
	const char *remedy = strstr(text, "; ");
	BK_AUTO_FREE char *problem = NULL;

	for (const char *p = remedy; p; p = strstr(p + 1, "; "))
		remedy = p;
	problem = bk_memdup(text,
			    remedy ? (size_t)(remedy - text) : strlen(text));
	report_add(&c->report, LEVEL_ERROR, "configuration",
		   remedy ? remedy + 2 : NULL, "%s", problem);
}

/* 0, or the exit status where there is none that could be looked at. */
static int read_config(struct check *c)
{
	BK_AUTO_STRV struct bk_strv problems = BK_STRV_INIT;
	struct bk_err err;

	c->t->conf = bk_conf_load(c->t->cli.config, &problems, &err);
	for (size_t i = 0; i < problems.n; i++)
		add_config_problem(c, problems.v[i]);
	if (c->t->conf)
		return BK_EX_OK;
	if (problems.n == 0)
		add_config_problem(c, err.msg);
	return err.exit;
}

static void check_all(struct check *c)
{
	static const struct {
		const char *what;
		void (*check)(struct check *c);
	} parts[] = {
		{ "configuration", check_config_files },
		{ "programs", check_programs },
		{ "secrets", check_secrets },
		{ "folders to back up", check_sources },
		{ "databases", check_databases },
		{ "ssh servers", check_hosts },
		{ "boxes", check_boxes },
		{ "repositories", check_repos },
		{ "append-only repositories", check_append_only },
		{ "monitors", check_monitors },
		{ "units", check_units },
		{ "recovery sheets", check_sheets },
	};

	for (size_t i = 0; i < BK_COUNT(parts); i++) {
		bk_log_progress(parts[i].what);
		bk_debug("looking at: %s", parts[i].what);
		parts[i].check(c);
	}
	bk_log_progress(NULL);
}

static int exit_of(int worst)
{
	switch (worst) {
	case LEVEL_ERROR:
		return BK_EX_NO;
	case LEVEL_WARNING:
		return BK_EX_PARTIAL;
	default:
		return BK_EX_OK;
	}
}

int cmd_check(struct tool *t, char **args)
{
	struct check c = { .t = t, .report = { NULL, 0 } };
	int exit, worst;

	if (args[0])
		return bk_cli_usage("check takes no operands");
	if (t->offline && t->push)
		return bk_cli_usage("--push and --offline exclude each other");
	exit = read_config(&c);
	check_tools(&c);
	check_folders(&c);
	check_clock(&c);
	if (exit == BK_EX_OK)
		check_all(&c);
	worst = report_print(&c.report, &t->out);
	if (exit == BK_EX_OK)
		exit = exit_of(worst);
	if (exit == BK_EX_OK && c.report.n == 0)
		bk_notice("nothing is wrong");
	report_free(&c.report);
	json_decref(c.plan);
	bk_strv_free(&c.broken);
	bk_rec_end(&t->out, exit);
	return exit;
}
