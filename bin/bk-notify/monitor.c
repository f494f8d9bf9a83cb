/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "monitor.h"

static const struct service *const services[] = {
	&service_kuma,
	&service_healthchecks,
	&service_ntfy,
	&service_webhook,
};

void monitor_init(struct monitor *m, const struct bk_conf_section *s,
		  const char *host)
{
	const char *type = bk_conf_str(s, "type", "kuma");

	*m = (struct monitor){ .name = s->name, .section = s, .host = host };
	for (size_t i = 0; i < BK_COUNT(services); i++)
		if (strcmp(services[i]->name, type) == 0)
			m->service = services[i];
}

void monitor_resolve(struct monitor *m, struct bk_resolve *r)
{
	if (!bk_conf_value(m->section, "token", NULL))
		return;
	m->token = bk_resolve_get(r, m->section, "token", &m->token_err);
	if (m->token)
		m->token_err = (struct bk_err){ 0 };
}

bool monitor_has_jobs(const struct monitor *m)
{
	const struct bk_conf_value *v =
		bk_conf_value(m->section, "watch", NULL);

	return !v || strcmp(v->value, "none") != 0 ||
	       bk_conf_value(m->section, "watch", v);
}

void monitor_add_url(const struct monitor *m, struct bk_buf *b)
{
	const char *url = bk_conf_str(m->section, "url", "");
	size_t n = strlen(url);

	while (n > 0 && url[n - 1] == '/')
		n--;
	bk_buf_add(b, url, n);
}

static bool is_plain(unsigned char c, const char *keep)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || (c && strchr("-._~*", c)) ||
	       (c && strchr(keep, c));
}

void monitor_add_encoded(struct bk_buf *b, const char *p, size_t len,
			 const char *keep)
{
	for (size_t i = 0; i < len; i++)
		if (is_plain((unsigned char)p[i], keep))
			bk_buf_addc(b, p[i]);
		else
			bk_buf_addf(b, "%%%02X", (unsigned char)p[i]);
}

int monitor_add_token(const struct monitor *m, const char *keep,
		      struct bk_buf *b, struct bk_err *err)
{
	if (!m->token || m->token->len == 0)
		return bk_err_set(err, BK_EX_CONFIG, 0, "the token is empty");
	if (bk_str_starts(m->token->p, "http://") ||
	    bk_str_starts(m->token->p, "https://"))
		return bk_err_set(err, BK_EX_CONFIG, 0,
				  "the token is a whole address; only its "
				  "last part is the token");
	monitor_add_encoded(b, m->token->p, m->token->len, keep);
	return 0;
}

int monitor_bearer(const struct monitor *m, struct http_request *q,
		   struct bk_err *err)
{
	if (!m->token)
		return 0;
	for (size_t i = 0; i < m->token->len; i++)
		if ((unsigned char)m->token->p[i] <= ' ' ||
		    (unsigned char)m->token->p[i] >= 0x7f)
			return bk_err_set(err, BK_EX_CONFIG, 0,
					  "the token has bytes that no bearer "
					  "token has");
	q->bearer = m->token;
	return 0;
}

int monitor_refused(const struct http_answer *a, struct bk_err *err)
{
	switch (a->status) {
	case 400:
	case 413:
	case 414:
	case 422:
	case 431:
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "it refuses the message (%ld)", a->status);
	case 401:
	case 403:
		return bk_err_set(err, BK_EX_NO, 0,
				  "it refuses the token (%ld)", a->status);
	case 404:
	case 410:
		return bk_err_set(err, BK_EX_NO, 0,
				  "nothing is at this address (%ld)",
				  a->status);
	default:
		break;
	}
	if (a->status >= 300 && a->status < 400)
		return bk_err_set(err, BK_EX_NO, 0,
				  "it redirects to %s (%ld); url must be the "
				  "address itself",
				  a->redirect ? a->redirect : "nowhere",
				  a->status);
	return bk_err_set(err,
			  a->status == 408 || a->status == 429 ||
					  a->status >= 500
				  ? BK_EX_TEMPFAIL
				  : BK_EX_NO,
			  0, "it answered with status %ld", a->status);
}

static char *replace(const char *text, const char *what)
{
	struct bk_buf b = BK_BUF_INIT;
	size_t n = strlen(what);
	const char *found;

	bk_buf_adds(&b, "");
	while (n > 0 && (found = strstr(text, what))) {
		bk_buf_add(&b, text, (size_t)(found - text));
		bk_buf_adds(&b, "***");
		text = found + n;
	}
	bk_buf_adds(&b, text);
	return bk_buf_steal(&b);
}

static const char *path_of(const char *url)
{
	const char *host = strstr(url, "://");

	return host ? strchrnul(host + 3, '/') : "";
}

char *monitor_mask(const struct monitor *m, const char *text)
{
	BK_AUTO_BUF struct bk_buf encoded = BK_BUF_INIT;
	BK_AUTO_FREE char *masked = NULL, *more = NULL;
	const char *path = path_of(bk_conf_str(m->section, "url", ""));

	bk_buf_adds(&encoded, "");
	if (m->token)
		monitor_add_encoded(&encoded, m->token->p, m->token->len, "");
	masked = replace(text, m->token ? m->token->p : "");
	more = replace(masked, encoded.p);
	return replace(more,
		       m->service->private && path[0] && path[1] ? path : "");
}

char *monitor_mask_url(const struct monitor *m, const char *url)
{
	const char *path = path_of(url), *host = strstr(url, "://");
	const char *at =
		host ? memrchr(host, '@', (size_t)(path - host)) : NULL;
	const char *start = at ? at + 1 : host ? host + 3 : url;

	return bk_asprintf("%.*s%.*s%s", host ? (int)(host + 3 - url) : 0, url,
			   (int)(path - start), start,
			   m->service->private ? "/***" : path);
}
