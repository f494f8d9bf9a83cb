/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "remote.h"

#include <unistd.h>

#include "dirs.h"

/* "[user@]host[:port]"; a port only where there may be one. Changes all. */
static void take_login(char *all, bool may_port, struct bk_remote *ret)
{
	char *host = strrchr(all, '@');
	char *port;

	if (host) {
		*host++ = '\0';
		/* Behind a colon is a password, and ssh takes none from us. */
		ret->user = bk_memdup(all, strcspn(all, ":"));
	} else {
		host = all;
	}
	port = host + (*host == '[' ? strcspn(host, "]") : 0);
	port += may_port ? strcspn(port, ":") : strlen(port);
	if (*port)
		*port++ = '\0';
	if (*port)
		ret->port = bk_strdup(port);
	if (*host == '[') {
		host++;
		host[strcspn(host, "]")] = '\0';
	}
	ret->host = bk_strdup(host);
}

int bk_remote_parse(const char *url, struct bk_remote *ret, struct bk_err *err)
{
	BK_AUTO_FREE char *login = NULL;
	const char *p = url + strlen("sftp:");
	bool slashes;
	size_t n;

	*ret = BK_REMOTE_INIT;
	if (bk_str_starts(url, "dir:/")) {
		ret->path = bk_strdup(url + strlen("dir:"));
		return 0;
	}
	if (!bk_str_starts(url, "sftp:"))
		return bk_err_set(err, BK_EX_CONFIG, 0,
				  "that is neither sftp: nor dir:");
	slashes = bk_str_starts(p, "//");
	p += slashes ? 2 : 0;
	n = strcspn(p, slashes ? "/" : ":");
	login = bk_memdup(p, n);
	take_login(login, slashes, ret);
	ret->path = bk_strdup(p[n] ? p + n + 1 : "");
	return 0;
}

const char *bk_remote_local(const char *url)
{
	if (bk_str_starts(url, "local:"))
		url += strlen("local:");
	return url[0] == '/' ? url : NULL;
}

void bk_remote_free(struct bk_remote *r)
{
	free(r->host);
	free(r->user);
	free(r->port);
	free(r->path);
	*r = BK_REMOTE_INIT;
}

char *bk_remote_ssh_config(void)
{
	BK_AUTO_FREE char *dir = bk_dirs_config(NULL);
	char *file = dir ? bk_asprintf("%s/ssh_config", dir) : NULL;

	if (file && access(file, R_OK) == 0)
		return file;
	free(file);
	return NULL;
}

/* A server that is gone is noticed after interval times count seconds. */
void bk_remote_add_options(struct bk_strv *argv)
{
	static const char *const options[] = { "BatchMode=yes",
					       "ConnectTimeout=30",
					       "ServerAliveInterval=20",
					       "ServerAliveCountMax=5" };

	for (size_t i = 0; i < BK_COUNT(options); i++) {
		bk_strv_add(argv, "-o");
		bk_strv_add(argv, options[i]);
	}
}

void bk_remote_add_login(struct bk_strv *argv, const struct bk_remote *r)
{
	if (r->user) {
		bk_strv_add(argv, "-l");
		bk_strv_add(argv, r->user);
	}
	if (r->port) {
		bk_strv_add(argv, "-p");
		bk_strv_add(argv, r->port);
	}
}
