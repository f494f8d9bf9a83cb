/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "crypto.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/opensslv.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <string.h>

#if OPENSSL_VERSION_NUMBER >= 0x30200000L
#include <openssl/thread.h>
#else
#include <argon2.h>
#endif

enum { PASSES = 15, MEMORY_KIB = 65536, LANES = 2, BLOCK = 16 };

static void free_ctx(EVP_CIPHER_CTX **c)
{
	EVP_CIPHER_CTX_free(*c);
}

static void free_mac(EVP_MAC_CTX **c)
{
	EVP_MAC_CTX_free(*c);
}
#define AUTO_CTX BK_AUTO(free_ctx)
#define AUTO_MAC BK_AUTO(free_mac)

static int failed(struct bk_err *err, const char *what)
{
	return bk_err_set(err, BK_EX_OSERR, 0, "OpenSSL cannot compute %s",
			  what);
}

/* Argon2. */

static int no_key(struct bk_err *err, const char *why)
{
	return bk_err_set(err, BK_EX_OSERR, 0,
			  "cannot compute Argon2, which takes 64 MiB of "
			  "memory: %s",
			  why);
}

#if OPENSSL_VERSION_NUMBER >= 0x30200000L
int crypto_key(const struct bk_secret *master, struct bytes salt,
	       unsigned char ret[static CRYPTO_KEY], struct bk_err *err)
{
	uint32_t passes = PASSES, memory = MEMORY_KIB, lanes = LANES;
	uint32_t threads = OSSL_set_max_threads(NULL, LANES) ? LANES : 1;
	OSSL_PARAM params[] = {
		OSSL_PARAM_uint32(OSSL_KDF_PARAM_ITER, &passes),
		OSSL_PARAM_uint32(OSSL_KDF_PARAM_ARGON2_MEMCOST, &memory),
		OSSL_PARAM_uint32(OSSL_KDF_PARAM_ARGON2_LANES, &lanes),
		OSSL_PARAM_uint32(OSSL_KDF_PARAM_THREADS, &threads),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_PASSWORD, master->p,
					master->len),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SALT,
					(void *)(uintptr_t)salt.p, salt.len),
		OSSL_PARAM_END,
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "ARGON2ID", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	bool done = ctx && EVP_KDF_derive(ctx, ret, CRYPTO_KEY, params) == 1;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return done ? 0
		    : no_key(err,
			     kdf ? "OpenSSL failed" : "this OpenSSL has none");
}
#else
int crypto_key(const struct bk_secret *master, struct bytes salt,
	       unsigned char ret[static CRYPTO_KEY], struct bk_err *err)
{
	int status = argon2id_hash_raw(PASSES, MEMORY_KIB, LANES, master->p,
				       master->len, salt.p, salt.len, ret,
				       CRYPTO_KEY);

	return status == ARGON2_OK ? 0
				   : no_key(err, argon2_error_message(status));
}
#endif

/* GCM, CCM and OCB, which OpenSSL has. */

static const EVP_CIPHER *cipher_of(enum crypto_mode mode)
{
	switch (mode) {
	case CRYPTO_GCM:
		return EVP_aes_128_gcm();
	case CRYPTO_CCM:
		return EVP_aes_128_ccm();
	case CRYPTO_OCB:
		return EVP_aes_128_ocb();
	default:
		return EVP_aes_128_ctr();
	}
}

size_t crypto_nonce_size(enum crypto_mode mode)
{
	switch (mode) {
	case CRYPTO_CCM:
		return 11;
	case CRYPTO_OCB:
		return 14;
	default:
		return 16;
	}
}

static bool nonce_fits(enum crypto_mode mode, size_t len)
{
	switch (mode) {
	case CRYPTO_CCM:
		return len >= 7 && len <= 13;
	case CRYPTO_OCB:
		return len >= 1 && len <= 15;
	default:
		return len >= 1 && len <= 128;
	}
}

/*
 * What CCM wants before the data, the others may have at the same point. In
 * CCM the data follows in one piece, and the tag is tested there.
 */
static EVP_CIPHER_CTX *begin(enum crypto_mode mode, bool seal,
			     const unsigned char *key, struct bytes nonce,
			     struct bytes aad, size_t total,
			     const unsigned char *mac)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	unsigned char tag[CRYPTO_MAC];
	int n, enc = seal;
	bool early = seal || mode == CRYPTO_CCM;

	if (mac)
		memcpy(tag, mac, sizeof(tag));
	if (c && EVP_CipherInit_ex(c, cipher_of(mode), NULL, NULL, NULL, enc) &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_IVLEN, (int)nonce.len,
				NULL) > 0 &&
	    (mode == CRYPTO_GCM || !early ||
	     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, CRYPTO_MAC,
				 mac ? tag : NULL) > 0) &&
	    EVP_CipherInit_ex(c, NULL, NULL, key, nonce.p, enc) &&
	    (early || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, CRYPTO_MAC,
					  tag) > 0) &&
	    (mode != CRYPTO_CCM ||
	     EVP_CipherUpdate(c, NULL, &n, NULL, (int)total)) &&
	    (aad.len == 0 ||
	     EVP_CipherUpdate(c, NULL, &n, aad.p, (int)aad.len)))
		return c;
	EVP_CIPHER_CTX_free(c);
	return NULL;
}

/* 1 the tag is right, 0 it is not; seal: 1 or -1. */
static int run_aead(enum crypto_mode mode, EVP_CIPHER_CTX *c, bool seal,
		    struct bytes data, unsigned char *out)
{
	static const unsigned char nothing[1];
	unsigned char last[BLOCK];
	int n = 0, rest = 0;

	/* CCM tests the tag here, also where there is no data. */
	if ((data.len > 0 || mode == CRYPTO_CCM) &&
	    !EVP_CipherUpdate(c, out, &n, data.len ? data.p : nothing,
			      (int)data.len))
		return seal ? -1 : 0;
	if (mode == CRYPTO_CCM && !seal)
		return 1;
	if (!EVP_CipherFinal_ex(c, last, &rest))
		return seal ? -1 : 0;
	if (rest > 0)
		memcpy(out + n, last, (size_t)rest);
	return 1;
}

/*
 * EAX (Bellare, Rogaway, Wagner 2004): CTR from the CMAC of the nonce, and
 * the CMACs of nonce, header and ciphertext added up.
 */

static int omac(const unsigned char *key, unsigned char tweak,
		struct bytes text, unsigned char ret[static BLOCK])
{
	char cipher[] = "AES-128-CBC";
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
		OSSL_PARAM_END,
	};
	unsigned char head[BLOCK] = { 0 };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
	AUTO_MAC EVP_MAC_CTX *c = mac ? EVP_MAC_CTX_new(mac) : NULL;
	size_t n;

	EVP_MAC_free(mac);
	head[BLOCK - 1] = tweak;
	if (c && EVP_MAC_init(c, key, CRYPTO_KEY, params) &&
	    EVP_MAC_update(c, head, BLOCK) &&
	    (text.len == 0 || EVP_MAC_update(c, text.p, text.len)) &&
	    EVP_MAC_final(c, ret, &n, BLOCK))
		return 0;
	return -1;
}

static int eax_tag(const unsigned char *key, struct bytes nonce,
		   struct bytes aad, struct bytes sealed,
		   unsigned char start[static BLOCK],
		   unsigned char tag[static BLOCK])
{
	unsigned char header[BLOCK], body[BLOCK];

	if (omac(key, 0, nonce, start) < 0 || omac(key, 1, aad, header) < 0 ||
	    omac(key, 2, sealed, body) < 0)
		return -1;
	for (int i = 0; i < BLOCK; i++)
		tag[i] = start[i] ^ header[i] ^ body[i];
	return 0;
}

static int ctr(const unsigned char *key, const unsigned char *start,
	       struct bytes data, unsigned char *out)
{
	AUTO_CTX EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n;

	if (data.len == 0)
		return 0;
	return c &&
			       EVP_EncryptInit_ex(c, EVP_aes_128_ctr(), NULL,
						  key, start) &&
			       EVP_EncryptUpdate(c, out, &n, data.p,
						 (int)data.len)
		       ? 0
		       : -1;
}

static int eax_open(const unsigned char *key, struct bytes nonce,
		    struct bytes aad, struct bytes data,
		    const unsigned char *mac, unsigned char *out)
{
	unsigned char start[BLOCK], tag[BLOCK];

	if (eax_tag(key, nonce, aad, data, start, tag) < 0)
		return -1;
	if (CRYPTO_memcmp(tag, mac, BLOCK) != 0)
		return 0;
	return ctr(key, start, data, out) < 0 ? -1 : 1;
}

static int eax_seal(const unsigned char *key, struct bytes nonce,
		    struct bytes aad, struct bytes data, unsigned char *mac,
		    unsigned char *out)
{
	unsigned char start[BLOCK];

	if (omac(key, 0, nonce, start) < 0 || ctr(key, start, data, out) < 0)
		return -1;
	return eax_tag(key, nonce, aad, (struct bytes){ out, data.len }, start,
		       mac);
}

/* All modes. */

int crypto_open(enum crypto_mode mode, const unsigned char key[CRYPTO_KEY],
		struct bytes nonce, struct bytes aad, struct bytes data,
		const unsigned char mac[CRYPTO_MAC], unsigned char *out,
		struct bk_err *err)
{
	AUTO_CTX EVP_CIPHER_CTX *c = NULL;
	int got = -1;

	if (!nonce_fits(mode, nonce.len) || data.len > INT_MAX ||
	    aad.len > INT_MAX)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "it has a nonce of %zu bytes, which its "
				  "cipher does not take",
				  nonce.len);
	if (mode == CRYPTO_EAX) {
		got = eax_open(key, nonce, aad, data, mac, out);
	} else {
		c = begin(mode, false, key, nonce, aad, data.len, mac);
		if (c)
			got = run_aead(mode, c, false, data, out);
	}
	if (got != 1 && data.len > 0)
		OPENSSL_cleanse(out, data.len);
	return got < 0 ? failed(err, "the cipher of the entry") : got;
}

int crypto_seal(enum crypto_mode mode, const unsigned char key[CRYPTO_KEY],
		struct bytes nonce, struct bytes aad, struct bytes data,
		unsigned char mac[CRYPTO_MAC], unsigned char *out,
		struct bk_err *err)
{
	AUTO_CTX EVP_CIPHER_CTX *c = NULL;

	if (mode == CRYPTO_EAX) {
		if (eax_seal(key, nonce, aad, data, mac, out) == 0)
			return 0;
		return failed(err, "AES-EAX");
	}
	c = begin(mode, true, key, nonce, aad, data.len, NULL);
	if (c && run_aead(mode, c, true, data, out) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, CRYPTO_MAC, mac) > 0)
		return 0;
	return failed(err, "AES");
}

int crypto_alt_open(struct bytes master, struct bytes salt, struct bytes iv,
		    struct bytes data, unsigned char *out, struct bk_err *err)
{
	AUTO_CTX EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	unsigned char key[32];
	int n = 0;
	bool done;

	if (iv.len != BLOCK || data.len > INT_MAX || salt.len > INT_MAX)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "it has an IV of %zu bytes instead of 16",
				  iv.len);
	done = c &&
	       PKCS5_PBKDF2_HMAC((const char *)master.p, (int)master.len,
				 salt.p, (int)salt.len, 1000, EVP_sha1(),
				 sizeof(key), key) &&
	       EVP_DecryptInit_ex(c, EVP_aes_256_cfb8(), NULL, key, iv.p) &&
	       (data.len == 0 ||
		EVP_DecryptUpdate(c, out, &n, data.p, (int)data.len));
	OPENSSL_cleanse(key, sizeof(key));
	return done ? 0 : failed(err, "AES-256-CFB8");
}

int crypto_random(void *p, size_t len, struct bk_err *err)
{
	if (len <= INT_MAX && RAND_priv_bytes(p, (int)len) == 1)
		return 0;
	return failed(err, "random numbers");
}
