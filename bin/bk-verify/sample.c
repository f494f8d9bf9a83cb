/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "rec.h"
#include "str.h"
#include "time.h"

#define VAGUE "\xef\xbf\xbd"

/* Bits of Go's os.FileMode that are elsewhere in ours. */
#define GO_SETUID (1U << 23)
#define GO_SETGID (1U << 22)
#define GO_STICKY (1U << 20)

unsigned char sample_part(const char *path)
{
	uint64_t h = 14695981039346656037ULL; /* FNV-1a */

	for (; *path; path++)
		h = (h ^ (unsigned char)*path) * 1099511628211ULL;
	/* Names that differ at their end alone are spread, too. */
	h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdULL;
	return (unsigned char)(h >> 56);
}

static unsigned int mode_of(const json_t *node)
{
	uint64_t go = (uint64_t)bk_rec_int(node, "mode", 0);

	return (unsigned int)(go & 0777) | (go & GO_SETUID ? 04000 : 0) |
	       (go & GO_SETGID ? 02000 : 0) | (go & GO_STICKY ? 01000 : 0);
}

/* "2026-11-28T15:44:55.267063342Z" */
static bool read_time(const json_t *node, const char *key, struct timespec *ret)
{
	const char *s = bk_rec_str(node, key);
	const char *fraction = s ? strchr(s, '.') : NULL;
	int64_t t;
	long scale = 100000000;

	if (!s || bk_time_parse(s, &t) < 0)
		return false;
	*ret = (struct timespec){ .tv_sec = t };
	while (fraction && isdigit((unsigned char)*++fraction)) {
		ret->tv_nsec += (*fraction - '0') * scale;
		scale /= 10;
	}
	return true;
}

bool sample_parse(const json_t *node, struct sample_file *ret)
{
	const char *type = bk_rec_str(node, "type");
	const char *path = bk_rec_str(node, "path");
	int64_t size = bk_rec_int(node, "size", 0);

	*ret = (struct sample_file){ 0 };
	if (!type || !path || path[0] != '/' || size < 0)
		return false;
	ret->link = strcmp(type, "symlink") == 0;
	if ((!ret->link && strcmp(type, "file") != 0) ||
	    !read_time(node, "mtime", &ret->mtime) ||
	    !read_time(node, "ctime", &ret->ctime))
		return false;
	ret->size = ret->link ? 0 : (uint64_t)size;
	ret->mode = mode_of(node);
	ret->part = sample_part(path);
	ret->path = bk_strdup(path);
	return true;
}

void sample_file_free(struct sample_file *f)
{
	free(f->path);
	f->path = NULL;
}

static int by_path(const void *a, const void *b)
{
	const struct sample_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

void sample_sort(struct sample *l)
{
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), by_path);
}

struct sample_file *sample_find(const struct sample *l, const char *path,
				size_t *ret_n)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(l->v[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (*ret_n = 0; low + *ret_n < l->n; ++*ret_n)
		if (strcmp(l->v[low + *ret_n].path, path) != 0)
			break;
	return *ret_n > 0 ? &l->v[low] : NULL;
}

void sample_free(struct sample *l)
{
	for (size_t i = 0; i < l->n; i++)
		sample_file_free(&l->v[i]);
	free(l->v);
	*l = (struct sample){ 0 };
}

char *sample_pattern(const struct sample_file *f)
{
	struct bk_buf b = BK_BUF_INIT;

	for (const char *p = f->path; *p; p++) {
		if (bk_str_starts(p, VAGUE)) {
			bk_buf_addc(&b, '?');
			p += strlen(VAGUE) - 1;
			continue;
		}
		if (strchr("\\*?[", *p))
			bk_buf_addc(&b, '\\');
		bk_buf_addc(&b, *p);
	}
	return bk_buf_steal(&b);
}

bool sample_is_vague(const struct sample_file *f)
{
	return strstr(f->path, VAGUE) != NULL;
}
