/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which disk is this? Files on one and the same are lost together.
 */
#ifndef DISK_H
#define DISK_H

#include <stdbool.h>

/*
 * The file system of fd, for comparison: "btrfs:UUID", since subvolumes have
 * numbers of devices each of its own, or "dev:MAJOR:MINOR". NULL: errno says.
 */
char *disk_name(int fd);
/* May a name of this kind be that of another disk after a reboot? */
bool disk_is_number(const char *name);

#endif
