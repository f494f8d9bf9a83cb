/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hash.h"

#include <endian.h>
#include <string.h>

static const uint64_t P1 = 0x9E3779B185EBCA87u, P2 = 0xC2B2AE3D27D4EB4Fu,
		      P3 = 0x165667B19E3779F9u, P4 = 0x85EBCA77C2B2AE63u,
		      P5 = 0x27D4EB2F165667C5u;

static uint64_t rotl(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static uint64_t read64(const unsigned char *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return le64toh(x);
}

static uint32_t read32(const unsigned char *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof(x));
	return le32toh(x);
}

static uint64_t mix(uint64_t acc, uint64_t lane)
{
	return rotl(acc + lane * P2, 31) * P1;
}

static uint64_t merge(uint64_t acc, uint64_t lane)
{
	return (acc ^ mix(0, lane)) * P1 + P4;
}

static uint64_t finish(uint64_t acc, const unsigned char *p, size_t len)
{
	for (; len >= 8; p += 8, len -= 8)
		acc = rotl(acc ^ mix(0, read64(p)), 27) * P1 + P4;
	if (len >= 4) {
		acc = rotl(acc ^ (read32(p) * P1), 23) * P2 + P3;
		p += 4;
		len -= 4;
	}
	for (; len > 0; p++, len--)
		acc = rotl(acc ^ (*p * P5), 11) * P1;
	acc = (acc ^ acc >> 33) * P2;
	acc = (acc ^ acc >> 29) * P3;
	return acc ^ acc >> 32;
}

void hash_begin(struct hash *h, uint64_t seed)
{
	*h = (struct hash){
		.acc = { seed + P1 + P2, seed + P2, seed, seed - P1 },
		.seed = seed,
	};
}

/* As many whole pieces of 32 bytes as there are; how many bytes that was. */
static size_t add_pieces(uint64_t acc[4], const unsigned char *p, size_t len)
{
	uint64_t a = acc[0], b = acc[1], c = acc[2], d = acc[3];
	size_t left = len;

	for (; left >= 32; p += 32, left -= 32) {
		a = mix(a, read64(p));
		b = mix(b, read64(p + 8));
		c = mix(c, read64(p + 16));
		d = mix(d, read64(p + 24));
	}
	acc[0] = a;
	acc[1] = b;
	acc[2] = c;
	acc[3] = d;
	return len - left;
}

void hash_add(struct hash *h, const void *data, size_t len)
{
	const unsigned char *p = data;
	size_t have = h->len % 32, done;

	if (len == 0)
		return;
	h->len += len;
	if (have) {
		size_t n = len < 32 - have ? len : 32 - have;

		memcpy(h->rest + have, p, n);
		if (have + n < 32)
			return;
		(void)add_pieces(h->acc, h->rest, 32);
		p += n;
		len -= n;
	}
	done = add_pieces(h->acc, p, len);
	if (len > done)
		memcpy(h->rest, p + done, len - done);
}

uint64_t hash_end(const struct hash *h)
{
	const uint64_t *a = h->acc;
	uint64_t acc = h->seed + P5;

	if (h->len >= 32) {
		acc = rotl(a[0], 1) + rotl(a[1], 7) + rotl(a[2], 12) +
		      rotl(a[3], 18);
		for (int i = 0; i < 4; i++)
			acc = merge(acc, a[i]);
	}
	return finish(acc + h->len, h->rest, h->len % 32);
}

uint64_t hash64(const void *p, size_t len, uint64_t seed)
{
	struct hash h;

	hash_begin(&h, seed);
	hash_add(&h, p, len);
	return hash_end(&h);
}
