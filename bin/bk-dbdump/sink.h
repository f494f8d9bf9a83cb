/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a dump goes: bytes, counted and hashed on their way to a descriptor.
 *
 * An output is a sink with parts: in a stream they follow each other, in a
 * folder each is a file.
 */
#ifndef SINK_H
#define SINK_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

#include "manifest.h"

struct sink {
	int fd;
	bool own; /* the descriptor is closed with the sink */
	EVP_MD_CTX *md;
	char *p;
	size_t len;
	uint64_t bytes;
	/* While a reader stalls, about every second: -1 ends the wait. */
	int (*guard)(void *arg, struct bk_err *err);
	void *arg;
};

/* take: the sink closes fd. */
int sink_open(struct sink *s, int fd, bool take, struct bk_err *err);
int sink_add(struct sink *s, const void *p, size_t n, struct bk_err *err);
/* Write what is buffered. */
int sink_flush(struct sink *s, struct bk_err *err);
/* Flush, and the SHA-256 of all of it; further bytes are not hashed. */
int sink_digest(struct sink *s, char ret[static 65], struct bk_err *err);
void sink_close(struct sink *s);

struct part {
	enum manifest_kind kind;
	const char *db, *table; /* or NULL */
};

struct output {
	struct sink sink; /* of the part */
	int (*begin)(struct output *o, const struct part *part,
		     struct bk_err *err);
	int (*end)(struct output *o, uint64_t rows, struct bk_err *err);
};

#endif
