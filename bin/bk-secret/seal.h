/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One entry of a keyring: base64 of JSON with salt, nonce, mac and data, each
 * in base64, sealed together with its service and user.
 */
#ifndef SEAL_H
#define SEAL_H

#include "keyring.h"

/*
 * Open an entry with k->master: 1 it opens, 0 its seal is broken or the
 * master wrong, -1 with err (65 where it is damaged). Costs a derivation.
 */
int seal_open(const struct keyring *k, const struct cryptfile_entry *e,
	      const char *service, const char *user, struct bk_secret *ret,
	      struct bk_err *err);

/*
 * The value of an entry with this secret, in one line of base64, for
 * cryptfile_put(); NULL with err. The caller frees it. Costs a derivation.
 */
char *seal_make(const struct keyring *k, const char *service, const char *user,
		const struct bk_secret *secret, struct bk_err *err);

#endif
