/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The trailer of a stream: its last line, which proves that it is whole
 * (bk-records(5)).
 */
#ifndef TRAILER_H
#define TRAILER_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRAILER_START "-- bk-dbdump: complete "

/* The end of a stream, as far as it was seen. */
struct trailer {
	uint64_t bytes;	  /* of the whole stream */
	size_t len;	  /* valid in last */
	EVP_MD_CTX *hash; /* of all before last; NULL: there is none */
	char last[4096];
};

void trailer_add(struct trailer *t, const char *p, size_t n);
/*
 * Is the last line a trailer, whose "bytes=" counts all bytes before that
 * line, and whose "sha256=", if it has one, is their hash?
 */
bool trailer_complete(const struct trailer *t);
void trailer_free(struct trailer *t);

#endif
