/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names on a box. Paths of files are bytes; on a box they are written so that
 * no shell, no server and no manifest can misread them: A-Z a-z 0-9 . _ + = @
 * , - stay (but not '-' first in a component, nor '.'), each other byte is
 * %XX. A component that gets longer than 255 bytes is "%~" and the SHA-256 of
 * its bytes. "~" and 16 hexadecimal digits behind the last one tell a later
 * content of the same path.
 */
#ifndef NAME_H
#define NAME_H

#include <stdbool.h>

/* "HOST/DATA/srv/photos/a%20b.jpg" for an absolute, clean path. */
char *name_of_object(const char *host, const char *path);
/* The host's own folder: its name, encoded. */
char *name_of_host(const char *host);
/* Is it made of safe bytes, relative, without "." and ".." and "//"? */
bool name_is_safe(const char *name);

#endif
