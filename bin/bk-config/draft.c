/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * init: bk.conf, from the answers.
 *
 * What has nothing but comments in it is kept below the new text, and to a
 * file that init wrote itself only sections are added that it has not. One
 * that somebody else wrote is left alone, and the rest goes on with it.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dirs.h"
#include "file.h"
#include "ini.h"
#include "log.h"
#include "path.h"
#include "remote.h"
#include "setup.h"
#include "ssh.h"
#include "url.h"

#define MARK "# Written by bk-config init. Add what you need: bk.conf(5).\n"
#define HOST_KEY "/var/lib/systemd/credential.secret"
#define CONF_LIMIT ((size_t)8 << 20)

struct draft {
	struct setup *setup;
	char *path;
	char *password;	    /* where that of the repository is kept */
	struct bk_buf old;  /* what the file has now */
	struct bk_buf text; /* what it is to have more */
	bool there, blank, ours;
};

static void draft_free(struct draft *d)
{
	free(d->path);
	free(d->password);
	bk_buf_free(&d->old);
	bk_buf_free(&d->text);
}

static char *config_path(const struct tool *t, struct bk_err *err)
{
	const char *env = getenv("BK_CONFIG");
	BK_AUTO_FREE char *dir = NULL;

	if (t->cli.config || (env && *env))
		return bk_strdup(t->cli.config ? t->cli.config : env);
	dir = bk_dirs_config(err);
	return dir ? bk_path_join(dir, "bk.conf") : NULL;
}

static void found_line(void *arg, const struct bk_ini_line *line)
{
	bool *some = arg;

	(void)line;
	*some = true;
}

static void found_problem(void *arg, size_t line, const char *msg)
{
	bool *some = arg;

	(void)line;
	(void)msg;
	*some = true;
}

static int read_old(struct draft *d, struct bk_err *err)
{
	bool some = false;
	struct bk_ini ini = { found_line, found_problem, &some };

	if (access(d->path, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (bk_file_read(d->path, CONF_LIMIT, &d->old, err) < 0)
		return -1;
	d->there = true;
	bk_buf_adds(&d->old, "");
	bk_ini_parse(d->old.p, d->old.len, &ini);
	d->blank = !some;
	d->ours = strstr(d->old.p, MARK) != NULL;
	return 0;
}

/* Sections. */

static void add_list(struct bk_buf *b, const char *key, const struct bk_strv *l)
{
	for (size_t i = 0; i < l->n; i++) {
		BK_AUTO_FREE char *value = plain_value(l->v[i]);

		bk_buf_addf(b, "%s = %s\n", key, value);
	}
}

static bool is_remote(const char *url, struct bk_remote *ret)
{
	return bk_remote_parse(url, ret, NULL) == 0 && ret->host && *ret->host;
}

static int add_repo(struct draft *d, struct bk_err *err)
{
	const struct answers *a = d->setup->want;
	BK_AUTO_REMOTE struct bk_remote h = BK_REMOTE_INIT;
	BK_AUTO_FREE char *alias = NULL;

	bk_buf_adds(&d->text, "\n# Where backups go.\n[repo main]\n");
	if (is_remote(a->repo_url, &h)) {
		alias = login_alias(d->setup, &h, err);
		if (!alias)
			return -1;
		bk_buf_addf(&d->text, "url = sftp:%s:%s\n", alias, h.path);
	} else {
		bk_buf_addf(&d->text, "url = %s\n", a->repo_url);
	}
	bk_buf_addf(&d->text, "password = %s\n", d->password);
	if (*a->keep)
		bk_buf_addf(&d->text, "keep = %s\n", a->keep);
	return 0;
}

/* Markers can come later, anywhere below a root. */
static bool may_have(const struct answers *a, const char *path)
{
	const struct bk_strv *lists[] = { &a->paths, &a->roots };

	for (size_t i = 0; i < BK_COUNT(lists); i++)
		for (size_t k = 0; k < lists[i]->n; k++)
			if (bk_path_within(path, lists[i]->v[k]))
				return true;
	return false;
}

/* What would be wrong to have in a backup of these folders. */
static void add_excludes(struct draft *d)
{
	const struct answers *a = d->setup->want;
	const char *repo = a->repo_url ? bk_remote_local(a->repo_url) : NULL;
	BK_AUTO_FREE char *clean = repo ? bk_path_clean(repo) : NULL;

	if (clean && may_have(a, clean)) {
		BK_AUTO_FREE char *value = exclude_value(clean);

		bk_buf_addf(&d->text, "exclude = %s\n", value);
	}
	/* Beside what it seals, it would open the keyring to all who read. */
	if (may_have(a, HOST_KEY))
		bk_buf_adds(&d->text, "exclude = " HOST_KEY "\n");
}

static void add_backup(struct draft *d, const char *repo)
{
	const struct answers *a = d->setup->want;

	bk_buf_addf(&d->text,
		    "\n# What is backed up.\n[backup files]\nrepo = %s\n",
		    repo);
	if (a->roots.n > 0)
		bk_buf_adds(&d->text, "markers = yes\n");
	add_list(&d->text, "path", &a->paths);
	add_excludes(d);
}

static int add_box(struct draft *d, struct bk_err *err)
{
	const struct answers *a = d->setup->want;
	BK_AUTO_REMOTE struct bk_remote h = BK_REMOTE_INIT;
	BK_AUTO_FREE char *alias = NULL;

	bk_buf_adds(&d->text, "\n# A box.\n[box box]\n");
	if (!is_remote(a->box, &h)) {
		bk_buf_addf(&d->text, "url = %s\n", a->box);
		return 0;
	}
	alias = login_alias(d->setup, &h, err);
	if (!alias)
		return -1;
	bk_buf_addf(&d->text, "url = sftp://%s/%s\n", alias, h.path);
	return 0;
}

/* ntfy and webhook need none. */
static bool wants_token(const struct answers *a)
{
	return a->token_from || strcmp(a->monitor_type, "kuma") == 0 ||
	       strcmp(a->monitor_type, "healthchecks") == 0;
}

static void add_monitor(struct draft *d)
{
	const struct answers *a = d->setup->want;
	BK_AUTO_FREE char *folder = bk_path_parent(d->path);

	bk_buf_addf(&d->text,
		    "\n# Who is told how they are.\n[monitor main]\n"
		    "type = %s\nurl = %s\n",
		    a->monitor_type, a->monitor_url);
	if (!wants_token(a))
		return;
	if (bk_str_starts(d->password, "file:"))
		bk_buf_addf(&d->text, "token = file:%s/%s.token\n", folder,
			    a->monitor_type);
	else
		bk_buf_addf(&d->text, "token = keyring:monitor/%s\n",
			    a->monitor_type);
}

/*
 * What was said, or is there; else, where systemd can seal its master, a
 * keyring, and a file where it cannot.
 */
static char *password_ref(const struct draft *d,
			  const struct bk_conf_section *repo)
{
	const char *said =
		bk_conf_str(repo, "password", d->setup->want->password);
	BK_AUTO_FREE char *creds = bk_exec_find("systemd-creds", NULL);
	BK_AUTO_FREE char *folder = bk_path_parent(d->path);

	if (said)
		return bk_strdup(said);
	return geteuid() != 0 || creds
		       ? bk_strdup("keyring:restic/main")
		       : bk_asprintf("file:%s/main.password", folder);
}

static int write_text(struct draft *d, const struct bk_conf *conf,
		      struct bk_err *err)
{
	struct answers *a = d->setup->want;
	const struct bk_conf_section *repo = bk_conf_next(conf, "repo", NULL);
	bool want_box = a->box && !bk_conf_next(conf, "box", NULL);

	d->password = password_ref(d, repo);
	bk_buf_adds(&d->text, "");
	if (!bk_conf_find(conf, "scan", NULL) && a->roots.n > 0) {
		bk_buf_adds(&d->text, "\n# Where markers are looked for.\n"
				      "[scan]\n");
		add_list(&d->text, "root", &a->roots);
	}
	if (!repo && add_repo(d, err) < 0)
		return -1;
	if (!bk_conf_next(conf, "backup", NULL))
		add_backup(d, repo ? repo->name : "main");
	if (want_box && add_box(d, err) < 0)
		return -1;
	if (!repo && !bk_conf_find(conf, "verify", NULL))
		bk_buf_adds(&d->text, "\n# All of it is proved within a month, "
				      "a part every night.\n[verify]\n");
	if (a->monitor_url && !bk_conf_next(conf, "monitor", NULL))
		add_monitor(d);
	return 0;
}

/* The file. */

static int save(const struct draft *d, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf all = BK_BUF_INIT;
	BK_AUTO_FREE char *folder = bk_path_parent(d->path);

	if (d->there && !d->blank) {
		bk_buf_add(&all, d->old.p, d->old.len);
		if (d->old.len > 0 && d->old.p[d->old.len - 1] != '\n')
			bk_buf_addc(&all, '\n');
		bk_buf_add(&all, d->text.p, d->text.len);
	} else {
		bk_buf_adds(&all, MARK);
		bk_buf_add(&all, d->text.p, d->text.len);
		if (d->old.len > 0)
			bk_buf_addc(&all, '\n');
		bk_buf_add(&all, d->old.p, d->old.len);
	}
	if (bk_file_mkdirs(folder, 0755, err) < 0)
		return -1;
	return write_whole(d->path, all.p, all.len, 0640, err);
}

/* The draft, read as a configuration, before it is written or instead. */
static struct bk_conf *read_draft(const struct draft *d,
				  struct bk_strv *problems, struct bk_err *err)
{
	BK_AUTO_CLOSE int fd = memfd_create("bk.conf", MFD_CLOEXEC);
	BK_AUTO_FREE char *path = bk_asprintf("/proc/self/fd/%d", fd);

	if (fd < 0 || fchmod(fd, 0600) < 0 ||
	    bk_fd_write(fd, d->text.p, d->text.len) < 0) {
		(void)bk_err_sys(err, "cannot keep bk.conf in memory");
		return NULL;
	}
	return bk_conf_load(path, problems, err);
}

static int report_problems(const struct bk_strv *problems,
			   const struct bk_err *err)
{
	for (size_t i = 0; i < problems->n; i++)
		bk_error("%s", problems->v[i]);
	if (problems->n == 0)
		bk_error("%s", err->msg);
	return err->exit;
}

/* What there is now; an empty one where there is nothing yet. */
static struct bk_conf *read_now(struct setup *s, int *ret_exit)
{
	BK_AUTO_STRV struct bk_strv problems = BK_STRV_INIT;
	struct bk_err err;
	struct bk_conf *conf = bk_conf_load(s->t->cli.config, &problems, &err);

	if (conf)
		return conf;
	if (err.exit == BK_EX_NOINPUT)
		return bk_conf_none();
	*ret_exit = report_problems(&problems, &err);
	return NULL;
}

/* The text without what is secret in its URLs. */
static char *shown(const struct draft *d)
{
	static const char url[] = "url = ", monitor[] = "[monitor ";
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;
	struct bk_buf b = BK_BUF_INIT;
	const char *kind = "";

	bk_strv_split(&lines, d->text.p, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		const char *line = lines.v[i];
		BK_AUTO_FREE char *value = NULL;

		if (line[0] == '[')
			kind = bk_str_starts(line, monitor) ? "monitor" : "";
		if (bk_str_starts(line, url))
			value = url_show_value(kind, line + strlen(url));
		bk_buf_addf(&b, "%s%s\n", value ? url : "",
			    value ? value : line);
	}
	bk_buf_adds(&b, "");
	return bk_buf_steal(&b);
}

static void print_draft(struct setup *s, const struct draft *d)
{
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;
	BK_AUTO_FREE char *text = shown(d);

	if (s->t->out.mode != BK_REC_TEXT)
		return;
	bk_strv_split(&lines, text, "\n");
	for (size_t i = 0; i < lines.n; i++)
		bk_rec_raw(&s->t->out, lines.v[i]);
}

/* -n, with sections that are missing: go on as if they were there. */
static int pretend(struct setup *s, const struct draft *d)
{
	BK_AUTO_STRV struct bk_strv problems = BK_STRV_INIT;
	struct bk_conf *conf;
	struct bk_err err;

	step(s, STEP_WOULD, "configuration", NULL, "write '%s'", d->path);
	print_draft(s, d);
	if (bk_conf_next(s->t->conf, "repo", NULL))
		return BK_EX_OK;
	conf = read_draft(d, &problems, &err);
	if (!conf)
		return report_problems(&problems, &err);
	bk_conf_free(s->t->conf);
	s->t->conf = conf;
	return BK_EX_OK;
}

static int write_down(struct setup *s, struct draft *d)
{
	struct bk_err err;
	int exit = BK_EX_OK;

	if (d->there && !d->blank && !d->ours) {
		BK_AUTO_FREE char *text = shown(d);

		step_failed(s, BK_EX_CONFIG, "configuration", NULL,
			    "'%s' is not by bk-config, so add to it by "
			    "hand:\n%s",
			    d->path, text);
		return BK_EX_OK;
	}
	if (s->t->cli.dry_run)
		return pretend(s, d);
	if (save(d, &err) < 0) {
		step_failed(s, err.exit, "configuration", NULL, "%s", err.msg);
		return s->exit;
	}
	step(s, STEP_DONE, "configuration", NULL, "%s '%s'",
	     d->there ? "added to" : "wrote", d->path);
	bk_conf_free(s->t->conf);
	s->t->conf = bk_cli_conf(&s->t->cli, &exit);
	return exit;
}

/* Has a section of this kind that value? Texts of hosts are not compared. */
static bool is_set(const struct bk_conf *conf, const char *kind,
		   const char *key, const char *text)
{
	const struct bk_conf_section *c = NULL;
	bool any = false;

	if (!text || bk_str_starts(text, "sftp:"))
		return true;
	while ((c = bk_conf_next(conf, kind, c))) {
		const struct bk_conf_value *v = NULL;

		while ((v = bk_conf_value(c, key, v)))
			any = any || strcmp(v->value, text) == 0;
	}
	return any;
}

static bool says_otherwise(const struct answers *a, const struct bk_conf *conf)
{
	bool same = is_set(conf, "repo", "url", a->repo_url) &&
		    is_set(conf, "repo", "password", a->password) &&
		    is_set(conf, "box", "url", a->box) &&
		    is_set(conf, "monitor", "url", a->monitor_url);

	for (size_t i = 0; i < a->paths.n; i++)
		same = same && is_set(conf, "backup", "path", a->paths.v[i]);
	for (size_t i = 0; i < a->roots.n; i++)
		same = same && is_set(conf, "scan", "root", a->roots.v[i]);
	return !same;
}

static void say_kept(struct setup *s, const struct draft *d)
{
	step(s, STEP_KEPT, "configuration", NULL, "'%s' has all that is needed",
	     d->path);
	if (says_otherwise(s->want, s->t->conf))
		bk_warning("the options say otherwise than '%s', which holds: "
			   "change it by hand",
			   d->path);
}

int step_config(struct setup *s)
{
	BK_AUTO(draft_free) struct draft d = { .setup = s };
	struct bk_err err;
	int exit = BK_EX_OK;

	d.path = config_path(s->t, &err);
	s->t->conf = d.path ? read_now(s, &exit) : NULL;
	if (!d.path)
		return bk_log_err(&err);
	if (!s->t->conf)
		return exit;
	if (read_old(&d, &err) < 0)
		return bk_log_err(&err);
	if (answers_complete(s, s->t->conf, &err) < 0)
		return err.exit == BK_EX_USAGE ? bk_cli_usage("%s", err.msg)
					       : bk_log_err(&err);
	if (write_text(&d, s->t->conf, &err) < 0) {
		step_failed(s, err.exit, "configuration", NULL, "%s", err.msg);
		return s->exit;
	}
	if (d.text.len > 0)
		return write_down(s, &d);
	say_kept(s, &d);
	return BK_EX_OK;
}
