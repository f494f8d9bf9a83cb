/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: the programs that a run starts, and their releases.
 */
#include <stdio.h>
#include <unistd.h>

#include "checks.h"
#include "ssh.h"

#define VERSION_TIMEOUT_MS 30000
#define OLDEST_RESTIC 14

/* The tools of bk belong to one release. */
static void check_tool(struct check *c, const char *name)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;
	BK_AUTO_FREE char *wanted = bk_asprintf("%s %s\n", name, BK_VERSION);
	BK_AUTO_FREE char *got = NULL;
	struct bk_err err;

	bk_strv_take(&argv, bk_exec_sibling(name));
	bk_strv_add(&argv, "-V");
	if (child_run(&argv, VERSION_TIMEOUT_MS, &said, &err) < 0) {
		check_break(c, name);
		report_add(&c->report, LEVEL_ERROR, name,
			   "install the package of bk again", "%s", err.msg);
		return;
	}
	got = bk_strdup(said.out.p ? said.out.p : "");
	if (strcmp(got, wanted) != 0)
		report_add(&c->report, LEVEL_ERROR, name,
			   "install the package of bk again",
			   "'%s' is '%s', but this is bk-config %s", argv.v[0],
			   bk_str_trim(got), BK_VERSION);
}

void check_tools(struct check *c)
{
	static const char *const names[] = { "bk-scan", "bk-restic",
					     "bk-secret" };

	for (size_t i = 0; i < BK_COUNT(names); i++)
		check_tool(c, names[i]);
}

static void check_restic(struct check *c, const struct bk_conf_section *s)
{
	const char *program = bk_conf_str(s, "program", "restic");
	BK_AUTO_FREE char *label = section_label(s);
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;
	unsigned int major = 0, minor = 0;
	struct bk_err err;

	child_add(&argv, program, "version");
	if (child_run(&argv, VERSION_TIMEOUT_MS, &said, &err) < 0)
		report_add(&c->report, LEVEL_ERROR, label,
			   "install restic, or name one by program =", "%s",
			   err.msg);
	else if (said.status != 0 ||
		 sscanf(said.out.p ? said.out.p : "", "restic %u.%u", &major,
			&minor) != 2)
		report_add(&c->report, LEVEL_ERROR, label,
			   "install restic, or name one by program =",
			   "'%s' is no restic", program);
	else if (major == 0 && minor < OLDEST_RESTIC)
		report_add(&c->report, LEVEL_ERROR, label,
			   "install restic 0.14 or newer",
			   "'%s' is restic %u.%u: too old", program, major,
			   minor);
	else
		return;
	check_break(c, label);
}

/* name: a program; it is found in $PATH. */
static void need(struct check *c, const char *name, const char *what)
{
	BK_AUTO_FREE char *path = bk_exec_find(name, NULL);
	BK_AUTO_FREE char *remedy = NULL;

	if (path || check_is_broken(c, name))
		return;
	remedy = bk_asprintf("install %s", name);
	check_break(c, name);
	report_add(&c->report, LEVEL_ERROR, name, remedy,
		   "it is not installed, and %s", what);
}

static bool is_sftp(const struct bk_conf_section *s)
{
	return bk_str_starts(bk_conf_str(s, "url", ""), "sftp:");
}

static bool unlocks_by_credential(const struct bk_conf *conf)
{
	const struct bk_conf_section *s = bk_conf_find(conf, "keyring", NULL);
	const struct bk_conf_value *v = bk_conf_value(s, "unlock", NULL);

	for (; v; v = bk_conf_value(s, "unlock", v))
		if (bk_str_starts(v->value, "credential:"))
			return true;
	return bk_conf_value(s, "unlock", NULL) == NULL;
}

static bool uses_keyring(const struct bk_conf *conf)
{
	for (size_t i = 0; i < conf->nsections; i++)
		for (size_t k = 0; k < conf->sections[i].nvalues; k++)
			if (bk_str_starts(conf->sections[i].values[k].value,
					  "keyring:"))
				return true;
	return false;
}

void check_programs(struct check *c)
{
	const struct bk_conf *conf = c->t->conf;
	const struct bk_conf_section *s = NULL;

	while ((s = bk_conf_next(conf, "repo", s))) {
		check_restic(c, s);
		if (is_sftp(s))
			need(c, "ssh", "a repository is reached by it");
	}
	while ((s = bk_conf_next(conf, "box", s)))
		if (is_sftp(s))
			need(c, "sftp", "a box is reached by it");
	if (bk_conf_next(conf, "monitor", NULL))
		check_tool(c, "bk-notify");
	if (geteuid() == 0 && uses_keyring(conf) && unlocks_by_credential(conf))
		need(c, "systemd-creds", "it opens the keyring for timers");
}
