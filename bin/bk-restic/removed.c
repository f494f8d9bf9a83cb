/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "removed.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "dirs.h"
#include "file.h"
#include "log.h"
#include "time.h"

/* Of a file that has grown to this size the older half goes. */
#define SIZE_MAX_KEPT ((off_t)4 << 20)

static void shorten(const char *path)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	struct stat st;
	const char *half;

	if (stat(path, &st) < 0 || st.st_size < SIZE_MAX_KEPT ||
	    bk_file_read(path, (size_t)st.st_size, &b, NULL) < 0)
		return;
	half = strchr(b.p + b.len / 2, '\n');
	if (half)
		(void)bk_file_write(path, half + 1, strlen(half + 1), 0600,
				    NULL);
}

void removed_note(const char *repo, const char *kind, const struct bk_strv *ids)
{
	BK_AUTO_FREE char *name = bk_asprintf("restic/removed.%s", repo);
	struct bk_err err = { 0 };
	BK_AUTO_FREE char *path = bk_dirs_path(BK_DIRS_STATE, name, &err);
	BK_AUTO_CLOSE int fd = -1;
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (ids->n == 0)
		return;
	for (size_t i = 0; i < ids->n; i++) {
		bk_time_add_utc(&b, bk_time_now());
		bk_buf_addf(&b, " %s %s\n", kind, ids->v[i]);
	}
	if (path) {
		shorten(path);
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
			  0600);
	}
	if (path &&
	    (fd < 0 || bk_fd_write(fd, b.p, b.len) < 0 || fdatasync(fd) < 0))
		(void)bk_err_sys(&err, "cannot write '%s'", path);
	if (err.exit != 0)
		bk_warning("what was removed is not recorded, and bk-verify "
			   "may miss it: %s",
			   err.msg);
}
