/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A box that is a folder of this host: a disk, or a mount. Others may be able
 * to write to it, so no symbolic link in it is followed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "box.h"
#include "file.h"

/* The folder bk-fleet, or -1; 66 where the box has none. */
static int open_folder(const struct box *b, bool create, struct bk_err *err)
{
	BK_AUTO_CLOSE int top =
		open(b->at.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (top < 0)
		return bk_err_set(
			err, errno == EACCES ? BK_EX_NOPERM : BK_EX_TEMPFAIL,
			errno, "box %s: cannot open '%s'", b->name, b->at.path);
	if (create && mkdirat(top, BOX_FOLDER, 0700) < 0 && errno != EEXIST)
		return bk_err_set(err, BK_EX_CANTCREAT, errno,
				  "box %s: cannot create '%s/%s'", b->name,
				  b->at.path, BOX_FOLDER);
	fd = openat(top, BOX_FOLDER,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "box %s: '%s/%s' is no folder", b->name,
				  b->at.path, BOX_FOLDER);
	if (fd < 0)
		return bk_err_sys(err, "box %s: cannot open '%s/%s'", b->name,
				  b->at.path, BOX_FOLDER);
	return fd;
}

int box_dir_put(const struct box *b, const char *name,
		const struct bk_buf *data, struct bk_err *err)
{
	BK_AUTO_CLOSE int fd = open_folder(b, true, err);
	BK_AUTO_FREE char *path = NULL;

	if (fd < 0)
		return -1;
	/* By the descriptor: what the path leads to may have been changed. */
	path = bk_asprintf("/proc/self/fd/%d/%s", fd, name);
	if (bk_file_write(path, data->p, data->len, 0600, err) == 0)
		return 0;
	return bk_err_set(err, err->exit, err->num,
			  "box %s: cannot write '%s/%s/%s'", b->name,
			  b->at.path, BOX_FOLDER, name);
}

int box_dir_remove(const struct box *b, const char *name, struct bk_err *err)
{
	BK_AUTO_CLOSE int fd = open_folder(b, false, err);

	if (fd < 0)
		return -1;
	if (unlinkat(fd, name, 0) < 0)
		return bk_err_sys(err, "box %s: cannot remove '%s'", b->name,
				  name);
	return 0;
}

int box_dir_list(const struct box *b, struct box_files *ret, struct bk_err *err)
{
	int fd = open_folder(b, false, err);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (fd < 0)
		return err->exit == BK_EX_NOINPUT ? 0 : -1;
	if (!d) {
		(void)close(fd);
		return bk_err_sys(err, "box %s: cannot read it", b->name);
	}
	for (struct dirent *e; (e = readdir(d));)
		(void)box_files_add(ret, e->d_name);
	(void)closedir(d);
	return 0;
}

/* Why it cannot be read, or NULL. */
static char *read_file(int folder, struct box_file *f)
{
	BK_AUTO_CLOSE int fd =
		openat(folder, f->name,
		       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if ((fd < 0 && errno == ELOOP) ||
	    (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)))
		return bk_strdup("is no file");
	if (fd >= 0 && bk_fd_read(fd, BOX_FILE_MAX, &f->data) == 0)
		return NULL;
	if (errno == EFBIG)
		return bk_strdup("is too large");
	return bk_asprintf("cannot be read: %s", strerror(errno));
}

int box_dir_read(const struct box *b, struct box_files *l, struct bk_err *err)
{
	BK_AUTO_CLOSE int folder = open_folder(b, false, err);

	if (folder < 0)
		return -1;
	for (size_t i = 0; i < l->n; i++)
		l->v[i].problem = read_file(folder, &l->v[i]);
	return 0;
}
