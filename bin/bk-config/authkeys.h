/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The text of an authorized_keys file, sshd(8): who may log in. Among its
 * lines may be keys in the form of RFC 4716, as a Storage Box wants them on
 * its port 22. A key is told by its base64.
 */
#ifndef AUTHKEYS_H
#define AUTHKEYS_H

#include <stdbool.h>

#include "str.h"

/* The base64 of a public key's line, or NULL; the caller frees it. */
char *authkeys_blob(const char *line);

/* A key that may do nothing but add: "restrict,command=...". */
char *authkeys_append_line(const char *path, const char *public,
			   const char *comment);

/* Is this very line among them? */
bool authkeys_has_line(const char *text, const char *line);
/* May this key do more than add to one repository? */
bool authkeys_has_full(const char *text, const char *blob);

/*
 * The text without what lets these keys in, other than to add to a repository;
 * *ret_n: how many lines, or blocks of RFC 4716, went.
 */
void authkeys_without(const char *text, const struct bk_strv *blobs,
		      struct bk_buf *ret, size_t *ret_n);
/* The text without this very line. */
void authkeys_without_line(const char *text, const char *line,
			   struct bk_buf *ret);

/* What the others are called that may do more than add: not these keys. */
void authkeys_others(const char *text, const struct bk_strv *blobs,
		     struct bk_strv *ret);

#endif
