/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preloaded into tests, in front of libargon2: what was derived once in a run
 * of the tests is not derived again. A derivation of a keyring takes a second,
 * on purpose, and the tests open the same few stores hundreds of times.
 *
 * The folder $BK_ARGON2_MEMO has a file for each: its name is the SHA-256 of
 * all that goes in (so that other parameters are another file), its content
 * what came out. Where anything about that fails, it is derived.
 */
#include <argon2.h>
#include <dlfcn.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../lib/mem.h"

#define OUT_MAX 64

typedef int derive_fn(const uint32_t t, const uint32_t m, const uint32_t lanes,
		      const void *pwd, const size_t pwd_len, const void *salt,
		      const size_t salt_len, void *hash, const size_t hash_len,
		      char *encoded, const size_t encoded_len, argon2_type type,
		      const uint32_t version);

/* The path of the file; numbers is all that goes in but for the two texts. */
static char *path_of(const char *numbers, const void *pwd, size_t pwd_len,
		     const void *salt, size_t salt_len)
{
	const char *folder = getenv("BK_ARGON2_MEMO");
	EVP_MD_CTX *x = EVP_MD_CTX_new();
	unsigned char sum[EVP_MAX_MD_SIZE] = { 0 };
	char name[65], *path = NULL;

	if (folder && x && EVP_DigestInit_ex(x, EVP_sha256(), NULL) &&
	    EVP_DigestUpdate(x, numbers, strlen(numbers)) &&
	    EVP_DigestUpdate(x, pwd, pwd_len) &&
	    EVP_DigestUpdate(x, salt, salt_len) &&
	    EVP_DigestFinal_ex(x, sum, NULL)) {
		for (int i = 0; i < 32; i++)
			(void)snprintf(name + 2 * i, 3, "%02x", sum[i]);
		if (asprintf(&path, "%s/%s", folder, name) < 0)
			path = NULL;
	}
	EVP_MD_CTX_free(x);
	return path;
}

static int recall(const char *path, void *hash, size_t len)
{
	FILE *f = path ? fopen(path, "rbe") : NULL;
	char got[OUT_MAX + 1];
	size_t n;

	if (!f)
		return -1;
	n = fread(got, 1, sizeof(got), f);
	(void)fclose(f);
	if (n != len)
		return -1;
	memcpy(hash, got, len);
	return 0;
}

/* Whole or not at all: others look meanwhile. */
static void keep(const char *path, const void *hash, size_t len)
{
	BK_AUTO_FREE char *part = NULL;
	FILE *f;

	if (!path || asprintf(&part, "%s.%ld", path, (long)getpid()) < 0)
		return;
	f = fopen(part, "wxe");
	if (!f)
		return;
	if (fwrite(hash, 1, len, f) != len) {
		(void)fclose(f);
		(void)unlink(part);
	} else if (fclose(f) != 0 || rename(part, path) < 0) {
		(void)unlink(part);
	}
}

int argon2_hash(const uint32_t t, const uint32_t m, const uint32_t lanes,
		const void *pwd, const size_t pwd_len, const void *salt,
		const size_t salt_len, void *hash, const size_t hash_len,
		char *encoded, const size_t encoded_len, argon2_type type,
		const uint32_t version)
{
	derive_fn *real = NULL;
	BK_AUTO_FREE char *numbers = NULL, *path = NULL;
	int got;

	*(void **)&real = dlsym(RTLD_NEXT, "argon2_hash");
	if (!real)
		return ARGON2_MEMORY_ALLOCATION_ERROR;
	if (!encoded && hash && hash_len <= OUT_MAX &&
	    asprintf(&numbers, "%u %u %u %zu %u %u %zu %zu\n", t, m, lanes,
		     hash_len, (unsigned int)type, version, pwd_len,
		     salt_len) > 0)
		path = path_of(numbers, pwd, pwd_len, salt, salt_len);
	if (recall(path, hash, hash_len) == 0)
		return ARGON2_OK;
	got = real(t, m, lanes, pwd, pwd_len, salt, salt_len, hash, hash_len,
		   encoded, encoded_len, type, version);
	if (got == ARGON2_OK)
		keep(path, hash, hash_len);
	return got;
}

int argon2id_hash_raw(const uint32_t t, const uint32_t m, const uint32_t lanes,
		      const void *pwd, const size_t pwd_len, const void *salt,
		      const size_t salt_len, void *hash, const size_t hash_len)
{
	return argon2_hash(t, m, lanes, pwd, pwd_len, salt, salt_len, hash,
			   hash_len, NULL, 0, Argon2_id, ARGON2_VERSION_NUMBER);
}
