/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * btrfs keeps with each leaf of its trees, and with each inode, in which
 * transaction it was written last: what changed since is found without a
 * look at the rest. BTRFS_IOC_TREE_SEARCH_V2 needs CAP_SYS_ADMIN.
 */
#ifndef BTRFS_H
#define BTRFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inodes {
	uint64_t *v; /* rising */
	size_t n;
};

/*
 * The inodes of the subvolume of fd that were written after generation gen,
 * files among them; what is only in memory is not: syncfs(2) first. -1 with
 * errno, EFBIG where there are more than limit.
 *
 * That the subvolume is at gen is said when nobody can write in gen any more
 * (btrfs_commit_transaction() of the kernel): who looks at a folder after he
 * was told sees all that gen brought, and what comes later is in a later one.
 */
int btrfs_changed(int fd, uint64_t gen, size_t limit, struct inodes *ret);
bool inodes_has(const struct inodes *l, uint64_t ino);

#endif
