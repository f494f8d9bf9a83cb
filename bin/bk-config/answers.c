/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "answers.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf_schema.h"
#include "path.h"
#include "setup.h"
#include "ssh.h"

#define DEFAULT_KEEP "hourly 48, daily 14, weekly 8, monthly 12, yearly 3"

void answers_free(struct answers *a)
{
	char *texts[] = { a->repo_url,	 a->password,	  a->keep,
			  a->box,	 a->monitor_type, a->monitor_url,
			  a->token_from, a->master_to,	  a->full_key,
			  a->full_key_to };

	for (size_t i = 0; i < BK_COUNT(texts); i++)
		free(texts[i]);
	bk_strv_free(&a->paths);
	bk_strv_free(&a->roots);
	bk_strv_free(&a->marks);
	bk_strv_free(&a->host_keys);
}

/* Each: why a text will not do, as the configuration would say it. */

static char *check_as(const char *kind, const char *key, const char *text)
{
	const struct bk_conf_key *k =
		bk_conf_schema_key(bk_conf_schema_kind(kind), key);
	char *why = NULL;
	BK_AUTO_FREE char *kept = bk_conf_schema_check(k, text, &why);
	BK_AUTO_FREE char *copy = bk_strdup(text);

	if (why)
		return why;
	/* What bk.conf cannot hold: it would be a comment, or another line. */
	if (bk_str_control(text) || text[0] == ';' || strstr(text, " ;") ||
	    strcmp(bk_str_trim(copy), text) != 0)
		return bk_strdup("it must not hold control characters, white "
				 "space at its ends, or a ';' behind white "
				 "space");
	return NULL;
}

/* user@host[:port], as ssh has it, but no URL. */
static bool is_login(const char *text)
{
	const char *at = strchr(text, '@'), *colon = strchr(text, ':');

	return at && !strchr(text, '/') && (!colon || colon > at) &&
	       (!colon || colon[1 + strspn(colon + 1, "0123456789")] == '\0');
}

static char *check_repo(const char *text)
{
	if (is_login(text))
		return NULL;
	if (text[0] != '/' && !strchr(text, ':'))
		return bk_strdup("that is no whole path, no user@host and no "
				 "URL");
	return check_as("repo", "url", text);
}

static char *check_folder(const char *text)
{
	return check_as("repo", "url", text);
}

static char *check_path(const char *text, bool folder)
{
	char *why = check_as("backup", "path", text);
	struct stat st;

	if (why)
		return why;
	if (stat(text, &st) < 0)
		return bk_asprintf("'%s': %s", text, strerror(errno));
	return folder && !S_ISDIR(st.st_mode)
		       ? bk_asprintf("'%s' is no folder", text)
		       : NULL;
}

static char *check_list(const char *text, bool folders)
{
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;
	char *why = NULL;

	if (strcmp(text, "-") == 0)
		return NULL;
	bk_strv_split(&words, text, " ");
	for (size_t i = 0; i < words.n && !why; i++)
		why = check_path(words.v[i], folders);
	return why;
}

static char *check_paths(const char *text)
{
	return check_list(text, false);
}

static char *check_roots(const char *text)
{
	return check_list(text, true);
}

static char *check_monitor(const char *text)
{
	return strcmp(text, "nobody") == 0 ? NULL
					   : check_as("monitor", "url", text);
}

static char *check_type(const char *text)
{
	return check_as("monitor", "type", text);
}

/* What the options say must be right at once: nobody is asked again. */
static int check_options(const struct answers *a, struct bk_err *err)
{
	const struct {
		const char *option, *kind, *key, *text;
	} table[] = {
		{ "repo-url", "repo", "url", a->repo_url },
		{ "password-ref", "repo", "password", a->password },
		{ "keep", "repo", "keep",
		  a->keep && *a->keep ? a->keep : NULL },
		{ "box", "box", "url", a->box },
		{ "monitor-url", "monitor", "url", a->monitor_url },
		{ "monitor-type", "monitor", "type", a->monitor_type },
	};
	const struct bk_strv *lists[] = { &a->paths, &a->roots, &a->marks };
	static const char *const names[] = { "path", "root", "mark" };

	for (size_t i = 0; i < BK_COUNT(table); i++) {
		BK_AUTO_FREE char *why =
			table[i].text ? check_as(table[i].kind, table[i].key,
						 table[i].text)
				      : NULL;

		if (why)
			return bk_err_set(err, BK_EX_USAGE, 0, "--%s: %s",
					  table[i].option, why);
	}
	for (size_t i = 0; i < BK_COUNT(lists); i++) {
		for (size_t k = 0; k < lists[i]->n; k++) {
			BK_AUTO_FREE char *why =
				check_path(lists[i]->v[k], i > 0);

			if (why)
				return bk_err_set(err, BK_EX_USAGE, 0,
						  "--%s: %s", names[i], why);
		}
	}
	return 0;
}

/* Folders that there are on this host, as one text. */
static char *propose(const char *const *folders, size_t n)
{
	struct bk_buf b = BK_BUF_INIT;
	struct stat st;

	for (size_t i = 0; i < n; i++)
		if (stat(folders[i], &st) == 0)
			bk_buf_addf(&b, "%s%s", b.len ? " " : "", folders[i]);
	if (b.len == 0)
		bk_buf_adds(&b, "-");
	return bk_buf_steal(&b);
}

static char *propose_paths(void)
{
	static const char *const folders[] = { "/etc", "/home", "/root",
					       "/srv" };
	const char *home = getenv("HOME");

	if (geteuid() == 0)
		return propose(folders, BK_COUNT(folders));
	return home && home[0] == '/' ? propose(&home, 1) : bk_strdup("-");
}

static char *propose_roots(void)
{
	static const char *const folders[] = { "/home", "/srv" };

	return geteuid() == 0 ? propose(folders, BK_COUNT(folders))
			      : bk_strdup("-");
}

/* Asking. */

static int need(const char *option, struct bk_err *err)
{
	return bk_err_set(err, BK_EX_USAGE, 0,
			  "there is nobody to ask: give %s, or run it at a "
			  "terminal",
			  option);
}

/* user@host:port and a folder there become one URL. */
static int add_folder(struct setup *s, struct bk_err *err)
{
	static const struct answer q = { "Folder for them there", "restic/%H",
					 check_folder };
	struct answers *a = s->want;
	BK_AUTO_FREE char *folder = bk_strdup(q.proposal), *login = NULL;

	if (!is_login(a->repo_url))
		return 0;
	if (s->person && ask(&q, &folder, err) < 0)
		return -1;
	login = a->repo_url;
	a->repo_url = bk_asprintf("sftp://%s/%s", login, folder);
	return 0;
}

static int complete_repo(struct setup *s, struct bk_err *err)
{
	struct answers *a = s->want;
	static const struct answer q = {
		"Where shall backups go? A folder, user@host[:port] by ssh, or "
		"a URL of restic",
		NULL, check_repo
	};

	if (!a->repo_url && !s->person)
		return need("--repo-url", err);
	if ((!a->repo_url && ask(&q, &a->repo_url, err) < 0) ||
	    add_folder(s, err) < 0)
		return -1;
	if (!a->keep)
		a->keep = bk_strdup(DEFAULT_KEEP);
	return 0;
}

static void take_list(struct bk_strv *l, const char *text)
{
	if (strcmp(text, "-") != 0)
		bk_strv_split(l, text, " ");
}

static int ask_list(struct answer q, char *proposal, struct bk_strv *l,
		    struct bk_err *err)
{
	BK_AUTO_FREE char *text = NULL;

	q.proposal = proposal;
	if (ask(&q, &text, err) < 0)
		return -1;
	take_list(l, text);
	return 0;
}

/* A marker counts below a root only. */
static void add_roots_of_marks(struct answers *a)
{
	for (size_t i = 0; i < a->marks.n; i++) {
		bool below = false;

		for (size_t k = 0; k < a->roots.n; k++)
			below = below ||
				bk_path_within(a->marks.v[i], a->roots.v[k]);
		if (!below)
			bk_strv_add(&a->roots, a->marks.v[i]);
	}
}

static int complete_backup(struct setup *s, struct bk_err *err)
{
	struct answers *a = s->want;
	bool given = a->paths.n + a->roots.n + a->marks.n > 0;
	BK_AUTO_FREE char *paths = propose_paths(), *roots = propose_roots();

	if (!given && !s->person)
		take_list(&a->paths, paths);
	while (!given && s->person && a->paths.n + a->roots.n == 0)
		if (ask_list((struct answer){ "Folders to back up, '-' for "
					      "none",
					      NULL, check_paths },
			     paths, &a->paths, err) < 0 ||
		    ask_list((struct answer){ "Folders to look for .backup "
					      "and .nobackup markers in, '-' "
					      "for none",
					      NULL, check_roots },
			     roots, &a->roots, err) < 0)
			return -1;
	add_roots_of_marks(a);
	return a->paths.n + a->roots.n > 0 ? 0 : need("--path or --root", err);
}

static int complete_monitor(struct setup *s, struct bk_err *err)
{
	struct answers *a = s->want;
	static const struct answer q = {
		"Who is told how backups are? Address of an Uptime Kuma or the "
		"like",
		"nobody", check_monitor
	};
	static const struct answer type = {
		"What is it? kuma, healthchecks, ntfy or webhook", "kuma",
		check_type
	};

	if (!a->monitor_url && s->person) {
		if (ask(&q, &a->monitor_url, err) < 0)
			return -1;
		if (strcmp(a->monitor_url, "nobody") == 0) {
			free(a->monitor_url);
			a->monitor_url = NULL;
		} else if (!a->monitor_type &&
			   ask(&type, &a->monitor_type, err) < 0) {
			return -1;
		}
	}
	if (a->monitor_url && !a->monitor_type)
		a->monitor_type = bk_strdup("kuma");
	return 0;
}

int answers_complete(struct setup *s, const struct bk_conf *conf,
		     struct bk_err *err)
{
	if (check_options(s->want, err) < 0)
		return -1;
	if (!bk_conf_next(conf, "repo", NULL) && complete_repo(s, err) < 0)
		return -1;
	if (!bk_conf_next(conf, "backup", NULL) && complete_backup(s, err) < 0)
		return -1;
	if (!bk_conf_next(conf, "monitor", NULL) &&
	    complete_monitor(s, err) < 0)
		return -1;
	return 0;
}
