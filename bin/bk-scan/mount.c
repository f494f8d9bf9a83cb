/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mount.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "path.h"

static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++, to++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] &&
		    s[3]) {
			*to = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 |
				     (s[3] - '0'));
			s += 3;
		} else {
			*to = *s;
		}
	}
	*to = '\0';
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw" */
static void add_line(struct mounts *m, char *line)
{
	char *rest = line, *path = NULL, *dash, *type;

	dash = strstr(line, " - ");
	if (!dash)
		return;
	*dash = '\0';
	type = dash + 3;
	type[strcspn(type, " \n")] = '\0';
	for (int i = 0; i < 5; i++)
		path = strsep(&rest, " ");
	if (!path)
		return;
	unescape(path);
	m->v = bk_realloc(m->v, m->n + 1, sizeof(*m->v));
	m->v[m->n++] = (struct mount){ bk_strdup(path), bk_strdup(type) };
}

int mounts_read(struct mounts *m, struct bk_err *err)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;

	if (!f)
		return bk_err_sys(err, "cannot open /proc/self/mountinfo");
	while (getline(&line, &size, f) > 0)
		add_line(m, line);
	free(line);
	fclose(f);
	return 0;
}

void mounts_free(struct mounts *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].path);
		free(m->v[i].fstype);
	}
	free(m->v);
	*m = (struct mounts){ 0 };
}

const struct mount *mounts_at(const struct mounts *m, const char *path)
{
	for (size_t i = m->n; i-- > 0;)
		if (strcmp(m->v[i].path, path) == 0)
			return &m->v[i];
	return NULL;
}

const struct mount *mounts_of(const struct mounts *m, const char *path)
{
	const struct mount *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < m->n; i++) {
		size_t len = strlen(m->v[i].path);

		if (len >= most && bk_path_within(path, m->v[i].path)) {
			best = &m->v[i];
			most = len;
		}
	}
	return best;
}

bool mount_is_local(const char *fstype)
{
	static const char *const types[] = {
		"bcachefs", "btrfs", "erofs",	"exfat", "ext2",    "ext3",
		"ext4",	    "f2fs",  "fuseblk", "hfs",	 "hfsplus", "iso9660",
		"jfs",	    "msdos", "nilfs2",	"ntfs",	 "ntfs3",   "reiserfs",
		"squashfs", "udf",   "ufs",	"vfat",	 "xfs",	    "zfs",
	};

	for (size_t i = 0; i < BK_COUNT(types); i++)
		if (strcmp(fstype, types[i]) == 0)
			return true;
	return false;
}
