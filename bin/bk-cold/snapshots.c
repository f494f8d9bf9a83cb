/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Snapshots that a box makes of itself, as far as they can be seen: in the
 * folder .zfs/snapshot, of the file system in which the box lies.
 */
#include "snapshots.h"

#include <dirent.h>

#include "box_impl.h"
#include "path.h"

#define FOLDER ".zfs/snapshot"
/* Folders above the box in which it is looked for. */
#define UP_MAX 16

static bool is_shown(const char *name)
{
	return name[0] != '.' && !bk_str_control(name) &&
	       bk_str_utf8(name, strlen(name));
}

static int take(void *arg, const char *name, const struct box_stat *st)
{
	struct snapshots *l = arg;

	if (is_shown(name) && st->type == 'd')
		bk_strv_add(&l->names, name);
	return l->names.n < SNAPSHOTS_MAX ? 0 : -1;
}

/* From the box up to where a login begins, or to the root. */
static size_t depth(const struct box *b)
{
	BK_AUTO_STRV struct bk_strv parts = BK_STRV_INIT;

	bk_strv_split(&parts, b->at.path, "/");
	return parts.n < UP_MAX ? parts.n : UP_MAX;
}

static char *up(size_t n)
{
	struct bk_buf b = BK_BUF_INIT;

	while (n-- > 0)
		bk_buf_adds(&b, "../");
	bk_buf_adds(&b, FOLDER);
	return bk_buf_steal(&b);
}

/* The path of that folder, as one who logs in has it. */
static char *shown_folder(const struct box *b, size_t n)
{
	BK_AUTO_FREE char *path = bk_strdup(b->at.path);

	while (bk_str_ends(path, "/"))
		path[strlen(path) - 1] = '\0';
	while (n-- > 0) {
		char *slash = strrchr(path, '/');

		(slash ? slash : path)[0] = '\0';
	}
	return bk_asprintf("%s%s" FOLDER, path,
			   *path || b->at.path[0] == '/' ? "/" : "");
}

static void read_local(struct snapshots *l)
{
	DIR *d = opendir(l->folder);
	const struct dirent *e;

	while (d && l->names.n < SNAPSHOTS_MAX && (e = readdir(d)))
		if (is_shown(e->d_name))
			bk_strv_add(&l->names, e->d_name);
	if (d)
		(void)closedir(d);
}

static int look_at(struct box *b, size_t n, struct snapshots *l,
		   struct bk_err *err)
{
	BK_AUTO_FREE char *name = up(n);

	free(l->folder);
	l->folder = shown_folder(b, n);
	if (box_is_dir(b)) {
		read_local(l);
		return 0;
	}
	if (box_list(b, name, take, l, err) < 0 && box_is_lost(b))
		return -1;
	return 0;
}

int snapshots_find(struct box *b, struct snapshots *ret, struct bk_err *err)
{
	*ret = SNAPSHOTS_INIT;
	for (size_t n = 0; n <= depth(b) && ret->names.n == 0; n++)
		if (look_at(b, n, ret, err) < 0) {
			snapshots_free(ret);
			return -1;
		}
	bk_strv_sort(&ret->names);
	return 0;
}

void snapshots_free(struct snapshots *l)
{
	bk_strv_free(&l->names);
	free(l->folder);
	*l = SNAPSHOTS_INIT;
}
