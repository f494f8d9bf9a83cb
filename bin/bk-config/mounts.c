/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mounts.h"

#include <mntent.h>
#include <stdio.h>

#include "path.h"
#include "str.h"

/* Mount points that a table names, without those of no file system. */
static void read_mounts(const char *file, struct bk_strv *ret)
{
	FILE *f = setmntent(file, "re");
	struct mntent m;
	char text[8192];

	if (!f)
		return;
	while (getmntent_r(f, &m, text, sizeof(text)))
		if (m.mnt_dir[0] == '/' && m.mnt_dir[1])
			bk_strv_take(ret, bk_path_clean(m.mnt_dir));
	(void)endmntent(f);
}

char *mounts_missing(const char *path)
{
	BK_AUTO_STRV struct bk_strv fstab = BK_STRV_INIT;
	BK_AUTO_STRV struct bk_strv mounted = BK_STRV_INIT;

	read_mounts("/etc/fstab", &fstab);
	read_mounts("/proc/self/mounts", &mounted);
	for (size_t i = 0; i < fstab.n; i++)
		if (bk_path_within(path, fstab.v[i]) &&
		    !bk_strv_has(&mounted, fstab.v[i]))
			return bk_strdup(fstab.v[i]);
	return NULL;
}

char *mounts_command(const char *mount)
{
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "mount ");
	bk_str_add_shell(&b, mount);
	return bk_buf_steal(&b);
}
