/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names on a box. Paths of files are bytes; on a box they are written so that
 * no shell, no server and no manifest can misread them: A-Z a-z 0-9 . _ + = @
 * , - stay (but not '-' first in a component, nor '.'), each other byte is
 * %XX. A component that gets longer than NAME_COMPONENT is "%~" and the
 * SHA-256 of its bytes. "~" and 16 hexadecimal digits behind the last one tell
 * a later content of the same path.
 */
#ifndef NAME_H
#define NAME_H

#include <stdbool.h>

#include "buf.h"

enum {
	NAME_COMPONENT = 238, /* with what may come behind it: 255 */
	NAME_MAX_LEN = 3000,  /* of a name */
};

/*
 * "HOST/DATA/srv/photos/a%20b.jpg" for an absolute, clean path. One that gets
 * longer than NAME_MAX_LEN: as name_of_object_alone().
 */
char *name_of_object(const char *host, const char *path);
/*
 * "HOST/DATA/%~SHA256/a%20b.jpg", SHA256 of the path: for one that cannot be
 * where name_of_object() has it, since a file lies there on the box under the
 * name of one of its folders.
 */
char *name_of_object_alone(const char *host, const char *path);
/*
 * "HOST/AGE/3f/9c...", 32 hexadecimal digits at random and ".age": tells
 * nothing of what it is.
 */
char *name_of_sealed(const char *host);
/* A path, each byte of it as above, "/" apart; however long it gets. */
void name_add_path(struct bk_buf *b, const char *path);
/* The host's own folder: its name, encoded. */
char *name_of_host(const char *host);
/*
 * Is it made of safe bytes (and % and ~), relative, without "." and ".." and
 * "//", and no component of it longer than 255 bytes or with '-' in front?
 */
bool name_is_safe(const char *name);

#endif
