/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "log.h"
#include "notify.h"

void targets_add(struct notify *n, const struct bk_conf_section *s,
		 struct targets *t)
{
	struct delivery *d;

	t->v = bk_realloc(t->v, t->n + 1, sizeof(*t->v));
	d = &t->v[t->n++];
	*d = (struct delivery){ .message = { .ping = -1 } };
	monitor_init(&d->monitor, s, n->conf->host);
}

static bool has(const struct targets *t, const struct bk_conf_section *s)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].monitor.section == s)
			return true;
	return false;
}

int targets_find(struct notify *n, char *const *args, struct targets *ret)
{
	const struct bk_conf_section *s = NULL;

	for (; *args; args++) {
		s = bk_conf_find(n->conf, "monitor", *args);
		if (!s) {
			bk_error("there is no [monitor %s] in the "
				 "configuration%s",
				 *args,
				 n->broken ? " that can be understood" : "");
			return BK_EX_NOINPUT;
		}
		if (!has(ret, s))
			targets_add(n, s, ret);
	}
	if (s)
		return BK_EX_OK;
	while ((s = bk_conf_next(n->conf, "monitor", s)))
		targets_add(n, s, ret);
	return BK_EX_OK;
}

void targets_free(struct targets *t)
{
	for (size_t i = 0; i < t->n; i++)
		delivery_free(&t->v[i]);
	free(t->v);
	*t = TARGETS_INIT;
}

void targets_deliver(struct notify *n, struct targets *t,
		     const struct deliver_how *how)
{
	for (size_t i = 0; i < t->n; i++)
		if (bk_conf_value(t->v[i].monitor.section, "token", NULL))
			bk_resolve_want(&n->secrets, t->v[i].monitor.section,
					"token");
	for (size_t i = 0; i < t->n; i++)
		monitor_resolve(&t->v[i].monitor, &n->secrets);
	deliver(t->v, t->n, how);
}

static const char *result_name(enum deliver_result r)
{
	static const char *const names[] = {
		[DELIVER_NOTHING] = "unchanged",
		[DELIVER_DONE] = "delivered",
		[DELIVER_KEPT] = "kept",
		[DELIVER_LOST] = "lost",
	};

	return names[r];
}

static void say(const struct delivery *d)
{
	const char *name = d->monitor.name;

	if (d->result == DELIVER_LOST)
		bk_error("monitor %s: not delivered: %s", name, d->err.msg);
	else if (d->result == DELIVER_KEPT)
		bk_warning("monitor %s: not delivered, kept for later: %s",
			   name, d->err.msg);
}

static void put(struct bk_rec *out, const struct delivery *d)
{
	const struct message *m = &d->message;
	json_t *o;

	if (out->mode != BK_REC_JSON) {
		bk_rec_text(out, d->monitor.name,
			    m->text ? message_status(m) : "-",
			    result_name(d->result), m->text ? m->text : "",
			    NULL);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "monitor", d->monitor.name);
	bk_rec_set_str(o, "result", result_name(d->result));
	if (m->text) {
		bk_rec_set_str(o, "status", message_status(m));
		bk_rec_set_str(o, "message", m->text);
	}
	if (m->ping >= 0)
		bk_rec_set_int(o, "ping", m->ping);
	if (d->err.exit && d->result >= DELIVER_KEPT)
		bk_rec_set_str(o, "reason", d->err.msg);
	bk_rec_json(out, "push", o);
}

/* A request as it would be sent, but for its token. */
static void put_request(struct bk_rec *out, const struct delivery *d)
{
	struct monitor m = d->monitor;
	struct bk_secret stars = { .p = (char[]){ "***" }, .len = 3 };
	BK_AUTO(http_request_free) struct http_request q = { 0 };
	BK_AUTO_FREE char *url = NULL;
	struct bk_err err;
	json_t *o;

	m.token = bk_conf_value(m.section, "token", NULL) ? &stars : NULL;
	if (!d->message.text)
		return;
	if (m.service->request(&m, &d->message, &q, &err) < 0) {
		bk_error("monitor %s: %s", m.name, err.msg);
		return;
	}
	url = monitor_mask_url(&m, q.url.p);
	if (out->mode != BK_REC_JSON) {
		bk_rec_text(out, m.name, message_status(&d->message),
			    q.post ? "POST" : "GET", url,
			    q.body.p ? q.body.p : "", NULL);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "monitor", m.name);
	bk_rec_set_str(o, "status", message_status(&d->message));
	bk_rec_set_str(o, "method", q.post ? "POST" : "GET");
	bk_rec_set_str(o, "url", url);
	bk_rec_set_str(o, "body", q.body.p ? q.body.p : "");
	bk_rec_json(out, "request", o);
}

void targets_report(struct notify *n, const struct targets *t,
		    struct bk_rec *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct delivery *d = &t->v[i];

		say(d);
		if (n->cli.dry_run && d->monitor.token_err.exit)
			bk_error("monitor %s: %s", d->monitor.name,
				 d->monitor.token_err.msg);
		if (out && n->cli.dry_run)
			put_request(out, d);
		else if (out)
			put(out, d);
	}
}

int targets_status(const struct targets *t)
{
	int status = BK_EX_OK;

	for (size_t i = 0; i < t->n; i++) {
		const struct delivery *d = &t->v[i];
		bool later = d->err.exit == BK_EX_TEMPFAIL;

		if (d->result < DELIVER_KEPT)
			continue;
		if (status == BK_EX_OK && later)
			status = BK_EX_TEMPFAIL;
		else if (!later)
			status = BK_EX_NO;
	}
	return status;
}

bool compose_given(struct delivery *d, const struct history *h, void *arg)
{
	(void)d;
	(void)h;
	(void)arg;
	return true;
}
