/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * selectall SOCKET DB: reads every row of every table of a database by one
 * connection and throws it away: what a server needs to send them, at least.
 */
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>

static void die(MYSQL *m, const char *what)
{
	fprintf(stderr, "selectall: %s: %s\n", what, mysql_error(m));
	exit(1);
}

static unsigned long long read_table(MYSQL *m, const char *table)
{
	char sql[300];
	unsigned long long n = 0;
	MYSQL_RES *r;

	snprintf(sql, sizeof(sql), "SELECT * FROM `%s`", table);
	if (mysql_query(m, sql) || !(r = mysql_use_result(m)))
		die(m, sql);
	while (mysql_fetch_row(r))
		n++;
	if (mysql_errno(m))
		die(m, sql);
	mysql_free_result(r);
	return n;
}

int main(int argc, char **argv)
{
	MYSQL *m = mysql_init(NULL);
	MYSQL_RES *tables;
	MYSQL_ROW row;
	unsigned long long n = 0;

	if (argc != 3)
		return 64;
	if (!m ||
	    !mysql_real_connect(m, NULL, NULL, NULL, argv[2], 0, argv[1], 0))
		die(m, "connect");
	if (mysql_query(m, "SHOW TABLES") || !(tables = mysql_store_result(m)))
		die(m, "SHOW TABLES");
	while ((row = mysql_fetch_row(tables)))
		n += read_table(m, row[0]);
	mysql_free_result(tables);
	mysql_close(m);
	printf("%llu\n", n);
	return 0;
}
