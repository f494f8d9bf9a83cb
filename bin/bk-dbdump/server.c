/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <stdarg.h>
#include <stdio.h>

#include "buf.h"

#define PACKET_MAX (1UL << 30)
#define CONNECT_SECONDS 30

/*
 * A consumer may stall for long, and no statement of ours is too slow. What
 * is not there in every release stands in comments that name the first one.
 * DEFAULT would be what the server has globally, so the limit is spelt out.
 */
static const char session[] =
	"SET SESSION sql_mode = '', time_zone = '+00:00', autocommit = 1, "
	"net_write_timeout = 86400, net_read_timeout = 86400, "
	"wait_timeout = 2592000, idle_transaction_timeout = 0, "
	"idle_readonly_transaction_timeout = 0, max_statement_time = 0, "
	"lock_wait_timeout = 10, sql_select_limit = 18446744073709551615, "
	"max_sort_length = 8388608, "
	"sql_big_selects = 1, sql_quote_show_create = 1, completion_type = 0, "
	"system_versioning_asof = DEFAULT";

static int exit_of(unsigned int code)
{
	switch (code) {
	case CR_CONNECTION_ERROR:
	case CR_CONN_HOST_ERROR:
	case CR_UNKNOWN_HOST:
		return BK_EX_UNAVAILABLE;
	case ER_CON_COUNT_ERROR:
	case ER_TOO_MANY_USER_CONNECTIONS:
	case ER_USER_LIMIT_REACHED:
	case ER_LOCK_WAIT_TIMEOUT:
	case ER_LOCK_DEADLOCK:
	case ER_SERVER_SHUTDOWN:
	case ER_CONNECTION_KILLED:
	case ER_QUERY_INTERRUPTED:
	case CR_SERVER_GONE_ERROR:
	case CR_SERVER_LOST:
		return BK_EX_TEMPFAIL;
	case CR_SSL_CONNECTION_ERROR:
	case ER_DBACCESS_DENIED_ERROR:
	case ER_ACCESS_DENIED_ERROR:
	case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
	case ER_TABLEACCESS_DENIED_ERROR:
	case ER_COLUMNACCESS_DENIED_ERROR:
	case ER_SPECIFIC_ACCESS_DENIED_ERROR:
	case ER_PROCACCESS_DENIED_ERROR:
	case ER_HOST_NOT_PRIVILEGED:
	case ER_HOST_IS_BLOCKED:
		return BK_EX_NOPERM;
	case ER_BAD_DB_ERROR:
		return BK_EX_NOINPUT;
	default:
		return BK_EX_NO;
	}
}

/* What whoever runs the server can do about it. */
static const char *remedy(const char *why)
{
	return strstr(why, "Too many open files")
		       ? "; raise open_files_limit of the server"
		       : "";
}

int server_err(struct server *s, const char *sql, struct bk_err *err)
{
	unsigned int code = mysql_errno(s->m);
	const char *why = mysql_error(s->m);

	if (!sql)
		return bk_err_set(err, exit_of(code), 0, "%s (error %u)%s", why,
				  code, remedy(why));
	return bk_err_set(err, exit_of(code), 0,
			  "the server failed '%.120s': %s (error %u)%s", sql,
			  why, code, remedy(why));
}

static void set_tls(MYSQL *m, const struct login *l)
{
	my_bool yes = 1;

	if (!l->ssl_ca || l->socket || !l->host)
		return;
	(void)mysql_optionsv(m, MYSQL_OPT_SSL_CA, l->ssl_ca);
	(void)mysql_optionsv(m, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
	(void)mysql_optionsv(m, MYSQL_OPT_SSL_ENFORCE, &yes);
}

static int set_options(MYSQL *m, const struct login *l, struct bk_err *err)
{
	unsigned int seconds = CONNECT_SECONDS;
	unsigned long packet = PACKET_MAX;
	unsigned int protocol =
		l->socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;

	if (l->defaults_file && login_check_file(l->defaults_file, err) < 0)
		return -1;
	if (l->password && strlen(l->password->p) != l->password->len)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "the password holds a NUL byte, which "
				  "MariaDB does not take");
	(void)mysql_optionsv(m, MYSQL_READ_DEFAULT_FILE,
			     l->defaults_file ? l->defaults_file : "");
	(void)mysql_optionsv(m, MYSQL_READ_DEFAULT_GROUP, "bk-dbdump");
	(void)mysql_optionsv(m, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	(void)mysql_optionsv(m, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
	(void)mysql_optionsv(m, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
	if (l->socket || l->host)
		(void)mysql_optionsv(m, MYSQL_OPT_PROTOCOL, &protocol);
	set_tls(m, l);
	return 0;
}

static int check_release(struct server *s, struct bk_err *err)
{
	s->version = mysql_get_server_version(s->m);
	if (mariadb_connection(s->m) && s->version >= 100600)
		return 0;
	return bk_err_set(err, BK_EX_UNAVAILABLE, 0,
			  "the server is %s; MariaDB 10.6 or later is needed",
			  mysql_get_server_info(s->m));
}

int server_connect(const struct login *l, struct server *ret,
		   struct bk_err *err)
{
	struct server s = SERVER_INIT;
	const char *host = l->socket ? NULL : l->host;

	/* Others can read an environment. */
	(void)unsetenv("MYSQL_PWD");
	s.m = mysql_init(NULL);
	if (!s.m)
		return bk_err_set(err, BK_EX_OSERR, 0, "out of memory");
	if (set_options(s.m, l, err) < 0) {
		server_close(&s);
		return -1;
	}
	if (!mysql_real_connect(s.m, host, l->user,
				l->password ? l->password->p : NULL, NULL,
				l->port, l->socket, CLIENT_FOUND_ROWS)) {
		(void)server_err(&s, NULL, err);
		bk_err_set(err, err->exit, 0, "cannot connect to %s%s: %s",
			   l->socket || host ? "" : "the server",
			   l->socket ? l->socket : (host ? host : ""),
			   err->msg);
		server_close(&s);
		return -1;
	}
	if (check_release(&s, err) < 0 ||
	    server_do(&s, "SET NAMES utf8mb4", err) < 0 ||
	    server_do(&s, session, err) < 0 ||
	    server_do(&s,
		      "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
		      err) < 0) {
		server_close(&s);
		return -1;
	}
	*ret = s;
	return 0;
}

void server_close(struct server *s)
{
	if (s->m)
		mysql_close(s->m);
	*s = SERVER_INIT;
}

int server_do(struct server *s, const char *sql, struct bk_err *err)
{
	if (mysql_real_query(s->m, sql, strlen(sql)) != 0)
		return server_err(s, sql, err);
	mysql_free_result(mysql_use_result(s->m));
	return mysql_errno(s->m) == 0 ? 0 : server_err(s, sql, err);
}

static char *format(const char *fmt, va_list ap)
{
	char *sql = NULL;

	return vasprintf(&sql, fmt, ap) < 0 ? bk_strdup(fmt) : sql;
}

int server_dof(struct server *s, struct bk_err *err, const char *fmt, ...)
{
	BK_AUTO_FREE char *sql = NULL;
	va_list ap;

	va_start(ap, fmt);
	sql = format(fmt, ap);
	va_end(ap);
	return server_do(s, sql, err);
}

MYSQL_RES *server_query(struct server *s, const char *sql, struct bk_err *err)
{
	MYSQL_RES *r;

	if (mysql_real_query(s->m, sql, strlen(sql)) == 0) {
		r = mysql_store_result(s->m);
		if (r)
			return r;
	}
	if (mysql_errno(s->m) != 0)
		(void)server_err(s, sql, err);
	else
		bk_err_set(err, BK_EX_SOFTWARE, 0,
			   "no result comes of '%.120s'", sql);
	return NULL;
}

MYSQL_RES *server_queryf(struct server *s, struct bk_err *err, const char *fmt,
			 ...)
{
	BK_AUTO_FREE char *sql = NULL;
	va_list ap;

	va_start(ap, fmt);
	sql = format(fmt, ap);
	va_end(ap);
	return server_query(s, sql, err);
}

int server_value(struct server *s, const char *sql, char **ret,
		 struct bk_err *err)
{
	BK_AUTO_RESULT MYSQL_RES *r = server_query(s, sql, err);
	MYSQL_ROW row;

	if (!r)
		return -1;
	row = mysql_fetch_row(r);
	*ret = row && row[0] ? bk_strdup(row[0]) : NULL;
	return 0;
}

const char *server_version(const struct server *s)
{
	return mysql_get_server_info(s->m);
}
