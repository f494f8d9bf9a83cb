/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "history.h"

#include "log.h"
#include "rec.h"
#include "state.h"

void history_free(struct history *h)
{
	free(h->text);
	free(h->about);
	free(h->message);
	bk_strv_free(&h->causes);
	*h = HISTORY_INIT;
}

static void parse(struct history *h, const json_t *o)
{
	const char *status = bk_rec_str(o, "status");
	const char *text = bk_rec_str(o, "text");
	const char *about = bk_rec_str(o, "about");
	const char *message = bk_rec_str(o, "message");
	size_t i;
	const json_t *cause;

	h->reached = bk_rec_time(o, "reached", 0);
	h->exit = (int)bk_rec_int(o, "exit", 0);
	h->message = bk_strdup(message ? message : "");
	if (!status)
		return;
	h->known = true;
	h->up = strcmp(status, "up") == 0;
	h->text = bk_strdup(text ? text : "");
	h->about = about ? bk_strdup(about) : NULL;
	h->down_since = bk_rec_time(o, "down_since", 0);
	h->told_at = bk_rec_time(o, "told_at", 0);
	json_array_foreach(json_object_get(o, "causes"), i, cause)
		if (json_is_string(cause))
			bk_strv_add(&h->causes, json_string_value(cause));
}

void history_read(struct history *h, const char *monitor, int64_t now)
{
	BK_AUTO_FREE char *job = bk_asprintf("monitor %s", monitor);
	struct bk_err err;
	BK_AUTO_JSON json_t *o = bk_state_read("bk-notify", job, &err);

	*h = HISTORY_INIT;
	if (!o && err.exit != BK_EX_NOINPUT)
		bk_warning("monitor %s: what it was told last is not known: %s",
			   monitor, err.msg);
	if (o)
		parse(h, o);
	/* The clock went back: of when it was, nothing is known. */
	if (h->told_at > now)
		h->told_at = 0;
	if (h->down_since > now)
		h->down_since = now;
}

static void copy_causes(struct history *h, const struct message *m)
{
	bk_strv_free(&h->causes);
	for (size_t i = 0; i < m->causes.n; i++)
		bk_strv_add(&h->causes, m->causes.v[i]);
}

void history_take(struct history *h, const struct message *m)
{
	if (m->up)
		h->down_since = 0;
	else if (!h->known || h->up || !h->down_since)
		h->down_since = m->time;
	h->known = true;
	h->up = m->up;
	h->told_at = m->time;
	free(h->text);
	h->text = bk_strdup(m->text);
	free(h->about);
	h->about = m->about ? bk_strdup(m->about) : NULL;
	copy_causes(h, m);
}

void history_forget(struct history *h, const struct message *m)
{
	struct bk_strv both = BK_STRV_INIT;

	if (!h->known || h->up || m->up)
		return;
	for (size_t i = 0; i < h->causes.n; i++)
		if (bk_strv_has(&m->causes, h->causes.v[i]))
			bk_strv_add(&both, h->causes.v[i]);
	bk_strv_free(&h->causes);
	h->causes = both;
}

void history_unsure(struct history *h)
{
	h->known = true;
	h->up = false;
	bk_strv_free(&h->causes);
}

bool history_is_news(const struct history *h, const struct message *m,
		     uint64_t remind, int64_t now)
{
	if (m->up)
		return h->known && !h->up;
	if (!h->known || h->up)
		return true;
	for (size_t i = 0; i < m->causes.n; i++)
		if (!bk_strv_has(&h->causes, m->causes.v[i]))
			return true;
	return remind && now - h->told_at >= (int64_t)remind;
}

json_t *history_json(const struct history *h)
{
	json_t *o = json_object(), *causes;

	if (h->reached)
		bk_rec_set_time(o, "reached", h->reached);
	else
		(void)json_object_set_new(o, "reached", json_null());
	if (!h->known)
		return o;
	causes = json_array();
	bk_rec_set_str(o, "status", h->up ? "up" : "down");
	bk_rec_set_str(o, "text", h->text ? h->text : "");
	bk_rec_set_time(o, "told_at", h->told_at);
	if (h->about)
		bk_rec_set_str(o, "about", h->about);
	if (h->down_since)
		bk_rec_set_time(o, "down_since", h->down_since);
	for (size_t i = 0; i < h->causes.n; i++)
		(void)json_array_append_new(causes,
					    json_string(h->causes.v[i]));
	(void)json_object_set_new(o, "causes", causes);
	return o;
}
