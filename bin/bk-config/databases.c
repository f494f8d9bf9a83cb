/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: are the MariaDB servers there, and do they show all that is to be
 * dumped? bk-dbdump list asks just that.
 */
#include "checks.h"
#include "child.h"

#define LIST_TIMEOUT_MS 60000

static bool is_remote(const struct bk_conf_section *s)
{
	return bk_conf_value(s, "host", NULL) ||
	       bk_conf_value(s, "defaults-file", NULL);
}

static void check_server(struct check *c, const struct bk_conf_section *s,
			 const char *label)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_FREE char *why = NULL, *line = NULL;
	AUTO_SAID struct said said = SAID_INIT;
	struct bk_err err;

	child_tool(c->t, "bk-dbdump", &argv);
	child_add(&argv, "list", s->name);
	line = child_line(&argv);
	if (child_run(&argv, LIST_TIMEOUT_MS, &said, &err) < 0) {
		bool absent = err.exit == BK_EX_UNAVAILABLE;

		report_add(&c->report, LEVEL_ERROR, label,
			   absent ? "install the package bk-dbdump" : line,
			   "%s", err.msg);
		return;
	}
	if (said.status == 0)
		return;
	why = said_why(&said);
	report_add(&c->report, LEVEL_ERROR, label, line, "%s", why);
}

void check_databases(struct check *c)
{
	const struct bk_conf_section *s = NULL;

	while ((s = bk_conf_next(c->t->conf, "mariadb", s))) {
		BK_AUTO_FREE char *label = section_label(s);

		if (!bk_conf_value(s, "repo", NULL))
			report_add(&c->report, LEVEL_NOTE, label, "repo = NAME",
				   "without a repo there are no backups of it");
		if ((!c->t->offline || !is_remote(s)) &&
		    !check_is_broken(c, label))
			check_server(c, s, label);
	}
}
