/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "message.h"

#include "rec.h"
#include "time.h"

#define DOTS "..."

void message_init(struct message *m, bool up, char *text)
{
	*m = (struct message){
		.time = bk_time_now(), .up = up, .text = text, .ping = -1
	};
}

void message_free(struct message *m)
{
	free(m->text);
	free(m->about);
	bk_strv_free(&m->causes);
	*m = (struct message){ .ping = -1 };
}

const char *message_status(const struct message *m)
{
	return m->up ? "up" : "down";
}

/* The length to which s is cut so that no character is cut in two. */
static size_t boundary(const char *s, size_t most)
{
	while (most > 0 && ((unsigned char)s[most] & 0xc0) == 0x80)
		most--;
	return most;
}

char *message_text(const char *s, const char *tail)
{
	struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_BUF struct bk_buf end = BK_BUF_INIT;
	size_t room;

	bk_buf_adds(&b, "");
	bk_buf_adds(&end, "");
	bk_str_add_term(&b, s);
	bk_str_add_term(&end, tail);
	room = MESSAGE_BYTES - (end.len < 100 ? end.len : 100);
	if (b.len > room) {
		b.len = boundary(b.p, room - strlen(DOTS));
		bk_buf_adds(&b, DOTS);
	}
	bk_buf_add(&b, end.p, boundary(end.p, MESSAGE_BYTES - room));
	return bk_buf_steal(&b);
}

json_t *message_json(const struct message *m)
{
	json_t *o = json_object(), *causes = json_array();

	bk_rec_set_int(o, "v", 1);
	bk_rec_set_time(o, "time", m->time);
	bk_rec_set_str(o, "status", message_status(m));
	bk_rec_set_str(o, "text", m->text);
	if (m->about)
		bk_rec_set_str(o, "about", m->about);
	for (size_t i = 0; i < m->causes.n; i++)
		(void)json_array_append_new(causes,
					    json_string(m->causes.v[i]));
	(void)json_object_set_new(o, "causes", causes);
	if (m->ping >= 0)
		bk_rec_set_int(o, "ping", m->ping);
	return o;
}

int message_parse(const json_t *o, struct message *ret, struct bk_err *err)
{
	const char *status = bk_rec_str(o, "status");
	const char *text = bk_rec_str(o, "text");
	const char *about = bk_rec_str(o, "about");
	int64_t time = bk_rec_time(o, "time", 0);
	size_t i;
	const json_t *cause;

	if (bk_rec_int(o, "v", -1) != 1 || !status || !text || !time)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "it is no message of version 1");
	message_init(ret, strcmp(status, "up") == 0, message_text(text, ""));
	ret->time = time;
	ret->about = about ? bk_strdup(about) : NULL;
	ret->ping = bk_rec_int(o, "ping", -1);
	json_array_foreach(json_object_get(o, "causes"), i, cause)
		if (json_is_string(cause))
			bk_strv_add(&ret->causes, json_string_value(cause));
	return 0;
}
