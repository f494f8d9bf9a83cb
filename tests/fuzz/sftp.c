/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-cold/sftp.c bin/bk-cold/wire.c */
#include "sftp.h"

#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUESTS = 8 };

/* What the callers do with a reply, by its type. */
static void take(const struct reply *r)
{
	struct wire w = r->body;
	struct wire_attrs a;
	const unsigned char *p;
	size_t n;

	p = wire_get_string(&w, &n);
	if (p && n > 0 && (p < r->body.p || p + n > r->body.p + r->body.len))
		abort();
	w = r->body;
	wire_get_attrs(&w, &a);
	if (w.bad && (a.has_size || a.has_mode || a.has_times))
		abort();
	if (w.len > r->body.len)
		abort();
	w = r->body;
	for (uint32_t k = wire_get_u32(&w); k > 0 && !w.bad; k--) {
		(void)wire_get_string(&w, &n);
		(void)wire_get_string(&w, &n);
		wire_get_attrs(&w, &a);
	}
}

static void on_reply(void *arg, const struct reply *r)
{
	int *replies = arg;

	if (++*replies > 1)
		abort();
	if (r)
		take(r);
}

static void feed(int fd, const void *data, size_t size)
{
	if (write(fd, data, size) != (ssize_t)size)
		abort();
}

/* Questions, and these bytes as the answers: each gets one, or none. */
static void talk(struct sftp *s, int *feeder, const uint8_t *data, size_t size)
{
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;
	int replies[REQUESTS] = { 0 };
	struct bk_err err;

	wire_text(&body, "x");
	for (int i = 0; i < REQUESTS; i++)
		sftp_send(s, FXP_LSTAT, &body, on_reply, &replies[i]);
	feed(*feeder, data, size);
	(void)close(*feeder);
	*feeder = -1;
	while (sftp_turn(s, 0, &err) == 0)
		;
	if (!sftp_is_dead(s) || !sftp_why(s))
		abort();
	for (int i = 0; i < REQUESTS; i++)
		if (replies[i] != 1)
			abort();
}

/*
 * What a server sends: where the first byte is odd all of it, from VERSION
 * on; else its answers.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char version[] = "\0\0\0\5\2\0\0\0\3";
	struct bk_err err;
	struct sftp *s;
	int in[2], out[2];
	bool all = size > 0 && (data[0] & 1);

	/* a pipe takes that much */
	if (size < 1 || size > 60000 || pipe(in) < 0 || pipe(out) < 0)
		return 0;
	if (all) {
		feed(in[1], data + 1, size - 1);
		(void)close(in[1]);
		in[1] = -1;
	} else {
		feed(in[1], version, sizeof(version) - 1);
	}
	s = sftp_new(in[0], out[1], 1000, &err);
	if (!s && !all)
		abort();
	if (!all)
		talk(s, &in[1], data + 1, size - 1);
	sftp_free(s);
	(void)close(out[0]);
	return 0;
}
