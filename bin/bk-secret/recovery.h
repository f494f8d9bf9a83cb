/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the recovery sheet says: everything that an empty machine needs to get
 * the backups back, in the order in which it is needed.
 */
#ifndef RECOVERY_H
#define RECOVERY_H

#include "hostkey.h"
#include "keys.h"
#include "sheet.h"

struct recovery_repo {
	const struct bk_conf_section *section;
	int exit;		   /* 0: it has its key */
	struct bk_secret password; /* of the sheet */
	struct keys before, added;
	struct hostkey server;
};

struct recovery {
	struct tool *tool;
	struct recovery_repo *repos;
	size_t nrepos;
	const struct bk_secret *master; /* of the keyring, or NULL */
};

void recovery_write(const struct recovery *r, struct sheet *s);

#endif
