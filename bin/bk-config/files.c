/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: files and folders of bk itself: who may read and write them, and how
 * much room is left.
 */
#include <errno.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "checks.h"
#include "dirs.h"
#include "file.h"
#include "path.h"
#include "ssh.h"
#include "url.h"

#define LEAST_BYTES ((uint64_t)64 << 20)
#define LOW_BYTES ((uint64_t)1 << 30)
#define LEAST_FILES 1000

static char *shell_command(const char *words, const char *path)
{
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_addf(&b, "%s ", words);
	bk_str_add_shell(&b, path);
	return bk_buf_steal(&b);
}

/* path is ours alone; where it is not there yet, all is well. */
static void check_private(struct check *c, const char *about, const char *path,
			  const char *chmod)
{
	struct stat st;
	const char *why;
	BK_AUTO_FREE char *command = shell_command(chmod, path);

	if (stat(path, &st) < 0) {
		if (errno != ENOENT)
			report_add(&c->report, LEVEL_ERROR, about, NULL,
				   "'%s' cannot be looked at: %s", path,
				   strerror(errno));
		return;
	}
	why = bk_file_distrust(&st);
	if (why)
		report_add(&c->report, LEVEL_ERROR, about,
			   "make it root's or your own, and chmod go-w it",
			   "'%s' is not trusted: %s", path, why);
	else if (st.st_mode & 077)
		report_add(&c->report, LEVEL_WARNING, about, command,
			   "others can read '%s'", path);
}

/* path, or what there is above it. */
static char *existing(const char *path)
{
	char *p = bk_strdup(path);
	struct stat st;

	while (stat(p, &st) < 0 && strcmp(p, "/") != 0) {
		char *parent = bk_path_parent(p);

		free(p);
		p = parent;
	}
	return p;
}

static void check_room(struct check *c, const char *about, const char *path,
		       uint64_t low)
{
	BK_AUTO_BUF struct bk_buf room = BK_BUF_INIT;
	struct statvfs fs;
	uint64_t left;

	if (statvfs(path, &fs) < 0)
		return;
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	bk_str_add_size(&room, left);
	if (fs.f_flag & ST_RDONLY)
		report_add(&c->report, LEVEL_ERROR, about,
			   "mount it for writing",
			   "'%s' is on a file system that is read-only", path);
	else if (left < low)
		report_add(&c->report,
			   left < LEAST_BYTES ? LEVEL_ERROR : LEVEL_WARNING,
			   about, "make room there",
			   "only %s left on the file system of '%s'", room.p,
			   path);
	else if (fs.f_files > 0 && fs.f_favail < LEAST_FILES)
		report_add(&c->report, LEVEL_ERROR, about, "make room there",
			   "only %ju more files can be made on the file "
			   "system of '%s'",
			   (uintmax_t)fs.f_favail, path);
}

static void check_folder(struct check *c, enum bk_dirs_kind kind,
			 const char *about, uint64_t low)
{
	struct bk_err err;
	BK_AUTO_FREE char *path = bk_dirs_peek(kind, NULL, &err);
	BK_AUTO_FREE char *there = path ? existing(path) : NULL;

	if (!path) {
		report_add(&c->report, LEVEL_ERROR, about, NULL, "%s", err.msg);
		return;
	}
	check_private(c, about, path, "chmod 700");
	if (access(there, W_OK | X_OK) < 0 && errno != EROFS)
		report_add(&c->report, LEVEL_ERROR, about,
			   "run this as root, or set BK_STATE_DIR and its like",
			   "'%s' cannot be written: %s", there,
			   strerror(errno));
	check_room(c, about, there, low);
}

void check_folders(struct check *c)
{
	check_folder(c, BK_DIRS_STATE, "state folder", LEAST_BYTES);
	check_folder(c, BK_DIRS_CACHE, "cache folder", LOW_BYTES);
}

/* A URL with a password, in a file that everybody reads. */
static void check_urls(struct check *c)
{
	for (size_t i = 0; i < c->t->conf->nsections; i++) {
		const struct bk_conf_section *s = &c->t->conf->sections[i];
		const struct bk_conf_value *v = bk_conf_value(s, "url", NULL);
		BK_AUTO_FREE char *label = section_label(s);
		BK_AUTO_FREE char *command = NULL;
		struct stat st;

		if (!v || !url_has_password(v->value) ||
		    stat(v->file, &st) < 0 || !(st.st_mode & 07))
			continue;
		command = shell_command("chmod o-rwx", v->file);
		report_add(&c->report, LEVEL_WARNING, label, command,
			   "its url has a password, and everybody can read "
			   "'%s'",
			   v->file);
	}
}

void check_config_files(struct check *c)
{
	BK_AUTO_FREE char *keys = ssh_file(NULL);

	check_urls(c);
	if (keys)
		check_private(c, "ssh keys", keys, "chmod 700");
}
