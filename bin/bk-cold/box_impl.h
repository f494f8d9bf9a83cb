/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a kind of box is made of: box_dir.c and box_sftp.c fill these in, and
 * box.c calls them.
 */
#ifndef BOX_IMPL_H
#define BOX_IMPL_H

#include <poll.h>

#include "box.h"
#include "remote.h"

/* Behind the name of a small file until it is whole. */
#define BOX_PUT_PART ".part"

struct box_ops;

struct box {
	const struct box_ops *ops;
	char *name;
	struct bk_remote at;
	char *peer;
	char *prefix;
	int place;	/* a lock: one of its connections */
	bool read_only; /* by the configuration */
	bool lost;
	struct bk_err why;	/* of lost, where told */
	struct upload *uploads; /* a list; those that are not done */
	size_t nuploads;
};

struct upload {
	struct upload *next;
	struct box *box;
	char *name; /* becomes the one that it got */
	char *temp;
	uint64_t size, sent;
	char sha256[65]; /* "" until finished */
	box_done *done;
	void *arg;
	bool aborted;
	struct bk_err why; /* of aborted */
};

struct box_ops {
	struct box *(*open)(const struct bk_conf_section *s,
			    struct bk_err *err);
	void (*close)(struct box *b);
	int (*reopen)(struct box *b, struct bk_err *err);
	bool (*hashes_there)(struct box *b);
	int (*stat)(struct box *b, const char *name, struct box_stat *ret,
		    struct bk_err *err);
	int (*space)(struct box *b, uint64_t *ret_free, uint64_t *ret_total,
		     struct bk_err *err);
	int (*mkdirs)(struct box *b, const char *name, struct bk_err *err);
	int (*list)(struct box *b, const char *dir,
		    int (*each)(void *arg, const char *name,
				const struct box_stat *st),
		    void *arg, struct bk_err *err);
	int (*get)(struct box *b, const char *name, uint64_t size,
		   int (*sink)(void *arg, const void *p, size_t n,
			       struct bk_err *err),
		   void *arg, struct bk_err *err);
	/* NULL: one after the other, by get */
	int (*get_small)(struct box *b, struct box_small *v, size_t n,
			 struct bk_err *err);
	int (*put)(struct box *b, const char *name, const void *p, size_t len,
		   struct bk_err *err);
	int (*remove)(struct box *b, const char *name, struct bk_err *err);
	/* For probe, in a folder of its own. */
	int (*rename)(struct box *b, const char *from, const char *to,
		      struct bk_err *err);
	int (*rmdir)(struct box *b, const char *name, struct bk_err *err);
	int (*hash)(struct box *b, struct box_hash *v, size_t n, bool read_back,
		    void (*done)(void *arg, const struct box_hash *h),
		    void *arg, struct bk_err *err);
	struct upload *(*upload)(struct box *b);
	size_t (*room)(const struct upload *u);
	void (*write)(struct upload *u, const void *p, size_t n);
	/*
	 * What to wait for: at most BOX_FDS_MAX, how many; *ret_ready where
	 * something can be done at once. NULL: nothing, ever.
	 */
	size_t (*wait)(struct box *b, struct pollfd *fds, bool *ret_ready);
	/* Do what can be done; calls upload_end() for what ended. */
	void (*advance)(struct box *b);
	/* Free what an upload has beyond struct upload. */
	void (*discard)(struct upload *u);
	size_t uploads_max;
};
enum { BOX_FDS_MAX = 16 };

extern const struct box_ops box_dir_ops;
extern const struct box_ops box_sftp_ops;

/* It ended, by err or well: off the list, done(), freed. */
void upload_end(struct upload *u, const struct bk_err *err);
/* The names to try, one after the other: 0 is name itself. Caller frees. */
char *upload_candidate(const struct upload *u, const char *name,
		       unsigned int i);
enum { UPLOAD_NAMES_MAX = 100 };

#endif
