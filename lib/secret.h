/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A secret in memory: bytes with a length (NULs and newlines are legal),
 * locked where the kernel lets us, left out of core dumps and of forked
 * children, wiped when freed.
 */
#ifndef BK_SECRET_H
#define BK_SECRET_H

#include <stddef.h>

#include "err.h"
#include "mem.h"

/* A pipe takes this much without a reader; no password is longer. */
#define BK_SECRET_MAX ((size_t)32768)

struct bk_secret {
	char *p; /* NUL-terminated behind len; NULL: none */
	size_t len;
};
#define BK_SECRET_INIT ((struct bk_secret){ NULL, 0 })
#define BK_AUTO_SECRET BK_AUTO(bk_secret_free)

/*
 * No core dump of this process from now on, and no other process of the same
 * user looks into it. Programs that it starts can be dumped as ever, but for
 * the size limit of core files, which they inherit.
 */
void bk_secret_harden(void);

/*
 * Room for BK_SECRET_MAX bytes: an empty secret. 71 where there is no memory.
 */
int bk_secret_new(struct bk_secret *s, struct bk_err *err);
/* A copy of len bytes; 65 where that is more than BK_SECRET_MAX. */
int bk_secret_set(struct bk_secret *s, const void *p, size_t len,
		  struct bk_err *err);
/*
 * What is left of fd, at most limit bytes (BK_SECRET_MAX at most), read past
 * no buffer of ours; 65 where there is more.
 */
int bk_secret_read(struct bk_secret *s, int fd, size_t limit,
		   struct bk_err *err);
/* Remove one newline at the end, if there is one. */
void bk_secret_chomp(struct bk_secret *s);
void bk_secret_free(struct bk_secret *s);

/* The read end of a pipe that holds the secret, ready for a child. */
int bk_secret_pipe(const struct bk_secret *s, struct bk_err *err);

#endif
