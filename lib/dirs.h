/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where things are kept. In this order: BK_STATE_DIR and its like, systemd's
 * STATE_DIRECTORY and its like, the system's folders for root, the XDG
 * folders for other users.
 */
#ifndef BK_DIRS_H
#define BK_DIRS_H

#include "err.h"

enum bk_dirs_kind {
	BK_DIRS_STATE, /* /var/lib/bk	    $BK_STATE_DIR */
	BK_DIRS_CACHE, /* /var/cache/bk    $BK_CACHE_DIR */
	BK_DIRS_RUN,   /* /run/bk	    $BK_RUN_DIR */
};

/*
 * The path of name below the folder of this kind, whose parent is created
 * (0700) where it is missing; name may be NULL and may hold slashes. NULL
 * and err where there is no such folder. The caller frees it.
 */
char *bk_dirs_path(enum bk_dirs_kind kind, const char *name,
		   struct bk_err *err);
/* The same without creating anything. */
char *bk_dirs_peek(enum bk_dirs_kind kind, const char *name,
		   struct bk_err *err);
/* Folder of the configuration: /etc/bk, or $XDG_CONFIG_HOME/bk for a user. */
char *bk_dirs_config(struct bk_err *err);

#endif
