/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "url.h"

#include "str.h"

#define HIDDEN "***"

/* Where the password begins and ends, or NULL. */
static const char *find_password(const char *url, const char **ret_end)
{
	size_t n = strcspn(url, " \t\"'\n");
	const char *at = memrchr(url, '@', n), *slashes = strstr(url, "://");
	const char *start = url, *colon;

	if (!at)
		return NULL;
	if (slashes && slashes < at)
		start = slashes + 3;
	else if (bk_str_starts(url, "sftp:"))
		start = url + strlen("sftp:");
	colon = memchr(start, ':', (size_t)(at - start));
	if (!colon || memchr(start, '/', (size_t)(colon - start)))
		return NULL;
	*ret_end = at;
	return colon + 1;
}

bool url_has_password(const char *url)
{
	const char *end;

	return find_password(url, &end) != NULL;
}

char *url_hide_password(const char *text)
{
	struct bk_buf b = BK_BUF_INIT;
	const char *word = text, *secret, *end;

	bk_buf_adds(&b, "");
	while (*word) {
		size_t n = strcspn(word, " \t\"'\n");

		secret = strcspn(word, ":") < n ? find_password(word, &end)
						: NULL;
		if (secret) {
			bk_buf_add(&b, word, (size_t)(secret - word));
			bk_buf_adds(&b, HIDDEN);
			bk_buf_add(&b, end, n - (size_t)(end - word));
		} else {
			bk_buf_add(&b, word, n);
		}
		word += n;
		if (*word)
			bk_buf_addc(&b, *word++);
	}
	return bk_buf_steal(&b);
}

static bool is_secret_name(const char *name, size_t n)
{
	static const char *const words[] = { "password", "secret", "token",
					     "pass",	 "key",	   "auth" };
	BK_AUTO_FREE char *copy = bk_memdup(name, n);

	for (size_t i = 0; i < BK_COUNT(words); i++)
		if (strcasestr(copy, words[i]))
			return true;
	return false;
}

/* The topic of ntfy and the path of a webhook are all that protects them. */
static char *show_monitor(const char *url)
{
	BK_AUTO_FREE char *hidden = url_hide_password(url);
	const char *host = strstr(hidden, "://");
	size_t n = host ? strcspn(host + 3, "/") + 3 : 0;
	const char *path = host ? host + n : hidden;

	if (strlen(path) < 2 || strcmp(path, "/api/push") == 0 ||
	    strcmp(path, "/api/push/") == 0)
		return bk_strdup(hidden);
	return bk_asprintf("%.*s/" HIDDEN, (int)(path - hidden), hidden);
}

char *url_show_value(const char *kind, const char *url)
{
	return strcmp(kind, "monitor") == 0 ? show_monitor(url)
					    : url_hide_password(url);
}

char *url_show(const struct bk_conf_section *s, const struct bk_conf_value *v)
{
	size_t n = strcspn(v->value, "=");

	if (strcmp(v->key, "url") == 0)
		return url_show_value(s->kind, v->value);
	if (strcmp(v->key, "option") == 0 && is_secret_name(v->value, n))
		return bk_asprintf("%.*s=" HIDDEN, (int)n, v->value);
	return bk_strdup(v->value);
}
