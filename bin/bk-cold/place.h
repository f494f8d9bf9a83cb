/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where files are put back: below one folder, by descriptors, through no
 * symbolic link, since others may change its folders meanwhile. Nothing that
 * is there is ever replaced.
 *
 * Paths are those of entries: absolute and clean; "/" is the folder itself.
 * Errors: 73 where something is in the way; 77; 74 no room, or I/O.
 */
#ifndef PLACE_H
#define PLACE_H

#include "entry.h"

struct place;

/*
 * dir is created where it is not there and create is set; else it stands for
 * an empty one.
 */
struct place *place_open(const char *dir, bool create, struct bk_err *err);
/* Make what was put there durable; 74. */
int place_sync(struct place *p, struct bk_err *err);
void place_close(struct place *p);

enum place_found {
	PLACE_FREE,  /* nothing, or a folder that a killed run left */
	PLACE_SAME,  /* a file of its kind, size and time, a link as it is */
	PLACE_OTHER, /* something else */
};
/* What is where e is to be? -1 where that cannot be said. */
int place_look(struct place *p, const struct entry *e,
	       enum place_found *ret_found, struct bk_err *err);
/* The file system it is to be on, and how much room it has. */
int place_room(struct place *p, const char *path, dev_t *ret_dev,
	       uint64_t *ret_free, struct bk_err *err);

/*
 * The folder path and those above it: 1 it is new, or of a run that was killed
 * before it was dressed, 0 it was there, -1.
 */
int place_folder(struct place *p, const char *path, struct bk_err *err);
/* Put its metadata on a folder. */
int place_dress(struct place *p, const struct entry *e,
		struct bk_strv *problems, struct bk_err *err);
int place_symlink(struct place *p, const struct entry *e,
		  struct bk_strv *problems, struct bk_err *err);

/*
 * A file while it grows: it has no name, or a temporary one where the file
 * system wants one.
 */
struct place_file {
	int fd;
	int dir;
	char *temporary; /* or NULL */
};
#define PLACE_FILE_INIT ((struct place_file){ -1, -1, NULL })
#define PLACE_FILE_AUTO BK_AUTO(place_drop)

int place_begin(struct place *p, const char *path, struct place_file *ret,
		struct bk_err *err);
/* Files that are whole: have them on the disk. */
int place_flush(struct place *p, const struct place_file *v, size_t n,
		struct bk_err *err);
/* One that was flushed gets its name; ret_st: what it is then. */
int place_end(struct place_file *f, const char *path, struct stat *ret_st,
	      struct bk_err *err);
/* Nothing is left of one that was not ended. */
void place_drop(struct place_file *f);

/*
 * path becomes another name of what is at from and still is the file st.
 * 1; 0 where it is another one by now, or the file system has no such links.
 */
int place_link(struct place *p, const char *from, const struct stat *st,
	       const char *path, struct bk_err *err);

static inline void place_auto_close_(struct place **p)
{
	place_close(*p);
}
#define PLACE_AUTO BK_AUTO(place_auto_close_)

#endif
