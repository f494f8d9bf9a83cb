/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What tables and programs of any database may refer to: functions of shared
 * libraries, and servers that are elsewhere.
 */
#ifndef SERVERS_H
#define SERVERS_H

#include "buf.h"
#include "server.h"

/* As SQL, to be loaded before all else; nothing where there are none. */
int servers_add(struct server *s, struct bk_buf *b, struct bk_err *err);

#endif
