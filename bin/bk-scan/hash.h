/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * XXH64, the 64-bit xxHash of Yann Collet, as its specification says
 * (github.com/Cyan4973/xxHash, doc/xxhash_spec.md). It finds damage, not
 * forgery.
 */
#ifndef HASH_H
#define HASH_H

#include <stddef.h>
#include <stdint.h>

/* The same, piece by piece. */
struct hash {
	uint64_t acc[4], seed, len;
	unsigned char rest[32];
};

void hash_begin(struct hash *h, uint64_t seed);
void hash_add(struct hash *h, const void *p, size_t len);
uint64_t hash_end(const struct hash *h);

uint64_t hash64(const void *p, size_t len, uint64_t seed);

#endif
