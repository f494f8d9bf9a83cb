/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A local file that is read once, while nobody may change it: opened without
 * following a link, leased where the kernel gives a lease (so that a writer
 * is noticed before it writes), looked at before and after, hashed on the way.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include <openssl/evp.h>

#include "meta.h"
#include "walk.h"

struct source {
	int fd;
	uint64_t at;
	struct meta meta; /* as it was when it was opened */
	EVP_MD_CTX *md;
	bool leased;
};
#define SOURCE_INIT ((struct source){ .fd = -1 })

/* Call once: the signal of a broken lease must not kill. */
void source_init(void);
/* Has any lease been broken since this was asked last? */
bool source_broken(void);

/*
 * 0; -1 with err: 75 a program writes to it, or it is being replaced, 77, 74.
 */
int source_open(struct source *s, const struct walk_item *i,
		struct bk_err *err);
/* Start anew with the same open file. */
int source_rewind(struct source *s, struct bk_err *err);
/* The next bytes, at most n: how many, 0 at the end; -1 with err. */
ssize_t source_read(struct source *s, void *p, size_t n, struct bk_err *err);
/* Is the lease, if there was one, still held? */
bool source_is_held(const struct source *s);
/*
 * All was read: is it still what it was? Its hash, and 0; 75 where it was
 * changed meanwhile.
 */
int source_end(struct source *s, char ret[static 65], struct bk_err *err);
void source_close(struct source *s);

#endif
