/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any program that takes JSON: POST URL, and any status 2xx is success.
 */
#include "monitor.h"
#include "rec.h"

static int request(const struct monitor *m, const struct message *msg,
		   struct http_request *ret, struct bk_err *err)
{
	BK_AUTO_JSON json_t *o = message_json(msg);
	char *text;

	bk_rec_set_str(o, "host", m->host);
	bk_rec_set_str(o, "monitor", m->name);
	text = json_dumps(o, JSON_COMPACT);
	if (!text)
		return bk_err_set(err, BK_EX_SOFTWARE, 0,
				  "cannot encode the message");
	bk_buf_adds(&ret->url, bk_conf_str(m->section, "url", ""));
	ret->post = true;
	bk_strv_add(&ret->headers, "Content-Type: application/json");
	bk_buf_adds(&ret->body, text);
	free(text);
	return monitor_bearer(m, ret, err);
}

static int judge(const struct http_answer *a, struct bk_err *err)
{
	return a->status >= 200 && a->status < 300 ? 0
						   : monitor_refused(a, err);
}

const struct service service_webhook = {
	.name = "webhook",
	.private = true,
	.request = request,
	.judge = judge,
};
