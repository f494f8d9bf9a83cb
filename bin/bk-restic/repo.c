/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "repo.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "dirs.h"
#include "exec.h"
#include "file.h"
#include "lock.h"
#include "log.h"
#include "remote.h"

unsigned int repo_parse_version(const char *text)
{
	unsigned int major, minor, patch = 0;

	if (sscanf(text, "restic %u.%u.%u", &major, &minor, &patch) < 2 ||
	    minor > 999 || patch > 99)
		return 0;
	return major * 100000 + RESTIC(minor, patch);
}

static unsigned int ask_version(const char *program, struct bk_buf *out,
				struct bk_err *err)
{
	BK_AUTO_FREE char *file = bk_strdup(program);
	char verb[] = "version";
	char *argv[] = { file, verb, NULL };
	struct bk_exec x = { .argv = argv,
			     .in = BK_EXEC_NULL,
			     .err = BK_EXEC_INHERIT };
	int status = bk_exec_run(&x, 4096, 30000, out, NULL, err);
	unsigned int version = 0;

	if (status == 0)
		version = repo_parse_version(out->p ? out->p : "");
	if (status >= 0 && version == 0)
		bk_err_set(err, BK_EX_UNAVAILABLE, 0,
			   "'%s' is no restic: '%s version' ended with "
			   "status %d",
			   program, program, status);
	return version;
}

/*
 * Starting restic only to ask its release costs as much as a small run, so
 * the answer is kept, with what identifies the program.
 */
static unsigned int find_version(const char *program, struct bk_err *err)
{
	BK_AUTO_FREE char *path =
		bk_dirs_path(BK_DIRS_CACHE, "restic.version", NULL);
	BK_AUTO_BUF struct bk_buf known = BK_BUF_INIT, out = BK_BUF_INIT;
	BK_AUTO_FREE char *id = NULL;
	unsigned int version;
	struct stat st;

	if (stat(program, &st) < 0) {
		bk_err_sys(err, "cannot find '%s'", program);
		return 0;
	}
	id = bk_asprintf("%s %ju %ju %jd.%09ld %jd.%09ld ", program,
			 (uintmax_t)st.st_ino, (uintmax_t)st.st_size,
			 (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
			 (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	if (path && bk_file_read(path, 8192, &known, NULL) == 0 &&
	    bk_str_starts(known.p ? known.p : "", id)) {
		version = repo_parse_version(known.p + strlen(id));
		if (version != 0)
			return version;
	}
	version = ask_version(program, &out, err);
	if (version == 0)
		return 0;
	bk_buf_clear(&known);
	bk_buf_adds(&known, id);
	bk_buf_adds(&known, out.p);
	if (path && bk_file_write(path, known.p, known.len, 0600, NULL) < 0)
		bk_debug("cannot write '%s', ignoring", path);
	return version;
}

/* The environment of restic: what would contradict our arguments goes. */
static int set_env(struct repo *r, struct bk_err *err)
{
	static const char *const unset[] = {
		"RESTIC_REPOSITORY",
		"RESTIC_REPOSITORY_FILE",
		"RESTIC_PASSWORD",
		"RESTIC_PASSWORD_FILE",
		"RESTIC_PASSWORD_COMMAND",
		"RESTIC_KEY_HINT",
		"RESTIC_HOST",
		"RESTIC_READ_CONCURRENCY",
	};
	BK_AUTO_FREE char *cache = bk_dirs_path(BK_DIRS_CACHE, "restic/x", err);
	BK_AUTO_FREE char *tmp = bk_dirs_path(BK_DIRS_CACHE, "tmp/x", err);

	if (!cache || !tmp)
		return -1;
	for (size_t i = 0; i < BK_COUNT(unset); i++)
		bk_strv_add(&r->env, unset[i]);
	cache[strlen(cache) - 2] = '\0';
	tmp[strlen(tmp) - 2] = '\0';
	bk_strv_addf(&r->env, "RESTIC_CACHE_DIR=%s", cache);
	/* Packs are gathered in TMPDIR, which is no place in memory. */
	bk_strv_addf(&r->env, "TMPDIR=%s", tmp);
	bk_strv_add(&r->env, "RESTIC_PROGRESS_FPS=2");
	return 0;
}

/* A path that is not whole is another one for a timer than for a person. */
static int check_url(const struct repo *r, struct bk_err *err)
{
	const struct bk_conf_value *v = bk_conf_value(r->section, "url", NULL);

	if (!v || r->url[0] == '/' || strchr(r->url, ':'))
		return 0;
	return bk_err_set(err, BK_EX_CONFIG, 0,
			  "%s:%zu: [repo %s] url: '%s' depends on where the "
			  "tool is started; write the whole path, or a place "
			  "such as sftp:box:restic/%%H",
			  v->file, v->line, r->name, r->url);
}

int repo_open(struct repo *r, const struct bk_conf *conf, const char *name,
	      struct bk_resolve *secrets, struct bk_err *err)
{
	const struct bk_conf_section *s = bk_conf_find(conf, "repo", name);

	*r = (struct repo){ .section = s, .lock = -1 };
	if (!s)
		return bk_err_set(err, BK_EX_NOINPUT, 0,
				  "there is no [repo %s] in the configuration",
				  name);
	r->name = s->name;
	r->secrets = secrets;
	r->host = conf->host;
	r->url = bk_conf_str(s, "url", "");
	r->append_only = bk_conf_bool(s, "append-only", false);
	if (check_url(r, err) < 0)
		return -1;
	r->program = bk_exec_find(bk_conf_str(s, "program", "restic"), err);
	if (!r->program)
		return -1;
	r->version = find_version(r->program, err);
	if (r->version == 0)
		return -1;
	if (r->version < RESTIC(14, 0))
		return bk_err_set(err, BK_EX_UNAVAILABLE, 0,
				  "'%s' is older than restic 0.14.0",
				  r->program);
	return set_env(r, err);
}

void repo_close(struct repo *r)
{
	if (r->lock >= 0)
		(void)close(r->lock);
	free(r->program);
	bk_strv_free(&r->env);
	*r = (struct repo){ .lock = -1 };
}

static int check_writable(const struct repo *r, struct bk_err *err)
{
	const char *path = r->url;
	struct statvfs fs;

	if (bk_str_starts(path, "local:"))
		path += strlen("local:");
	if (path[0] != '/' || statvfs(path, &fs) < 0 ||
	    !(fs.f_flag & ST_RDONLY))
		return 0;
	return bk_err_set(err, BK_EX_IOERR, EROFS,
			  "cannot write to '%s' (in a unit of systemd, a "
			  "drop-in with ReadWritePaths= allows it)",
			  path);
}

int repo_lock(struct repo *r, struct bk_err *err)
{
	BK_AUTO_FREE char *name = bk_asprintf("repo.%s", r->name);
	uint64_t wait = bk_conf_duration(r->section, "lock-wait", 300);

	if (r->lock >= 0)
		return 0;
	if (check_writable(r, err) < 0)
		return -1;
	if (wait > 86400)
		wait = 86400;
	r->lock = bk_lock_take(name, 0, err);
	if (r->lock < 0 && err->exit == BK_EX_TEMPFAIL && wait > 0) {
		bk_notice("%s, waiting", err->msg);
		r->lock = bk_lock_take(name, (int)wait * 1000, err);
	}
	return r->lock < 0 ? -1 : 0;
}

/* How white space ends in UTF-8, beyond ASCII; restic cuts that off too. */
static bool is_wide_space(const char *p, size_t len)
{
	static const char *const spaces[] = {
		"\xc2\x85", "\u00a0", "\u1680", "\u2000", "\u2001",
		"\u2002",   "\u2003", "\u2004", "\u2005", "\u2006",
		"\u2007",   "\u2008", "\u2009", "\u200a", "\u2028",
		"\u2029",   "\u202f", "\u205f", "\u3000"
	};

	for (size_t i = 0; i < BK_COUNT(spaces); i++) {
		size_t n = strlen(spaces[i]);

		if (len >= n && (memcmp(p, spaces[i], n) == 0 ||
				 memcmp(p + len - n, spaces[i], n) == 0))
			return true;
	}
	return false;
}

/*
 * restic cuts white space off both ends of what a password file holds, and
 * takes a byte order mark for what it is.
 */
const char *repo_misread(const struct bk_secret *s)
{
	const unsigned char *p = (const unsigned char *)s->p;

	if (s->len == 0)
		return "it is empty";
	if (strchr(" \t\n\v\f\r", p[0]) ||
	    strchr(" \t\n\v\f\r", p[s->len - 1]) || is_wide_space(s->p, s->len))
		return "it begins or ends with white space or NUL";
	if (s->len >= 2 &&
	    ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff) ||
	     (p[0] == 0xef && p[1] == 0xbb)))
		return "it begins with a byte order mark";
	return NULL;
}

int repo_password(struct repo *r, struct bk_err *err)
{
	const struct bk_secret *got;

	if (r->password)
		return 0;
	got = bk_resolve_get(r->secrets, r->section, "password", err);
	if (!got)
		return -1;
	if (repo_misread(got))
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "[repo %s] password: %s, which restic does "
				  "not read; choose another one",
				  r->name, repo_misread(got));
	r->password = got;
	return 0;
}

/*
 * Whatever stands before an '@' may be a password, as in rest:https://u:p@h/;
 * only in sftp:user@host:path it is none for sure.
 */
static bool url_has_password(const char *url)
{
	const char *at = strrchr(url, '@');

	if (!at)
		return false;
	if (bk_str_starts(url, "sftp:"))
		url += strlen("sftp:");
	url += strspn(url, "/");
	return memchr(url, ':', (size_t)(at - url)) != NULL;
}

char *repo_hide_password(const char *text)
{
	struct bk_buf b = BK_BUF_INIT;
	const char *host;

	while ((host = strstr(text, "://"))) {
		size_t n = strcspn(host + 3, " \t\"'\n");
		const char *at = memrchr(host + 3, '@', n);
		const char *colon =
			at ? memchr(host + 3, ':', (size_t)(at - host - 3))
			   : NULL;
		const char *end = colon ? colon + 1 : host + 3;

		bk_buf_add(&b, text, (size_t)(end - text));
		if (colon)
			bk_buf_adds(&b, "***");
		text = colon ? at : end;
	}
	bk_buf_adds(&b, text);
	return bk_buf_steal(&b);
}

static int url_fd(const char *url, struct bk_err *err)
{
	int fd = memfd_create("repository", MFD_CLOEXEC);

	if (fd < 0 || bk_fd_write(fd, url, strlen(url)) < 0)
		return bk_err_sys(err, "cannot keep a URL in memory");
	return fd;
}

static void add_ssh(struct bk_strv *argv, const char *ssh_config,
		    const struct bk_remote *to)
{
	bk_strv_add(argv, "ssh");
	if (ssh_config) {
		bk_strv_add(argv, "-F");
		bk_strv_add(argv, ssh_config);
	}
	bk_remote_add_options(argv);
	bk_remote_add_login(argv, to);
	bk_strv_add(argv, to->host);
}

char *repo_ssh_command(const char *url, const char *ssh_config)
{
	BK_AUTO_REMOTE struct bk_remote to = BK_REMOTE_INIT;
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	struct bk_buf b = BK_BUF_INIT;

	if (bk_remote_parse(url, &to, NULL) < 0 || !to.host)
		return NULL;
	add_ssh(&argv, ssh_config, &to);
	bk_strv_add(&argv, "-s");
	bk_strv_add(&argv, "sftp");
	bk_exec_add_line(&b, argv.v);
	return bk_buf_steal(&b);
}

void repo_append_only(const struct repo *r, const char *ssh_config,
		      char **ret_url, char **ret_program)
{
	BK_AUTO_REMOTE struct bk_remote to = BK_REMOTE_INIT;
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	struct bk_buf b = BK_BUF_INIT;

	*ret_url = *ret_program = NULL;
	if (!r->append_only || bk_remote_parse(r->url, &to, NULL) < 0 ||
	    !to.host)
		return;
	add_ssh(&argv, ssh_config, &to);
	bk_exec_add_line(&b, argv.v);
	*ret_program = bk_buf_steal(&b);
	*ret_url = bk_asprintf("rclone:%s", to.path);
}

int repo_refuse_removal(const struct repo *r, const char *what,
			struct bk_err *err)
{
	if (!r->append_only || r->dry)
		return 0;
	return bk_err_set(err, BK_EX_NOPERM, 0,
			  "[repo %s] is append-only: this host removes nothing "
			  "from it. Do it where its full key is kept: "
			  "bk-restic -c FILE %s",
			  r->name, what);
}

static void add_option(struct bk_strv *argv, const char *option)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_str_add_csv(&b, option);
	bk_strv_add(argv, "-o");
	bk_strv_add(argv, b.p);
}

/* The connection: restic's ways to ssh, unless there is an option of its own. */
static void add_ssh_option(const struct repo *r, const char *program,
			   struct bk_strv *argv)
{
	BK_AUTO_FREE char *config = bk_remote_ssh_config();
	BK_AUTO_FREE char *ssh = repo_ssh_command(r->url, config);
	BK_AUTO_FREE char *option =
		bk_asprintf("%s=%s",
			    program ? "rclone.program" : "sftp.command",
			    program ? program : ssh);

	if (program || ssh)
		add_option(argv, option);
}

static void add_options(const struct repo *r, const char *program,
			struct bk_strv *argv)
{
	const struct bk_conf_value *v = NULL;
	uint64_t up = bk_conf_size(r->section, "limit-upload", 0);
	uint64_t down = bk_conf_size(r->section, "limit-download", 0);
	bool own_ssh = false;

	while ((v = bk_conf_value(r->section, "option", v))) {
		own_ssh = own_ssh || bk_str_starts(v->value, "sftp.command=") ||
			  bk_str_starts(v->value, "sftp.args=") ||
			  bk_str_starts(v->value, "rclone.program=");
		add_option(argv, v->value);
	}
	if (!own_ssh)
		add_ssh_option(r, program, argv);
	if (up > 0)
		bk_strv_addf(argv, "--limit-upload=%" PRIu64,
			     (up - 1) / 1024 + 1);
	if (down > 0)
		bk_strv_addf(argv, "--limit-download=%" PRIu64,
			     (down - 1) / 1024 + 1);
}

int repo_args(const struct repo *r, struct bk_strv *argv, int *ret_fd,
	      struct bk_err *err)
{
	BK_AUTO_FREE char *config = bk_remote_ssh_config();
	BK_AUTO_FREE char *url = NULL, *program = NULL;

	*ret_fd = -1;
	repo_append_only(r, config, &url, &program);
	bk_strv_add(argv, r->program);
	if (!url && url_has_password(r->url)) {
		*ret_fd = url_fd(r->url, err);
		if (*ret_fd < 0)
			return -1;
		bk_strv_addf(argv, "--repository-file=/dev/fd/%d", *ret_fd);
	} else {
		bk_strv_add(argv, "-r");
		bk_strv_add(argv, url ? url : r->url);
	}
	add_options(r, program, argv);
	return 0;
}
