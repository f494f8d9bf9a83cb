/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The two ciphers of keyring files: Argon2id with AES-128 in one of four
 * authenticated modes (keyrings.cryptfile), and PBKDF2 with AES-256-CFB8
 * (keyrings.alt, read only). By OpenSSL; by libargon2 where OpenSSL has no
 * Argon2 (before 3.2).
 */
#ifndef CRYPTO_H
#define CRYPTO_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "secret.h"

enum { CRYPTO_KEY = 16, CRYPTO_MAC = 16, CRYPTO_SALT = 16 };

enum crypto_mode { CRYPTO_GCM, CRYPTO_EAX, CRYPTO_CCM, CRYPTO_OCB };

/* Bytes of any meaning. */
struct bytes {
	const unsigned char *p;
	size_t len;
};

/*
 * Argon2id 1.3, 15 passes, 64 MiB, 2 lanes, 16 bytes (RFC 9106). 71 where
 * there is no memory for it, or no Argon2.
 */
int crypto_key(const struct bk_secret *master, struct bytes salt,
	       unsigned char ret[static CRYPTO_KEY], struct bk_err *err);

/* The size of the nonce that the Python tool gives a mode; 14 for OCB, which
 * every release of its library understands alike. */
size_t crypto_nonce_size(enum crypto_mode mode);

/*
 * Decrypt data into out (data.len bytes). 1 where the MAC is right, 0 where
 * it is not (out is wiped then), -1 with err where the mode takes no such
 * nonce (65) or OpenSSL fails (71).
 */
int crypto_open(enum crypto_mode mode, const unsigned char key[CRYPTO_KEY],
		struct bytes nonce, struct bytes aad, struct bytes data,
		const unsigned char mac[CRYPTO_MAC], unsigned char *out,
		struct bk_err *err);
/* Encrypt data into out (data.len bytes) and fill mac. */
int crypto_seal(enum crypto_mode mode, const unsigned char key[CRYPTO_KEY],
		struct bytes nonce, struct bytes aad, struct bytes data,
		unsigned char mac[CRYPTO_MAC], unsigned char *out,
		struct bk_err *err);

/* PBKDF2-HMAC-SHA1, 1000 rounds, then AES-256-CFB8 of data into out. */
int crypto_alt_open(struct bytes master, struct bytes salt, struct bytes iv,
		    struct bytes data, unsigned char *out, struct bk_err *err);

/* Random bytes of the kernel's. */
int crypto_random(void *p, size_t len, struct bk_err *err);

#endif
