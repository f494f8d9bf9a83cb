/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whose session bus it is, and nothing else of the environment: what GLib,
 * libsecret and libgcrypt find there is made here, before the first call of
 * any of them. DISPLAY, SECRET_BACKEND, SECRET_FILE_*, SECRET_SERVICE_*, G_*
 * are gone then: no bus is launched, no other store is asked, nothing is
 * printed, and nothing appears on a screen.
 */
#ifndef SESSION_H
#define SESSION_H

#include "err.h"

/*
 * The bus that $DBUS_SESSION_BUS_ADDRESS names, else that of the user who
 * runs this, where systemd puts it. 69 where there is none; root has none
 * unless told which.
 */
int session_own(struct bk_err *err);

/*
 * Become that user for good, and take the bus of that user's session. 69
 * where there is no session; 77 where there is no such user, or we are
 * neither root nor that user.
 */
int session_of(const char *user, struct bk_err *err);

#endif
