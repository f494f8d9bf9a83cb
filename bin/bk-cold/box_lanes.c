/* SPDX-License-Identifier: GPL-3.0-or-later */
/* More than one sftp-server behind one connection. */
#include "box_sftp.h"

enum { SILENCE_MS = 120000, STOP_MS = 1000 };

static bool is_usable(const struct lane *l)
{
	return l->s && sftp_is_ready(l->s);
}

static void open_lane(struct sftpbox *b, struct lane *l)
{
	struct bk_err err;
	int in, out;

	if (ssh_sftp(b->ssh, &l->child, &err) < 0) {
		b->few = true;
		return;
	}
	in = l->child.out;
	out = l->child.in;
	l->child.in = l->child.out = -1;
	l->s = sftp_start(in, out, SILENCE_MS);
}

void lanes_open(struct sftpbox *b)
{
	if (b->few || b->lanes[0].s)
		return;
	for (size_t i = 0; i < LANES && !b->few; i++)
		open_lane(b, &b->lanes[i]);
}

struct lane *lanes_pick(struct sftpbox *b, size_t most)
{
	struct lane *best = NULL;

	for (size_t i = 0; i < LANES; i++) {
		struct lane *l = &b->lanes[i];

		if (is_usable(l) && (!best || l->opening < best->opening))
			best = l;
	}
	if (!best)
		best = &b->main;
	if (best->opening >= most || !sftp_may_send(best->s))
		return NULL;
	best->used = true;
	return best;
}

bool lanes_any(const struct sftpbox *b)
{
	for (size_t i = 0; i < LANES; i++)
		if (b->lanes[i].s)
			return true;
	return false;
}

size_t lanes_wait(struct sftpbox *b, struct pollfd *fds)
{
	size_t n = 0;

	for (size_t i = 0; i < LANES; i++)
		if (b->lanes[i].s)
			n += sftp_wait(b->lanes[i].s, fds + n);
	return n;
}

void lanes_kill(struct sftpbox *b)
{
	for (size_t i = 0; i < LANES; i++)
		if (b->lanes[i].s)
			sftp_kill(b->lanes[i].s);
}

static void close_lane(struct lane *l)
{
	sftp_free(l->s);
	if (l->child.pid)
		(void)bk_exec_stop(&l->child, STOP_MS);
	*l = (struct lane){ .child = BK_CHILD_INIT };
}

/* One that never came to be is no loss; with another, files are. */
void lanes_advance(struct sftpbox *b)
{
	for (size_t i = 0; i < LANES; i++) {
		struct lane *l = &b->lanes[i];

		if (!l->s)
			continue;
		sftp_advance(l->s);
		if (!sftp_is_dead(l->s))
			continue;
		b->few = true;
		if (l->used)
			b->b.lost = true;
		else
			close_lane(l);
	}
}

void lanes_close(struct sftpbox *b)
{
	lanes_kill(b);
	for (size_t i = 0; i < LANES; i++)
		close_lane(&b->lanes[i]);
	b->main = (struct lane){ .child = BK_CHILD_INIT };
}
