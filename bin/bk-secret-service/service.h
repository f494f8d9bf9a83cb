/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The Secret Service, by libsecret, as a program without a person may use it:
 * what asks for a prompt fails as locked, and all of it ends in time.
 *
 * secret_service_*() are called with this proxy and cancel; never
 * secret_password_*(), which go by the environment and may prompt.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <libsecret/secret.h>

#include "err.h"

struct service {
	SecretService *proxy;
	GCancellable *cancel; /* for every call */
};

/*
 * Connect; from now on all calls together have so many seconds. 69 where there is no such bus or no Secret Service on it; 77 where
 * the bus refuses us; 75 without an answer. Once in a program: the thread
 * that watches the time needs cancel to the end.
 */
int service_open(struct service *s, unsigned int seconds, struct bk_err *err);

/*
 * Fill err from e, which is freed; e NULL: an answer that makes no sense.
 * Returns -1.
 */
int service_fail(GError *e, struct bk_err *err);
/* "the keyring is locked"; returns -1. */
int service_locked(struct bk_err *err);

#endif
