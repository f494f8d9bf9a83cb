/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A push monitor of Uptime Kuma, 1.23 to 2.5:
 *
 *   GET BASE/api/push/TOKEN?status=up|down&msg=TEXT&ping=MS
 *
 * It answers with 404 to all that it does not like, and with 200 and a page
 * where it was not set up yet: only {"ok":true} is success. 2.x tells people
 * before it answers, which takes its time.
 */
#include <jansson.h>

#include "monitor.h"
#include "rec.h"

#define PATH "/api/push"
/* 2.1 refuses what is more. */
#define PING_MAX INT64_C(99999999999)

static int request(const struct monitor *m, const struct message *msg,
		   struct http_request *ret, struct bk_err *err)
{
	struct bk_buf *url = &ret->url;

	monitor_add_url(m, url);
	if (strstr(url->p, PATH "/"))
		return bk_err_set(err, BK_EX_CONFIG, 0,
				  "url has something behind " PATH
				  "/; a token belongs into the key token");
	if (!bk_str_ends(url->p, PATH))
		bk_buf_adds(url, PATH);
	bk_buf_addc(url, '/');
	if (monitor_add_token(m, "", url, err) < 0)
		return -1;
	bk_buf_addf(url, "?status=%s&msg=", message_status(msg));
	monitor_add_encoded(url, msg->text, strlen(msg->text), "");
	bk_buf_adds(url, "&ping=");
	if (msg->ping >= 0)
		bk_buf_addf(url, "%lld",
			    (long long)(msg->ping < PING_MAX ? msg->ping
							     : PING_MAX));
	return 0;
}

static int judge(const struct http_answer *a, struct bk_err *err)
{
	BK_AUTO_JSON json_t *o =
		a->body.p ? json_loadb(a->body.p, a->body.len, 0, NULL) : NULL;
	const char *msg = bk_rec_str(o, "msg");

	if (a->status == 200 && bk_rec_bool(o, "ok", false))
		return 0;
	if (o && msg)
		return bk_err_set(err,
				  strstr(msg, "not found") ? BK_EX_NO
							   : BK_EX_TEMPFAIL,
				  0, "Uptime Kuma says: %s", msg);
	if (a->status == 200)
		return bk_err_set(err, BK_EX_NO, 0,
				  "it answers with a page: Uptime Kuma is not "
				  "set up there, or this is not its address");
	return monitor_refused(a, err);
}

const struct service service_kuma = {
	.name = "kuma",
	.heartbeat = true,
	.request = request,
	.judge = judge,
};
