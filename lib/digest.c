/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "digest.h"

#include <stdio.h>

static int failed(struct bk_err *err)
{
	return bk_err_set(err, BK_EX_OSERR, 0, "cannot compute SHA-256");
}

EVP_MD_CTX *bk_digest_new(struct bk_err *err)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	if (md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1)
		return md;
	EVP_MD_CTX_free(md);
	(void)failed(err);
	return NULL;
}

int bk_digest_add(EVP_MD_CTX *md, const void *p, size_t n, struct bk_err *err)
{
	return EVP_DigestUpdate(md, p, n) == 1 ? 0 : failed(err);
}

int bk_digest_end(EVP_MD_CTX *md, char ret[static 65], struct bk_err *err)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	int good = EVP_DigestFinal_ex(md, sum, &n);

	EVP_MD_CTX_free(md);
	if (good != 1 || n != 32)
		return failed(err);
	for (size_t i = 0; i < n; i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", sum[i]);
	return 0;
}

int bk_digest_text(const char *p, size_t n, char ret[static 65],
		   struct bk_err *err)
{
	EVP_MD_CTX *md = bk_digest_new(err);

	if (!md)
		return -1;
	if (bk_digest_add(md, p, n, err) == 0)
		return bk_digest_end(md, ret, err);
	EVP_MD_CTX_free(md);
	return -1;
}
