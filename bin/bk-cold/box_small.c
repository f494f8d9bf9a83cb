/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Small files from a box behind ssh: many are opened, read and closed at the
 * same time, so that each costs its bytes and not the way there and back.
 */
#include "box_sftp.h"
#include "sig.h"

enum { OPEN_MAX = 64 }; /* files that are open there at a time */

struct little {
	struct box_small *v;
	struct box *b;
	struct bk_buf handle;
	uint64_t asked;	 /* bytes */
	size_t flying;	 /* requests without their reply */
	bool begun, bad; /* bad: not as it should be, or no answer */
	bool closed;
};

/* A READ, and where its data belong. */
struct read_at {
	struct little *l;
	uint64_t offset;
	size_t n;
};

static void on_handle(void *arg, const struct reply *r)
{
	struct little *l = arg;
	const unsigned char *p;
	struct wire w;
	size_t n;

	l->flying--;
	if (!r || r->type != FXP_HANDLE) {
		l->bad = true;
		return;
	}
	w = r->body;
	p = wire_get_string(&w, &n);
	if (w.bad || n == 0 || n > 256)
		l->bad = true;
	else
		bk_buf_add(&l->handle, p, n);
}

/* One that is shorter than asked for is for box_get() to ask again. */
static void on_piece(void *arg, const struct reply *r)
{
	struct read_at *at = arg;
	struct little *l = at->l;
	const unsigned char *p;
	struct wire w;
	size_t n = 0;

	l->flying--;
	if (r && r->type == FXP_DATA) {
		w = r->body;
		p = wire_get_string(&w, &n);
		if (!w.bad && n == at->n)
			memcpy(l->v->data.p + at->offset, p, n);
		else
			n = 0;
	}
	if (n == 0)
		l->bad = true;
	free(at);
}

static void begin(struct little *l)
{
	BK_AUTO_FREE char *path = sftpbox_path(l->b, l->v->name);
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;

	l->begun = true;
	if (l->v->size > BOX_SMALL_MAX) {
		l->bad = l->closed = true;
		return;
	}
	bk_buf_reserve(&l->v->data, (size_t)l->v->size);
	wire_text(&body, path);
	wire_u32(&body, FXF_READ);
	wire_no_attrs(&body);
	l->flying++;
	sftp_send(sftpbox(l->b)->s, FXP_OPEN, &body, on_handle, l);
}

static void ask(struct little *l)
{
	struct sftp *s = sftpbox(l->b)->s;

	while (l->asked < l->v->size && sftp_may_send(s)) {
		BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;
		struct read_at *at = bk_malloc(sizeof(*at));
		uint64_t left = l->v->size - l->asked;
		size_t most = sftp_read_max(s);

		*at = (struct read_at){ l, l->asked,
					left < most ? (size_t)left : most };
		wire_string(&body, l->handle.p, l->handle.len);
		wire_u64(&body, at->offset);
		wire_u32(&body, (uint32_t)at->n);
		l->asked += at->n;
		l->flying++;
		sftp_send(s, FXP_READ, &body, on_piece, at);
	}
}

static void end(struct little *l)
{
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;

	l->closed = true;
	if (l->handle.len > 0 && !sftp_is_dead(sftpbox(l->b)->s)) {
		wire_string(&body, l->handle.p, l->handle.len);
		sftp_send(sftpbox(l->b)->s, FXP_CLOSE, &body, NULL, NULL);
	}
	if (l->bad)
		return;
	l->v->data.len = (size_t)l->v->size;
	l->v->data.p[l->v->data.len] = '\0';
	l->v->got = true;
}

/* What can be asked now; how many are not over. */
static size_t turn_all(struct little *all, size_t n)
{
	size_t open = 0;

	for (size_t i = 0; i < n && open < OPEN_MAX; i++) {
		struct little *l = &all[i];

		if (l->closed)
			continue;
		if (!l->begun && sftp_may_send(sftpbox(l->b)->s))
			begin(l);
		if (!l->bad && l->handle.len > 0)
			ask(l);
		if (l->flying == 0 && l->begun &&
		    (l->bad || l->asked == l->v->size))
			end(l);
		if (!l->closed)
			open++;
	}
	return open;
}

int sftp_box_get_small(struct box *b, struct box_small *v, size_t n,
		       struct bk_err *err)
{
	struct sftp *s = sftpbox(b)->s;
	struct little *all;
	int got = 0;

	if (b->lost || !s)
		return sftpbox_lost(b, err);
	all = bk_calloc(n, sizeof(*all));
	for (size_t i = 0; i < n; i++) {
		v[i].got = false;
		all[i].v = &v[i];
		all[i].b = b;
	}
	while (got == 0 && turn_all(all, n) > 0)
		if (sftp_turn(s, 500, err) < 0)
			got = bk_sig_pending() ? -1 : sftpbox_lost(b, err);
	/* the replies of all that was asked for write into these */
	if (got < 0)
		sftp_kill(s);
	for (size_t i = 0; i < n; i++)
		bk_buf_free(&all[i].handle);
	free(all);
	return got;
}
