/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Secret references of the configuration: command:WORDS, credential:NAME,
 * file:/path, ask (bk.conf(5)).
 */
#ifndef SECRET_H
#define SECRET_H

#include "conf.h"
#include "err.h"

struct secret {
	char *p; /* locked in memory and left out of core dumps */
	size_t len;
};

/*
 * The value of a list of references: the first that applies here decides.
 * One that does not apply (no such credential, no such file, no terminal) is
 * passed over; one that applies and fails ends the search. Errors: 66 none
 * applies, 77 not permitted or badly protected, 75 took too long, 65 empty
 * or too long, 1 the command failed. The message never holds the secret.
 */
int secret_get(const struct bk_conf_section *s, const char *key,
	       struct secret *ret, struct bk_err *err);
void secret_free(struct secret *s);

/* The read end of a pipe that holds the secret, ready for a child. */
int secret_pipe(const struct secret *s, struct bk_err *err);

#endif
