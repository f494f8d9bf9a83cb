/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mount.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "path.h"
#include "str.h"

static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++, to++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] &&
		    s[3]) {
			*to = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 +
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
	char *rest = line, *field[5], *dash = strstr(line, " - "), *type;
	uint64_t id, parent;

	if (!dash)
		return;
	*dash = '\0';
	type = dash + 3;
	type[strcspn(type, " \n")] = '\0';
	for (size_t i = 0; i < BK_COUNT(field); i++) {
		field[i] = strsep(&rest, " ");
		if (!field[i])
			return;
	}
	if (bk_parse_u64(field[0], 0, INT32_MAX, &id) < 0 ||
	    bk_parse_u64(field[1], 0, INT32_MAX, &parent) < 0)
		return;
	unescape(field[3]);
	unescape(field[4]);
	m->v = bk_realloc(m->v, m->n + 1, sizeof(*m->v));
	m->v[m->n++] = (struct mount){
		.id = (int)id,
		.parent = (int)parent,
		.dev = bk_strdup(field[2]),
		.root = bk_strdup(field[3]),
		.path = bk_strdup(field[4]),
		.fstype = bk_strdup(type),
		.hides = bk_str_starts(field[3], "/systemd/inaccessible/") ||
			 strstr(field[3], "/systemd-private-"),
	};
}

static const struct mount *by_id(const struct mounts *m, int id)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].id == id)
			return &m->v[i];
	return NULL;
}

static bool shows_the_same(const struct mounts *m, const struct mount *v)
{
	const struct mount *on = by_id(m, v->parent);
	BK_AUTO_FREE char *there = NULL;
	const char *below;

	if (!on || on == v || strcmp(on->dev, v->dev) != 0 ||
	    strcmp(on->path, v->path) == 0 ||
	    !bk_path_within(v->path, on->path))
		return false;
	below = v->path + (on->path[1] ? strlen(on->path) : 0);
	there = bk_path_join(on->root, below + 1);
	return strcmp(there, v->root) == 0;
}

static bool is_automount(const struct mount *v)
{
	return strcmp(v->fstype, "autofs") == 0;
}

int mounts_read(struct mounts *m, struct bk_err *err)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	bool whole;

	if (!f)
		return bk_err_sys(err, "cannot open /proc/self/mountinfo");
	while (getline(&line, &size, f) > 0)
		add_line(m, line);
	whole = feof(f);
	free(line);
	fclose(f);
	if (!whole)
		return bk_err_sys(err, "cannot read /proc/self/mountinfo");
	m->waits = bk_calloc(m->n + 1, sizeof(*m->waits));
	for (size_t i = 0; i < m->n; i++) {
		m->v[i].same = shows_the_same(m, &m->v[i]);
		if (is_automount(&m->v[i]))
			m->waits[m->nwaits++] = bk_path_base(m->v[i].path);
	}
	return 0;
}

void mounts_free(struct mounts *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].path);
		free(m->v[i].fstype);
		free(m->v[i].root);
		free(m->v[i].dev);
	}
	free(m->v);
	free(m->waits);
	*m = (struct mounts){ 0 };
}

const struct mount *mounts_at(const struct mounts *m, const char *path)
{
	for (size_t i = m->n; i-- > 0;)
		if (strcmp(m->v[i].path, path) == 0)
			return &m->v[i];
	return NULL;
}

bool mounts_waits(const struct mounts *m, const char *path)
{
	const struct mount *v = mounts_at(m, path);

	return v && is_automount(v);
}

bool mounts_may_wait(const struct mounts *m, const char *name)
{
	for (size_t i = 0; i < m->nwaits; i++)
		if (strcmp(m->waits[i], name) == 0)
			return true;
	return false;
}

const struct mount *mounts_of(const struct mounts *m, const char *path)
{
	const struct mount *best = NULL;
	size_t most = 0;

	for (size_t i = 0; i < m->n; i++) {
		size_t len = strlen(m->v[i].path);

		if (!m->v[i].same && len >= most &&
		    bk_path_within(path, m->v[i].path)) {
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
