/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The folder bk-fleet of a box, in which each host keeps one small file.
 * What lies there may be written by anybody who can write to the box.
 */
#ifndef BOX_H
#define BOX_H

#include "conf.h"
#include "err.h"
#include "remote.h"

#define BOX_FOLDER "bk-fleet"
#define BOX_FILE_MAX ((size_t)256 << 10)
enum { BOX_FILES_MAX = 1000 };

struct box {
	const char *name; /* of its section */
	struct bk_remote at;
};
#define BOX_INIT ((struct box){ 0 })
#define BOX_AUTO BK_AUTO(box_close)

/* The box that [host] fleet names; 78 where there is none. */
int box_open(struct box *b, const struct bk_conf *conf, struct bk_err *err);
void box_close(struct box *b);

struct box_file {
	char *name;
	struct bk_buf data;
	char *problem; /* why there is no data */
};
struct box_files {
	struct box_file *v;
	size_t n;
	size_t left_out; /* there are that many more */
};
#define BOX_FILES_INIT ((struct box_files){ 0 })
#define BOX_FILES_AUTO BK_AUTO(box_files_free)

/* Replace the file by another one, whole. 75: the box is not there now. */
int box_put(const struct box *b, const char *name, const struct bk_buf *data,
	    struct bk_err *err);
/* 66 where there is no such file. */
int box_remove(const struct box *b, const char *name, struct bk_err *err);
/* The names of all, sorted; none where the folder does not exist. */
int box_list(const struct box *b, struct box_files *ret, struct bk_err *err);
/* The same, read. */
int box_read(const struct box *b, struct box_files *ret, struct bk_err *err);
void box_files_free(struct box_files *l);

/* What box_put() and box_remove() would do, as a command line. */
void box_add_line(struct bk_buf *b, const struct box *box, const char *verb,
		  const char *name);

/*
 * The name of a host's file, NULL where it is too long; back again, NULL
 * where that is none. The caller frees both.
 */
char *box_file_name(const char *host);
char *box_host_name(const char *file);

/* For each kind of box; files are those that box_list() takes. */
int box_dir_put(const struct box *b, const char *name,
		const struct bk_buf *data, struct bk_err *err);
int box_dir_remove(const struct box *b, const char *name, struct bk_err *err);
int box_dir_list(const struct box *b, struct box_files *ret,
		 struct bk_err *err);
int box_dir_read(const struct box *b, struct box_files *l, struct bk_err *err);
int box_sftp_put(const struct box *b, const char *name,
		 const struct bk_buf *data, struct bk_err *err);
int box_sftp_remove(const struct box *b, const char *name, struct bk_err *err);
int box_sftp_list(const struct box *b, struct box_files *ret,
		  struct bk_err *err);
int box_sftp_read(const struct box *b, struct box_files *l, struct bk_err *err);
/* Note a file that was found; names that no host has are passed over. */
struct box_file *box_files_add(struct box_files *l, const char *name);

#endif
