/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file as it was when it was copied: what catalog and manifests hold.
 */
#ifndef ENTRY_H
#define ENTRY_H

#include "meta.h"

/* What lies there of a file that is encrypted. */
struct sealed {
	char sha256[65]; /* "": it lies there as it is */
	uint64_t size;
	char print[17]; /* of the recipients that it is for */
};

struct entry {
	int64_t id; /* in the catalog; 0: not there yet */
	char *path; /* absolute and clean */
	char *set;  /* name of the [cold] section, "" for markers alone */
	struct meta meta;
	char sha256[65]; /* of f; else "" */
	char *object;	 /* of f, on the box it is about: a name; or NULL */
	struct sealed sealed; /* how it lies there */
	int64_t since;	      /* from when on it was like this, seconds */
	int64_t until;	      /* 0: it still is */
};
#define ENTRY_INIT ((struct entry){ 0 })
#define ENTRY_AUTO BK_AUTO(entry_free)

void entry_free(struct entry *e);
/*
 * Members of a record of type "file", and back; 65 where they make no sense,
 * or the record is of another type. id is not among them.
 */
json_t *entry_to_json(const struct entry *e);
int entry_from_json(const json_t *o, struct entry *ret, struct bk_err *err);

#endif
