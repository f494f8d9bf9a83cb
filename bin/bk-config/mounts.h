/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Disks that fstab(5) has, and that are not mounted: what is to lie on them
 * must not be made, or looked for, below their mount points.
 */
#ifndef MOUNTS_H
#define MOUNTS_H

/* The mount point of such a disk, at or above path, or NULL. */
char *mounts_missing(const char *path);
/* What mounts it, for a shell. The caller frees both. */
char *mounts_command(const char *mount);

#endif
