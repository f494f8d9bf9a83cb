/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trailer.h"

#include <openssl/evp.h>
#include <string.h>

#include "buf.h"
#include "str.h"

#define HASH_LEN 32

void trailer_free(struct trailer *t)
{
	EVP_MD_CTX_free(t->hash);
	*t = (struct trailer){ 0 };
}

/* What leaves the end goes into the hash. */
static void hash(struct trailer *t, const char *p, size_t n)
{
	if (n == 0)
		return;
	if (!t->hash) {
		t->hash = EVP_MD_CTX_new();
		if (!t->hash || !EVP_DigestInit_ex(t->hash, EVP_sha256(), NULL))
			abort();
	}
	if (!EVP_DigestUpdate(t->hash, p, n))
		abort();
}

void trailer_add(struct trailer *t, const char *p, size_t n)
{
	size_t keep = sizeof(t->last);

	t->bytes += n;
	if (n >= keep) {
		hash(t, t->last, t->len);
		hash(t, p, n - keep);
		memcpy(t->last, p + n - keep, keep);
		t->len = keep;
		return;
	}
	if (t->len + n > keep) {
		size_t drop = t->len + n - keep;

		hash(t, t->last, drop);
		memmove(t->last, t->last + drop, t->len - drop);
		t->len -= drop;
	}
	memcpy(t->last + t->len, p, n);
	t->len += n;
}

/* The value behind " key=" in the line; NULL where there is none. */
static char *field(const char *line, const char *key)
{
	BK_AUTO_FREE char *name = bk_asprintf(" %s=", key);
	const char *at = strstr(line, name);

	if (!at)
		return NULL;
	at += strlen(name);
	return bk_memdup(at, strcspn(at, " "));
}

/* Of all before last, and the first n bytes there. */
static char *hash_of(const struct trailer *t, size_t n)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char sum[HASH_LEN];
	struct bk_buf b = BK_BUF_INIT;

	if (!md ||
	    !(t->hash ? EVP_MD_CTX_copy_ex(md, t->hash)
		      : EVP_DigestInit_ex(md, EVP_sha256(), NULL)) ||
	    !EVP_DigestUpdate(md, t->last, n) ||
	    !EVP_DigestFinal_ex(md, sum, NULL))
		abort();
	EVP_MD_CTX_free(md);
	for (size_t i = 0; i < sizeof(sum); i++)
		bk_buf_addf(&b, "%02x", sum[i]);
	return bk_buf_steal(&b);
}

bool trailer_complete(const struct trailer *t)
{
	BK_AUTO_FREE char *line = NULL, *bytes = NULL, *said = NULL, *is = NULL;
	const char *start;
	size_t len;
	uint64_t n;

	if (t->len == 0 || t->last[t->len - 1] != '\n')
		return false;
	start = memrchr(t->last, '\n', t->len - 1);
	if (!start && t->bytes > t->len)
		return false; /* we do not have where the line starts */
	start = start ? start + 1 : t->last;
	len = (size_t)(t->last + t->len - 1 - start);
	line = bk_memdup(start, len);
	if (strlen(line) != len || !bk_str_starts(line, TRAILER_START))
		return false;
	bytes = field(line, "bytes");
	n = t->bytes - len - 1;
	if (!bytes || bk_parse_u64(bytes, n, n, &n) < 0)
		return false;
	said = field(line, "sha256");
	if (!said)
		return true;
	is = hash_of(t, (size_t)(start - t->last));
	return strcmp(said, is) == 0;
}
