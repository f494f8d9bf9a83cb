/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * References to secrets, as bk.conf(5) has them:
 *
 *   credential:NAME                 a credential of systemd
 *   keyring:SERVICE/USER            an entry of the keyring
 *   secret-service:SERVICE/USER     an entry of the desktop's keyring, also
 *   secret-service:KEY=VALUE,...    by any attributes
 *   command:WORD WORD...            what a program prints
 *   file:/PATH                      a file that nobody else can read
 *   ask                             typed at the terminal
 *
 * SERVICE/USER is split at the last '/'. %XX stands for a byte in SERVICE,
 * USER, KEY and VALUE, so that each of them can hold any character.
 */
#ifndef BK_REF_H
#define BK_REF_H

#include <stdbool.h>

#include "err.h"
#include "str.h"

enum bk_ref_kind {
	BK_REF_ASK,
	BK_REF_COMMAND,
	BK_REF_CREDENTIAL,
	BK_REF_FILE,
	BK_REF_KEYRING,
	BK_REF_SERVICE,
};

struct bk_ref {
	enum bk_ref_kind kind;
	char *text;	      /* the whole of it, paths cleaned */
	const char *rest;     /* of text, behind the colon; "" for ask */
	char *service, *user; /* keyring, secret-service; decoded */
	struct bk_strv words; /* command: its words; attributes: KEY=VALUE */
};
#define BK_REF_INIT ((struct bk_ref){ 0 })
#define BK_AUTO_REF BK_AUTO(bk_ref_free)

/*
 * Take s apart; 78 where it is no reference. The message says what is wrong
 * and never repeats s, for it may be the secret itself.
 */
int bk_ref_parse(const char *s, struct bk_ref *ret, struct bk_err *err);
void bk_ref_free(struct bk_ref *ref);

/* "KIND:SERVICE/USER" with what needs it encoded; the caller frees it. */
char *bk_ref_pair(const char *kind, const char *service, const char *user);
/* Append KEY=VALUE as an attribute. */
void bk_ref_add_attribute(struct bk_buf *b, const char *attribute);

#endif
