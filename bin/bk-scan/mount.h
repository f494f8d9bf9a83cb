/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mount points, from /proc/self/mountinfo (proc_pid_mountinfo(5)).
 */
#ifndef MOUNT_H
#define MOUNT_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

struct mount {
	char *path;
	char *fstype;
	char *dev;  /* major:minor */
	char *root; /* the folder of the file system that is mounted */
	int id, parent;
	/*
	 * It shows what would be there without it: a bind mount of a folder
	 * onto itself, as the sandbox of a systemd unit makes them to change
	 * permissions. Such a mount is no border.
	 */
	bool same;
	/* The sandbox of a unit put it there to hide what is below. */
	bool hides;
};

struct mounts {
	struct mount *v;
	size_t n;
	const char **waits; /* names of automounts */
	size_t nwaits;
};

int mounts_read(struct mounts *m, struct bk_err *err);
void mounts_free(struct mounts *m);
/* What is mounted at exactly this path, on top; NULL: nothing is. */
const struct mount *mounts_at(const struct mounts *m, const char *path);
/*
 * Does an automount wait at path? Before Linux 6.18 openat2(2) triggers it,
 * though it is told to cross no mount. The second is a quick look: might one
 * wait under this name?
 */
bool mounts_waits(const struct mounts *m, const char *path);
bool mounts_may_wait(const struct mounts *m, const char *name);
/* The mount that holds path, borders only. */
const struct mount *mounts_of(const struct mounts *m, const char *path);
/* Is it a file system that keeps its files on a disk of this host? */
bool mount_is_local(const char *fstype);

#endif
