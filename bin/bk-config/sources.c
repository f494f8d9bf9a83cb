/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: what is to be backed up is there, and is something.
 */
#include <errno.h>
#include <sys/stat.h>

#include "checks.h"
#include "mounts.h"
#include "state.h"

#define SCAN_TIMEOUT_MS 1800000

static void check_path(struct check *c, const char *label,
		       const struct bk_conf_value *v)
{
	BK_AUTO_FREE char *mount = mounts_missing(v->value);
	BK_AUTO_FREE char *remedy = NULL;
	bool is_root = strcmp(v->key, "root") == 0;
	struct stat st;

	if (mount) {
		check_break(c, v->value);
		remedy = mounts_command(mount);
		report_add(&c->report, LEVEL_ERROR, label, remedy,
			   "%s %s: '%s' is in fstab, and is not mounted",
			   v->key, v->value, mount);
		return;
	}
	remedy = bk_asprintf("make it, or remove %s:%zu", v->file, v->line);
	if (stat(v->value, &st) == 0 && (S_ISDIR(st.st_mode) || !is_root))
		return;
	check_break(c, v->value);
	if (stat(v->value, &st) < 0)
		report_add(&c->report, LEVEL_ERROR, label, remedy, "%s %s: %s",
			   v->key, v->value, strerror(errno));
	else
		report_add(&c->report, LEVEL_ERROR, label, remedy,
			   "%s %s is no folder", v->key, v->value);
}

static void check_paths(struct check *c, const char *kind, const char *key)
{
	const struct bk_conf_section *s = NULL;

	while ((s = bk_conf_next(c->t->conf, kind, s))) {
		BK_AUTO_FREE char *label = section_label(s);
		const struct bk_conf_value *v = NULL;

		while ((v = bk_conf_value(s, key, v)))
			check_path(c, label, v);
	}
}

/* bk-scan says what it finds wrong itself, such as markers it refuses. */
static void read_plan(struct check *c)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;
	struct bk_err err;
	size_t i;
	const json_t *o;

	child_tool(c->t, "bk-scan", &argv);
	child_add(&argv, "-n", "-q", "--json", "list", "restic");
	if (child_run(&argv, SCAN_TIMEOUT_MS, &said, &err) < 0) {
		report_add(&c->report, LEVEL_ERROR, "bk-scan", NULL, "%s",
			   err.msg);
		return;
	}
	c->plan = said_records(&said);
	if (!c->plan) {
		BK_AUTO_FREE char *why = said_why(&said);

		report_add(&c->report, LEVEL_ERROR, "bk-scan", "bk-scan show",
			   "there is no plan: %s", why);
	}
	json_array_foreach(c->plan, i, o) {
		const char *type = bk_rec_str(o, "type");
		BK_AUTO_FREE char *path = bk_rec_get_path(o, "path");

		if (type && strcmp(type, "warning") == 0 &&
		    !(path && check_is_broken(c, path)))
			report_add(&c->report, LEVEL_WARNING,
				   path ? path : "bk-scan", NULL, "%s",
				   bk_rec_str(o, "message"));
	}
}

static bool has_root(const struct check *c, const char *set)
{
	size_t i;
	const json_t *o;

	json_array_foreach(c->plan, i, o) {
		const char *type = bk_rec_str(o, "type");
		const char *name = bk_rec_str(o, "set");

		if (type && name && strcmp(type, "root") == 0 &&
		    strcmp(name, set) == 0)
			return true;
	}
	return false;
}

/* Has the set ever been given a stream? */
static bool has_stream(const char *set)
{
	BK_AUTO_JSON json_t *all = bk_state_all(NULL);
	BK_AUTO_FREE char *start = bk_asprintf("backup %s:", set);
	size_t i;
	const json_t *o;

	json_array_foreach(all, i, o) {
		const char *job = bk_rec_str(o, "job");

		if (job && bk_str_starts(job, start))
			return true;
	}
	return false;
}

static void check_set(struct check *c, const struct bk_conf_section *s)
{
	BK_AUTO_FREE char *label = section_label(s);
	BK_AUTO_FREE char *remedy = NULL;
	bool markers = bk_conf_bool(s, "markers", false);

	if (has_stream(s->name) || !c->plan || has_root(c, s->name))
		return;
	if (markers && !bk_conf_value(bk_conf_find(c->t->conf, "scan", NULL),
				      "root", NULL)) {
		report_add(&c->report, LEVEL_ERROR, label,
			   "add root = to [scan]",
			   "it takes markers, and no root says where they are "
			   "looked for");
		return;
	}
	remedy = bk_asprintf("bk-scan mark backup FOLDER, or path = in %s",
			     label);
	if (markers || bk_conf_value(s, "path", NULL))
		report_add(&c->report, LEVEL_ERROR, label, remedy,
			   "it holds nothing: no marker, no path");
	else
		report_add(&c->report, LEVEL_WARNING, label, remedy,
			   "it holds nothing: no markers, no path, and no "
			   "stream until now");
}

void check_sources(struct check *c)
{
	const struct bk_conf_section *s = NULL;

	check_paths(c, "scan", "root");
	check_paths(c, "backup", "path");
	check_paths(c, "cold", "path");
	if (!bk_conf_next(c->t->conf, "backup", NULL) &&
	    bk_conf_next(c->t->conf, "mariadb", NULL))
		return;
	if (!bk_conf_next(c->t->conf, "backup", NULL)) {
		report_add(&c->report, LEVEL_ERROR, "configuration",
			   "bk-config init, or add [backup NAME]",
			   "nothing is backed up: there is no [backup]");
		return;
	}
	if (!check_is_broken(c, "bk-scan"))
		read_plan(c);
	while ((s = bk_conf_next(c->t->conf, "backup", s)))
		check_set(c, s);
}
