/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hostkey.h"

#include <openssl/evp.h>
#include <pwd.h>
#include <unistd.h>

#include "exec.h"
#include "remote.h"

#define SSH_TIMEOUT_MS 20000
#define SAID_MAX ((size_t)1 << 20)
/* Machines on the way that lead over others in their turn. */
#define DEPTH_MAX 4

/* Files, by their places in ssh's own words, and under which name. */
struct lookup {
	struct hostkey *h;
	char *alias, *jumps;
	struct bk_strv files;
};

bool hostkey_is_ssh(const char *url)
{
	return bk_str_starts(url, "sftp:");
}

void hostkey_free(struct hostkey *h)
{
	free(h->host);
	free(h->port);
	free(h->user);
	free(h->proxy);
	free(h->problem);
	for (size_t i = 0; i < h->nvia; i++)
		hostkey_free(&h->via[i]);
	free(h->via);
	bk_strv_free(&h->logins);
	bk_strv_free(&h->lines);
	bk_strv_free(&h->prints);
	*h = HOSTKEY_INIT;
}

static void set(char **p, const char *value)
{
	free(*p);
	*p = bk_strdup(value);
}

/* A path as ssh prints it may begin with "~/". */
static void add_file(struct bk_strv *l, const char *path)
{
	const struct passwd *pw =
		bk_str_starts(path, "~/") ? getpwuid(geteuid()) : NULL;

	if (pw)
		bk_strv_addf(l, "%s%s", pw->pw_dir, path + 1);
	else
		bk_strv_add(l, path);
}

/* A line of "ssh -G": a key word in lower case, and its value. */
static void take_setting(struct lookup *l, char *line)
{
	char *value = line + strcspn(line, " ");
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;

	if (!*value || !value[1])
		return;
	*value++ = '\0';
	if (strcmp(line, "hostname") == 0)
		set(&l->h->host, value);
	else if (strcmp(line, "port") == 0)
		set(&l->h->port, value);
	else if (strcmp(line, "user") == 0)
		set(&l->h->user, value);
	else if (strcmp(line, "hostkeyalias") == 0)
		set(&l->alias, value);
	else if (strcmp(line, "proxyjump") == 0 && strcmp(value, "none") != 0)
		set(&l->jumps, value);
	else if (strcmp(line, "proxycommand") == 0 &&
		 strcmp(value, "none") != 0)
		set(&l->h->proxy, value);
	else if (strcmp(line, "identityfile") == 0)
		add_file(&l->h->logins, value);
	else if (strcmp(line, "userknownhostsfile") == 0 ||
		 strcmp(line, "globalknownhostsfile") == 0)
		bk_strv_split(&words, value, " ");
	for (size_t i = 0; i < words.n; i++)
		add_file(&l->files, words.v[i]);
}

/* Their output, or -1 with err. */
static int ask(struct bk_strv *argv, struct bk_buf *ret, struct bk_err *err)
{
	struct bk_exec x = { .argv = argv->v, .in = BK_EXEC_NULL };
	BK_AUTO_BUF struct bk_buf said = BK_BUF_INIT;
	int status = bk_exec_run(&x, SAID_MAX, SSH_TIMEOUT_MS, ret, &said, err);

	if (status <= 0)
		return status;
	return bk_err_set(err, BK_EX_NO, 0, "%s: %s", argv->v[0],
			  said.p ? bk_str_trim(said.p) : "it failed");
}

static int read_settings(const char *url, struct lookup *l, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf out = BK_BUF_INIT;
	BK_AUTO_REMOTE struct bk_remote to = BK_REMOTE_INIT;
	BK_AUTO_FREE char *config = bk_remote_ssh_config();

	if (bk_remote_parse(url, &to, err) < 0)
		return -1;
	bk_strv_add(&argv, "ssh");
	if (config) {
		bk_strv_add(&argv, "-F");
		bk_strv_add(&argv, config);
	}
	bk_strv_add(&argv, "-G");
	bk_remote_add_login(&argv, &to);
	bk_strv_add(&argv, "--");
	bk_strv_add(&argv, to.host);
	if (ask(&argv, &out, err) < 0)
		return -1;
	bk_strv_split(&lines, out.p ? out.p : "", "\n");
	for (size_t i = 0; i < lines.n; i++)
		take_setting(l, lines.v[i]);
	return l->h->host && l->h->port && l->h->user
		       ? 0
		       : bk_err_set(err, BK_EX_NO, 0,
				    "ssh does not tell what it would do");
}

char *hostkey_print(const char *base64)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	size_t n;
	BK_AUTO_FREE char *key = bk_str_unbase64(base64, &n);
	BK_AUTO_FREE char *text = NULL;

	if (!key || n == 0 ||
	    EVP_Digest(key, n, sum, &len, EVP_sha256(), NULL) != 1)
		return NULL;
	text = bk_str_base64(sum, len);
	text[strcspn(text, "=")] = '\0';
	return bk_asprintf("SHA256:%s", text);
}

/* "[@MARKER] NAMES TYPE KEY [COMMENT]", in which NAMES may be a hash. */
static void take_key(struct hostkey *h, const char *name, const char *line)
{
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;
	BK_AUTO_FREE char *print = NULL, *plain = NULL;
	size_t i;

	if (line[0] == '#')
		return;
	bk_strv_split(&words, line, " \t\r");
	i = words.n > 0 && words.v[0][0] == '@' ? 1 : 0;
	if (words.n < i + 3)
		return;
	print = hostkey_print(words.v[i + 2]);
	plain = bk_asprintf("%s%s%s %s %s", i ? words.v[0] : "", i ? " " : "",
			    name, words.v[i + 1], words.v[i + 2]);
	if (!print || bk_strv_has(&h->lines, plain))
		return;
	bk_strv_add(&h->lines, plain);
	bk_strv_addf(&h->prints, "%s (%s%s%s)", print, words.v[i + 1],
		     i ? ", " : "", i ? words.v[0] : "");
}

static void search_file(struct hostkey *h, const char *name, const char *shown,
			const char *file)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf out = BK_BUF_INIT;
	struct bk_err err;

	if (access(file, R_OK) < 0)
		return;
	bk_strv_add(&argv, "ssh-keygen");
	bk_strv_add(&argv, "-F");
	bk_strv_add(&argv, name);
	bk_strv_add(&argv, "-f");
	bk_strv_add(&argv, file);
	/* It ends with 1 where there is none. */
	if (ask(&argv, &out, &err) < 0 && err.exit != BK_EX_NO) {
		free(h->problem);
		h->problem = bk_strdup(err.msg);
	}
	bk_strv_split(&lines, out.p ? out.p : "", "\n");
	for (size_t i = 0; i < lines.n; i++)
		take_key(h, shown, lines.v[i]);
}

/*
 * As ssh does it: by the alias, else with a port that is not the usual one,
 * else by the name alone. They are shown as an empty machine needs them.
 */
static void search_keys(struct lookup *l)
{
	struct hostkey *h = l->h;
	BK_AUTO_FREE char *full =
		strcmp(h->port, "22") != 0
			? bk_asprintf("[%s]:%s", h->host, h->port)
			: bk_strdup(h->host);
	const char *const names[] = { l->alias ? l->alias : full,
				      l->alias ? l->alias : h->host };

	for (size_t n = 0; n < BK_COUNT(names) && h->lines.n == 0; n++)
		for (size_t i = 0; i < l->files.n; i++)
			search_file(h, names[n], full, l->files.v[i]);
}

static void look_up(const char *url, struct lookup *l)
{
	struct bk_err err;

	if (read_settings(url, l, &err) < 0)
		l->h->problem = bk_strdup(err.msg);
	else if (l->h->host && l->h->port)
		search_keys(l);
}

static void lookup_free(struct lookup *l)
{
	free(l->alias);
	free(l->jumps);
	bk_strv_free(&l->files);
}

/*
 * "[user@]host[:port],...": each is reached from the one before, and the first
 * one may be reached through others itself, as ssh_config says.
 */
static void find_way(struct hostkey *h, const char *jumps, int depth)
{
	BK_AUTO_STRV struct bk_strv hops = BK_STRV_INIT;

	bk_strv_split(&hops, jumps, ",");
	for (size_t i = 0; i < hops.n; i++) {
		BK_AUTO_FREE char *url = bk_asprintf("sftp://%s/", hops.v[i]);
		struct hostkey hop = HOSTKEY_INIT;
		struct lookup l = { .h = &hop };

		look_up(url, &l);
		if (i == 0 && l.jumps && depth < DEPTH_MAX)
			find_way(h, l.jumps, depth + 1);
		h->via = bk_realloc(h->via, h->nvia + 1, sizeof(*h->via));
		h->via[h->nvia++] = hop;
		lookup_free(&l);
	}
}

void hostkey_find(const char *url, struct hostkey *ret)
{
	struct lookup l = { .h = ret };

	look_up(url, &l);
	if (l.jumps)
		find_way(ret, l.jumps, 1);
	lookup_free(&l);
}

char *hostkey_jumps(const struct hostkey *h, size_t n)
{
	struct bk_buf b = BK_BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		const struct hostkey *v = &h->via[i];
		bool six = v->host && strchr(v->host, ':');

		if (v->host && v->port && v->user)
			bk_buf_addf(&b, "%s%s@%s%s%s:%s", b.len > 0 ? "," : "",
				    v->user, six ? "[" : "", v->host,
				    six ? "]" : "", v->port);
	}
	return b.len > 0 ? bk_buf_steal(&b) : NULL;
}

char *hostkey_command(const struct hostkey *h)
{
	BK_AUTO_FREE char *jumps = hostkey_jumps(h, h->nvia);
	struct bk_buf b = BK_BUF_INIT;

	if (!h->host || !h->port || !h->user)
		return NULL;
	bk_buf_adds(&b, "ssh ");
	if (h->proxy) {
		BK_AUTO_FREE char *option =
			bk_asprintf("ProxyCommand=%s", h->proxy);

		bk_buf_adds(&b, "-o ");
		bk_str_add_shell(&b, option);
		bk_buf_addc(&b, ' ');
	}
	if (jumps) {
		bk_buf_adds(&b, "-J ");
		bk_str_add_shell(&b, jumps);
		bk_buf_addc(&b, ' ');
	}
	bk_buf_adds(&b, "-p ");
	bk_str_add_shell(&b, h->port);
	bk_buf_adds(&b, " -l ");
	bk_str_add_shell(&b, h->user);
	bk_buf_addc(&b, ' ');
	bk_str_add_shell(&b, h->host);
	bk_buf_adds(&b, " -s sftp");
	return bk_buf_steal(&b);
}
