/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files of a repository of restic: each is called by the SHA-256 hash of
 * what is in it, config excepted, and a pack lies in a folder of its first
 * byte. Locks come and go, and are left out.
 */
#ifndef LISTING_H
#define LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "str.h"

enum listing_kind {
	LISTING_DATA,
	LISTING_INDEX,
	LISTING_KEYS,
	LISTING_SNAPSHOTS,
	LISTING_KINDS
};

#define LISTING_ID 32

struct listing_file {
	unsigned char id[LISTING_ID];
	uint8_t kind;
	uint64_t size;
};

struct listing {
	struct listing_file *v; /* by kind, then by id, once it is sorted */
	size_t n, cap;
	uint64_t bytes;
	struct bk_strv strange;	  /* paths of what does not belong there */
	bool seen[LISTING_KINDS]; /* the folder is there */
};
#define LISTING_INIT ((struct listing){ 0 })

/* "data" and so on. */
const char *listing_word(enum listing_kind kind);

/*
 * A file that was found: folder is its path below the repository ("index",
 * "data/0e").
 */
void listing_add(struct listing *l, const char *folder, const char *name,
		 uint64_t size);
/* A folder that was found. */
void listing_folder(struct listing *l, const char *folder);
void listing_sort(struct listing *l);
void listing_free(struct listing *l);

/* What "ls -lnR DIR/data DIR/index ..." prints, line by line. */
struct listing_ls {
	struct listing *list;
	const char *dir;
	char *folder; /* below dir; NULL: none yet */
};
void listing_ls_line(struct listing_ls *ls, const char *line);

/* Where it lies below the repository: "data/0e/0e0a..."; the caller frees it. */
char *listing_path(const struct listing_file *f);
/* The hash that is its name, in ret. */
void listing_name(const struct listing_file *f, char ret[static 65]);
/* false where it is no name of a file of restic. */
bool listing_parse_id(const char *name, unsigned char ret[static LISTING_ID]);

/* Is there one of this kind whose name begins with id? Once it is sorted. */
bool listing_has(const struct listing *l, enum listing_kind kind,
		 const char *id);
/* The files of a kind, for data those of one byte: n from *ret_first on. */
size_t listing_range(const struct listing *l, enum listing_kind kind, int byte,
		     size_t *ret_first);

#endif
