/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a snapshot holds, and which of it is drilled: every regular file and
 * every link belongs, by its path, to one of 256 parts, so that all of them
 * have their turn.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "err.h"

#define SAMPLE_PARTS 256

struct sample_file {
	char *path; /* as restic tells it: U+FFFD for a byte that is no UTF-8 */
	uint64_t size;
	struct timespec mtime, ctime;
	unsigned int mode; /* as of chmod(2) */
	unsigned char part;
	bool link;
	bool found; /* it came back */
};

struct sample {
	struct sample_file *v; /* sorted by path, once it is read */
	size_t n;
	uint64_t bytes;
};

/* How much there is in each part. */
struct sample_sizes {
	uint64_t bytes[SAMPLE_PARTS];
	uint64_t files[SAMPLE_PARTS];
};

unsigned char sample_part(const char *path);

/*
 * A node of "restic ls --json": true for a file or a link, which the caller
 * frees with sample_file_free(). What has no path that is whole is none.
 */
bool sample_parse(const json_t *node, struct sample_file *ret);
void sample_file_free(struct sample_file *f);

void sample_sort(struct sample *l);
/* The first one of this path, and how many there are; NULL: none. */
struct sample_file *sample_find(const struct sample *l, const char *path,
				size_t *ret_n);
void sample_free(struct sample *l);

/* The pattern of restic that chooses it; the caller frees it. */
char *sample_pattern(const struct sample_file *f);
/* Does it stand for bytes that are not known? */
bool sample_is_vague(const struct sample_file *f);

#endif
