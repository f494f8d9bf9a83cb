/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * File systems: which one is this, and can its times be trusted?
 */
#ifndef FSID_H
#define FSID_H

#include <stdint.h>

struct fsid {
	/*
	 * Of type, UUID and subvolume; where there is no UUID, of this boot
	 * and the device. 0 where a changed directory may keep its ctime, or
	 * nobody tried: network, FUSE, FAT, overlay and so on.
	 */
	uint64_t id;
	uint64_t gen; /* btrfs: the last generation on disk; else 0 */
	/*
	 * Of this mount of the file system, as long as gen only grows: after
	 * a crash or a look at an older image of the disk, a generation is
	 * not the one that it was. 0: not known.
	 */
	uint64_t live;
};

/* Of the folder fd, which is open for reading; boot as in fsid_boot(). */
struct fsid fsid_of(int fd);
/* 16 bytes that are others after each boot. */
void fsid_boot(unsigned char boot[16]);

#endif
