/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cursor.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>

struct cursor_column {
	enum enum_field_types type;
	bool is_unsigned;
	char text[REAL_ROOM]; /* of a number */
};

/* Numbers are little-endian, of any alignment. */
static uint64_t take(unsigned char **p, unsigned int bytes)
{
	uint64_t n = 0;

	memcpy(&n, *p, bytes);
	*p += bytes;
	return le64toh(n);
}

static unsigned long put_integer(const struct cursor_column *c, char *to,
				 uint64_t n, unsigned int bytes)
{
	char room[24], *p = room + sizeof(room);
	uint64_t sign = 1ULL << (8 * bytes - 1);
	bool minus = !c->is_unsigned && (n & sign);
	unsigned long len;

	if (minus)
		n = -n & (sign | (sign - 1));
	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	if (minus)
		*--p = '-';
	len = (unsigned long)(room + sizeof(room) - p);
	memcpy(to, p, len);
	to[len] = '\0';
	return len;
}

static unsigned long put_real(const struct cursor *c, char *to,
			      unsigned char **p, bool single)
{
	uint64_t bits = take(p, single ? 4 : 8);
	uint32_t half = (uint32_t)bits;
	double d;
	float f;
	char *end;

	if (single) {
		memcpy(&f, &half, sizeof(f));
		end = real_put_float(to, f);
	} else {
		memcpy(&d, &bits, sizeof(d));
		end = real_put_double(c->reals, to, d);
	}
	*end = '\0';
	return (unsigned long)(end - to);
}

/* A length of one, two, three or eight bytes. */
static uint64_t take_length(unsigned char **p)
{
	unsigned int first = (unsigned int)take(p, 1);

	switch (first) {
	case 252:
		return take(p, 2);
	case 253:
		return take(p, 3);
	case 254:
		return take(p, 8);
	default:
		return first;
	}
}

static unsigned int width(enum enum_field_types type)
{
	switch (type) {
	case MYSQL_TYPE_TINY:
		return 1;
	case MYSQL_TYPE_SHORT:
	case MYSQL_TYPE_YEAR:
		return 2;
	case MYSQL_TYPE_LONG:
	case MYSQL_TYPE_INT24:
		return 4;
	case MYSQL_TYPE_LONGLONG:
		return 8;
	default:
		return 0;
	}
}

/* The library hands over each value of a row, or NULL. */
static void on_value(void *arg, unsigned int i, unsigned char **p)
{
	struct cursor *c = arg;
	struct cursor_column *column = &c->columns[i];
	unsigned int bytes = width(column->type);

	c->row[i] = NULL;
	c->lengths[i] = 0;
	if (!p)
		return;
	c->row[i] = column->text;
	if (bytes > 0) {
		c->lengths[i] = put_integer(column, column->text,
					    take(p, bytes), bytes);
	} else if (column->type == MYSQL_TYPE_FLOAT ||
		   column->type == MYSQL_TYPE_DOUBLE) {
		c->lengths[i] = put_real(c, column->text, p,
					 column->type == MYSQL_TYPE_FLOAT);
	} else {
		c->lengths[i] = (unsigned long)take_length(p);
		c->row[i] = (char *)*p;
		*p += c->lengths[i];
	}
}

static int fail(struct cursor *c, struct bk_err *err)
{
	if (!c->statement || mysql_errno(c->server->m) != 0)
		return server_err(c->server, NULL, err);
	return bk_err_set(err, BK_EX_NO, 0, "%s (error %u)",
			  mysql_stmt_error(c->statement),
			  mysql_stmt_errno(c->statement));
}

static int describe(struct cursor *c, struct bk_err *err)
{
	MYSQL_RES *meta = mysql_stmt_result_metadata(c->statement);

	if (!meta)
		return fail(c, err);
	c->n = mysql_num_fields(meta);
	c->columns = bk_calloc(c->n, sizeof(*c->columns));
	c->row = bk_calloc(c->n, sizeof(*c->row));
	c->lengths = bk_calloc(c->n, sizeof(*c->lengths));
	for (unsigned int i = 0; i < c->n; i++) {
		const MYSQL_FIELD *f = mysql_fetch_field_direct(meta, i);

		c->columns[i].type = f->type;
		c->columns[i].is_unsigned = (f->flags & UNSIGNED_FLAG) != 0;
	}
	mysql_free_result(meta);
	return 0;
}

static int open_statement(struct cursor *c, const char *sql, struct bk_err *err)
{
	void (*callback)(void *, unsigned int, unsigned char **) = on_value;

	c->statement = mysql_stmt_init(c->server->m);
	if (!c->statement)
		return fail(c, err);
	if (mysql_stmt_prepare(c->statement, sql, strlen(sql)) != 0 ||
	    mysql_stmt_attr_set(c->statement, STMT_ATTR_CB_USER_DATA, c) != 0 ||
	    mysql_stmt_attr_set(c->statement, STMT_ATTR_CB_RESULT,
				(const void *)callback) != 0 ||
	    mysql_stmt_execute(c->statement) != 0)
		return fail(c, err);
	return describe(c, err);
}

int cursor_open(struct cursor *c, struct server *s, const char *sql,
		const struct reals *reals, struct bk_err *err)
{
	*c = (struct cursor){ .server = s, .reals = reals };
	if (reals)
		return open_statement(c, sql, err);
	if (mysql_real_query(s->m, sql, strlen(sql)) != 0)
		return fail(c, err);
	c->result = mysql_use_result(s->m);
	if (!c->result)
		return fail(c, err);
	c->n = mysql_num_fields(c->result);
	return 0;
}

int cursor_next(struct cursor *c, struct bk_err *err)
{
	if (c->statement) {
		int got = mysql_stmt_fetch(c->statement);

		if (got == 0)
			return 1;
		return got == MYSQL_NO_DATA ? 0 : fail(c, err);
	}
	c->row = mysql_fetch_row(c->result);
	if (!c->row)
		return mysql_errno(c->server->m) == 0 ? 0 : fail(c, err);
	c->lengths = mysql_fetch_lengths(c->result);
	return 1;
}

void cursor_close(struct cursor *c)
{
	if (c->statement) {
		(void)mysql_stmt_close(c->statement);
		free(c->columns);
		free(c->row);
		free(c->lengths);
	}
	if (c->result)
		mysql_free_result(c->result);
	*c = (struct cursor){ NULL };
}
