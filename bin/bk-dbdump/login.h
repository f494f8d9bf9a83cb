/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How to reach a server: a [mariadb NAME] section of the configuration, or
 * what the command line says.
 */
#ifndef LOGIN_H
#define LOGIN_H

#include <stdint.h>

#include "conf.h"
#include "resolve.h"

/* NULL: what libmariadb takes by itself. Nothing in it is owned. */
struct login {
	const char *socket;
	const char *host;
	unsigned int port; /* 0: the usual one */
	const char *user;
	const char *defaults_file;
	const char *ssl_ca;
	const struct bk_secret *password;
};

/*
 * From a section; over may be NULL, else what it has goes first. A password
 * that the section refers to is fetched by bk-secret.
 */
int login_section(const struct bk_conf_section *s, struct bk_resolve *secrets,
		  const struct login *over, struct login *ret,
		  struct bk_err *err);
/*
 * An option file that holds a password is for its owner alone: 78, where
 * others can read it; 66 where it is not there.
 */
int login_check_file(const char *path, struct bk_err *err);

#endif
