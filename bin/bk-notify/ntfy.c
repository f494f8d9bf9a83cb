/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A topic of ntfy: POST URL, the text is the body, the rest are headers. It
 * answers with the message as JSON.
 */
#include <jansson.h>

#include "monitor.h"
#include "rec.h"

static int request(const struct monitor *m, const struct message *msg,
		   struct http_request *ret, struct bk_err *err)
{
	monitor_add_url(m, &ret->url);
	ret->post = true;
	bk_strv_addf(&ret->headers, "Title: backups of %s: %s", m->host,
		     message_status(msg));
	bk_strv_addf(&ret->headers, "Priority: %s",
		     msg->up ? "default" : "high");
	bk_strv_addf(&ret->headers, "Tags: %s",
		     msg->up ? "white_check_mark" : "warning");
	bk_strv_add(&ret->headers, "Content-Type: text/plain; charset=utf-8");
	bk_buf_adds(&ret->body, msg->text);
	return monitor_bearer(m, ret, err);
}

static int judge(const struct http_answer *a, struct bk_err *err)
{
	BK_AUTO_JSON json_t *o = NULL;

	if (a->status != 200)
		return monitor_refused(a, err);
	if (a->body.p)
		o = json_loadb(a->body.p, a->body.len, 0, NULL);
	if (bk_rec_str(o, "id"))
		return 0;
	return bk_err_set(err, BK_EX_NO, 0, "what it answers is not from ntfy");
}

const struct service service_ntfy = {
	.name = "ntfy",
	.private = true,
	.request = request,
	.judge = judge,
};
