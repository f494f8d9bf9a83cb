/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Credentials of systemd (systemd.exec(5), systemd-creds(1)).
 *
 * The key of the host that seals them is tied to /etc/machine-id, and
 * systemd-creds deletes it where the two do not agree; so that is tested
 * before it is run.
 */
#ifndef CREDENTIAL_H
#define CREDENTIAL_H

#include <stdbool.h>

#include "buf.h"
#include "err.h"
#include "secret.h"

#define CREDENTIAL_STORE "/etc/credstore.encrypted"

enum { CREDENTIAL_ABSENT = 1 };

/*
 * In a unit from $CREDENTIALS_DIRECTORY and nowhere else; for root elsewhere
 * from the stores that systemd searches, sealed ones by systemd-creds.
 * CREDENTIAL_ABSENT with err; -1: 77 where it cannot be unsealed.
 */
int credential_get(const char *name, struct bk_secret *ret, struct bk_err *err);

/* Seal a secret; with_key as systemd-creds(1) has it. */
int credential_seal(const char *name, const char *with_key,
		    const struct bk_secret *secret, struct bk_buf *ret,
		    struct bk_err *err);
/* Unseal what was sealed, from memory. */
int credential_unseal(const char *name, const struct bk_buf *sealed,
		      struct bk_secret *ret, struct bk_err *err);
/* The place of a sealed credential; the folder is made where it is missing. */
int credential_store(const char *name, const struct bk_buf *sealed,
		     struct bk_err *err);

/* A file of a secret: regular, of root or ours, mode 0600; no link. Also
 * CREDENTIAL_ABSENT. must_be_private false: only a regular file. */
int secret_file(const char *path, bool must_be_private, struct bk_secret *ret,
		struct bk_err *err);

#endif
