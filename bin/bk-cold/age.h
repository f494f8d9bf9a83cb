/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Encryption as age(1) has it, version 1 (https://c2sp.org/age): what is
 * sealed here is opened by `age -d -i IDENTITY`, and what age sealed for such
 * a recipient is opened here.
 *
 * Recipients are X25519 keys, "age1...". Each file has a key of its own, which
 * its header holds for each of them; its content goes in pieces of 64 KiB,
 * each of them authenticated, ChaCha20-Poly1305. One process for each file
 * would cost more than all the rest, so this is done here, by OpenSSL.
 */
#ifndef AGE_H
#define AGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "secret.h"

enum { AGE_KEY = 32, AGE_RECIPIENTS_MAX = 64, AGE_IDENTITIES_MAX = 64 };

/* Behind the names of what is sealed. */
#define AGE_SUFFIX ".age"

struct age_recipients {
	unsigned char (*keys)[AGE_KEY]; /* sorted */
	size_t n;
	char print[17]; /* tells these from others */
};

/*
 * A file with a recipient a line; '#' begins a comment. 78 with file and line
 * where one is malformed, is of a kind that is not for us (ssh keys, plugins),
 * or there is none; 66, 77.
 */
int age_recipients_read(const char *path, struct age_recipients *ret,
			struct bk_err *err);
void age_recipients_free(struct age_recipients *r);

/* Private keys, and the public ones that belong to them. */
struct age_identities {
	struct bk_secret keys; /* AGE_KEY bytes each */
	unsigned char pub[AGE_IDENTITIES_MAX][AGE_KEY];
	size_t n;
};

/*
 * The text of an identity file, as age-keygen(1) writes it. 65 where it is
 * none, 77 where it is protected by a passphrase. No message repeats any of it.
 */
int age_identities_parse(const struct bk_secret *text,
			 struct age_identities *ret, struct bk_err *err);
void age_identities_free(struct age_identities *ids);

/* ---- sealing ---- */

struct age_seal;

/* A content of `size` bytes, no more and no less. */
struct age_seal *age_seal_new(const struct age_recipients *r, uint64_t size,
			      struct bk_err *err);
/* The size of what comes out in all. */
uint64_t age_seal_total(const struct age_seal *s);
/* What n more bytes add to the output, at most. */
size_t age_seal_room(const struct age_seal *s, size_t n);
/* The next n bytes; what comes of them is added to out. 65: they are too many. */
int age_seal_add(struct age_seal *s, const void *p, size_t n,
		 struct bk_buf *out, struct bk_err *err);
/* All came; 65 where they are too few. The SHA-256 of all that came out. */
int age_seal_end(struct age_seal *s, struct bk_buf *out, char ret[static 65],
		 struct bk_err *err);
void age_seal_free(struct age_seal *s);

/* ---- opening ---- */

struct age_open;

/* sink() gets the content, in order, each piece once it is authenticated. */
struct age_open *age_open_new(const struct age_identities *ids,
			      int (*sink)(void *arg, const void *p, size_t n,
					  struct bk_err *err),
			      void *arg, struct bk_err *err);
/*
 * 65 where it is damaged or not of age; 77 where it was sealed for others;
 * what sink() returned.
 */
int age_open_add(struct age_open *o, const void *p, size_t n,
		 struct bk_err *err);
/* All came; 65 where it is cut off. */
int age_open_end(struct age_open *o, struct bk_err *err);
void age_open_free(struct age_open *o);

static inline void age_auto_seal_(struct age_seal **s)
{
	age_seal_free(*s);
}
static inline void age_auto_open_(struct age_open **o)
{
	age_open_free(*o);
}
#define AGE_SEAL_AUTO BK_AUTO(age_auto_seal_)
#define AGE_OPEN_AUTO BK_AUTO(age_auto_open_)

#endif
