/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "btrfs.h"

#include <endian.h>
#include <errno.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "mem.h"

enum { RESULT_SIZE = 256 << 10 };

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void add(struct inodes *l, uint64_t ino)
{
	if ((l->n & (l->n - 1)) == 0)
		l->v = bk_realloc(l->v, l->n ? 2 * l->n : 1, sizeof(*l->v));
	l->v[l->n++] = ino;
}

/* What the search returned; the key of the last item is in last. */
static int take(const struct btrfs_ioctl_search_args_v2 *a, uint64_t gen,
		struct inodes *l, struct btrfs_ioctl_search_header *last)
{
	const char *p = (const char *)a->buf;
	size_t left = a->buf_size;

	for (uint32_t i = 0; i < a->key.nr_items; i++) {
		struct btrfs_inode_item item;

		if (left < sizeof(*last))
			goto odd;
		memcpy(last, p, sizeof(*last));
		p += sizeof(*last);
		left -= sizeof(*last);
		if (left < last->len)
			goto odd;
		if (last->type == BTRFS_INODE_ITEM_KEY &&
		    last->len >= sizeof(item)) {
			memcpy(&item, p, sizeof(item));
			if (le64toh(item.transid) > gen)
				add(l, last->objectid);
		}
		p += last->len;
		left -= last->len;
	}
	return 0;
odd:
	errno = EPROTO;
	return -1;
}

/* The key behind this one; false where there is none. */
static bool step(struct btrfs_ioctl_search_key *k,
		 const struct btrfs_ioctl_search_header *last)
{
	k->min_objectid = last->objectid;
	k->min_type = last->type;
	k->min_offset = last->offset + 1;
	if (k->min_offset)
		return true;
	if (k->min_type < UINT8_MAX) {
		k->min_type++;
		return true;
	}
	k->min_type = 0;
	return ++k->min_objectid != 0;
}

int btrfs_changed(int fd, uint64_t gen, size_t limit, struct inodes *ret)
{
	struct btrfs_ioctl_search_args_v2 *a =
		bk_calloc(1, sizeof(*a) + RESULT_SIZE);
	struct btrfs_ioctl_search_header last = { 0 };
	int num = 0;

	*ret = (struct inodes){ 0 };
	a->key = (struct btrfs_ioctl_search_key){
		.min_objectid = BTRFS_FIRST_FREE_OBJECTID,
		.max_objectid = BTRFS_LAST_FREE_OBJECTID,
		.max_type = UINT8_MAX,
		.max_offset = UINT64_MAX,
		.min_transid = gen + 1,
		.max_transid = UINT64_MAX,
	};
	do {
		a->key.nr_items = UINT32_MAX;
		a->buf_size = RESULT_SIZE;
		if (ioctl(fd, BTRFS_IOC_TREE_SEARCH_V2, a) < 0 ||
		    take(a, gen, ret, &last) < 0)
			num = errno;
		else if (ret->n > limit)
			num = EFBIG;
	} while (!num && a->key.nr_items > 0 && step(&a->key, &last));
	free(a);
	if (num) {
		free(ret->v);
		*ret = (struct inodes){ 0 };
		errno = num;
		return -1;
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare);
	return 0;
}

bool inodes_has(const struct inodes *l, uint64_t ino)
{
	size_t lo = 0, hi = l->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (l->v[mid] < ino)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->n && l->v[lo] == ino;
}
