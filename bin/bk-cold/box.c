/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

#include "box_impl.h"
#include "file.h"
#include "lock.h"
#include "sig.h"

enum { CONNECTIONS = 4, LOCK_MS = 30000, PAUSE_MS = 200 };

/*
 * A place among those that this host may have there: all that is done with a
 * box goes through one connection.
 */
static int take_place(const struct bk_conf_section *s, struct bk_err *err)
{
	uint64_t places = bk_conf_u64(s, "connections", CONNECTIONS);
	int waited = 0;

	for (;;) {
		for (uint64_t i = 0; i < places; i++) {
			BK_AUTO_FREE char *name = bk_asprintf(
				"box-%s.%llu", s->name, (unsigned long long)i);
			int fd = bk_lock_take(name, 0, err);

			if (fd >= 0 || err->exit != BK_EX_TEMPFAIL)
				return fd;
		}
		if (waited >= LOCK_MS || bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "box %s: all connections that this "
					  "host may have are in use",
					  s->name);
		(void)poll(NULL, 0, PAUSE_MS);
		waited += PAUSE_MS;
	}
}

struct box *box_open(const struct bk_conf_section *s, struct bk_err *err)
{
	bool dir = strncmp(bk_conf_str(s, "url", ""), "dir:", 4) == 0;
	const struct box_ops *ops = dir ? &box_dir_ops : &box_sftp_ops;
	BK_AUTO_CLOSE int place = dir ? -1 : take_place(s, err);
	struct box *b;

	if (!dir && place < 0)
		return NULL;
	b = ops->open(s, err);
	if (!b)
		return NULL;
	b->ops = ops;
	b->name = bk_strdup(s->name);
	b->place = place;
	b->read_only = bk_conf_bool(s, "read-only", false);
	place = -1;
	return b;
}

static void upload_free(struct upload *u)
{
	u->box->ops->discard(u);
	free(u->name);
	free(u->temp);
	free(u);
}

void box_close(struct box *b)
{
	if (!b)
		return;
	b->ops->close(b);
	while (b->uploads) {
		struct upload *u = b->uploads;

		b->uploads = u->next;
		upload_free(u);
	}
	if (b->place >= 0)
		(void)close(b->place);
	bk_remote_free(&b->at);
	free(b->name);
	free(b->peer);
	free(b->prefix);
	free(b);
}

int box_reopen(struct box *b, struct bk_err *err)
{
	return b->ops->reopen(b, err);
}

const char *box_name(const struct box *b)
{
	return b->name;
}

const char *box_peer(const struct box *b)
{
	return b->peer;
}

const char *box_prefix(const struct box *b)
{
	return b->prefix;
}

bool box_is_dir(const struct box *b)
{
	return b->ops == &box_dir_ops;
}

bool box_is_lost(const struct box *b)
{
	return b->lost;
}

bool box_hashes_there(struct box *b)
{
	return b->ops->hashes_there(b);
}

int box_stat(struct box *b, const char *name, struct box_stat *ret,
	     struct bk_err *err)
{
	return b->ops->stat(b, name, ret, err);
}

int box_space(struct box *b, uint64_t *ret_free, uint64_t *ret_total,
	      struct bk_err *err)
{
	return b->ops->space(b, ret_free, ret_total, err);
}

bool box_is_read_only(const struct box *b)
{
	return b->read_only;
}

static int check_writable(const struct box *b, struct bk_err *err)
{
	return b->read_only ? box_refuse(b->name, err) : 0;
}

int box_refuse(const char *name, struct bk_err *err)
{
	return bk_err_set(err, BK_EX_NOPERM, 0,
			  "[box %s] is read-only: this host writes nothing "
			  "there",
			  name);
}

int box_mkdirs(struct box *b, const char *name, struct bk_err *err)
{
	if (check_writable(b, err) < 0)
		return -1;
	return b->ops->mkdirs(b, name, err);
}

int box_list(struct box *b, const char *dir,
	     int (*each)(void *arg, const char *name,
			 const struct box_stat *st),
	     void *arg, struct bk_err *err)
{
	return b->ops->list(b, dir, each, arg, err);
}

static int keep(void *arg, const void *p, size_t n, struct bk_err *err)
{
	(void)err;
	bk_buf_add(arg, p, n);
	return 0;
}

int box_read(struct box *b, const char *name, size_t limit, struct bk_buf *ret,
	     struct bk_err *err)
{
	struct box_stat st;
	int got = b->ops->stat(b, name, &st, err);

	if (got < 0)
		return -1;
	if (got == 0)
		return bk_err_set(err, BK_EX_NOINPUT, 0,
				  "box %s: there is no '%s'", b->name, name);
	if (st.type != 'f' || st.size > limit)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "box %s: '%s' is no file, or too large",
				  b->name, name);
	return b->ops->get(b, name, st.size, keep, ret, err);
}

int box_get(struct box *b, const char *name, uint64_t size,
	    int (*sink)(void *arg, const void *p, size_t n, struct bk_err *err),
	    void *arg, struct bk_err *err)
{
	return b->ops->get(b, name, size, sink, arg, err);
}

static int collect(void *arg, const void *p, size_t n, struct bk_err *err)
{
	(void)err;
	bk_buf_add(arg, p, n);
	return 0;
}

int box_get_small(struct box *b, struct box_small *v, size_t n,
		  struct bk_err *err)
{
	if (b->ops->get_small)
		return b->ops->get_small(b, v, n, err);
	for (size_t i = 0; i < n; i++) {
		if (bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "it was stopped");
		v[i].got = b->ops->get(b, v[i].name, v[i].size, collect,
				       &v[i].data, err) == 0;
		if (b->lost)
			return -1;
	}
	return 0;
}

int box_put(struct box *b, const char *name, const void *p, size_t len,
	    struct bk_err *err)
{
	if (check_writable(b, err) < 0)
		return -1;
	return b->ops->put(b, name, p, len, err);
}

int box_remove_part(struct box *b, const char *name, struct bk_err *err)
{
	if (!strstr(name, "/" BOX_PARTS "/"))
		return bk_err_set(err, BK_EX_SOFTWARE, 0,
				  "'%s' must not be removed", name);
	if (check_writable(b, err) < 0)
		return -1;
	return b->ops->remove(b, name, err);
}

int box_hash(struct box *b, struct box_hash *v, size_t n, bool read_back,
	     void (*done)(void *arg, const struct box_hash *h), void *arg,
	     struct bk_err *err)
{
	for (size_t i = 0; i < n; i++) {
		v[i].found = BOX_UNKNOWN;
		v[i].sha256[0] = v[i].why[0] = '\0';
	}
	return b->ops->hash(b, v, n, read_back, done, arg, err);
}

/* Uploads. */

static char *temp_name(const char *host)
{
	unsigned char bytes[12];
	char hex[2 * sizeof(bytes) + 1];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		abort();
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	return bk_asprintf("%s/" BOX_PARTS "/%s", host, hex);
}

struct upload *box_upload(struct box *b, const char *host, const char *name,
			  uint64_t size, box_done *done, void *arg)
{
	struct upload *u = b->ops->upload(b), **end = &b->uploads;

	u->box = b;
	u->name = bk_strdup(name);
	u->temp = temp_name(host);
	u->size = size;
	u->done = done;
	u->arg = arg;
	while (*end)
		end = &(*end)->next;
	*end = u;
	b->nuploads++;
	return u;
}

/* It is off the list. */
static void over(struct upload *u, const struct bk_err *err)
{
	u->box->nuploads--;
	u->done(u->arg, u, err);
	upload_free(u);
}

void upload_end(struct upload *u, const struct bk_err *err)
{
	struct box *b = u->box;
	struct upload **at = &b->uploads;

	while (*at != u)
		at = &(*at)->next;
	*at = u->next;
	over(u, err);
}

char *upload_candidate(const struct upload *u, const char *name, unsigned int i)
{
	if (i == 0)
		return bk_strdup(name);
	if (i == 1)
		return bk_asprintf("%s~%.16s", name, u->sha256);
	return bk_asprintf("%s~%.16s-%u", name, u->sha256, i);
}

size_t upload_room(const struct upload *u)
{
	return u->aborted || u->box->lost ? 0 : u->box->ops->room(u);
}

void upload_write(struct upload *u, const void *p, size_t n)
{
	u->box->ops->write(u, p, n);
	u->sent += n;
}

void upload_finish(struct upload *u, const char sha256[65])
{
	memcpy(u->sha256, sha256, 64);
}

void upload_abort(struct upload *u, const struct bk_err *err)
{
	if (u->aborted)
		return;
	u->aborted = true;
	u->why = *err;
}

const char *upload_name(const struct upload *u)
{
	return u->name;
}

size_t box_uploads(const struct box *b)
{
	return b->nuploads;
}

size_t box_uploads_max(const struct box *b)
{
	return b->ops->uploads_max;
}

static void end_all(struct box *b)
{
	struct bk_err err = b->why;

	if (!err.exit)
		(void)bk_err_set(&err, BK_EX_TEMPFAIL, 0,
				 "box %s: the connection was lost", b->name);
	while (b->uploads) {
		struct upload *u = b->uploads;
		struct bk_err why = u->aborted ? u->why : err;

		b->uploads = u->next;
		over(u, &why);
	}
}

int box_poll(struct box *const *boxes, size_t n, int timeout_ms,
	     struct bk_err *err)
{
	size_t nfds = 1;
	BK_AUTO_FREE struct pollfd *fds =
		bk_calloc(1 + n * BOX_FDS_MAX, sizeof(*fds));
	bool ready = false;

	fds[0] = (struct pollfd){ .fd = bk_sig_fd(), .events = POLLIN };
	for (size_t i = 0; i < n; i++)
		if (!boxes[i]->lost)
			nfds += boxes[i]->ops->wait(boxes[i], fds + nfds,
						    &ready);
	(void)poll(fds, nfds, ready ? 0 : timeout_ms);
	if (bk_sig_pending())
		return bk_err_set(err, BK_EX_TEMPFAIL, 0, "it was stopped");
	for (size_t i = 0; i < n; i++) {
		if (!boxes[i]->lost)
			boxes[i]->ops->advance(boxes[i]);
		if (boxes[i]->lost)
			end_all(boxes[i]);
	}
	return 0;
}
