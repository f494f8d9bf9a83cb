/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Passwords in URLs and options: found, and hidden.
 */
#ifndef URL_H
#define URL_H

#include <stdbool.h>

#include "conf.h"

/* scheme:[//]user:password@host; sftp:user@host:path has none. */
bool url_has_password(const char *url);

/* A copy in which *** stands for each password of a URL. */
char *url_hide_password(const char *text);

/*
 * The value as it may be shown: passwords of URLs, options that hold secrets
 * and the paths of monitors, which can be secret, are hidden. kind: of the
 * section. The caller frees it.
 */
char *url_show_value(const char *kind, const char *url);
char *url_show(const struct bk_conf_section *s, const struct bk_conf_value *v);

#endif
