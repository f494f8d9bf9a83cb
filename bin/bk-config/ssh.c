/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ssh.h"

#include <pwd.h>
#include <unistd.h>

#include "child.h"
#include "dirs.h"
#include "path.h"

#define LOGIN_TIMEOUT_MS 45000

/* With option =, it is left to restic. */
static bool has_own_ssh(const struct bk_conf_section *s)
{
	const struct bk_conf_value *v = NULL;

	while ((v = bk_conf_value(s, "option", v)))
		if (bk_str_starts(v->value, "sftp.command=") ||
		    bk_str_starts(v->value, "sftp.args="))
			return true;
	return false;
}

bool ssh_remote(const struct bk_conf_section *s, struct bk_remote *ret)
{
	const char *url = bk_conf_str(s, "url", "");

	*ret = BK_REMOTE_INIT;
	if (has_own_ssh(s) || bk_remote_parse(url, ret, NULL) < 0)
		return false;
	if (ret->host && *ret->host)
		return true;
	bk_remote_free(ret);
	return false;
}

char *ssh_text(const struct bk_remote *h)
{
	return bk_asprintf("%s%s%s%s%s", h->user ? h->user : "",
			   h->user ? "@" : "", h->host, h->port ? ":" : "",
			   h->port ? h->port : "");
}

char *ssh_config_file(void)
{
	BK_AUTO_FREE char *dir = bk_dirs_config(NULL);

	return dir ? bk_path_join(dir, "ssh_config") : NULL;
}

char *ssh_file(const char *name)
{
	BK_AUTO_FREE char *dir = bk_dirs_config(NULL);

	if (!dir)
		return NULL;
	return name ? bk_asprintf("%s/ssh/%s", dir, name)
		    : bk_path_join(dir, "ssh");
}

void ssh_args(const char *program, const struct bk_remote *h, bool batch,
	      struct bk_strv *argv)
{
	BK_AUTO_FREE char *config = bk_remote_ssh_config();
	bool sftp = strcmp(program, "sftp") == 0;

	bk_strv_add(argv, program);
	if (config)
		child_add(argv, "-F", config);
	if (batch)
		child_add(argv, "-o", "BatchMode=yes");
	child_add(argv, "-o", "ConnectTimeout=15");
	if (h->user) {
		bk_strv_add(argv, "-o");
		bk_strv_addf(argv, "User=%s", h->user);
	}
	if (h->port)
		child_add(argv, sftp ? "-P" : "-p", h->port);
}

/* "~/x" as ssh expands it. */
static char *expand_home(const char *path)
{
	const struct passwd *pw = getpwuid(geteuid());

	if (bk_str_starts(path, "~/") && pw)
		return bk_asprintf("%s%s", pw->pw_dir, path + 1);
	return bk_strdup(path);
}

static void set_text(char **to, const char *value)
{
	free(*to);
	*to = bk_strdup(value);
}

static void take_files(struct bk_strv *l, const char *value)
{
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;

	bk_strv_split(&words, value, " ");
	for (size_t i = 0; i < words.n; i++)
		bk_strv_take(l, expand_home(words.v[i]));
}

/* One line of "ssh -G": a keyword in small letters, and its value. */
static void take_setting(struct ssh_view *v, char *line, char **alias,
			 char **global)
{
	char *value = strchr(line, ' ');

	if (!value)
		return;
	*value++ = '\0';
	if (strcmp(line, "hostname") == 0)
		set_text(&v->hostname, value);
	else if (strcmp(line, "port") == 0)
		set_text(&v->port, value);
	else if (strcmp(line, "user") == 0)
		set_text(&v->user, value);
	else if (strcmp(line, "hostkeyalias") == 0)
		set_text(alias, value);
	else if (strcmp(line, "proxyjump") == 0 && strcmp(value, "none") != 0)
		set_text(&v->jump, value);
	else if (strcmp(line, "proxycommand") == 0 &&
		 strcmp(value, "none") != 0)
		set_text(&v->proxy, value);
	else if (strcmp(line, "identityfile") == 0)
		bk_strv_take(&v->keys, expand_home(value));
	else if (strcmp(line, "userknownhostsfile") == 0)
		take_files(&v->known, value);
	else if (strcmp(line, "globalknownhostsfile") == 0)
		set_text(global, value);
}

static char *key_name(const struct ssh_view *v, const char *alias)
{
	if (alias)
		return bk_strdup(alias);
	if (strcmp(v->port, "22") == 0)
		return bk_strdup(v->hostname);
	return bk_asprintf("[%s]:%s", v->hostname, v->port);
}

int ssh_view(const struct bk_remote *h, struct ssh_view *ret,
	     struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;
	BK_AUTO_FREE char *alias = NULL, *global = NULL;

	*ret = SSH_VIEW_INIT;
	ssh_args("ssh", h, true, &argv);
	child_add(&argv, "-G", h->host);
	if (child_run(&argv, 10000, &said, err) < 0)
		return -1;
	bk_strv_split(&lines, said.out.p ? said.out.p : "", "\n");
	for (size_t i = 0; said.status == 0 && i < lines.n; i++)
		take_setting(ret, lines.v[i], &alias, &global);
	if (global)
		take_files(&ret->known, global);
	if (ret->hostname && ret->port) {
		ret->key_name = key_name(ret, alias);
		return 0;
	}
	{
		BK_AUTO_FREE char *why = said_why(&said);

		ssh_view_free(ret);
		return bk_err_set(err, BK_EX_CONFIG, 0,
				  "ssh does not take its configuration: %s",
				  why);
	}
}

void ssh_view_free(struct ssh_view *v)
{
	free(v->hostname);
	free(v->port);
	free(v->user);
	free(v->key_name);
	free(v->jump);
	free(v->proxy);
	bk_strv_free(&v->keys);
	bk_strv_free(&v->known);
	*v = SSH_VIEW_INIT;
}

bool ssh_is_pinned(const struct ssh_view *v)
{
	bool found = false;

	for (size_t i = 0; i < v->known.n && !found; i++) {
		BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
		AUTO_SAID struct said said = SAID_INIT;

		if (access(v->known.v[i], R_OK) < 0)
			continue;
		child_add(&argv, "ssh-keygen", "-F", v->key_name, "-f",
			  v->known.v[i]);
		found = child_run(&argv, 10000, &said, NULL) == 0 &&
			said.status == 0;
	}
	return found;
}

static enum login login_of(const char *said)
{
	static const struct {
		const char *words;
		enum login login;
	} table[] = {
		{ "REMOTE HOST IDENTIFICATION HAS CHANGED", LOGIN_KEY_CHANGED },
		{ "Host key verification failed", LOGIN_KEY_UNKNOWN },
		{ "host key is known", LOGIN_KEY_UNKNOWN },
		{ "Permission denied (", LOGIN_DENIED },
		{ "Too many authentication failures", LOGIN_DENIED },
		{ "subsystem request failed", LOGIN_FAILED },
		{ "Connection refused", LOGIN_UNREACHABLE },
		{ "Connection timed out", LOGIN_UNREACHABLE },
		{ "Operation timed out", LOGIN_UNREACHABLE },
		{ "Could not resolve", LOGIN_UNREACHABLE },
		{ "No route to host", LOGIN_UNREACHABLE },
		{ "Network is unreachable", LOGIN_UNREACHABLE },
		{ "Connection reset", LOGIN_UNREACHABLE },
		{ "Connection closed", LOGIN_UNREACHABLE },
	};

	for (size_t i = 0; i < BK_COUNT(table); i++)
		if (strstr(said, table[i].words))
			return table[i].login;
	return LOGIN_FAILED;
}

/* sftp ends with a line that says less than the one before. */
static char *why_of(struct said *said)
{
	char *end =
		said->err.p ? strstr(said->err.p, "\nConnection closed") : NULL;

	if (end)
		*end = '\0';
	return said_why(said);
}

enum login ssh_login(const struct bk_remote *h, char **ret_why)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;

	ssh_args("sftp", h, true, &argv);
	child_add(&argv, "-b", "-", h->host);
	return ssh_login_as(&argv, ret_why);
}

enum login ssh_login_as(const struct bk_strv *argv, char **ret_why)
{
	AUTO_SAID struct said said = SAID_INIT;
	struct bk_err err;

	if (child_feed(argv, "pwd\n", LOGIN_TIMEOUT_MS, &said, &err) < 0) {
		*ret_why = bk_strdup(err.msg);
		return err.exit == BK_EX_TEMPFAIL ? LOGIN_UNREACHABLE
						  : LOGIN_FAILED;
	}
	*ret_why = why_of(&said);
	if (said.status == 0)
		return LOGIN_OK;
	return login_of(said.err.p ? said.err.p : "");
}
