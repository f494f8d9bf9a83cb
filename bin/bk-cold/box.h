/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A box: the place where cold copies lie, a folder on another machine behind
 * ssh, or on a disk that is mounted here.
 *
 * Names are relative to that folder, and made of the bytes that name.h keeps,
 * and slashes; so nothing needs quoting, whatever shell the box has. Nothing
 * on a box is ever overwritten, and nothing is removed but below BOX_PARTS,
 * where uploads that are not finished lie, and what box_put() began.
 *
 * Errors: 75 the box cannot be reached, or the connection was lost (try
 * later); 77 wrong host key, or not let in; 74 the box has no room or failed;
 * 65 what came back is not what was put there; 76 it speaks nonsense.
 */
#ifndef BOX_H
#define BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "conf.h"
#include "err.h"

#define BOX_ID_FILE ".bk-box-id"
/* Below a host's folder. */
#define BOX_PARTS ".partial"

struct box;

/*
 * Connect to [box NAME]. It takes one of the connections that all tools of
 * this host may have to it ([box] connections, held by locks), and 75 where
 * none becomes free in time.
 */
struct box *box_open(const struct bk_conf_section *s, struct bk_err *err);
void box_close(struct box *b);
/* After 75: drop what is left of the connection, and connect anew. */
int box_reopen(struct box *b, struct bk_err *err);

const char *box_name(const struct box *b); /* of the section */
/*
 * What tells it from others: "SHA256:..." of its host key, or "dev:8:1" of
 * its file system.
 */
const char *box_peer(const struct box *b);
/* In front of a name, where a person on the box is after logging in: "cold/" */
const char *box_prefix(const struct box *b);
bool box_is_dir(const struct box *b); /* dir:, on this machine */
/*
 * [box] read-only: whatever would write fails before it asks the box (77), by
 * box_refuse(), which returns -1.
 */
bool box_is_read_only(const struct box *b);
int box_refuse(const char *name, struct bk_err *err);
/* Can it compute SHA-256 itself? Found out when first asked for. */
bool box_hashes_there(struct box *b);

struct box_stat {
	char type; /* f, d, l, or ? */
	uint64_t size;
	int64_t mtime; /* seconds */
};
/* 1: there; 0: nothing of this name; -1. */
int box_stat(struct box *b, const char *name, struct box_stat *ret,
	     struct bk_err *err);
/* Free and total bytes; 1, or 0 where the box does not tell. */
int box_space(struct box *b, uint64_t *ret_free, uint64_t *ret_total,
	      struct bk_err *err);
/* The folder and those above it. */
int box_mkdirs(struct box *b, const char *name, struct bk_err *err);
/* Each entry of a folder, in no order; each() returns 0, or -1 to stop. */
int box_list(struct box *b, const char *dir,
	     int (*each)(void *arg, const char *name,
			 const struct box_stat *st),
	     void *arg, struct bk_err *err);
/* A small file, whole; 66 where there is none, 65 above limit. */
int box_read(struct box *b, const char *name, size_t limit, struct bk_buf *ret,
	     struct bk_err *err);
/*
 * A file of any size, in order, many requests in flight; sink() returns 0, or
 * -1 with err to stop. 65 where it is not of this size.
 */
int box_get(struct box *b, const char *name, uint64_t size,
	    int (*sink)(void *arg, const void *p, size_t n, struct bk_err *err),
	    void *arg, struct bk_err *err);
/*
 * Small files, whole, many at a time: data of each that came as it was asked
 * for, got false where not; why not says box_get(). At most BOX_SMALL_MAX
 * bytes each. -1 only where the box is lost or a signal pending.
 */
enum { BOX_SMALL_MAX = 1 << 20 };
struct box_small {
	const char *name;
	uint64_t size;

	bool got;
	struct bk_buf data; /* the caller frees it */
};
int box_get_small(struct box *b, struct box_small *v, size_t n,
		  struct bk_err *err);
/*
 * A new small file, durable, whole or not at all; 73 where there is one
 * already. Until then it is NAME.part, and one that was left is removed.
 */
int box_put(struct box *b, const char *name, const void *p, size_t len,
	    struct bk_err *err);
/* Only where name has a component BOX_PARTS; an absent one is fine. */
int box_remove_part(struct box *b, const char *name, struct bk_err *err);

/* Proofs. */
enum box_found {
	BOX_UNKNOWN, /* no answer, or one that cannot be believed */
	BOX_ABSENT,
	BOX_HASHED,
};
struct box_hash {
	const char *name;
	uint64_t size; /* what it should have; for time limits */

	enum box_found found;
	char sha256[65];
	char why[200]; /* of BOX_UNKNOWN */
};
/*
 * SHA-256 of files, computed on the box, or (read_back, or where it cannot)
 * by reading them. done() after each, in order; may be NULL. Returns -1 only
 * where the box is lost or a signal pending; what is left is BOX_UNKNOWN.
 */
int box_hash(struct box *b, struct box_hash *v, size_t n, bool read_back,
	     void (*done)(void *arg, const struct box_hash *h), void *arg,
	     struct bk_err *err);

/*
 * Uploads, many at a time on one connection. Each goes to a temporary name
 * that did not exist, is flushed there, closed, hashed on the box, renamed
 * without overwriting, and looked at under its final name. done() is called
 * from box_poll() once for each, and ends it: err NULL, it is proved there
 * under box_upload_name(); else err->exit 75 (send it again on a new
 * connection), 65 (the box got other bytes; its temporary file was removed)
 * and so on. Where name is taken by the same content that is what it ends
 * with; by another, the name gets "~" and 16 digits of the hash.
 */
struct upload;
typedef void box_done(void *arg, struct upload *u, const struct bk_err *err);

/* host: the folder of BOX_PARTS, which must exist; that of name is made. */
struct upload *box_upload(struct box *b, const char *host, const char *name,
			  uint64_t size, box_done *done, void *arg);
/* Bytes that it can take now; 0: poll first. */
size_t upload_room(const struct upload *u);
/* At most upload_room() bytes, the next ones of the file; copied. */
void upload_write(struct upload *u, const void *p, size_t n);
/* All were written, size of them, and this is their hash. */
void upload_finish(struct upload *u, const char sha256[65]);
/* Give up, for a reason of our own: done() gets err. */
void upload_abort(struct upload *u, const struct bk_err *err);
const char *upload_name(const struct upload *u);

/* How many uploads the box has begun and not ended, and may have at best. */
size_t box_uploads(const struct box *b);
size_t box_uploads_max(const struct box *b);

/*
 * Move what can be moved on all of these, waiting at most timeout_ms for
 * anything. -1: 75 where a signal is pending. A box that is lost ends its
 * uploads with 75 and answers everything with 75 until box_reopen().
 */
int box_poll(struct box *const *boxes, size_t n, int timeout_ms,
	     struct bk_err *err);
bool box_is_lost(const struct box *b);

static inline void box_auto_close_(struct box **b)
{
	box_close(*b);
}
#define BOX_AUTO BK_AUTO(box_auto_close_)

#endif
