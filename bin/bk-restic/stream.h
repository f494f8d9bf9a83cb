/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The end of a stream, where its trailer is (bk-records(5)).
 */
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream_tail {
	uint64_t bytes;		/* of the whole stream */
	size_t len;		/* valid in last */
	char last[4096];
};

void stream_tail_add(struct stream_tail *t, const char *p, size_t n);
/*
 * Is its last line a trailer, whose "bytes=" counts all bytes before that
 * line?
 */
bool stream_tail_complete(const struct stream_tail *t);

#endif
