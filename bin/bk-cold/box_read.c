/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading from a box behind ssh, and proofs there. */
#include <stdio.h>

#include "box_sftp.h"
#include "digest.h"
#include "sig.h"

/* Requests in flight, each with a piece of the file. */
enum { READS = 32, BATCH = 400 };

struct piece {
	bool asked, over;
	int type;
	uint32_t status;
	struct bk_buf data;
	size_t wanted;
};

struct getting {
	struct box *b;
	const char *name;
	struct bk_buf handle;
	uint64_t size, asked, got;
	struct piece v[READS];
	size_t head; /* the piece whose turn it is */
};

static void on_data(void *arg, const struct reply *r)
{
	struct piece *p = arg;
	const unsigned char *data;
	struct wire w;
	size_t n;

	p->over = true;
	p->type = 0;
	if (!r)
		return;
	p->type = r->type;
	p->status = r->status;
	if (r->type != FXP_DATA)
		return;
	w = r->body;
	data = wire_get_string(&w, &n);
	if (w.bad || n == 0 || n > p->wanted)
		p->type = FXP_VERSION; /* nonsense */
	else
		bk_buf_add(&p->data, data, n);
}

static void ask(struct getting *g, struct piece *p, uint64_t offset, size_t n)
{
	BK_AUTO_BUF struct bk_buf body = BK_BUF_INIT;

	wire_string(&body, g->handle.p, g->handle.len);
	wire_u64(&body, offset);
	wire_u32(&body, (uint32_t)n);
	p->asked = true;
	p->over = false;
	p->wanted = n;
	sftp_send(sftpbox(g->b)->s, FXP_READ, &body, on_data, p);
}

static void ask_more(struct getting *g)
{
	struct sftp *s = sftpbox(g->b)->s;
	size_t most = sftp_read_max(s);

	for (size_t i = 0; i < READS; i++) {
		struct piece *p = &g->v[(g->head + i) % READS];
		uint64_t left = g->size - g->asked;

		if (p->asked)
			continue;
		if (left == 0 || !sftp_may_send(s))
			return;
		bk_buf_clear(&p->data);
		ask(g, p, g->asked, left < most ? (size_t)left : most);
		g->asked += p->wanted;
	}
}

/* The piece whose turn it is has come: a short one is asked for again. */
static int take(struct getting *g,
		int (*sink)(void *arg, const void *p, size_t n,
			    struct bk_err *err),
		void *arg, struct bk_err *err)
{
	struct piece *p = &g->v[g->head];

	if (p->type == FXP_STATUS && p->status == FX_EOF)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "box %s: '%s' is shorter than it should be",
				  g->b->name, g->name);
	if (p->type != FXP_DATA)
		return sftpbox_fail(g->b,
				    p->type == FXP_STATUS ? p->status : FX_OK,
				    "read", g->name, err);
	if (sink(arg, p->data.p, p->data.len, err) < 0)
		return -1;
	g->got += p->data.len;
	if (p->data.len < p->wanted) {
		size_t left = p->wanted - p->data.len;

		bk_buf_clear(&p->data);
		ask(g, p, g->got, left);
		return 0;
	}
	p->asked = false;
	g->head = (g->head + 1) % READS;
	return 0;
}

/* The replies of all that was asked for write into *g. */
static void settle(struct getting *g)
{
	struct sftp *s = sftpbox(g->b)->s;
	struct bk_err ignored;

	for (size_t i = 0; i < READS; i++) {
		struct piece *p = &g->v[i];

		while (p->asked && !p->over && !sftp_is_dead(s))
			if (sftp_turn(s, 500, &ignored) < 0 && bk_sig_pending())
				sftp_kill(s);
		bk_buf_free(&p->data);
	}
}

static int get_all(struct getting *g,
		   int (*sink)(void *arg, const void *p, size_t n,
			       struct bk_err *err),
		   void *arg, struct bk_err *err)
{
	struct sftp *s = sftpbox(g->b)->s;

	while (g->got < g->size) {
		struct piece *p = &g->v[g->head];

		ask_more(g);
		if (p->asked && p->over) {
			if (take(g, sink, arg, err) < 0)
				return -1;
			continue;
		}
		if (sftp_turn(s, 500, err) < 0)
			return bk_sig_pending() ? -1 : sftpbox_lost(g->b, err);
	}
	return 0;
}

int sftp_box_get(struct box *b, const char *name, uint64_t size,
		 int (*sink)(void *arg, const void *p, size_t n,
			     struct bk_err *err),
		 void *arg, struct bk_err *err)
{
	BK_AUTO_FREE struct getting *g = bk_calloc(1, sizeof(*g));
	struct box_stat st;
	struct bk_err ignored;
	int got = b->ops->stat(b, name, &st, err);

	if (got < 0)
		return -1;
	if (got == 0)
		return sftpbox_fail(b, FX_NO_SUCH_FILE, "read", name, err);
	if (st.type != 'f' || st.size != size)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "box %s: '%s' has not the size that it "
				  "should have",
				  b->name, name);
	g->b = b;
	g->name = name;
	g->size = size;
	if (sftpbox_open(b, name, FXF_READ, &g->handle, err) < 0)
		return -1;
	got = get_all(g, sink, arg, err);
	settle(g);
	if (!b->lost)
		(void)sftpbox_close(b, &g->handle, &ignored);
	bk_buf_free(&g->handle);
	return got;
}

/* Proofs. */

static int add(void *arg, const void *p, size_t n, struct bk_err *err)
{
	return bk_digest_add(arg, p, n, err);
}

static void unknown(struct box_hash *h, const char *why)
{
	h->found = BOX_UNKNOWN;
	(void)snprintf(h->why, sizeof(h->why), "%.199s", why);
}

/* -1 only where the box is lost. */
static int hash_here(struct box *b, struct box_hash *h, struct bk_err *err)
{
	struct box_stat st;
	EVP_MD_CTX *md;
	int got = b->ops->stat(b, h->name, &st, err);

	if (got < 0 && (b->lost || bk_sig_pending()))
		return -1;
	if (got < 0) {
		unknown(h, err->msg);
		return 0;
	}
	h->found = BOX_ABSENT;
	if (got == 0)
		return 0;
	md = bk_digest_new(err);
	if (!md)
		return -1;
	if (sftp_box_get(b, h->name, st.size, add, md, err) < 0) {
		EVP_MD_CTX_free(md);
		unknown(h, err->msg);
		return b->lost || bk_sig_pending() ? -1 : 0;
	}
	if (bk_digest_end(md, h->sha256, err) < 0)
		return -1;
	h->found = BOX_HASHED;
	return 0;
}

/* Run one command to its end; SFTP stays alive meanwhile. */
static int run(struct sftpbox *x, struct hash_run *r, struct bk_err *err)
{
	while (!hash_advance(r)) {
		struct pollfd fds[4];
		size_t n = hash_wait(r, fds);

		fds[n++] = (struct pollfd){ .fd = ssh_fd(x->ssh),
					    .events = POLLIN };
		fds[n++] =
			(struct pollfd){ .fd = bk_sig_fd(), .events = POLLIN };
		(void)poll(fds, (nfds_t)n, 1000);
		ssh_drain(x->ssh);
		if (bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "it was stopped");
	}
	return hash_ended(r) == HASH_LOST ? sftpbox_lost(&x->b, err) : 0;
}

/* No good answer about one file: it may be gone, in other words than ours. */
static int explain(struct sftpbox *x, struct box_hash *h, const char *said,
		   struct bk_err *err)
{
	struct box_stat st;
	int got = x->b.ops->stat(&x->b, h->name, &st, err);

	if (got < 0 && (x->b.lost || bk_sig_pending()))
		return -1;
	h->found = BOX_ABSENT;
	if (got == 0)
		return 0;
	unknown(h, *said ? said : "sha256sum said nothing");
	return 1;
}

/*
 * The first n of v in one command. 0: each has what it has; 1: the answer
 * makes no sense; -1.
 */
static int hash_some(struct sftpbox *x, struct box_hash *v, size_t n,
		     struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv paths = BK_STRV_INIT;
	BK_AUTO(bk_auto_free_) char *said = NULL;
	struct hash_run *r;
	uint64_t bytes = 0;
	bool all = true;
	int got;

	for (size_t i = 0; i < n; i++) {
		bk_strv_take(&paths, sftpbox_path(&x->b, v[i].name));
		bytes += v[i].size;
	}
	r = hash_start(x->ssh, &paths, bytes, err);
	if (!r)
		return sftpbox_lost(&x->b, err);
	got = run(x, r, err);
	for (size_t i = 0; got == 0 && i < n; i++) {
		v[i].found = hash_sum(r, i)->found;
		memcpy(v[i].sha256, hash_sum(r, i)->sha256, 65);
		all = all && v[i].found != BOX_UNKNOWN;
	}
	if (got == 0 && hash_ended(r) == HASH_DONE)
		x->shell = SHELL_HASHES;
	else if (got == 0 &&
		 (hash_ended(r) == HASH_BUSY || x->shell == SHELL_UNKNOWN))
		x->shell = SHELL_NONE;
	said = bk_strdup(hash_said(r));
	hash_free(r);
	if (got < 0)
		return -1;
	if (!all && n == 1)
		return explain(x, v, said, err);
	return !all;
}

/* How many of v go into one command. */
static size_t batch(const struct sftpbox *x, const struct box_hash *v, size_t n)
{
	size_t line = 0, k = 0;

	while (k < n && k < BATCH) {
		line += strlen(x->b.at.path) + strlen(v[k].name) + 2;
		if (k > 0 && line > hash_line_max(x->ssh))
			break;
		k++;
	}
	return k;
}

/* Where the many gave no good answer, one after the other may. */
static int hash_batch(struct sftpbox *x, struct box_hash *v, size_t n,
		      bool read_back, struct bk_err *err)
{
	int got = 1;

	if (!read_back && x->shell != SHELL_NONE)
		got = hash_some(x, v, n, err);
	if (got <= 0)
		return got;
	for (size_t i = 0; i < n; i++) {
		if (read_back || x->shell == SHELL_NONE)
			got = hash_here(&x->b, &v[i], err);
		else if (n > 1)
			got = hash_some(x, &v[i], 1, err);
		if (got < 0)
			return -1;
	}
	return 0;
}

int sftp_box_hash(struct box *b, struct box_hash *v, size_t n, bool read_back,
		  void (*done)(void *arg, const struct box_hash *h), void *arg,
		  struct bk_err *err)
{
	struct sftpbox *x = sftpbox(b);
	size_t k;

	if (b->lost)
		return sftpbox_lost(b, err);
	for (size_t i = 0; i < n; i += k) {
		k = read_back || x->shell == SHELL_NONE
			    ? 1
			    : batch(x, v + i, n - i);
		if (hash_batch(x, v + i, k, read_back, err) < 0)
			return -1;
		for (size_t j = i; done && j < i + k; j++)
			done(arg, &v[j]);
	}
	return 0;
}

bool sftp_box_hashes_there(struct box *b)
{
	struct sftpbox *x = sftpbox(b);
	struct box_hash h = { .name = BOX_ID_FILE };
	struct bk_err err;

	if (x->shell == SHELL_UNKNOWN && !b->lost)
		(void)hash_some(x, &h, 1, &err);
	return x->shell == SHELL_HASHES;
}
