/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * openat2(2), also where a sandbox takes it away (RestrictSUIDSGID=yes of
 * systemd does): then name after name, by the same rules and errors.
 */
#ifndef BELOW_H
#define BELOW_H

#include <linux/openat2.h>

/* A descriptor; -1 and errno. how->resolve must have RESOLVE_NO_SYMLINKS. */
int below_open(int dir, const char *path, const struct open_how *how);

#endif
