/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "http.h"

#include <curl/curl.h>
#include <stdio.h>

#include "sig.h"

#define BODY_LIMIT ((size_t)64 << 10)
#define CONNECT_TIMEOUT_MS 15000

struct transfer {
	CURL *curl;
	struct curl_slist *headers;
	char why[CURL_ERROR_SIZE];
};

void http_begin(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

void http_end(void)
{
	curl_global_cleanup();
}

void http_request_free(struct http_request *q)
{
	bk_buf_free(&q->url);
	bk_buf_free(&q->body);
	bk_strv_free(&q->headers);
	*q = (struct http_request){ 0 };
}

void http_answer_free(struct http_answer *a)
{
	bk_buf_free(&a->body);
	free(a->redirect);
	*a = (struct http_answer){ 0 };
}

static size_t take_body(char *p, size_t size, size_t n, void *arg)
{
	struct bk_buf *b = arg;

	if (b->len + size * n > BODY_LIMIT)
		return 0;
	bk_buf_add(b, p, size * n);
	return size * n;
}

/* libcurl asks at least once a second. */
static int is_stopped(void *arg, curl_off_t down_total, curl_off_t down,
		      curl_off_t up_total, curl_off_t up)
{
	(void)arg;
	(void)down_total;
	(void)down;
	(void)up_total;
	(void)up;
	return bk_sig_pending() != 0;
}

static void set_protocols(CURL *c)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	(void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	(void)curl_easy_setopt(c, CURLOPT_PROTOCOLS,
			       CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

static void set_trust(CURL *c, const char *ca)
{
	(void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	(void)curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	if (!ca)
		return;
	(void)curl_easy_setopt(c, CURLOPT_CAINFO, ca);
	(void)curl_easy_setopt(c, CURLOPT_CAPATH, NULL);
}

static void set_body(struct transfer *t, const struct http_request *q)
{
	CURL *c = t->curl;

	for (size_t i = 0; i < q->headers.n; i++)
		t->headers = curl_slist_append(t->headers, q->headers.v[i]);
	if (q->post) {
		/* No waiting for a "100 Continue" that few servers send. */
		t->headers = curl_slist_append(t->headers, "Expect:");
		(void)curl_easy_setopt(c, CURLOPT_POST, 1L);
		(void)curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE,
				       (long)q->body.len);
		(void)curl_easy_setopt(c, CURLOPT_POSTFIELDS,
				       q->body.p ? q->body.p : "");
	}
	(void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers);
	if (q->bearer) {
		(void)curl_easy_setopt(c, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
		(void)curl_easy_setopt(c, CURLOPT_XOAUTH2_BEARER, q->bearer->p);
	}
}

static void prepare(struct transfer *t, const struct http_request *q,
		    int timeout_ms, struct bk_buf *body)
{
	CURL *c = t->curl;
	long connect_ms = timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms
							  : CONNECT_TIMEOUT_MS;

	(void)curl_easy_setopt(c, CURLOPT_URL, q->url.p);
	(void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->why);
	(void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	(void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	(void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
	(void)curl_easy_setopt(c, CURLOPT_USERAGENT, "bk-notify/" BK_VERSION);
	(void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	(void)curl_easy_setopt(c, CURLOPT_WRITEDATA, body);
	(void)curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, is_stopped);
	set_protocols(c);
	set_trust(c, q->ca);
	set_body(t, q);
}

/* The place alone: behind it may stand a token. */
static char *redirect_of(CURL *c)
{
	const char *url = NULL;
	char *scheme = NULL, *host = NULL, *ret = NULL;
	CURLU *u;

	if (curl_easy_getinfo(c, CURLINFO_REDIRECT_URL, &url) != CURLE_OK ||
	    !url)
		return NULL;
	u = curl_url();
	if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		ret = bk_asprintf("%s://%s", scheme, host);
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(u);
	return ret;
}

static int set_error(const struct transfer *t, CURLcode code, int timeout_ms,
		     struct bk_err *err)
{
	const char *why = *t->why ? t->why : curl_easy_strerror(code);

	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "no answer within %d s", timeout_ms / 1000);
	case CURLE_ABORTED_BY_CALLBACK:
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "it was stopped by a signal");
	case CURLE_PEER_FAILED_VERIFICATION:
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "%s; the key ca can name its authority", why);
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return bk_err_set(err, BK_EX_CONFIG, 0, "%s", why);
	default:
		return bk_err_set(err, BK_EX_TEMPFAIL, 0, "%s", why);
	}
}

int http_do(const struct http_request *q, int timeout_ms,
	    struct http_answer *ret, struct bk_err *err)
{
	struct transfer t = { .curl = curl_easy_init() };
	struct http_answer a = { 0 };
	CURLcode code;
	int got = 0;

	if (!t.curl)
		return bk_err_set(err, BK_EX_OSERR, 0, "libcurl does not work");
	prepare(&t, q, timeout_ms, &a.body);
	code = curl_easy_perform(t.curl);
	(void)curl_easy_getinfo(t.curl, CURLINFO_RESPONSE_CODE, &a.status);
	/* A body that is too long was an answer all the same. */
	if (code != CURLE_OK && code != CURLE_WRITE_ERROR)
		got = set_error(&t, code, timeout_ms, err);
	else
		a.redirect = redirect_of(t.curl);
	curl_slist_free_all(t.headers);
	curl_easy_cleanup(t.curl);
	if (got < 0)
		http_answer_free(&a);
	else
		*ret = a;
	return got;
}
