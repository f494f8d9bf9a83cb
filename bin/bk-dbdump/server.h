/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A connection to a MariaDB server.
 *
 * Errors name the statement. Their exit status: 69 no server there, 75 gone,
 * locked or too busy, 77 denied, 1 all else.
 */
#ifndef SERVER_H
#define SERVER_H

#include <mysql.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "login.h"
#include "str.h"

struct server {
	MYSQL *m;
	unsigned long version; /* 101119: 10.11.19 */
};
#define SERVER_INIT ((struct server){ NULL, 0 })
#define BK_AUTO_SERVER BK_AUTO(server_close)

/*
 * Connect, with option files read (groups client, client-mariadb and
 * bk-dbdump), as libmariadb does, and the session set as every dump and every
 * restore needs it: utf8mb4, UTC, no sql_mode, no limits of time. 69 where
 * the server is no MariaDB of 10.6 or later.
 */
int server_connect(const struct login *login, struct server *ret,
		   struct bk_err *err);
void server_close(struct server *s);

/* A statement without a result, or whose result does not matter. */
int server_do(struct server *s, const char *sql, struct bk_err *err);
int server_dof(struct server *s, struct bk_err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * A query with its whole result in memory; NULL with err. The caller frees it
 * by mysql_free_result().
 */
MYSQL_RES *server_query(struct server *s, const char *sql, struct bk_err *err);
MYSQL_RES *server_queryf(struct server *s, struct bk_err *err, const char *fmt,
			 ...) __attribute__((format(printf, 3, 4)));
/* The first column of the first row; NULL and no error where there is none. */
int server_value(struct server *s, const char *sql, char **ret,
		 struct bk_err *err);
/* err from what the server said last; sql may be NULL. Returns -1. */
int server_err(struct server *s, const char *sql, struct bk_err *err);
/* "10.11.19-MariaDB"; valid as long as the connection is. */
const char *server_version(const struct server *s);

static inline void auto_result_(MYSQL_RES **r)
{
	if (*r)
		mysql_free_result(*r);
}
#define BK_AUTO_RESULT BK_AUTO(auto_result_)

#endif
