/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-scan/marker.c bin/bk-scan/warn.c */
/*
 * The text of a marker: the first byte says of which kind. What is taken as a
 * pattern is matched too.
 */
#include <stdint.h>

#include "marker.h"
#include "match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct marker m = { 0 };

	if (size < 1 || size > MARKER_MAX)
		return 0;
	marker_parse(&m, (enum marker_kind)(data[0] % MARKERS),
		     (const char *)data + 1, size - 1);
	if (m.problems.n && (m.sets.n || m.boxes.n || m.exclude.n))
		__builtin_trap();
	for (size_t i = 0; i < m.exclude.n; i++) {
		struct bk_match *p = bk_match_new(m.exclude.v[i], i % 2 == 0);

		(void)bk_match_hits(p, "/a/b/c.o/\xc3\xa4/[x]");
		(void)bk_match_hits(p, "");
		bk_match_free(p);
	}
	marker_free(&m);
	return 0;
}
