/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-dbdump/statement.c */
#include "statement.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int memory(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	return fd;
}

/* What is found, in order; each lies in data, behind the one before. */
static void collect(struct statements s, int fd, const uint8_t *data,
		    size_t size, struct bk_buf *found)
{
	const uint8_t *from = data, *end = data + size;
	struct statement st;
	struct bk_err err;
	int got;

	s.fd = fd;
	s.left = UINT64_MAX;
	if (lseek(fd, 0, SEEK_SET) != 0)
		abort();
	while ((got = statements_next(&s, &st, &err)) == 1) {
		const uint8_t *p =
			memmem(from, (size_t)(end - from), st.p, st.len);

		if (!p)
			abort();
		from = p + st.len;
		bk_buf_addf(found, "%llu %zu %d|", (unsigned long long)st.line,
			    st.len, st.comment);
	}
	if (got < 0 && err.exit != BK_EX_DATAERR)
		abort();
	bk_buf_addf(found, "%d", got);
	statements_free(&s);
}

/* In whatever pieces it is read, the statements are the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bk_buf whole = BK_BUF_INIT, parts = BK_BUF_INIT;
	struct statements s = { .limit = 1 << 16 };
	int fd;

	if (size < 1 || size > 4096)
		return 0;
	s.no_backslash = data[0] & 1;
	s.ansi_quotes = data[0] & 2;
	data++;
	size--;
	fd = memory(data, size);
	collect(s, fd, data, size, &whole);
	s.chunk = 1;
	collect(s, fd, data, size, &parts);
	if (whole.len != parts.len || memcmp(whole.p, parts.p, whole.len) != 0)
		abort();
	bk_buf_free(&whole);
	bk_buf_free(&parts);
	(void)close(fd);
	return 0;
}
