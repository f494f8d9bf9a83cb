/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fsid.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "file.h"
#include "hash.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

/* linux/fs.h has it since 6.9. */
struct uuid2 {
	uint8_t len;
	uint8_t uuid[16];
};
#define GET_FS_UUID _IOR(0x15, 0, struct uuid2)

/* linux/ext4.h has it since 6.7, the kernel since 6.0. */
struct ext4_uuid {
	uint32_t len, flags;
	uint8_t uuid[16];
};
#define EXT4_GET_FS_UUID _IOR('f', 44, struct ext4_uuid)

void fsid_boot(unsigned char boot[16])
{
	BK_AUTO_CLOSE int fd =
		open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char text[64];
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text));
	uint64_t half[2] = { hash64(text, n > 0 ? (size_t)n : 0, 1),
			     hash64(text, n > 0 ? (size_t)n : 0, 2) };

	memcpy(boot, half, 16);
}

static bool get_uuid(int fd, uint32_t type, uint8_t uuid[16])
{
	struct uuid2 u = { 0 };
	struct ext4_uuid e = { .len = 16 };
	struct btrfs_ioctl_fs_info_args info = { 0 };

	if (type == BTRFS_SUPER_MAGIC) {
		if (ioctl(fd, BTRFS_IOC_FS_INFO, &info) < 0)
			return false;
		memcpy(uuid, info.fsid, 16);
	} else if (ioctl(fd, GET_FS_UUID, &u) == 0 && u.len == 16) {
		memcpy(uuid, u.uuid, 16);
	} else if (type == EXT4_SUPER_MAGIC &&
		   ioctl(fd, EXT4_GET_FS_UUID, &e) == 0 && e.len == 16) {
		memcpy(uuid, e.uuid, 16);
	} else {
		return false;
	}
	return true;
}

static bool is_trusted(uint32_t type)
{
	return type == EXT4_SUPER_MAGIC || type == XFS_SUPER_MAGIC ||
	       type == BTRFS_SUPER_MAGIC || type == TMPFS_MAGIC;
}

/* A number of success may be above 0 here. */
static bool get_subvolume(int fd, struct btrfs_ioctl_get_subvol_info_args *a)
{
	memset(a, 0, sizeof(*a));
	return ioctl(fd, BTRFS_IOC_GET_SUBVOL_INFO, a) >= 0;
}

/*
 * sysfs has a folder of each btrfs that is mounted, whose inode number is
 * never used again before the next boot.
 */
static uint64_t get_live(const uint8_t uuid[16])
{
	struct {
		uint8_t boot[16];
		uint64_t ino;
	} k;
	char path[64], *to = path;
	struct stat st;

	to = stpcpy(to, "/sys/fs/btrfs/");
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*to++ = '-';
		to += snprintf(to, 3, "%02x", uuid[i]);
	}
	if (stat(path, &st) < 0)
		return 0;
	fsid_boot(k.boot);
	k.ino = st.st_ino;
	return hash64(&k, sizeof(k), 0);
}

struct fsid fsid_of(int fd)
{
	struct {
		uint64_t type;
		uint8_t uuid[16], boot[16], subvolume[16];
		uint64_t dev, tree;
	} k = { 0 };
	struct btrfs_ioctl_get_subvol_info_args sub;
	struct fsid id = { 0 };
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0 ||
	    !is_trusted((uint32_t)fs.f_type))
		return id;
	k.type = (uint32_t)fs.f_type;
	if (!get_uuid(fd, (uint32_t)fs.f_type, k.uuid)) {
		fsid_boot(k.boot);
		k.dev = st.st_dev;
	}
	/* nothing of a memory file system is there after a boot */
	if (k.type == TMPFS_MAGIC)
		fsid_boot(k.boot);
	if (k.type == BTRFS_SUPER_MAGIC) {
		if (!get_subvolume(fd, &sub))
			return id;
		memcpy(k.subvolume, sub.uuid, 16);
		k.tree = sub.treeid;
		id.gen = sub.generation;
		id.live = get_live(k.uuid);
	}
	id.id = hash64(&k, sizeof(k), 0);
	if (id.id == 0)
		id.id = 1;
	return id;
}
