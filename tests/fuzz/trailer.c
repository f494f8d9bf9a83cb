/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-restic/trailer.c */
#include "trailer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Does the line hold this number? */
static bool says(const char *line, size_t len, uint64_t want)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)want);
	return memmem(line, len, text, strlen(text)) != NULL;
}

static void check_complete(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data;
	const char *start = memrchr(s, '\n', size - 1);
	size_t before = start ? (size_t)(start + 1 - s) : 0;

	if (s[size - 1] != '\n' || size - before < 24 ||
	    memcmp(s + before, "-- bk-dbdump: complete ", 23) != 0 ||
	    !says(s + before, size - before, before))
		abort();
}

/* In whatever pieces it comes, the verdict is the same, and right. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trailer whole = { 0 }, parts = { 0 };
	const char *s = (const char *)data;

	trailer_add(&whole, s, size);
	for (size_t at = 0, step = 1; at < size; step = step * 3 % 5003) {
		size_t n = size - at < step ? size - at : step;

		trailer_add(&parts, s + at, n);
		at += n;
	}
	if (whole.bytes != size || parts.bytes != size ||
	    whole.len != parts.len || whole.len > sizeof(whole.last) ||
	    memcmp(whole.last, parts.last, whole.len) != 0)
		abort();
	if (trailer_complete(&whole) != trailer_complete(&parts))
		abort();
	if (trailer_complete(&whole))
		check_complete(data, size);
	trailer_free(&whole);
	trailer_free(&parts);
	return 0;
}
