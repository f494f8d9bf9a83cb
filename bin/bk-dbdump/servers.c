/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "servers.h"

#include <jansson.h>
#include <strings.h>

#include "rec.h"
#include "str.h"
#include "text.h"
#include "value.h"

static int add_functions(struct server *s, struct bk_buf *b, struct bk_err *err)
{
	BK_AUTO_RESULT MYSQL_RES *r = server_query(
		s,
		"SELECT name, IF(type = 'aggregate', 'AGGREGATE ', ''), "
		"ELT(ret + 1, 'STRING', 'REAL', 'INTEGER', '', 'DECIMAL'), dl "
		"FROM mysql.func ORDER BY BINARY name",
		err);
	MYSQL_ROW row;

	if (!r)
		return -1;
	while ((row = mysql_fetch_row(r))) {
		if (!row[2] || !*row[2])
			return bk_err_set(err, BK_EX_NO, 0,
					  "function %s returns what this "
					  "version does not know",
					  row[0]);
		bk_buf_addf(b, "CREATE %sFUNCTION IF NOT EXISTS ", row[1]);
		value_add_name(b, row[0]);
		bk_buf_addf(b, " RETURNS %s SONAME ", row[2]);
		value_add_text(b, row[3]);
		bk_buf_adds(b, ";\n");
	}
	return 0;
}

/* Up to 11.6 these are words of the grammar, and there are no others. */
static const char *const words[] = { "HOST",   "DATABASE", "USER", "PASSWORD",
				     "SOCKET", "OWNER",	   "PORT" };

static bool is_word(const char *name)
{
	for (size_t i = 0; i < BK_COUNT(words); i++)
		if (strcasecmp(name, words[i]) == 0)
			return true;
	return false;
}

static bool is_number(const char *s)
{
	uint64_t n;

	return bk_parse_u64(s, 0, UINT32_MAX, &n) == 0;
}

static void add_option(struct bk_buf *b, bool *first, const char *name,
		       const char *value)
{
	bk_buf_adds(b, *first ? "" : ", ");
	*first = false;
	if (is_word(name))
		bk_buf_adds(b, name);
	else
		value_add_name(b, name);
	bk_buf_addc(b, ' ');
	if (strcasecmp(name, "PORT") == 0 && is_number(value))
		bk_buf_adds(b, value);
	else
		value_add_text(b, value);
}

/* All of them, those of engines as well; none: they are in the columns. */
static void add_json(struct bk_buf *b, bool *first, const char *text)
{
	BK_AUTO_JSON json_t *o = text ? json_loads(text, 0, NULL) : NULL;
	const char *key;
	json_t *value;

	json_object_foreach(o, key, value) {
		BK_AUTO_FREE char *other = json_dumps(value, JSON_ENCODE_ANY);
		const char *s = json_string_value(value);

		add_option(b, first, key, s ? s : other);
	}
}

static void add_columns(struct bk_buf *b, bool *first, MYSQL_ROW row)
{
	for (size_t i = 0; i < BK_COUNT(words); i++)
		if (*row[i] && strcmp(row[i], "0") != 0)
			add_option(b, first, words[i], row[i]);
}

static int add_servers(struct server *s, struct bk_buf *b, struct bk_err *err)
{
	BK_AUTO_FREE char *options = NULL;
	BK_AUTO_RESULT MYSQL_RES *r = NULL;
	MYSQL_ROW row;

	if (server_value(s,
			 "SELECT COLUMN_NAME FROM information_schema.COLUMNS "
			 "WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME = "
			 "'servers' AND COLUMN_NAME = 'Options'",
			 &options, err) < 0)
		return -1;
	r = server_queryf(s, err,
			  "SELECT Host, Db, Username, Password, Socket, Owner, "
			  "Port, Server_name, Wrapper, %s FROM mysql.servers "
			  "ORDER BY BINARY Server_name",
			  options ? "Options" : "NULL");
	if (!r)
		return -1;
	while ((row = mysql_fetch_row(r))) {
		bool first = true;

		bk_buf_adds(b, "CREATE SERVER IF NOT EXISTS ");
		value_add_name(b, row[7]);
		bk_buf_adds(b, " FOREIGN DATA WRAPPER ");
		value_add_name(b, row[8]);
		bk_buf_adds(b, " OPTIONS (");
		add_json(b, &first, row[9]);
		if (first)
			add_columns(b, &first, row);
		bk_buf_adds(b, ");\n");
	}
	return 0;
}

int servers_add(struct server *s, struct bk_buf *b, struct bk_err *err)
{
	size_t start;

	text_add_session(b);
	start = b->len;
	if (add_functions(s, b, err) < 0 || add_servers(s, b, err) < 0)
		return -1;
	if (b->len == start)
		bk_buf_clear(b);
	return 0;
}
