/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: repositories: they are there, open with their password, and are not
 * among what is backed up into them.
 */
#include "repos.h"

#include "checks.h"
#include "match.h"
#include "mounts.h"
#include "path.h"
#include "remote.h"
#include "url.h"

#define OPEN_TIMEOUT_MS 90000

static bool has_set(const struct bk_conf *conf, const char *repo)
{
	const struct bk_conf_section *s = NULL;

	while ((s = bk_conf_next(conf, "backup", s)))
		if (strcmp(bk_conf_str(s, "repo", ""), repo) == 0)
			return true;
	while ((s = bk_conf_next(conf, "mariadb", s)))
		if (strcmp(bk_conf_str(s, "repo", ""), repo) == 0)
			return true;
	return false;
}

/* Does the plan have path in this set? The last decision above it holds. */
static bool is_planned(const json_t *plan, const char *set, const char *path)
{
	bool in = false;
	size_t i;
	const json_t *o;

	json_array_foreach(plan, i, o) {
		const char *type = bk_rec_str(o, "type");
		const char *name = bk_rec_str(o, "set");
		BK_AUTO_FREE char *at = bk_rec_get_path(o, "path");

		if (type && name && at && strcmp(name, set) == 0 &&
		    bk_path_within(path, at))
			in = strcmp(type, "root") == 0;
	}
	return in;
}

static bool is_excluded(const struct bk_conf_section *s, const char *path)
{
	const struct bk_conf_value *v = NULL;
	bool hit = false;

	while (!hit && (v = bk_conf_value(s, "exclude", v))) {
		struct bk_match *m = bk_match_check(v->value)
					     ? NULL
					     : bk_match_new(v->value, false);

		hit = m && bk_match_hits(m, path);
		bk_match_free(m);
	}
	return hit;
}

static void check_outside(struct check *c, const char *label, const char *path)
{
	BK_AUTO_FREE char *clean = bk_path_clean(path);
	BK_AUTO_FREE char *remedy = NULL, *pattern = NULL;
	const struct bk_conf_section *s = NULL;

	while ((s = bk_conf_next(c->t->conf, "backup", s))) {
		if (!is_planned(c->plan, s->name, clean) ||
		    is_excluded(s, clean))
			continue;
		free(remedy);
		free(pattern);
		pattern = exclude_value(clean);
		remedy = bk_asprintf("add to [backup %s]: exclude = %s",
				     s->name, pattern);
		report_add(&c->report, LEVEL_WARNING, label, remedy,
			   "it lies in what [backup %s] backs up, so each "
			   "backup holds the ones before",
			   s->name);
	}
}

static bool says(const struct said *said, const char *words)
{
	return (said->err.p && strcasestr(said->err.p, words)) ||
	       (said->out.p && strcasestr(said->out.p, words));
}

/* A server that cannot be reached may look like no repository. */
static bool is_unreachable(const struct said *said)
{
	static const char *const words[] = {
		"connection refused",
		"connection reset",
		"connection timed out",
		"no route to host",
		"network is unreachable",
		"no such host",
		"could not resolve",
		"i/o timeout",
		"dial tcp",
		"ssh command exited",
		"unable to start the sftp session",
	};

	for (size_t i = 0; i < BK_COUNT(words); i++)
		if (says(said, words[i]))
			return true;
	return false;
}

/* What restic of any release says and ends with. */
static enum repo_state state_of(const struct said *said)
{
	if (said->status == 0)
		return REPO_OPENS;
	if (said->status == 12 || says(said, "wrong password or no key"))
		return REPO_DENIED;
	if (is_unreachable(said))
		return REPO_UNKNOWN;
	if (said->status == 10 || says(said, "Is there a repository at") ||
	    says(said, "repository does not exist"))
		return REPO_MISSING;
	return REPO_UNKNOWN;
}

enum repo_state repo_look(const struct tool *t, const char *name,
			  char **ret_why)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_FREE char *raw = NULL;
	AUTO_SAID struct said said = SAID_INIT;
	struct bk_err err;

	child_tool(t, "bk-restic", &argv);
	child_add(&argv, "-q", "exec", name, "--", "--no-lock", "cat",
		  "config");
	if (child_run(&argv, OPEN_TIMEOUT_MS, &said, &err) < 0) {
		*ret_why = bk_strdup(err.msg);
		return REPO_UNKNOWN;
	}
	raw = said_why(&said);
	*ret_why = url_hide_password(raw);
	return state_of(&said);
}

static void check_opens(struct check *c, const struct bk_conf_section *s,
			const char *label)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_FREE char *why = NULL, *init = NULL;
	enum repo_state state = repo_look(c->t, s->name, &why);

	child_tool(c->t, "bk-restic", &argv);
	child_add(&argv, "init", s->name);
	init = child_line(&argv);
	if (state == REPO_MISSING)
		report_add(&c->report, LEVEL_ERROR, label, init,
			   "there is no repository at its url");
	else if (state == REPO_DENIED)
		report_add(&c->report, LEVEL_ERROR, label,
			   "store the right one: bk-secret set",
			   "its password does not open it");
	else if (state == REPO_UNKNOWN)
		report_add(&c->report, LEVEL_ERROR, label,
			   "see that its url is right, and reachable",
			   "it does not open: %s", why);
}

static void check_repo(struct check *c, const struct bk_conf_section *s)
{
	const char *url = bk_conf_str(s, "url", "");
	const char *path = bk_remote_local(url);
	BK_AUTO_FREE char *label = section_label(s), *mount = NULL;

	if (!has_set(c->t->conf, s->name))
		report_add(&c->report, LEVEL_WARNING, label,
			   "name it by repo = in a [backup]",
			   "nothing is backed up into it");
	if (!path && !strchr(url, ':'))
		report_add(&c->report, LEVEL_ERROR, label,
			   "write the whole path",
			   "its url '%s' is a path that depends on where the "
			   "tool is started",
			   url);
	if (path)
		check_outside(c, label, path);
	mount = path ? mounts_missing(path) : NULL;
	if (mount) {
		BK_AUTO_FREE char *remedy = mounts_command(mount);

		report_add(&c->report, LEVEL_ERROR, label, remedy,
			   "'%s' is in fstab, and is not mounted", mount);
	} else if ((path || !c->t->offline) && !check_is_broken(c, label))
		check_opens(c, s, label);
}

void check_repos(struct check *c)
{
	const struct bk_conf_section *s = NULL;

	while ((s = bk_conf_next(c->t->conf, "repo", s)))
		check_repo(c, s);
}
