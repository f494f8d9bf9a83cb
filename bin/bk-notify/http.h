/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One HTTP request, by libcurl: certificates verified, proxies as the
 * environment has them, no redirect followed.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"
#include "secret.h"
#include "str.h"

#define HTTP_TIMEOUT_MS 30000

struct http_request {
	bool post;	   /* else GET */
	struct bk_buf url; /* may hold a secret */
	struct bk_strv headers;
	struct bk_buf body;
	const struct bk_secret *bearer; /* sent as Authorization, or NULL */
	const char *ca;			/* file of authorities, or NULL */
};

struct http_answer {
	long status;
	struct bk_buf body; /* the start of it */
	char *redirect;	    /* "https://host" where it leads to, or NULL */
};

/* Before the first request, while there is one thread; and at the end. */
void http_begin(void);
void http_end(void);

/*
 * Send it, and read the answer, whatever its status is. Messages hold names of
 * hosts, and nothing else of the URL. 75: no connection, no answer in time;
 * 77: the certificate is not trusted; 78: the URL or the file of authorities
 * is of no use.
 */
int http_do(const struct http_request *q, int timeout_ms,
	    struct http_answer *ret, struct bk_err *err);
void http_request_free(struct http_request *q);
void http_answer_free(struct http_answer *a);

#endif
