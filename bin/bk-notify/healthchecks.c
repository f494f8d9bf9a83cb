/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A check of healthchecks.io, or of one's own:
 *
 *   POST BASE/UUID[/start|/fail][?rid=UUID]     the text is the body
 *
 * The token may be PING-KEY/SLUG, too. Some releases answer an unknown check
 * with 200 and "OK (not found)".
 */
#include "monitor.h"

static int request(const struct monitor *m, const struct message *msg,
		   struct http_request *ret, struct bk_err *err)
{
	const char *end = msg->up ? "" : "/fail";

	monitor_add_url(m, &ret->url);
	bk_buf_addc(&ret->url, '/');
	if (monitor_add_token(m, "/", &ret->url, err) < 0)
		return -1;
	bk_buf_adds(&ret->url, msg->start ? "/start" : end);
	if (*msg->rid)
		bk_buf_addf(&ret->url, "?rid=%s", msg->rid);
	ret->post = true;
	bk_strv_add(&ret->headers, "Content-Type: text/plain; charset=utf-8");
	bk_buf_adds(&ret->body, msg->text);
	return 0;
}

static int judge(const struct http_answer *a, struct bk_err *err)
{
	const char *body = a->body.p ? a->body.p : "";

	if (a->status != 200 && a->status != 201)
		return monitor_refused(a, err);
	if (strcmp(body, "OK") == 0 || strcmp(body, "OK\n") == 0 ||
	    strcmp(body, "Created") == 0)
		return 0;
	if (bk_str_starts(body, "OK (rate"))
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "it takes no more for now (rate limit)");
	if (bk_str_starts(body, "OK ("))
		return bk_err_set(err, BK_EX_NO, 0, "it knows no such check");
	return bk_err_set(err, BK_EX_NO, 0,
			  "what it answers is not from healthchecks");
}

const struct service service_healthchecks = {
	.name = "healthchecks",
	.heartbeat = true,
	.starts = true,
	.request = request,
	.judge = judge,
};
