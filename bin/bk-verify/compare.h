/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is what was restored what was stored? A file that did not change since is
 * compared with the live one, byte by byte, any other with what the snapshot
 * says of it: size, mode and time.
 */
#ifndef COMPARE_H
#define COMPARE_H

#include "err.h"
#include "sample.h"

struct compare {
	struct sample *sample;
	uint64_t same;	  /* files that are as the live ones, byte by byte */
	uint64_t changed; /* that are as the snapshot says */
	/* What is wrong; path is its own, as bytes. */
	void (*bad)(void *arg, const struct sample_file *f, const char *path,
		    const char *why);
	void *arg;
};

/*
 * All that lies below root, a folder that nobody else can write. Those of the
 * sample that came back are marked as found. -1 with err where it could not be
 * told (74), or a signal came (75).
 */
int compare_tree(struct compare *c, const char *root, struct bk_err *err);

/* A file that comes as a stream, so that it needs no room. */
struct compare_stream {
	const struct sample_file *file;
	int live; /* -1: the live one is not what was stored */
	uint64_t size;
	bool differs;
};
void compare_begin(struct compare_stream *s, const struct sample_file *f);
void compare_add(struct compare_stream *s, const char *p, size_t n);
void compare_end(struct compare *c, struct compare_stream *s);

#endif
