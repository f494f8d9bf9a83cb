/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The cache file: every folder that the last scan met, in tree order.
 *
 * A header, then these sections, each padded to 8 bytes and with a checksum
 * in the header: records; sizes, 8 bytes a record, where they are known; file
 * systems; markers; names; strings. Numbers are the machine's own, which the
 * header names. A folder's subtree are the records behind it that are deeper.
 */
#ifndef IMAGE_H
#define IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum {
	NODE_SCAN = 1,	      /* below a [scan] root: markers count */
	NODE_RACY = 2,	      /* changed too close to when it was read */
	NODE_MOUNT = 4,	      /* a mount point that is not entered */
	NODE_CROSSED = 8,     /* one that is */
	NODE_LOOP = 16,	      /* one of a folder above it: not entered */
	NODE_TOP = 32,	      /* of a file system, a subvolume, a start */
	NODE_UNREADABLE = 64, /* not opened; files is the errno */
	NODE_BROKEN = 128,    /* not read to its end */
	NODE_GONE = 256,      /* listed, but no folder when it was opened */
	NODE_FILE = 512,      /* a start that is no folder */
	/* not entered: nothing of it is known but that it was there */
	NODE_CLOSED = NODE_MOUNT | NODE_UNREADABLE | NODE_GONE | NODE_FILE,
};

#define NO_NODE UINT32_MAX
#define NO_SIZE UINT64_MAX

struct image_rec {
	uint64_t ino;
	uint64_t ctime; /* nanoseconds */
	uint32_t mtime; /* both halves of it, folded */
	uint32_t depth; /* 0: a start, whose name is a path in strings */
	uint32_t name;	/* where in names */
	uint32_t files; /* directly in it */
	uint16_t flags;
	uint16_t marks; /* kinds of markers in it, a bit each */
} __attribute__((packed, aligned(4)));

/* Of a record with NODE_TOP or NODE_MOUNT, or NODE_CROSSED. */
struct image_top {
	uint64_t id;  /* of what is there, see fsid.h; 0: times not trusted */
	uint64_t gen; /* btrfs: the generation before this scan; else 0 */
	uint64_t live;
	uint32_t node;
	uint32_t fstype; /* where in strings */
};

enum { MARK_UNREAD = 1, MARK_RACY = 2, MARK_BIG = 4 };

struct image_mark {
	uint64_t ino, size, ctime;
	uint32_t mtime;
	uint32_t node;
	uint32_t uid;
	uint32_t text, len; /* where in strings */
	uint32_t refused;   /* 0, or where the reason is */
	uint16_t kind, flags;
	uint32_t mode;
};

enum { SEC_RECS, SEC_BYTES, SEC_TOPS, SEC_MARKS, SEC_NAMES, SEC_STRINGS, SECS };

enum { IMAGE_VERSION = 2 };

struct image_head {
	char magic[8];
	uint32_t order; /* 0x01020304 */
	uint32_t version;
	uint32_t head_size, rec_size;
	uint64_t size; /* of the file */
	uint64_t conf; /* what is looked at, and by whom */
	uint64_t host; /* the machine's id */
	unsigned char boot[16];
	int64_t real, mono; /* clocks at the end of the scan, nanoseconds */
	int64_t sized;	    /* when sizes were taken, seconds; 0: never */
	uint64_t unsized;   /* folders that changed since */
	int64_t whole;	    /* when all was read last, seconds */
	uint64_t count[SECS];
	uint64_t sum[SECS];
	uint64_t spare[3];
	uint64_t head_sum; /* of all before it */
};

struct image {
	void *map;
	size_t size;
	const struct image_head *head;
	const struct image_rec *recs;
	const uint64_t *bytes; /* or NULL */
	const struct image_top *tops;
	const struct image_mark *marks; /* by node */
	const char *names, *strings;
	uint32_t n, ntops, nmarks;
	int64_t verified; /* seconds */
	/* computed */
	uint32_t *parent; /* NO_NODE: a start */
	uint32_t *end;	  /* of the subtree: the first record behind it */
};

/* Bytes of one item in each section. */
extern const size_t image_item[SECS];

/*
 * Map and check a cache file. -1: 66 where there is none, 65 where it is
 * damaged or of another kind; the message begins with what it is ("is ...").
 */
int image_load(const char *path, struct image *m, struct bk_err *err);
void image_free(struct image *m);

const char *image_name(const struct image *m, uint32_t i);
/* The path of record i; the caller frees it. */
char *image_path(const struct image *m, uint32_t i);
/* The start of exactly this path, or NO_NODE. */
uint32_t image_start(const struct image *m, const char *path);
/* The record of a path, or NO_NODE. */
uint32_t image_find(const struct image *m, const char *path);
/* What the record has in tops, or NULL. */
const struct image_top *image_top_of(const struct image *m, uint32_t i);
/* The first marker at or behind record i. */
uint32_t image_mark_at(const struct image *m, uint32_t i);

#endif
