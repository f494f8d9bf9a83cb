/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What age_key.c, age_seal.c and age_open.c share. */
#ifndef AGE_IMPL_H
#define AGE_IMPL_H

#include <openssl/evp.h>

#include "age.h"

#define AGE_FIRST "age-encryption.org/v1"
#define AGE_INFO AGE_FIRST "/X25519"

enum {
	AGE_FILE_KEY = 16,
	AGE_NONCE = 16,
	AGE_TAG = 16,
	AGE_PIECE = 64 * 1024,
	AGE_WRAPPED = AGE_FILE_KEY + AGE_TAG,
};

/* OpenSSL could not do it: 71. */
int age_failed(struct bk_err *err, const char *what);

/* HKDF (RFC 5869) with SHA-256: 32 bytes. */
int age_hkdf(const void *key, size_t nkey, const void *salt, size_t nsalt,
	     const char *info, unsigned char ret[static AGE_KEY],
	     struct bk_err *err);
/* HMAC of a header, up to and with its "---". */
int age_header_mac(const unsigned char file_key[static AGE_FILE_KEY],
		   const char *header, size_t n,
		   unsigned char ret[static AGE_KEY], struct bk_err *err);
/* A private key, ready to be computed with; costs as much as to agree. */
EVP_PKEY *age_private(const unsigned char key[static AGE_KEY],
		      struct bk_err *err);
/* Its public key. */
int age_public(const EVP_PKEY *own, unsigned char ret[static AGE_KEY],
	       struct bk_err *err);
/* The key that wraps a file key: share is that of the sender. */
int age_wrap_key(EVP_PKEY *own, const unsigned char peer[static AGE_KEY],
		 const unsigned char share[static AGE_KEY],
		 const unsigned char recipient[static AGE_KEY],
		 unsigned char ret[static AGE_KEY], struct bk_err *err);
/* The nonce of piece n of a content. */
void age_piece_nonce(uint64_t n, bool last, unsigned char ret[static 12]);

#endif
