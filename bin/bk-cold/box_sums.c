/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What uploads brought to a box behind ssh is hashed there, that of many by
 * one command; where the box cannot, it is read back.
 */
#include "box_sums.h"

#include "time.h"

enum {
	BATCH_MAX = 400,
	BATCH_GOOD = 200, /* worth a command of its own, as are */
	BUSY_MAX = 8,	  /* then it is read back */
	REST_MS = 250,
	WAIT_MS = 1000, /* those that have waited for so long */
};
/* So many bytes are worth one, too: what is hashed early is proved early. */
#define BATCH_BYTES ((uint64_t)4 << 20)

struct sendlist {
	struct upload *v[BATCH_MAX];
	size_t n;
};

/* What came for many may be of one that has none: that is asked by itself. */
static void no_sum(struct upload *u, const char *said)
{
	struct to_sum *s = sending_sum(u);

	if (s->alone)
		sending_no_sum(u, said);
	s->alone = true;
}

static void end_run(struct sftpbox *b, size_t i)
{
	struct hash_run *r = b->runs[i];
	struct sendlist *l = b->hashing[i];
	enum hash_end how = hash_ended(r);

	if (how == HASH_BUSY && lanes_any(b))
		how = HASH_LOST; /* again, without them */
	b->busy = how == HASH_BUSY ? b->busy + 1 : 0;
	if (how == HASH_LOST)
		b->b.lost = b->few = true;
	else if (how == HASH_BUSY && b->busy < BUSY_MAX)
		b->rest = bk_time_mono_ms() + REST_MS; /* the last one ends */
	else if (how == HASH_BUSY ||
		 (how == HASH_NONE && b->shell == SHELL_UNKNOWN))
		b->shell = SHELL_NONE;
	else if (how == HASH_DONE)
		b->shell = SHELL_HASHES;
	for (size_t k = 0; k < l->n; k++) {
		struct upload *u = l->v[k];
		const struct hash_sum *sum = hash_sum(r, k);

		sending_sum(u)->running = false;
		if (how == HASH_LOST || how == HASH_BUSY ||
		    b->shell == SHELL_NONE)
			continue;
		if (sum->found == BOX_HASHED)
			sending_take_sum(u, sum->sha256);
		else
			no_sum(u, hash_said(r));
	}
	hash_free(r);
	free(l);
	b->runs[i] = NULL;
	b->hashing[i] = NULL;
}

/*
 * A command costs as much as hundreds of small files: while others are on
 * their way it waits for more.
 */
static bool is_worth_a_run(const struct sftpbox *b)
{
	int64_t now = bk_time_mono_ms();
	size_t n = 0, coming = 0;
	uint64_t bytes = 0;

	if (now < b->rest)
		return false;
	for (struct upload *u = b->b.uploads; u; u = u->next) {
		struct to_sum *s = sending_sum(u);

		if (!sending_wants_sum(u)) {
			coming += sending_is_coming(u);
			continue;
		}
		n++;
		bytes += u->size;
		if (s->alone || n >= BATCH_GOOD || bytes >= BATCH_BYTES)
			return true;
		if (!s->due)
			s->due = now + WAIT_MS;
		else if (now >= s->due)
			return true;
	}
	return n > 0 && coming == 0;
}

static bool start_run(struct sftpbox *b, size_t i)
{
	BK_AUTO_STRV struct bk_strv paths = BK_STRV_INIT;
	struct sendlist *l = bk_calloc(1, sizeof(*l));
	uint64_t bytes = 0;
	size_t line = 0;
	struct bk_err err;

	for (struct upload *u = b->b.uploads; u && l->n < BATCH_MAX;
	     u = u->next) {
		bool alone = sending_sum(u)->alone;
		char *path;

		if (!sending_wants_sum(u) || (alone && l->n > 0))
			continue;
		path = sftpbox_path(&b->b, sending_sum_name(u));
		line += strlen(path) + 1;
		if (l->n > 0 && line > hash_line_max(b->ssh)) {
			free(path);
			break;
		}
		bk_strv_take(&paths, path);
		l->v[l->n++] = u;
		bytes += u->size;
		if (alone)
			break;
	}
	b->runs[i] = l->n ? hash_start(b->ssh, &paths, bytes, &err) : NULL;
	if (!b->runs[i]) {
		if (l->n)
			b->b.lost = true;
		free(l);
		return false;
	}
	for (size_t k = 0; k < l->n; k++)
		sending_sum(l->v[k])->running = true;
	b->hashing[i] = l;
	return true;
}

static struct upload *first_to_read(const struct sftpbox *b)
{
	struct upload *u = b->b.uploads;

	while (u && !sending_wants_sum(u))
		u = u->next;
	return u;
}

/* Without sha256sum there: by reading what arrived. */
static void read_back(struct sftpbox *b)
{
	struct upload *u;

	/* each time from the start: the list may be another one by then */
	while ((u = first_to_read(b))) {
		struct box_hash h = { .name = sending_sum_name(u),
				      .size = u->size };
		struct bk_err err;

		if (sftp_box_hash(&b->b, &h, 1, true, NULL, NULL, &err) < 0)
			return;
		if (h.found == BOX_HASHED)
			sending_take_sum(u, h.sha256);
		else
			sending_no_sum(u, h.found == BOX_ABSENT ? "it is gone"
								: h.why);
	}
}

void sums_ask(struct sftpbox *b)
{
	/* one at first: it tells whether there may be more */
	size_t n = b->shell == SHELL_UNKNOWN || b->few ? 1 : HASH_RUNS;

	if (b->shell == SHELL_NONE) {
		read_back(b);
		return;
	}
	for (size_t i = 0; !b->b.lost && i < n; i++)
		if (!b->runs[i] && (!is_worth_a_run(b) || !start_run(b, i)))
			break;
}

void sums_take(struct sftpbox *b)
{
	for (size_t i = 0; !b->b.lost && i < HASH_RUNS; i++)
		if (b->runs[i] && hash_advance(b->runs[i]))
			end_run(b, i);
}

size_t sums_wait(const struct sftpbox *b, struct pollfd *fds)
{
	size_t n = 0;

	for (size_t i = 0; i < HASH_RUNS; i++)
		if (b->runs[i])
			n += hash_wait(b->runs[i], fds + n);
	return n;
}

void sftp_box_stop(struct box *b)
{
	struct sftpbox *x = sftpbox(b);

	for (size_t i = 0; i < HASH_RUNS; i++) {
		hash_free(x->runs[i]);
		free(x->hashing[i]);
		x->runs[i] = NULL;
		x->hashing[i] = NULL;
	}
}
