/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trailer.h"

#include <string.h>

#include "mem.h"
#include "str.h"

void trailer_add(struct trailer *t, const char *p, size_t n)
{
	size_t keep = sizeof(t->last);

	t->bytes += n;
	if (n >= keep) {
		memcpy(t->last, p + n - keep, keep);
		t->len = keep;
		return;
	}
	if (t->len + n > keep) {
		size_t drop = t->len + n - keep;

		memmove(t->last, t->last + drop, t->len - drop);
		t->len -= drop;
	}
	memcpy(t->last + t->len, p, n);
	t->len += n;
}

bool trailer_complete(const struct trailer *t)
{
	BK_AUTO_FREE char *line = NULL;
	const char *start;
	char *bytes;
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
	bytes = strstr(line, " bytes=");
	if (!bytes)
		return false;
	bytes += strlen(" bytes=");
	n = t->bytes - len - 1;
	bytes[strcspn(bytes, " ")] = '\0';
	return bk_parse_u64(bytes, n, n, &n) == 0;
}
