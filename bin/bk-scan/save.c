/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writing the cache file: section by section, each from one more turn through
 * what is known, so that there is no second copy of it in memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cache.h"
#include "file.h"
#include "hash.h"
#include "mem.h"
#include "path.h"
#include "record.h"
#include "stamp.h"

struct writer {
	struct cache *cache;
	const struct walk *walk;
	struct image_head head;
	struct bk_buf out; /* of the section, not written so far */
	int fd;
	off_t pos;
	bool failed;
	bool full; /* too much for 32 bits */
	struct bk_buf strings, tops, marks;
	uint64_t names;
	uint32_t node;
	uint64_t now;
};

/* ---- bytes -------------------------------------------------------------------- */

static void flush(struct writer *w)
{
	const char *p = w->out.p;
	size_t left = w->out.len;

	while (left > 0 && !w->failed) {
		ssize_t n = pwrite(w->fd, p, left, w->pos);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			w->failed = true;
			break;
		}
		p += n;
		left -= (size_t)n;
		w->pos += n;
	}
	bk_buf_clear(&w->out);
}

static void end_section(struct writer *w, int section, const void *p,
			size_t len)
{
	w->head.count[section] = len / image_item[section];
	w->head.sum[section] = hash64(p, len, (uint64_t)section);
	if (len)
		bk_buf_add(&w->out, p, len);
	while (w->out.len % 8)
		bk_buf_addc(&w->out, '\0');
	flush(w);
}

static uint32_t add_string(struct writer *w, const char *s, size_t len)
{
	size_t at = w->strings.len;

	if (at + len + 1 >= UINT32_MAX)
		w->full = true;
	bk_buf_add(&w->strings, s, len);
	bk_buf_addc(&w->strings, '\0');
	return (uint32_t)at;
}

/* ---- what few have -------------------------------------------------------------- */

static void add_top(struct writer *w, const struct cache_at *at)
{
	const struct image *m = &w->cache->image;
	const struct node_more *more = at->more;
	const struct image_top *was =
		at->node ? NULL : image_top_of(m, at->old);
	struct image_top t = { .node = w->node };
	const char *fstype = NULL;

	if (was) {
		t.id = was->id;
		if (w->cache->tops) {
			t.gen = w->cache->tops[was - m->tops].gen;
			t.live = w->cache->tops[was - m->tops].live;
		}
		fstype = m->strings + was->fstype;
	} else if (more) {
		t.id = more->top.id;
		t.gen = more->top.gen;
		t.live = more->top.live;
		fstype = more->fstype;
	}
	if (fstype && *fstype)
		t.fstype = add_string(w, fstype, strlen(fstype));
	bk_buf_add(&w->tops, &t, sizeof(t));
}

static void add_mark(struct writer *w, int kind, const struct marker *m)
{
	struct image_mark k = {
		.ino = m->ino,
		.size = m->size,
		.ctime = m->ctime,
		.mtime = m->mtime,
		.node = w->node,
		.uid = m->uid,
		.kind = (uint16_t)kind,
		.mode = m->mode,
	};

	if (m->unread)
		k.flags |= MARK_UNREAD;
	if (m->big)
		k.flags |= MARK_BIG;
	if (is_racy(m->ctime, w->now))
		k.flags |= MARK_RACY;
	if (m->refused)
		k.refused = add_string(w, m->refused, strlen(m->refused));
	if (m->text.len) {
		k.text = add_string(w, m->text.p, m->text.len);
		k.len = (uint32_t)m->text.len;
	}
	bk_buf_add(&w->marks, &k, sizeof(k));
}

static void copy_marks(struct writer *w, uint32_t old)
{
	const struct image *m = &w->cache->image;

	for (uint32_t i = image_mark_at(m, old);
	     i < m->nmarks && m->marks[i].node == old; i++) {
		struct image_mark k = m->marks[i];

		k.node = w->node;
		if (k.refused)
			k.refused = add_string(w, m->strings + k.refused,
					       strlen(m->strings + k.refused));
		if (k.len)
			k.text = add_string(w, m->strings + k.text, k.len);
		bk_buf_add(&w->marks, &k, sizeof(k));
	}
}

static void add_marks(struct writer *w, const struct cache_at *at)
{
	const struct marker *m = at->more ? at->more->markers : NULL;

	if (!at->node)
		copy_marks(w, at->old);
	for (int i = 0; m && i < MARKERS; i++)
		if (m[i].present)
			add_mark(w, i, &m[i]);
}

/* ---- sections ------------------------------------------------------------------- */

static void add_rec(struct writer *w, const struct cache_at *at)
{
	struct image_rec r = at->rec;
	size_t len = strlen(at->name);

	r.depth = at->depth;
	if (at->depth == 0) {
		r.name = add_string(w, at->name, len);
	} else {
		r.name = (uint32_t)w->names;
		w->names += len + 1;
		w->full |= w->names >= UINT32_MAX;
	}
	if (r.flags & (NODE_TOP | NODE_CROSSED | NODE_MOUNT))
		add_top(w, at);
	if (r.marks && (r.flags & NODE_SCAN))
		add_marks(w, at);
	bk_buf_add(&w->out, &r, sizeof(r));
	w->node++;
	w->full |= w->node >= NO_NODE - 1;
}

static void add_name(struct writer *w, const struct cache_at *at)
{
	if (at->depth)
		bk_buf_add(&w->out, at->name, strlen(at->name) + 1);
}

/* A folder that was read again without sizes keeps the size that it had. */
static void add_bytes(struct writer *w, const struct cache_at *at)
{
	const struct image *m = &w->cache->image;
	uint64_t bytes = at->bytes;

	if (bytes == NO_SIZE && at->old != NO_NODE && m->bytes)
		bytes = m->bytes[at->old];
	if (bytes == NO_SIZE)
		bytes = 0;
	bk_buf_add(&w->out, &bytes, sizeof(bytes));
	if (at->node && at->bytes == NO_SIZE && !(at->rec.flags & NODE_CLOSED))
		w->head.unsized++;
}

/* The section is hashed as it goes: in one piece, for it is that in the file. */
static void turn(struct writer *w, int section,
		 void (*add)(struct writer *, const struct cache_at *))
{
	struct cache_iter it = { .cache = w->cache };
	struct hash h;
	struct cache_at at;
	uint64_t len = 0;

	hash_begin(&h, (uint64_t)section);
	while (cache_next(&it, &at) && !w->failed && !w->full) {
		add(w, &at);
		if (w->out.len < 64 << 10)
			continue;
		hash_add(&h, w->out.p, w->out.len);
		len += w->out.len;
		flush(w);
	}
	hash_add(&h, w->out.p, w->out.len);
	len += w->out.len;
	w->head.count[section] = len / image_item[section];
	w->head.sum[section] = hash_end(&h);
	while (len++ % 8)
		bk_buf_addc(&w->out, '\0');
	flush(w);
	cache_iter_free(&it);
}

static void write_sections(struct writer *w)
{
	bool sizes = w->walk->sizes || w->cache->image.bytes;

	w->pos = sizeof(w->head);
	bk_buf_addc(&w->strings, '\0');
	turn(w, SEC_RECS, add_rec);
	if (sizes)
		turn(w, SEC_BYTES, add_bytes);
	else
		end_section(w, SEC_BYTES, NULL, 0);
	end_section(w, SEC_TOPS, w->tops.p, w->tops.len);
	end_section(w, SEC_MARKS, w->marks.p, w->marks.len);
	turn(w, SEC_NAMES, add_name);
	end_section(w, SEC_STRINGS, w->strings.p, w->strings.len);
}

static int64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)stamp(t.tv_sec, (uint32_t)t.tv_nsec);
}

static void write_head(struct writer *w, const struct cache_key *key)
{
	struct image_head *h = &w->head;

	memcpy(h->magic, "BKSCAN\0\1", 8);
	h->order = 0x01020304;
	h->version = IMAGE_VERSION;
	h->head_size = sizeof(*h);
	h->rec_size = sizeof(struct image_rec);
	h->size = (uint64_t)w->pos;
	h->conf = key->conf;
	h->host = key->host;
	fsid_boot(h->boot);
	h->real = clock_ns(CLOCK_REALTIME);
	h->mono = clock_ns(CLOCK_BOOTTIME);
	h->head_sum =
		hash64(h, offsetof(struct image_head, head_sum), h->version);
	w->pos = 0;
	bk_buf_add(&w->out, h, sizeof(*h));
	flush(w);
}

/* ---- the file --------------------------------------------------------------------- */

/*
 * The file beside it, locked: whoever comes second leaves it to the first.
 * What a killed process left there is used anew. -1 with EWOULDBLOCK.
 */
static int open_new(const char *path)
{
	for (;;) {
		struct stat a, b;
		int fd = open(path,
			      O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
				      O_CLOEXEC,
			      0600);

		if (fd < 0)
			return -1;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			goto fail;
		if (fstat(fd, &a) == 0 && lstat(path, &b) == 0 &&
		    a.st_ino == b.st_ino && a.st_dev == b.st_dev) {
			if (S_ISREG(a.st_mode) && ftruncate(fd, 0) == 0 &&
			    fchmod(fd, 0600) == 0)
				return fd;
			goto fail;
		}
		/* it has got its final name meanwhile */
		close(fd);
		continue;
	fail:
		close(fd);
		return -1;
	}
}

/*
 * Not synced: after a crash of the machine the file may be cut short or hold
 * zeros, which its checksums tell, and the next scan is a full one.
 */
int cache_save(struct cache *c, const char *path, const struct cache_key *key,
	       const struct walk *walk, int64_t verified, struct bk_err *err)
{
	BK_AUTO_FREE char *tmp = bk_asprintf("%s.new", path);
	struct writer w = { .cache = c, .walk = walk };
	int result = 0;

	w.fd = open_new(tmp);
	if (w.fd < 0 && errno == EWOULDBLOCK)
		return 0;
	if (w.fd < 0)
		return bk_err_sys(err, "cannot make '%s'", tmp);
	/* markers were read after that */
	w.now = c->began;
	if (c->image.n) {
		w.head.sized = c->image.head->sized;
		w.head.unsized = c->image.head->unsized;
		w.head.whole = c->image.head->whole;
	} else {
		w.head.whole = (int64_t)(c->began / 1000000000);
	}
	if (walk->sizes) {
		w.head.sized = verified;
		w.head.unsized = 0;
	}
	write_sections(&w);
	write_head(&w, key);
	(void)futimens(w.fd, (struct timespec[2]){ { .tv_nsec = UTIME_OMIT },
						   { .tv_sec = verified } });
	if (w.full)
		result = bk_err_set(err, BK_EX_IOERR, 0,
				    "there are too many folders");
	else if (w.failed || rename(tmp, path) < 0)
		result = bk_err_sys(err, "cannot write '%s'", tmp);
	if (result < 0)
		(void)unlink(tmp);
	close(w.fd);
	bk_buf_free(&w.out);
	bk_buf_free(&w.strings);
	bk_buf_free(&w.tops);
	bk_buf_free(&w.marks);
	return result;
}
