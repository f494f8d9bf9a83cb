/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "digest.h"
#include "get.h"
#include "log.h"
#include "sig.h"

/* Lost connections in a row, nothing coming between them. */
enum { LOSSES_MAX = 4, HOLE = 4096 };

/* A file that comes. */
struct flow {
	struct supplies *s;
	int fd;
	bool sparse;
	bool own; /* what failed is here, not the box */
	uint64_t n;
	EVP_MD_CTX *md;
	struct age_open *open; /* where it is encrypted */
};

static bool is_zero(const char *p, size_t n)
{
	return n == 0 || (*p == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static int write_at(int fd, const char *p, size_t n, uint64_t at)
{
	while (n > 0) {
		ssize_t done = pwrite(fd, p, n, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		p += done;
		n -= (size_t)done;
		at += (uint64_t)done;
	}
	return 0;
}

/* Blocks of zeros are left out where the file had holes. */
static int write_sparse(const struct flow *f, const char *p, size_t n)
{
	uint64_t at = f->n;

	while (n > 0) {
		size_t len = HOLE - (size_t)(at % HOLE);

		if (len > n)
			len = n;
		if (!is_zero(p, len) && write_at(f->fd, p, len, at) < 0)
			return -1;
		p += len;
		n -= len;
		at += len;
	}
	return 0;
}

static int flow_add(void *arg, const void *p, size_t n, struct bk_err *err)
{
	struct flow *f = arg;
	int got =
		f->sparse ? write_sparse(f, p, n) : write_at(f->fd, p, n, f->n);

	if (got < 0) {
		f->own = true;
		return bk_err_set(err, BK_EX_IOERR, errno, "cannot write");
	}
	if (bk_digest_add(f->md, p, n, err) < 0) {
		f->own = true;
		return -1;
	}
	f->n += n;
	f->s->on_bytes(f->s->arg, f->n);
	return 0;
}

static int flow_open(void *arg, const void *p, size_t n, struct bk_err *err)
{
	const struct flow *f = arg;

	return age_open_add(f->open, p, n, err);
}

/* What lies there as it is, or encrypted. */
static int flow_begin(struct flow *f, const struct sealed *sealed,
		      struct bk_err *err)
{
	f->md = bk_digest_new(err);
	if (f->md && sealed->sha256[0])
		f->open = age_open_new(&f->s->ids, flow_add, f, err);
	return f->md && (f->open || !sealed->sha256[0]) ? 0 : -1;
}

static void flow_free(struct flow *f)
{
	EVP_MD_CTX_free(f->md);
	age_open_free(f->open);
}

/* A hole at the end is made by the size. */
static int flow_end(struct flow *f, const struct wish *w, struct bk_err *err)
{
	EVP_MD_CTX *md = f->md;
	char sum[65];

	if (f->open && age_open_end(f->open, err) < 0)
		return -1;
	f->md = NULL;
	if (bk_digest_end(md, sum, err) < 0) {
		f->own = true;
		return -1;
	}
	if (strcmp(sum, w->entry.sha256) != 0)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "what came has another SHA-256: %.16s..., "
				  "not %.16s...",
				  sum, w->entry.sha256);
	if (ftruncate(f->fd, (off_t)f->n) == 0)
		return 0;
	f->own = true;
	return bk_err_set(err, BK_EX_IOERR, errno, "cannot write");
}

/* 0; 1: not from this box, err says why; -1: from none, the fault is here. */
static int fetch(struct supplies *s, struct box *box, const struct supply *sup,
		 const struct wish *w, int fd, struct bk_err *err)
{
	bool sealed = sup->sealed.sha256[0];
	struct flow f = { .s = s, .fd = fd, .sparse = w->entry.meta.sparse };
	int got;

	if (ftruncate(fd, 0) < 0)
		return bk_err_sys(err, "cannot write");
	got = flow_begin(&f, &sup->sealed, err);
	f.own = got < 0;
	if (got == 0 && sealed)
		got = box_get(box, sup->object, sup->sealed.size, flow_open, &f,
			      err);
	else if (got == 0)
		got = box_get(box, sup->object, w->entry.meta.size, flow_add,
			      &f, err);
	if (got == 0)
		got = flow_end(&f, w, err);
	flow_free(&f);
	if (got < 0 && !f.own)
		return 1;
	return got;
}

/* ---- boxes ----------------------------------------------------------------- */

static void refuse(struct supplier *from, const struct bk_err *err)
{
	from->refused = true;
	from->err = *err;
	box_close(from->box);
	from->box = NULL;
}

static int connect_box(struct supplies *s, int id, struct bk_err *err)
{
	CATALOG_AUTO struct catalog *cat = NULL;
	struct supplier *from = &s->v[id];

	if (from->box)
		return 0;
	if (from->refused) {
		*err = from->err;
		return -1;
	}
	cat = catalog_open(false, 0, err);
	if (!cat)
		return -1;
	from->away = false;
	from->box = cold_open_box(s->c, cat, s->names->v[id], NULL, err);
	if (from->box)
		return 0;
	if (bk_sig_pending())
		return -1;
	bk_warning("%s", err->msg);
	if (err->exit == BK_EX_TEMPFAIL && from->losses < LOSSES_MAX)
		from->away = true;
	else
		refuse(from, err);
	return -1;
}

/* Longer and longer; -1 where a signal came. */
static int pause_after(struct supplier *from)
{
	static const int pauses[LOSSES_MAX] = { 1, 2, 5, 10 };
	struct pollfd stop = { .fd = bk_sig_fd(), .events = POLLIN };

	(void)poll(&stop, 1, pauses[from->losses] * 1000);
	from->losses++;
	return bk_sig_pending() ? -1 : 0;
}

/* -1 where it is over. */
static int reconnect(struct supplies *s, int id, struct bk_err *err)
{
	struct supplier *from = &s->v[id];

	while (from->losses < LOSSES_MAX) {
		bk_warning("%s; it is tried again", err->msg);
		if (pause_after(from) < 0)
			return -1;
		if (box_reopen(from->box, err) == 0)
			return 0;
		if (err->exit != BK_EX_TEMPFAIL)
			break;
	}
	bk_warning("%s", err->msg);
	refuse(from, err);
	return -1;
}

/* As fetch(). */
static int try_box(struct supplies *s, const struct supply *sup,
		   const struct wish *w, int fd, struct bk_err *err)
{
	struct supplier *from = &s->v[sup->box];
	int got;

	if (connect_box(s, sup->box, err) < 0)
		return 1;
	for (;;) {
		got = fetch(s, from->box, sup, w, fd, err);
		if (got == 0)
			from->losses = 0;
		if (got <= 0 || bk_sig_pending())
			return got;
		if (err->exit != BK_EX_TEMPFAIL)
			break;
		if (reconnect(s, sup->box, err) < 0)
			return 1;
	}
	bk_warning("%s: box %s: %s: %s", w->entry.path, s->names->v[sup->box],
		   sup->object, err->msg);
	if (err->exit == BK_EX_NOINPUT || err->exit == BK_EX_DATAERR)
		from->wrong = true;
	return 1;
}

/* Not tried yet, of a box that is connected before others; or NULL. */
static const struct supply *choose(const struct supplies *s,
				   const struct wish *w, boxset tried)
{
	const struct supply *other = NULL;

	for (size_t i = 0; i < w->nsupplies; i++) {
		const struct supply *sup = &w->supplies[i];

		if (tried & BOXSET(sup->box))
			continue;
		if (s->v[sup->box].box)
			return sup;
		if (!other)
			other = sup;
	}
	return other;
}

static const struct supply *supply_on(const struct wish *w, int box)
{
	for (size_t i = 0; i < w->nsupplies; i++)
		if (w->supplies[i].box == box)
			return &w->supplies[i];
	return NULL;
}

void supplies_ahead(struct supplies *s, struct wish *const *v, size_t n)
{
	const struct supply *first = n ? choose(s, v[0], 0) : NULL;
	BK_AUTO_FREE struct box_small *small = bk_calloc(n, sizeof(*small));
	BK_AUTO_FREE struct wish **whose = bk_calloc(n, sizeof(*whose));
	struct bk_err err;
	size_t k = 0;

	if (!first || connect_box(s, first->box, &err) < 0)
		return;
	for (size_t i = 0; i < n; i++) {
		const struct supply *sup = supply_on(v[i], first->box);
		bool sealed = sup && sup->sealed.sha256[0];

		/* encrypted it may be too long for that */
		if (!sup || (sealed && sup->sealed.size > BOX_SMALL_MAX))
			continue;
		small[k].name = sup->object;
		small[k].size =
			sealed ? sup->sealed.size : v[i]->entry.meta.size;
		whose[k++] = v[i];
	}
	/* where it is lost, the next one that is asked for finds out */
	(void)box_get_small(s->v[first->box].box, small, k, &err);
	for (size_t i = 0; i < k; i++) {
		if (!small[i].got) {
			bk_buf_free(&small[i].data);
			continue;
		}
		whose[i]->data = small[i].data;
		whose[i]->came = first->box;
	}
}

/* What came before its turn: 0 it is right and in fd; 1 it is not; -1. */
static int take_data(struct supplies *s, const struct wish *w, int fd,
		     struct bk_err *err)
{
	struct flow f = { .s = s, .fd = fd, .sparse = w->entry.meta.sparse };
	const struct supply *sup = supply_on(w, w->came);
	const char *p = w->data.p ? w->data.p : "";
	int got = flow_begin(&f, &sup->sealed, err);

	if (got < 0)
		f.own = true;
	else if (f.open)
		got = age_open_add(f.open, p, w->data.len, err);
	else
		got = flow_add(&f, p, w->data.len, err);
	if (got == 0)
		got = flow_end(&f, w, err);
	flow_free(&f);
	return got < 0 && !f.own ? 1 : got;
}

/* No box has it now; is there one that may have it after a while? */
static bool wait_for_one(struct supplies *s, const struct wish *w)
{
	for (size_t i = 0; i < w->nsupplies; i++) {
		struct supplier *from = &s->v[w->supplies[i].box];

		if (from->away && from->losses < LOSSES_MAX)
			return pause_after(from) == 0;
	}
	return false;
}

int supplies_fetch(struct supplies *s, const struct wish *w, int fd,
		   const char **ret_box, struct bk_err *err)
{
	const struct supply *sup;
	boxset tried = 0;

	if (w->came) {
		int got = take_data(s, w, fd, err);

		*ret_box = s->names->v[w->came];
		if (got <= 0)
			return got;
	}
	do {
		tried = 0;
		while ((sup = choose(s, w, tried))) {
			int got = try_box(s, sup, w, fd, err);

			if (got == 0)
				*ret_box = s->names->v[sup->box];
			if (got <= 0 || bk_sig_pending())
				return got == 0 ? 0 : -1;
			tried |= BOXSET(sup->box);
		}
	} while (wait_for_one(s, w));
	return -1;
}

bool supplies_over(const struct supplies *s, boxset boxes)
{
	for (int id = 1; id <= CATALOG_BOXES_MAX; id++)
		if ((boxes & BOXSET(id)) && !s->v[id].refused)
			return false;
	return true;
}

void supplies_free(struct supplies *s)
{
	for (size_t i = 0; i < BK_COUNT(s->v); i++)
		box_close(s->v[i].box);
	age_identities_free(&s->ids);
}
