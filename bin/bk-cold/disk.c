/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk.h"

#include <linux/btrfs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "str.h"

#define NUMBER "dev:"

char *disk_name(int fd)
{
	struct btrfs_ioctl_fs_info_args info = { 0 };
	char hex[2 * sizeof(info.fsid) + 1];
	struct statfs fs;
	struct stat st;

	if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
		return NULL;
	if (fs.f_type == BTRFS_SUPER_MAGIC &&
	    ioctl(fd, BTRFS_IOC_FS_INFO, &info) == 0) {
		for (size_t i = 0; i < sizeof(info.fsid); i++)
			(void)snprintf(hex + 2 * i, 3, "%02x", info.fsid[i]);
		return bk_asprintf("btrfs:%s", hex);
	}
	return bk_asprintf(NUMBER "%u:%u", major(st.st_dev), minor(st.st_dev));
}

bool disk_is_number(const char *name)
{
	return bk_str_starts(name, NUMBER);
}
