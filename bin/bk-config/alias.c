/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * init: names of servers in ssh_config.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "path.h"
#include "setup.h"
#include "ssh.h"

#define ALIASES 9
#define FILE_LIMIT ((size_t)4 << 20)

int write_whole(const char *path, const char *p, size_t len, mode_t mode,
		struct bk_err *err)
{
	BK_AUTO_FREE char *target = realpath(path, NULL);
	struct stat st;

	if (target && stat(target, &st) == 0)
		return bk_file_rewrite(target, &st, p, len, err);
	if (lstat(path, &st) == 0)
		return bk_err_set(err, BK_EX_CANTCREAT, 0,
				  "'%s' is a link that leads nowhere", path);
	return bk_file_write(path, p, len, mode, err);
}

int login_append(const char *path, const char *text, mode_t mode,
		 struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_FREE char *folder = bk_path_parent(path);

	if (bk_file_mkdirs(folder, 0755, err) < 0)
		return -1;
	if (access(path, F_OK) == 0 &&
	    bk_file_read(path, FILE_LIMIT, &b, err) < 0)
		return -1;
	if (b.len > 0 && b.p[b.len - 1] != '\n')
		bk_buf_addc(&b, '\n');
	bk_buf_adds(&b, text);
	return write_whole(path, b.p, b.len, mode, err);
}

static bool same(const char *a, const char *b)
{
	return !b || strcmp(a, b) == 0;
}

/* Does ssh_config say more of this name than the name? */
static bool is_alias(const struct bk_remote *h, const struct ssh_view *v)
{
	BK_AUTO_FREE char *config = bk_remote_ssh_config();

	return config && strcmp(v->hostname, h->host) != 0;
}

static int write_alias(const char *alias, const struct bk_remote *h,
		       struct bk_err *err)
{
	BK_AUTO_FREE char *config = ssh_config_file();
	BK_AUTO_FREE char *key = ssh_file(alias);
	BK_AUTO_FREE char *known = ssh_file("known_hosts");
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_buf_addf(&b, "# by bk-config init\nHost %s\n\tHostName %s\n", alias,
		    h->host);
	if (h->user)
		bk_buf_addf(&b, "\tUser %s\n", h->user);
	if (h->port)
		bk_buf_addf(&b, "\tPort %s\n", h->port);
	bk_buf_addf(&b,
		    "\tHostKeyAlias %s\n\tIdentityFile \"%s\"\n"
		    "\tIdentitiesOnly yes\n\tUserKnownHostsFile \"%s\"\n"
		    "\tGlobalKnownHostsFile /dev/null\n",
		    alias, key, known);
	return login_append(config, b.p, 0644, err);
}

/* 1: this alias is that host; 0: it is free; -1: it is another. */
static int try_alias(const char *alias, const struct bk_remote *h)
{
	struct bk_remote a = { .host = bk_strdup(alias) };
	AUTO_SSH_VIEW struct ssh_view v = SSH_VIEW_INIT;
	int got = -1;

	if (ssh_view(&a, &v, NULL) < 0)
		got = -1;
	else if (!is_alias(&a, &v))
		got = 0;
	else if (same(v.hostname, h->host) && same(v.user, h->user) &&
		 same(v.port, h->port ? h->port : "22"))
		got = 1;
	bk_remote_free(&a);
	return got;
}

/* What stands in a line of ssh_config must be a word there. */
static bool is_word(const char *s)
{
	return !s ||
	       (*s && !strpbrk(s, " \t\"'\\#%*?!,") && !bk_str_control(s));
}

/* What stands above it in the file holds, should it say otherwise. */
static int make_alias(const char *alias, const struct bk_remote *h,
		      struct bk_err *err)
{
	if (write_alias(alias, h, err) < 0)
		return -1;
	if (try_alias(alias, h) > 0)
		return 0;
	return bk_err_set(err, BK_EX_CONFIG, 0,
			  "ssh_config has something that overrules its new "
			  "entry 'Host %s': mend it",
			  alias);
}

char *login_alias(struct setup *s, const struct bk_remote *h,
		  struct bk_err *err)
{
	AUTO_SSH_VIEW struct ssh_view v = SSH_VIEW_INIT;

	if (!is_word(h->host) || !is_word(h->user) || !is_word(h->port)) {
		(void)bk_err_set(err, BK_EX_USAGE, 0,
				 "'%s' is no name of a server", h->host);
		return NULL;
	}
	if (ssh_view(h, &v, err) < 0)
		return NULL;
	if (!h->user && !h->port && is_alias(h, &v))
		return bk_strdup(h->host);
	for (int i = 1; i <= ALIASES; i++) {
		char *alias =
			i == 1 ? bk_strdup("box") : bk_asprintf("box%d", i);
		int got = try_alias(alias, h);

		if (got == 0 && s->t->cli.dry_run)
			bk_strv_add(&s->aliases, alias);
		else if (got == 0)
			got = make_alias(alias, h, err) < 0 ? -2 : 1;
		if (got >= 0)
			return alias;
		free(alias);
		if (got == -2)
			return NULL;
	}
	(void)bk_err_set(err, BK_EX_CANTCREAT, 0,
			 "all names from box to box%d are taken in ssh_config",
			 ALIASES);
	return NULL;
}
