/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * append-only: ssh_config and bk.conf of this host, there and back.
 */
#include <unistd.h>

#include "append.h"
#include "file.h"

#define FILE_LIMIT ((size_t)8 << 20)
#define BEFORE "# before bk-config append-only: "

char *append_name(const char *repo)
{
	return bk_asprintf("append-%s", repo);
}

/* ---- ssh_config ------------------------------------------------------------ */

static void add_setting(struct bk_buf *b, const char *name, const char *value)
{
	if (value)
		bk_buf_addf(b, "\t%s %s\n", name, value);
}

static int write_alias(const struct append *a, struct bk_err *err)
{
	BK_AUTO_FREE char *config = ssh_config_file();
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_buf_addf(&b, "# by bk-config append-only\nHost %s\n", a->alias);
	add_setting(&b, "HostName", a->view.hostname);
	add_setting(&b, "User", a->view.user);
	add_setting(&b, "Port", a->view.port);
	add_setting(&b, "HostKeyAlias", a->view.key_name);
	add_setting(&b, "ProxyJump", a->view.jump);
	add_setting(&b, "ProxyCommand", a->view.proxy);
	bk_buf_addf(&b, "\tIdentityFile \"%s\"\n\tIdentitiesOnly yes\n",
		    a->key);
	bk_buf_adds(&b, "\tUserKnownHostsFile");
	for (size_t i = 0; i < a->view.known.n; i++)
		bk_buf_addf(&b, " \"%s\"", a->view.known.v[i]);
	bk_buf_adds(&b, "\n\tGlobalKnownHostsFile /dev/null\n");
	return login_append(config, b.p, 0644, err);
}

static bool is_there(const struct append *a)
{
	struct bk_remote h = { .host = bk_strdup(a->alias) };
	AUTO_SSH_VIEW struct ssh_view v = SSH_VIEW_INIT;
	bool there = ssh_view(&h, &v, NULL) == 0 &&
		     strcmp(v.hostname, a->view.hostname) == 0 &&
		     strcmp(v.port, a->view.port) == 0 && v.user &&
		     a->view.user && strcmp(v.user, a->view.user) == 0 &&
		     bk_strv_has(&v.keys, a->key);

	bk_remote_free(&h);
	return there;
}

int append_alias(const struct append *a, struct bk_err *err)
{
	if (is_there(a))
		return 0;
	if (write_alias(a, err) < 0)
		return -1;
	return is_there(a) ? 0
			   : bk_err_set(err, BK_EX_CONFIG, 0,
					"ssh_config has something that "
					"overrules its new entry 'Host %s': "
					"mend it",
					a->alias);
}

/* ---- bk.conf --------------------------------------------------------------- */

/* Where line n of a text begins, from 1; NULL: it has fewer. */
static char *line_at(char *text, size_t n)
{
	char *p = text;

	while (p && --n > 0) {
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	return p && *p ? p : NULL;
}

/* What is behind "KEY =" in a line, or NULL. */
static char *value_in(const char *line, const char *key)
{
	BK_AUTO_FREE char *copy = bk_memdup(line, strcspn(line, "\n"));
	char *p = bk_str_trim(copy), *end;

	if (!bk_str_starts(p, key))
		return NULL;
	p += strlen(key);
	p += strspn(p, " \t");
	if (*p != '=')
		return NULL;
	p++;
	for (end = p; *end; end++)
		if (*end == ';' && (end == p || strchr(" \t", end[-1]))) {
			*end = '\0';
			break;
		}
	return bk_strdup(bk_str_trim(p));
}

static int by_hand(const struct bk_conf_value *v, struct bk_err *err)
{
	return bk_err_set(err, BK_EX_CONFIG, 0,
			  "line %zu of '%s' is not as expected: change it by "
			  "hand",
			  v->line, v->file);
}

/* Reads all of the file; the line of v in it, or NULL with err. */
static char *read_file(const struct bk_conf_value *v, struct bk_buf *text,
		       struct bk_err *err)
{
	BK_AUTO_FREE char *value = NULL;
	char *line;

	if (bk_file_read(v->file, FILE_LIMIT, text, err) < 0)
		return NULL;
	bk_buf_adds(text, "");
	line = line_at(text->p, v->line);
	value = line ? value_in(line, v->key) : NULL;
	if (value)
		return line;
	(void)by_hand(v, err);
	return NULL;
}

static size_t line_length(const char *p)
{
	size_t n = strcspn(p, "\n");

	return n + (p[n] == '\n');
}

int append_conf_set(const struct append *a, struct bk_err *err)
{
	const struct bk_conf_value *v = bk_conf_value(a->repo, "url", NULL);
	BK_AUTO_BUF struct bk_buf old = BK_BUF_INIT, b = BK_BUF_INIT;
	BK_AUTO_REMOTE struct bk_remote raw = BK_REMOTE_INIT;
	BK_AUTO_FREE char *value = NULL;
	char *line;

	if (bk_conf_value(a->repo, "append-only", NULL))
		return by_hand(bk_conf_value(a->repo, "append-only", NULL),
			       err);
	line = read_file(v, &old, err);
	if (!line)
		return -1;
	value = value_in(line, "url");
	if (bk_remote_parse(value, &raw, NULL) < 0 || !raw.host)
		return by_hand(v, err);
	bk_buf_add(&b, old.p, (size_t)(line - old.p));
	bk_buf_addf(&b, BEFORE "%.*s\n", (int)strcspn(line, "\n"), line);
	bk_buf_addf(&b, "url = sftp:%s:%s\nappend-only = yes\n", a->alias,
		    raw.path);
	bk_buf_adds(&b, line + line_length(line));
	return write_whole(v->file, b.p, b.len, 0644, err);
}

/* The line before p, where it says what was there before us. */
static char *line_before(char *text, char *p)
{
	char *start = p > text ? p - 1 : NULL;

	while (start && start > text && start[-1] != '\n')
		start--;
	return start && bk_str_starts(start, BEFORE) ? start : NULL;
}

int append_conf_undo(const struct append *a, struct bk_err *err)
{
	const struct bk_conf_value *v = bk_conf_value(a->repo, "url", NULL);
	BK_AUTO_BUF struct bk_buf old = BK_BUF_INIT, b = BK_BUF_INIT;
	BK_AUTO_FREE char *value = NULL;
	char *line, *before, *rest;

	line = read_file(v, &old, err);
	if (!line)
		return -1;
	before = line_before(old.p, line);
	rest = line + line_length(line);
	value = value_in(rest, "append-only");
	if (!before || !value)
		return by_hand(v, err);
	bk_buf_add(&b, old.p, (size_t)(before - old.p));
	before += strlen(BEFORE);
	bk_buf_add(&b, before, line_length(before));
	bk_buf_adds(&b, rest + line_length(rest));
	return write_whole(v->file, b.p, b.len, 0644, err);
}
