/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DATA_FOLDER 7 /* "data/0e" */

const char *listing_word(enum listing_kind kind)
{
	static const char *const words[LISTING_KINDS] = {
		[LISTING_DATA] = "data",
		[LISTING_INDEX] = "index",
		[LISTING_KEYS] = "keys",
		[LISTING_SNAPSHOTS] = "snapshots",
	};

	return words[kind];
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool listing_parse_id(const char *name, unsigned char ret[static LISTING_ID])
{
	for (size_t i = 0; i < LISTING_ID; i++) {
		int high = hex(name[2 * i]);
		int low = high < 0 ? -1 : hex(name[2 * i + 1]);

		if (low < 0)
			return false;
		ret[i] = (unsigned char)(high * 16 + low);
	}
	return name[2 * LISTING_ID] == '\0';
}

void listing_name(const struct listing_file *f, char ret[static 65])
{
	for (size_t i = 0; i < LISTING_ID; i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", f->id[i]);
}

char *listing_path(const struct listing_file *f)
{
	char name[65];

	listing_name(f, name);
	if (f->kind == LISTING_DATA)
		return bk_asprintf("data/%.2s/%s", name, name);
	return bk_asprintf("%s/%s", listing_word(f->kind), name);
}

/* A file that is being written, by restic here, or by sftp. */
static bool is_temporary(const char *name)
{
	return strstr(name, "-tmp-") || strstr(name, "-restic-temp-");
}

/* -1: no folder in which files of restic lie. */
static int kind_of(const char *folder)
{
	if (strlen(folder) == DATA_FOLDER && strncmp(folder, "data/", 5) == 0 &&
	    hex(folder[5]) >= 0 && hex(folder[6]) >= 0)
		return LISTING_DATA;
	for (int k = LISTING_INDEX; k < LISTING_KINDS; k++)
		if (strcmp(folder, listing_word(k)) == 0)
			return k;
	return -1;
}

void listing_folder(struct listing *l, const char *folder)
{
	for (int k = 0; k < LISTING_KINDS; k++)
		if (strcmp(folder, listing_word(k)) == 0)
			l->seen[k] = true;
}

void listing_add(struct listing *l, const char *folder, const char *name,
		 uint64_t size)
{
	int kind = kind_of(folder);
	struct listing_file f = { .kind = (uint8_t)kind, .size = size };

	if (is_temporary(name))
		return;
	/* A pack in the folder of another byte is not found by restic. */
	if (kind < 0 || !listing_parse_id(name, f.id) ||
	    (kind == LISTING_DATA && strncmp(name, folder + 5, 2) != 0)) {
		bk_strv_addf(&l->strange, "%s/%s", folder, name);
		return;
	}
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 1024;
		l->v = bk_realloc(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = f;
	l->bytes += size;
}

static int compare(const void *a, const void *b)
{
	const struct listing_file *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return memcmp(x->id, y->id, LISTING_ID);
}

void listing_sort(struct listing *l)
{
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), compare);
}

void listing_free(struct listing *l)
{
	free(l->v);
	bk_strv_free(&l->strange);
	*l = LISTING_INIT;
}

/* ---- ls --------------------------------------------------------------------- */

static const char *next_field(const char *p, size_t n)
{
	for (; n > 0; n--) {
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	return p;
}

/* "DIR/data/0e:" */
static bool take_folder(struct listing_ls *ls, const char *line)
{
	size_t n = strlen(line), dir = strlen(ls->dir);

	if (n < dir + 3 || line[n - 1] != ':' ||
	    strncmp(line, ls->dir, dir) != 0 || line[dir] != '/')
		return false;
	free(ls->folder);
	ls->folder = bk_memdup(line + dir + 1, n - dir - 2);
	listing_folder(ls->list, ls->folder);
	return true;
}

/*
 * "-rw-r--r-- 1 0 0 123 Nov 28 11:19 NAME"; some have a date of one word less,
 * "2026-11-28 11:19".
 */
void listing_ls_line(struct listing_ls *ls, const char *line)
{
	const char *date, *name;
	uint64_t size = 0;

	if (take_folder(ls, line) || !ls->folder ||
	    !strchr("-lpsbc", line[0]) || line[0] == '\0')
		return;
	date = next_field(line, 5);
	name = next_field(date, strchr("0123456789", *date) ? 2 : 3);
	if (sscanf(next_field(line, 4), "%lu", &size) != 1 || !*name)
		return;
	listing_add(ls->list, ls->folder, name, line[0] == '-' ? size : 0);
}

/* ---- looking -------------------------------------------------------------------- */

/* The first file that is not before key. */
static size_t lower_bound(const struct listing *l,
			  const struct listing_file *key)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&l->v[middle], key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t listing_range(const struct listing *l, enum listing_kind kind, int byte,
		     size_t *ret_first)
{
	struct listing_file key = { .kind = (uint8_t)kind };
	size_t end;

	if (byte >= 0)
		key.id[0] = (unsigned char)byte;
	*ret_first = lower_bound(l, &key);
	for (end = *ret_first; end < l->n && l->v[end].kind == kind; end++)
		if (byte >= 0 && l->v[end].id[0] != byte)
			break;
	return end - *ret_first;
}

bool listing_has(const struct listing *l, enum listing_kind kind,
		 const char *id)
{
	struct listing_file key = { .kind = (uint8_t)kind };
	size_t at, n = strlen(id);
	char name[65];

	for (size_t i = 0; i < LISTING_ID && 2 * i + 1 < n; i++) {
		int high = hex(id[2 * i]), low = hex(id[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		key.id[i] = (unsigned char)(high * 16 + low);
	}
	at = lower_bound(l, &key);
	if (at == l->n || l->v[at].kind != kind)
		return false;
	listing_name(&l->v[at], name);
	return strncmp(name, id, n) == 0;
}
