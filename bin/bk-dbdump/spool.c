/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spool.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "dirs.h"
#include "file.h"
#include "lock.h"
#include "log.h"
#include "path.h"

char *spool_path(const struct bk_conf_section *s, bool restore,
		 struct bk_err *err)
{
	const char *base = bk_conf_str(s, "spool", NULL);
	/* No section's name begins with a dot. */
	BK_AUTO_FREE char *name =
		bk_asprintf("%s%s", restore ? ".restore/" : "", s->name);
	BK_AUTO_FREE char *below = bk_path_join("dbdump", name);

	return base ? bk_path_join(base, name)
		    : bk_dirs_peek(BK_DIRS_STATE, below, err);
}

/* Whoever could rename the folder could put another in its place. */
static int check_parent(const char *dir, struct bk_err *err)
{
	BK_AUTO_FREE char *parent = bk_path_parent(dir);
	const char *why;
	struct stat st;

	if (bk_file_mkdirs(parent, 0700, err) < 0)
		return -1;
	if (stat(parent, &st) < 0)
		return bk_err_sys(err, "cannot look at '%s'", parent);
	why = bk_file_distrust(&st);
	if (!why)
		return 0;
	return bk_err_set(err, BK_EX_CONFIG, 0,
			  "'%s' is no place for a spool: %s", parent, why);
}

int spool_open(const struct bk_conf_section *s, bool restore, struct spool *ret,
	       struct bk_err *err)
{
	BK_AUTO_FREE char *name = bk_asprintf(
		"dbdump-%s-%s", restore ? "restore" : "backup", s->name);
	BK_AUTO_FREE char *dir = spool_path(s, restore, err);

	if (!dir)
		return -1;
	ret->lock = bk_lock_take(name, 0, err);
	if (ret->lock < 0)
		return -1;
	if (check_parent(dir, err) < 0 || bk_file_remove_tree(dir, err) < 0)
		return -1;
	if (mkdir(dir, 0700) < 0)
		return bk_err_set(err, BK_EX_CANTCREAT, errno,
				  "cannot create the folder '%s'", dir);
	ret->dir = dir;
	dir = NULL;
	return 0;
}

void spool_close(struct spool *s)
{
	struct bk_err err;

	if (s->dir && bk_file_remove_tree(s->dir, &err) < 0)
		bk_error("%s", err.msg);
	free(s->dir);
	if (s->lock >= 0)
		(void)close(s->lock);
	*s = SPOOL_INIT;
}

int spool_room(const struct spool *s, uint64_t bytes, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf need = BK_BUF_INIT, have = BK_BUF_INIT;
	struct statvfs v;
	uint64_t room;

	if (statvfs(s->dir, &v) < 0)
		return bk_err_sys(err, "cannot look at '%s'", s->dir);
	room = (uint64_t)v.f_bavail * v.f_frsize;
	if (bytes <= room)
		return 0;
	bk_str_add_size(&need, bytes);
	bk_str_add_size(&have, room);
	return bk_err_set(err, BK_EX_IOERR, 0,
			  "the dump needs about %s, and '%s' has room for %s; "
			  "name another place with spool, or use no disk at "
			  "all with layout = stream",
			  need.p, s->dir, have.p);
}
