/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf_read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "dirs.h"
#include "file.h"
#include "ini.h"
#include "path.h"

#define FILE_MAX_BYTES ((size_t)8 << 20)

static void add_line(struct bk_conf_lines *l, const struct bk_conf_line *e)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 64;
		l->v = bk_realloc(l->v, l->cap, sizeof(*e));
	}
	l->v[l->n++] = *e;
}

static const char *this_file(const struct bk_conf_lines *l)
{
	return l->files.v[l->files.n - 1];
}

static void take_line(void *arg, const struct bk_ini_line *line)
{
	struct bk_conf_lines *l = arg;
	struct bk_conf_line e = {
		.file = this_file(l),
		.line = line->line,
		.section = bk_strdup(line->section),
		.key = line->key ? bk_strdup(line->key) : NULL,
		.value = bk_strdup(line->value),
		.continued = line->continued,
	};

	add_line(l, &e);
}

static void take_problem(void *arg, size_t line, const char *msg)
{
	struct bk_conf_lines *l = arg;
	struct bk_conf_line e = {
		.file = this_file(l),
		.line = line,
		.value = bk_strdup(msg),
	};

	add_line(l, &e);
}

/* The file or folder added last is not read. num: errno, or 0. */
static void refuse(struct bk_conf_lines *l, int num, const char *why)
{
	if (num == EACCES || num == EPERM)
		l->exit = BK_EX_NOPERM;
	l->incomplete = true;
	take_problem(l, 0, num ? strerror(num) : why);
}

static void distrust(struct bk_conf_lines *l, const struct stat *st)
{
	BK_AUTO_FREE char *why =
		bk_asprintf("is not trusted: %s; make it root's or "
			    "your own, and chmod go-w it",
			    bk_file_distrust(st));

	refuse(l, 0, why);
}

static void read_open_file(struct bk_conf_lines *l, int fd)
{
	BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;
	struct bk_ini ini = { take_line, take_problem, l };
	struct stat st;

	if (fstat(fd, &st) < 0) {
		refuse(l, errno, NULL);
		return;
	}
	if (S_ISDIR(st.st_mode))
		refuse(l, 0, "is a folder, not a file");
	else if (!S_ISREG(st.st_mode))
		refuse(l, 0, "is not a regular file");
	else if (bk_file_distrust(&st))
		distrust(l, &st);
	else if (bk_fd_read(fd, FILE_MAX_BYTES, &text) < 0)
		refuse(l, errno, NULL);
	else
		bk_ini_parse(text.p ? text.p : "", text.len, &ini);
}

/* false where there is no such file: that is no problem yet. */
static bool read_file(struct bk_conf_lines *l, const char *path)
{
	BK_AUTO_CLOSE int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && errno == ENOENT)
		return false;
	l->some = true;
	bk_strv_add(&l->files, path);
	if (fd < 0)
		refuse(l, errno, NULL);
	else
		read_open_file(l, fd);
	return true;
}

static bool is_conf_name(const char *name)
{
	return name[0] != '.' && bk_str_ends(name, ".conf");
}

static void read_names(struct bk_conf_lines *l, const char *dir, DIR *d)
{
	BK_AUTO_STRV struct bk_strv names = BK_STRV_INIT;
	const struct dirent *de;

	for (errno = 0; (de = readdir(d)); errno = 0)
		if (is_conf_name(de->d_name))
			bk_strv_add(&names, de->d_name);
	if (errno)
		refuse(l, errno, NULL);
	bk_strv_sort(&names);
	for (size_t i = 0; i < names.n; i++) {
		BK_AUTO_FREE char *path = bk_path_join(dir, names.v[i]);

		if (read_file(l, path))
			continue;
		bk_strv_add(&l->files, path);
		refuse(l, ENOENT, NULL);
	}
}

static void read_folder(struct bk_conf_lines *l, const char *dir)
{
	DIR *d = opendir(dir);
	struct stat st;

	if (!d && errno == ENOENT)
		return;
	bk_strv_add(&l->files, dir);
	if (!d || fstat(dirfd(d), &st) < 0)
		refuse(l, errno, NULL);
	else if (bk_file_distrust(&st))
		distrust(l, &st);
	else
		read_names(l, dir, d);
	if (d)
		(void)closedir(d);
}

static void nothing_there(struct bk_conf_lines *l, const char *path,
			  const char *why)
{
	bk_strv_add(&l->files, path);
	refuse(l, 0, why);
	l->exit = BK_EX_NOINPUT;
}

int bk_conf_read(const char *file, struct bk_conf_lines *l, struct bk_err *err)
{
	BK_AUTO_FREE char *dir = NULL, *main_file = NULL, *folder = NULL;
	const char *env = getenv("BK_CONFIG");

	if (!file && env && *env)
		file = env;
	if (file) {
		if (!read_file(l, file))
			nothing_there(l, file, strerror(ENOENT));
		return 0;
	}
	dir = bk_dirs_config(err);
	if (!dir)
		return -1;
	main_file = bk_path_join(dir, "bk.conf");
	folder = bk_path_join(dir, "conf.d");
	(void)read_file(l, main_file);
	read_folder(l, folder);
	if (!l->some && !l->incomplete)
		nothing_there(l, main_file,
			      geteuid() == 0
				      ? "there is no configuration; write this "
					"file (bk-config init asks for it), or "
					"name one with -c"
				      : "there is no configuration; write this "
					"file, or name one with -c; that of "
					"the whole host is root's");
	return 0;
}

void bk_conf_lines_free(struct bk_conf_lines *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].section);
		free(l->v[i].key);
		free(l->v[i].value);
	}
	free(l->v);
	bk_strv_free(&l->files);
}
