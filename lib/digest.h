/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256, in small hexadecimal digits. */
#ifndef BK_DIGEST_H
#define BK_DIGEST_H

#include <openssl/evp.h>
#include <stddef.h>

#include "err.h"

/* A new computation; NULL with err. */
EVP_MD_CTX *bk_digest_new(struct bk_err *err);
int bk_digest_add(EVP_MD_CTX *md, const void *p, size_t n, struct bk_err *err);
/* Its end; frees it in any case. */
int bk_digest_end(EVP_MD_CTX *md, char ret[static 65], struct bk_err *err);

int bk_digest_text(const char *p, size_t n, char ret[static 65],
		   struct bk_err *err);

#endif
