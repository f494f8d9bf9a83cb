/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A [monitor NAME] of the configuration, and the service behind it.
 */
#ifndef MONITOR_H
#define MONITOR_H

#include "conf.h"
#include "http.h"
#include "message.h"
#include "resolve.h"

struct service;

struct monitor {
	const char *name;
	const struct bk_conf_section *section;
	const struct service *service;
	const char *host;	       /* of ours */
	const struct bk_secret *token; /* NULL: none */
	struct bk_err token_err;       /* exit not 0: it could not be had */
};

/* A kind of service. Nothing of the token stands in its messages. */
struct service {
	const char *name;
	bool heartbeat; /* is told all the time; else of changes alone */
	bool starts;	/* can be told that work begins */
	bool private;	/* its address is a secret, but for the host */
	/* Fill *ret; 78 where the token, or the url, is none. */
	int (*request)(const struct monitor *m, const struct message *msg,
		       struct http_request *ret, struct bk_err *err);
	/*
	 * Was the message taken? -1 if not: 75 the same may be taken later, 65
	 * never, this message; 1 it will not be until something is put right.
	 */
	int (*judge)(const struct http_answer *a, struct bk_err *err);
};

extern const struct service service_kuma;
extern const struct service service_healthchecks;
extern const struct service service_ntfy;
extern const struct service service_webhook;

void monitor_init(struct monitor *m, const struct bk_conf_section *s,
		  const char *host);
/* Get its token, or note why there is none. */
void monitor_resolve(struct monitor *m, struct bk_resolve *r);

/* Does it hear of jobs, or only what push and run tell it? */
bool monitor_has_jobs(const struct monitor *m);

/* What request and judge share: */

/* Append the url without slashes at its end. */
void monitor_add_url(const struct monitor *m, struct bk_buf *b);
/* Append the token, percent-encoded but for what is in keep. */
int monitor_add_token(const struct monitor *m, const char *keep,
		      struct bk_buf *b, struct bk_err *err);
void monitor_add_encoded(struct bk_buf *b, const char *p, size_t len,
			 const char *keep);
/* For headers: the token has no byte that ends one. */
int monitor_bearer(const struct monitor *m, struct http_request *q,
		   struct bk_err *err);
/* What a status other than that of success means. Always -1. */
int monitor_refused(const struct http_answer *a, struct bk_err *err);

/*
 * Copies in which "***" stands for what is secret: of what a service says
 * (the token, as it is and encoded; an address), and of an address. The
 * caller frees them.
 */
char *monitor_mask(const struct monitor *m, const char *text);
char *monitor_mask_url(const struct monitor *m, const char *url);

#endif
