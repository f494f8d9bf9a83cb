/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-restic/trailer.c */
#include "trailer.h"

#include <openssl/evp.h>

#include "check.h"
#include "mem.h"

#define TRAILER "-- bk-dbdump: complete "

static bool complete(const char *data, size_t len)
{
	struct trailer whole = { 0 }, bytes = { 0 };
	bool ret;

	trailer_add(&whole, data, len);
	CHECK_INT(whole.bytes, len);
	for (size_t i = 0; i < len; i++)
		trailer_add(&bytes, data + i, 1);
	CHECK_INT(bytes.bytes, len);
	CHECK_INT(bytes.len, whole.len);
	CHECK(memcmp(bytes.last, whole.last, whole.len) == 0);
	CHECK_INT(trailer_complete(&bytes), trailer_complete(&whole));
	ret = trailer_complete(&whole);
	trailer_free(&bytes);
	trailer_free(&whole);
	return ret;
}

/* body, then the trailer as format with the bytes of body or more. */
static bool with_trailer(size_t body, const char *format, size_t bytes)
{
	char *text = bk_malloc(body + 500);
	size_t len = body;
	bool ret;

	memset(text, 'x', body);
	if (body > 0)
		text[body - 1] = '\n';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	len += (size_t)snprintf(text + body, 500, format, bytes);
#pragma GCC diagnostic pop
	ret = complete(text, len);
	free(text);
	return ret;
}

CHECK_TEST(whole)
{
	static const size_t bodies[] = { 0,    1,    2,	   9,	 10,
					 100,  4000, 4050, 4090, 4096,
					 4097, 8192, 20000 };

	for (size_t i = 0; i < BK_COUNT(bodies); i++) {
		size_t n = bodies[i];

		CHECK(with_trailer(n, TRAILER "tables=3 bytes=%zu\n", n));
		CHECK(with_trailer(n, TRAILER " bytes=%zu tables=3\n", n));
		/* whatever is lost shows */
		CHECK(!with_trailer(n, TRAILER "tables=3 bytes=%zu\n", n + 1));
		CHECK(!with_trailer(n, TRAILER "tables=3 bytes=%zu\n", n + 5));
		CHECK(!with_trailer(n, TRAILER "tables=3 bytes=%zu\n",
				    n * 10 + 7));
		if (n > 0)
			CHECK(!with_trailer(n, TRAILER "x bytes=%zu\n", n - 1));
	}
}

CHECK_TEST(cut_off)
{
	static const char text[] = "insert\n" TRAILER "rows=1 bytes=7\n";

	CHECK(complete(text, sizeof(text) - 1));
	for (size_t len = 0; len < sizeof(text) - 1; len++)
		CHECK(!complete(text, len));
}

CHECK_TEST(no_trailer)
{
#define NO(s) CHECK(!complete(s, sizeof(s) - 1))
	NO("");
	NO("\n");
	NO("x\n\n");
	NO("-- Dump completed on 2026-11-22\n");
	NO(TRAILER "\n");
	NO(TRAILER "rows=1\n");
	NO(TRAILER "bytes=0\n\n");
	NO(TRAILER "x bytes=\n");
	NO(TRAILER "x bytes=-0\n");
	NO(TRAILER "x bytes=+0\n");
	NO(TRAILER "x bytes=0x\n");
	NO(TRAILER "x bytes=18446744073709551616\n");
	NO(TRAILER "x bytes=0\nmore\n");
	NO(TRAILER "x bytes=0\nmore");
	NO(" " TRAILER "x bytes=0\n");
	NO("x" TRAILER "x bytes=0\n");
	NO(TRAILER "x bytes=0\r\n");
	NO("-- bk-dbdump: completed x bytes=0\n");
	NO("\0" TRAILER "x bytes=1\n");
	NO("a\n" TRAILER "\0 bytes=2\n");
}

CHECK_TEST(end_of_a_dump_with_nul_bytes)
{
	CHECK(complete("a\0b\n" TRAILER "x bytes=4\n",
		       strlen(TRAILER "x bytes=4\n") + 4));
}

/* What is kept may begin within the last line: that is no trailer then. */
CHECK_TEST(a_line_without_start)
{
	char *text = bk_malloc(10000);
	size_t n = 5000;
	int len = snprintf(text + n, 4097, TRAILER "x bytes=%zu %*s", n, 4040,
			   "");

	memset(text, 'x', n);
	CHECK(len >= 4040 && len < 4096);
	memset(text + n + len, ' ', 4096 - (size_t)len);
	text[n + 4095] = '\n';
	CHECK(!complete(text, n + 4096));
	free(text);
}

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
/* The hash of n bytes: x and a newline at the end. */
static bool with_hash(size_t n, size_t spoilt, const char *format)
{
	unsigned char sum[32];
	char hex[65], *text = bk_malloc(n + 500);
	int len;
	bool ret;

	memset(text, 'x', n);
	text[n - 1] = '\n';
	CHECK(EVP_Digest(text, n, sum, NULL, EVP_sha256(), NULL) == 1);
	for (size_t i = 0; i < sizeof(sum); i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", sum[i]);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	len = snprintf(text + n, 500, format, hex, n);
#pragma GCC diagnostic pop
	if (spoilt < n)
		text[spoilt] ^= 1;
	ret = complete(text, n + (size_t)len);
	free(text);
	return ret;
}

CHECK_TEST(hash)
{
	static const size_t sizes[] = { 1,    2,    100,  3900, 3960, 4000,
					4095, 4096, 4097, 8192, 70000 };

	for (size_t i = 0; i < BK_COUNT(sizes); i++) {
		size_t n = sizes[i];

		CHECK(with_hash(n, n, TRAILER "sha256=%s bytes=%zu\n"));
		CHECK(!with_hash(n, n, TRAILER "sha256=0%s bytes=%zu\n"));
		CHECK(!with_hash(n, n, TRAILER "sha256=%.63s bytes=%zu\n"));
		CHECK(!with_hash(n, n, TRAILER "sha256=%.0s bytes=%zu\n"));
		/* one bit of another value, wherever it is */
		CHECK(!with_hash(n, 0, TRAILER "sha256=%s bytes=%zu\n"));
		if (n > 1)
			CHECK(!with_hash(n, n - 2,
					 TRAILER "sha256=%s bytes=%zu\n"));
	}
	CHECK(complete(TRAILER "sha256=" EMPTY " bytes=0\n",
		       strlen(TRAILER "sha256=" EMPTY " bytes=0\n")));
}
