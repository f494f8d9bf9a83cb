/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-cold/age_key.c bin/bk-cold/age_seal.c bin/bk-cold/age_open.c */
#include <stdint.h>
#include <stdlib.h>

#include "age.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int add(void *arg, const void *p, size_t n, struct bk_err *err)
{
	(void)err;
	bk_buf_add(arg, p, n);
	return 0;
}

static int open_all(const struct age_identities *ids, const uint8_t *data,
		    size_t size, size_t part, struct bk_buf *out)
{
	struct bk_err err;
	struct age_open *o = age_open_new(ids, add, out, &err);
	int got = o ? 0 : -1;

	for (size_t at = 0; got == 0 && at < size; at += part)
		got = age_open_add(o, data + at,
				   size - at < part ? size - at : part, &err);
	if (got == 0)
		got = age_open_end(o, &err);
	age_open_free(o);
	return got;
}

/*
 * What is said to be a file of age, in one piece and byte by byte: both are
 * one. And the same as the text of an identity file.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* of no other use */
	static const char key[] =
		"AGE-SECRET-KEY-17NXMHC49CQWPTYJM96TV0X5AJ5F7DNW7VHH9EAHADGDE4W87WE7S6DGE0W\n";
	BK_AUTO_SECRET struct bk_secret text = BK_SECRET_INIT;
	BK_AUTO_SECRET struct bk_secret input = BK_SECRET_INIT;
	BK_AUTO_BUF struct bk_buf a = BK_BUF_INIT, b = BK_BUF_INIT;
	struct age_identities ids, some;
	struct bk_err err;

	if (bk_secret_set(&text, key, sizeof(key) - 1, &err) < 0 ||
	    age_identities_parse(&text, &ids, &err) < 0)
		abort();
	if (open_all(&ids, data, size, size ? size : 1, &a) !=
		    open_all(&ids, data, size, 1, &b) ||
	    a.len != b.len || (a.len && memcmp(a.p, b.p, a.len) != 0))
		abort();
	age_identities_free(&ids);
	if (bk_secret_set(&input, data, size, &err) == 0 &&
	    age_identities_parse(&input, &some, &err) == 0)
		age_identities_free(&some);
	return 0;
}
