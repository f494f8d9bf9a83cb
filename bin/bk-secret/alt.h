/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The stores of keyrings.alt, to be read once and left: EncryptedKeyring
 * (crypted_pass.cfg), which has no seal that would show a change, and
 * PlaintextKeyring (keyring_pass.cfg), which hides nothing.
 */
#ifndef ALT_H
#define ALT_H

#include "cryptfile.h"
#include "secret.h"

enum store_kind { STORE_CRYPTFILE, STORE_ALT, STORE_PLAIN };

/* What kind of store a file is. */
enum store_kind alt_kind(const struct cryptfile *f);
const char *alt_kind_name(enum store_kind kind);

/*
 * The secret of an entry. master is not used for a plain one. 77 where the
 * master is wrong or the entry was changed, 65 where it is damaged.
 */
int alt_get(enum store_kind kind, const struct cryptfile_entry *e,
	    const struct bk_secret *master, struct bk_secret *ret,
	    struct bk_err *err);

#endif
