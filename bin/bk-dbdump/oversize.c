/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "oversize.h"

#include <mysqld_error.h>

#include "feed.h"
#include "value.h"

/* A smaller table has no such row, even where it is compressed. */
#define TABLE_MIN (64U << 20)
#define SECONDS 5

/* At least so many bytes, for what is escaped in a text is not counted. */
static void add_length(const struct table *t, struct bk_buf *b)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct column *c = &t->columns[i];

		if (!c->huge)
			continue;
		bk_buf_addf(b, "%s%sOCTET_LENGTH(", b->len ? " + " : "",
			    c->kind == VALUE_TEXT ? "" : "2 * ");
		bk_buf_adds(b, "COALESCE(");
		value_add_name(b, c->name);
		bk_buf_adds(b, ", ''))");
	}
}

static void add_query(const struct object *o, const char *length,
		      struct bk_buf *b)
{
	const struct table *t = &o->table;

	bk_buf_addf(b, "SET STATEMENT max_statement_time = %d FOR SELECT ",
		    SECONDS);
	for (size_t i = 0; i < t->nkey; i++)
		bk_buf_addf(b, "%s%s", i > 0 ? ", " : "",
			    t->columns[t->key[i]].expr);
	if (t->nkey == 0)
		bk_buf_addc(b, '1');
	bk_buf_adds(b, " FROM ");
	value_add_name(b, o->db->name);
	bk_buf_addc(b, '.');
	value_add_name(b, o->name);
	if (t->history)
		bk_buf_adds(b, " FOR SYSTEM_TIME ALL");
	bk_buf_addf(b, " WHERE %s > %lu LIMIT 1", length, ROW_MAX);
}

static void add_warning(const struct table *t, MYSQL_RES *r,
			struct bk_strv *ret)
{
	MYSQL_ROW row = mysql_fetch_row(r);
	BK_AUTO_FREE char *key = NULL;

	if (!row)
		return;
	if (t->nkey > 0)
		key = key_condition(t, '=', true, row, mysql_fetch_lengths(r));
	bk_strv_addf(ret,
		     "%s%.100s would be longer than 1 GiB as SQL: it "
		     "cannot be dumped",
		     key ? "the row with " : "a row", key ? key : "");
}

int oversize_find(struct server *s, const struct object *o, struct bk_strv *ret,
		  struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf length = BK_BUF_INIT, sql = BK_BUF_INIT;
	BK_AUTO_RESULT MYSQL_RES *r = NULL;

	add_length(&o->table, &length);
	if (!o->rows || o->broken || length.len == 0 ||
	    o->estimated_bytes < TABLE_MIN)
		return 0;
	add_query(o, length.p, &sql);
	r = server_query(s, sql.p, err);
	if (r) {
		add_warning(&o->table, r, ret);
		return 0;
	}
	switch (mysql_errno(s->m)) {
	case ER_STATEMENT_TIMEOUT:
	case ER_LOCK_WAIT_TIMEOUT:
		bk_strv_add(ret, "not all was looked at for rows longer than "
				 "1 GiB as SQL");
		return 0;
	default:
		return -1;
	}
}
