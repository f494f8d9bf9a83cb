/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "room.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "log.h"
#include "path.h"

void room_free(struct room *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->places[i].folder);
	free(m->places);
	free(m->dir);
	*m = ROOM_INIT(NULL);
}

char *room_path(const char *target, const char *path)
{
	return strcmp(target, "/") == 0 ? bk_strdup(path)
					: bk_asprintf("%s%s", target, path);
}

/* The folder that is there above path, or path itself. */
static char *existing(const char *path, struct stat *ret)
{
	char *at = bk_strdup(path);

	while (stat(at, ret) < 0 || !S_ISDIR(ret->st_mode)) {
		char *slash = strrchr(at, '/');

		if (!slash || slash == at) {
			at[0] = '/';
			at[1] = '\0';
			(void)stat(at, ret);
			break;
		}
		*slash = '\0';
	}
	return at;
}

static size_t add_place(struct room *m, const char *folder, dev_t dev)
{
	struct room_place *p;
	struct statvfs fs;

	for (size_t i = 0; i < m->n; i++)
		if (m->places[i].dev == dev)
			return i;
	m->places = bk_realloc(m->places, m->n + 1, sizeof(*m->places));
	p = &m->places[m->n];
	*p = (struct room_place){ .dev = dev,
				  .folder = bk_strdup(folder),
				  .block = 1 };
	if (statvfs(folder, &fs) == 0 && fs.f_frsize > 0)
		p->block = fs.f_frsize;
	return m->n++;
}

/* Where things in this folder come to lie. */
static void look_at(struct room *m, const char *dir)
{
	BK_AUTO_FREE char *folder = NULL;
	struct stat st = { 0 };

	if (m->dir && strcmp(m->dir, dir) == 0)
		return;
	folder = existing(dir, &st);
	free(m->dir);
	m->dir = bk_strdup(dir);
	m->there = strcmp(folder, dir) == 0;
	m->place = add_place(m, folder, st.st_dev);
}

void room_add(struct room *m, const struct node *n)
{
	BK_AUTO_FREE char *path = room_path(m->target, n->path);
	BK_AUTO_FREE char *dir = bk_strdup(path);
	uint64_t old = 0, bytes = 0;
	struct room_place *p;
	struct stat st;
	char *slash = strrchr(dir, '/');
	bool file = strcmp(n->type, "file") == 0;
	bool folder = strcmp(n->type, "dir") == 0;
	bool was = false;

	if (slash)
		*(slash == dir ? slash + 1 : slash) = '\0';
	look_at(m, dir);
	p = &m->places[m->place];
	if (m->there && lstat(path, &st) == 0) {
		was = true;
		if (S_ISREG(st.st_mode))
			old = (uint64_t)st.st_blocks * 512;
	}
	m->files += file;
	m->folders += folder;
	m->others += !file && !folder;
	if (file) {
		m->bytes += n->size;
		bytes = (n->size + p->block - 1) / p->block * p->block;
	} else if (folder && !was) {
		bytes = p->block;
	}
	p->bytes += bytes > old ? bytes - old : 0;
	p->nodes += !was;
}

/* false where the file system does not tell how large it is. */
static bool ask(const struct room_place *p, struct statvfs *fs)
{
	return statvfs(p->folder, fs) == 0 && fs->f_blocks > 0;
}

static uint64_t free_bytes(const struct statvfs *fs)
{
	return (uint64_t)fs->f_bavail * fs->f_frsize;
}

static void say_place(const struct room_place *p)
{
	BK_AUTO_BUF struct bk_buf need = BK_BUF_INIT, left = BK_BUF_INIT;
	struct statvfs fs;

	if (!ask(p, &fs))
		return;
	bk_str_add_size(&need, p->bytes);
	bk_str_add_size(&left, free_bytes(&fs));
	bk_notice("needs %s; %s are free in %s", need.p, left.p, p->folder);
}

void room_say(const struct room *m)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_str_add_count(&b, m->files);
	bk_buf_addf(&b, " file%s, ", m->files == 1 ? "" : "s");
	if (m->folders > 0) {
		bk_str_add_count(&b, m->folders);
		bk_buf_addf(&b, " folder%s, ", m->folders == 1 ? "" : "s");
	}
	if (m->others > 0) {
		bk_str_add_count(&b, m->others);
		bk_buf_addf(&b, " other%s, ", m->others == 1 ? "" : "s");
	}
	bk_str_add_size(&b, m->bytes);
	bk_notice("%s", b.p);
	for (size_t i = 0; i < m->n; i++)
		say_place(&m->places[i]);
}

int room_check(const struct room *m, struct bk_err *err)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct room_place *p = &m->places[i];
		BK_AUTO_BUF struct bk_buf need = BK_BUF_INIT,
					  left = BK_BUF_INIT;
		struct statvfs fs;

		if (!ask(p, &fs))
			continue;
		if (fs.f_files > 0 && p->nodes > fs.f_favail)
			return bk_err_set(err, BK_EX_CANTCREAT, 0,
					  "there is no room in '%s': it can "
					  "take %llu files more, and these are "
					  "%llu",
					  p->folder,
					  (unsigned long long)fs.f_favail,
					  (unsigned long long)p->nodes);
		if (p->bytes <= free_bytes(&fs))
			continue;
		bk_str_add_size(&need, p->bytes);
		bk_str_add_size(&left, free_bytes(&fs));
		return bk_err_set(err, BK_EX_CANTCREAT, 0,
				  "there is no room in '%s': %s are needed, %s "
				  "are free (hard links and holes count in "
				  "full; --no-space-check tries it all the "
				  "same)",
				  p->folder, need.p, left.p);
	}
	return 0;
}
