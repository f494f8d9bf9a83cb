/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * init: repositories, markers, the first backup, the test of monitors.
 */
#include <unistd.h>

#include "log.h"
#include "mounts.h"
#include "path.h"
#include "remote.h"
#include "repos.h"
#include "setup.h"
#include "sig.h"
#include "state.h"
#include "url.h"

#define INIT_TIMEOUT_MS 900000
#define SCAN_TIMEOUT_MS 1800000

static void create(struct setup *s, const char *name,
		   const struct bk_strv *argv, const char *line)
{
	BK_AUTO_FREE char *why = NULL, *raw = NULL;
	AUTO_SAID struct said said = SAID_INIT;
	struct bk_err err;

	if (child_run(argv, INIT_TIMEOUT_MS, &said, &err) < 0) {
		s->no_repo = true;
		step_failed(s, err.exit, name, line, "%s", err.msg);
		return;
	}
	raw = said_why(&said);
	why = url_hide_password(raw);
	if (said.status == 0) {
		step(s, STEP_DONE, name, line, "%s", why);
		return;
	}
	s->no_repo = true;
	step_failed(s, said.status, name, line, "%s", why);
}

static bool was_good(const char *set)
{
	BK_AUTO_FREE char *job = bk_asprintf("backup %s", set);
	BK_AUTO_JSON json_t *o = bk_state_read("bk-restic", job, NULL);

	return bk_rec_time(o, "last_ok", 0) > 0;
}

/* Was something backed up into it by this host? */
static bool was_used(const struct bk_conf *conf,
		     const struct bk_conf_section *repo)
{
	const struct bk_conf_section *set = NULL;

	while ((set = bk_conf_next(conf, "backup", set)))
		if (strcmp(bk_conf_str(set, "repo", ""), repo->name) == 0 &&
		    was_good(set->name))
			return true;
	return false;
}

/*
 * It would be made on the disk of the system where its own is not mounted, or
 * at a url with a slip, and backups would look good there. false: it may not
 * be made, and that has been said.
 */
static bool may_create(struct setup *s, const struct bk_conf_section *repo,
		       const char *name, const char *line)
{
	const char *path = bk_remote_local(bk_conf_str(repo, "url", ""));
	BK_AUTO_FREE char *mount = path ? mounts_missing(path) : NULL;

	if (mount) {
		BK_AUTO_FREE char *command = mounts_command(mount);

		step_failed(s, BK_EX_TEMPFAIL, name, command,
			    "'%s' is in fstab, and is not mounted", mount);
	} else if (was_used(s->t->conf, repo)) {
		step_failed(s, BK_EX_CANTCREAT, name, line,
			    "backups went there before, and now there is no "
			    "repository: is its %s? To begin anew, make it by "
			    "hand",
			    path ? "disk mounted" : "url right");
	} else {
		return true;
	}
	s->no_repo = true;
	return false;
}

static void step_repo(struct setup *s, const struct bk_conf_section *repo)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_FREE char *name = bk_asprintf("repository %s", repo->name);
	BK_AUTO_FREE char *label = section_label(repo);
	BK_AUTO_FREE char *line = NULL, *why = NULL;
	enum repo_state state;

	child_tool(s->t, "bk-restic", &argv);
	child_add(&argv, "init", repo->name);
	line = child_line(&argv);
	if (s->t->cli.dry_run) {
		step(s, STEP_WOULD, name, line, "create it, where it is not");
		return;
	}
	if (bk_strv_has(&s->broken, label)) {
		s->no_repo = true;
		step(s, STEP_SKIPPED, name, line, "its server is not ready");
		return;
	}
	state = repo_look(s->t, repo->name, &why);
	if (state == REPO_OPENS) {
		step(s, STEP_KEPT, name, line,
		     "it is there, and its password opens it");
		return;
	}
	if (state == REPO_MISSING) {
		if (may_create(s, repo, name, line))
			create(s, name, &argv, line);
		return;
	}
	s->no_repo = true;
	if (state == REPO_DENIED)
		step_failed(s, BK_EX_NOPERM, name, "bk-secret set REFERENCE",
			    "it is there, and has another password: store "
			    "that one");
	else
		step_failed(s, BK_EX_TEMPFAIL, name, line, "%s", why);
}

void step_repos(struct setup *s)
{
	const struct bk_conf_section *repo = NULL;

	if (s->no_repo) {
		step(s, STEP_SKIPPED, "repositories", "bk-restic init",
		     "a password is missing");
		return;
	}
	while (!bk_sig_pending() &&
	       (repo = bk_conf_next(s->t->conf, "repo", repo)))
		step_repo(s, repo);
}

/* Markers. */

static void step_mark(struct setup *s, const char *folder)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_FREE char *file = bk_path_join(folder, ".backup");
	BK_AUTO_FREE char *line = NULL, *why = NULL;
	AUTO_SAID struct said said = SAID_INIT;
	struct bk_err err;

	child_tool(s->t, "bk-scan", &argv);
	child_add(&argv, "mark", "backup", folder);
	line = child_line(&argv);
	if (access(file, F_OK) == 0) {
		step(s, STEP_KEPT, "marker", line, "'%s' is there", file);
		return;
	}
	if (s->t->cli.dry_run) {
		step(s, STEP_WOULD, "marker", line, "make '%s'", file);
		return;
	}
	if (child_run(&argv, SCAN_TIMEOUT_MS, &said, &err) < 0) {
		step_failed(s, err.exit, "marker", line, "%s", err.msg);
		return;
	}
	why = said_why(&said);
	if (said.status == 0)
		step(s, STEP_DONE, "marker", line, "made '%s'", file);
	else
		step_failed(s, said.status, "marker", line, "%s", why);
}

/* How many folders the plan has; -1: there is no plan. */
static int count_roots(struct setup *s, char **ret_why)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;
	BK_AUTO_JSON json_t *all = NULL;
	struct bk_err err;
	int n = 0;
	size_t i;
	const json_t *o;

	child_tool(s->t, "bk-scan", &argv);
	child_add(&argv, "-n", "-q", "--json", "list", "restic");
	if (child_run(&argv, SCAN_TIMEOUT_MS, &said, &err) < 0) {
		*ret_why = bk_strdup(err.msg);
		return -1;
	}
	all = said_records(&said);
	*ret_why = said_why(&said);
	json_array_foreach(all, i, o) {
		const char *type = bk_rec_str(o, "type");

		n += type && strcmp(type, "root") == 0;
	}
	return all ? n : -1;
}

void step_marks(struct setup *s)
{
	BK_AUTO_FREE char *why = NULL;
	int n;

	for (size_t i = 0; i < s->want->marks.n; i++)
		step_mark(s, s->want->marks.v[i]);
	if (s->t->cli.dry_run)
		return;
	n = count_roots(s, &why);
	s->no_plan = n <= 0;
	if (n < 0)
		step_failed(s, BK_EX_NO, "choice", "bk-scan show", "%s", why);
	else if (n == 0)
		step(s, STEP_HAND, "choice", "bk-scan mark backup FOLDER",
		     "nothing is chosen for backup yet");
	else
		step(s, STEP_KEPT, "choice", "bk-scan show",
		     "%d folder%s chosen for backup", n,
		     n == 1 ? " is" : "s are");
}

/* The first backup. */

static void add_new_sets(struct setup *s, struct bk_strv *argv)
{
	const struct bk_conf_section *set = NULL;

	while ((set = bk_conf_next(s->t->conf, "backup", set)))
		if ((bk_conf_bool(set, "markers", false) ||
		     bk_conf_value(set, "path", NULL)) &&
		    !was_good(set->name))
			bk_strv_add(argv, set->name);
}

static void run_backup(struct setup *s, const struct bk_strv *argv,
		       const char *line)
{
	struct bk_err err;
	int status;

	if (s->t->cli.dry_run) {
		step(s, STEP_WOULD, "first backup", line, "back up");
		return;
	}
	bk_notice("the first backup runs; it may take long");
	/* Where ours is full of records, its line would be none of them. */
	status = child_pass(argv, BK_EXEC_NULL, STDERR_FILENO, &err);
	if (status < 0)
		step_failed(s, err.exit, "first backup", line, "%s", err.msg);
	else if (status == BK_EX_PARTIAL)
		step_failed(s, status, "first backup", line,
			    "it is there, but not all of it: see above");
	else if (status != 0)
		step_failed(s, status, "first backup", line,
			    "it failed with status %d", status);
	else
		step(s, STEP_DONE, "first backup", line, "it is good");
}

void step_backup(struct setup *s)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_FREE char *line = NULL;
	size_t n;

	child_tool(s->t, "bk-restic", &argv);
	bk_strv_add(&argv, "backup");
	n = argv.n;
	add_new_sets(s, &argv);
	line = child_line(&argv);
	if (argv.n == n)
		step(s, STEP_KEPT, "first backup", line,
		     "each set has a good one");
	else if (s->no_repo)
		step(s, STEP_SKIPPED, "first backup", line,
		     "there is no repository");
	else if (s->no_plan)
		step(s, STEP_SKIPPED, "first backup", line,
		     "nothing is chosen yet");
	else if (s->want->no_backup)
		step(s, STEP_SKIPPED, "first backup", line, "--no-backup");
	else
		run_backup(s, &argv, line);
}

/* Monitors. */

static void test_monitor(struct setup *s, const char *name,
			 const struct bk_conf_section *m)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_FREE char *line = NULL, *why = NULL;
	AUTO_SAID struct said said = SAID_INIT;
	struct bk_err err;

	child_tool(s->t, "bk-notify", &argv);
	child_add(&argv, "test", m->name);
	line = child_line(&argv);
	if (s->t->cli.dry_run) {
		step(s, STEP_WOULD, name, line, "send it a test");
		return;
	}
	if (child_run(&argv, INIT_TIMEOUT_MS, &said, &err) < 0) {
		step_failed(s, err.exit, name, line, "%s", err.msg);
		return;
	}
	why = said_why(&said);
	if (said.status == 0)
		step(s, STEP_DONE, name, line, "a test has arrived");
	else
		step_failed(s, said.status, name, line, "%s", why);
}

void step_monitors(struct setup *s)
{
	const struct new_secret from = { false, s->want->token_from };
	const struct bk_conf_section *m = NULL;

	while (!bk_sig_pending() &&
	       (m = bk_conf_next(s->t->conf, "monitor", m))) {
		BK_AUTO_FREE char *name = bk_asprintf("monitor %s", m->name);

		if (!bk_conf_value(m, "token", NULL) ||
		    secret_is_there(s, name, m, "token", &from))
			test_monitor(s, name, m);
	}
}
