/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "exact.h"

#include <string.h>

#include "table.h"
#include "value.h"

/* libmariadb cuts longer names. */
#define LISTED_MAX 120

void doubts_free(struct doubts *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].column);
		free(d->v[i].charset);
	}
	free(d->v);
	*d = (struct doubts){ NULL, 0 };
}

static bool is_unicode(const char *charset)
{
	return bk_str_starts(charset, "utf") || strcmp(charset, "ucs2") == 0;
}

/* Of Unicode, a character that is shown is shown as it is. */
static bool is_doubtful(const char *charset, const char *shown)
{
	if (!shown)
		return false;
	for (const char *p = shown; *p; p++)
		if (*p == '?' ||
		    ((unsigned char)*p >= 0x80 && !is_unicode(charset)))
			return true;
	return false;
}

void doubts_add(struct doubts *d, const char *column, const char *data_type,
		const char *column_type, const char *charset, const char *value)
{
	bool set = strcmp(data_type, "set") == 0;
	bool list = set || strcmp(data_type, "enum") == 0;
	const char *cs = charset ? charset : "binary";
	bool members;

	/* All else is shown as an expression, or as bytes. */
	if ((!list && strcmp(data_type, "char") != 0 &&
	     strcmp(data_type, "varchar") != 0) ||
	    table_charset_is_safe(cs))
		return;
	members = list && is_doubtful(cs, column_type);
	if (!members && !is_doubtful(cs, value))
		return;
	d->v = bk_realloc(d->v, d->n + 1, sizeof(*d->v));
	d->v[d->n++] = (struct doubt){ .column = bk_strdup(column),
				       .charset = bk_strdup(cs),
				       .set = set,
				       .members = members };
}

/* Bytes in the character set of the column. */
static void add_literal(const struct doubt *d, bool introducer, const char *s,
			size_t len, struct bk_buf *b)
{
	const char *charset = table_charset(d->charset);
	bool plain = value_is_plain(s, len) && (!charset || *charset != '!');
	bool text = plain || len == 0 || strcmp(d->charset, "utf8mb4") == 0;

	if (text)
		bk_buf_addc(b, '\'');
	else if (introducer)
		bk_buf_addf(b, "_%s 0x", d->charset);
	else
		bk_buf_adds(b, "0x");
	bk_buf_reserve(b, VALUE_ROOM(len));
	b->len = (size_t)((text ? value_escape : value_hex)(b->p + b->len, s,
							    len) -
			  b->p);
	b->p[b->len] = '\0';
	if (text)
		bk_buf_addc(b, '\'');
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* HEX() back to bytes, in place; their number, or -1. */
static int64_t unhex(char *s, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2) {
		int high = digit(s[i]), low = digit(s[i + 1]);

		if (high < 0 || low < 0)
			return -1;
		s[i / 2] = (char)(high << 4 | low);
	}
	return len % 2 == 0 ? (int64_t)(len / 2) : -1;
}

/*
 * All members in order, each as HEX() and a comma. A variable of the column's
 * type takes each number that stands for a member.
 */
static int read_members(struct server *s, const char *table,
			const struct doubt *d, char **ret, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf t = BK_BUF_INIT, c = BK_BUF_INIT;
	const char *n = d->set ? "1 << i" : "i + 1"; /* nothing: v becomes 0 */

	value_add_name(&t, table);
	value_add_name(&c, d->column);
	if (server_dof(s, err,
		       "BEGIN NOT ATOMIC DECLARE v TYPE OF %s.%s; "
		       "DECLARE i INT DEFAULT 0; "
		       "DECLARE r LONGBLOB DEFAULT ''; "
		       "l: LOOP SET v = %s; "
		       "IF v + 0 = 0 THEN LEAVE l; END IF; "
		       "SET r = CONCAT(r, HEX(CONVERT(v USING binary)), ','), "
		       "i = i + 1; END LOOP; SET @bk = r; END",
		       t.p, c.p, n) < 0)
		return -1;
	return server_value(s, "SELECT @bk", ret, err);
}

/*
 * A row that is not there has the defaults of columns that may be NULL: as
 * HEX(), or NULL.
 */
static int read_nullable(struct server *s, const char *table,
			 const struct doubt *d, char **ret, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf t = BK_BUF_INIT, c = BK_BUF_INIT;
	BK_AUTO_FREE char *sql = NULL;

	value_add_name(&t, table);
	value_add_name(&c, d->column);
	sql = bk_asprintf("SELECT HEX(CONVERT(DEFAULT(t.%s) USING binary)) "
			  "FROM (SELECT 1) AS one LEFT JOIN %s AS t ON FALSE",
			  c.p, t.p);
	return server_value(s, sql, ret, err);
}

/*
 * The old command that lists columns tells the defaults of all, up to a NUL
 * byte, of tables whose names are not too long for the library. No Unicode
 * but UTF-8 is free of such bytes, so that its defaults come as UTF-8.
 */
static int read_listed(struct server *s, const char *table,
		       const struct doubt *d, char **ret, struct bk_err *err)
{
	BK_AUTO_RESULT MYSQL_RES *r = NULL;

	if (strlen(table) > LISTED_MAX)
		return 0;
	if (server_dof(s, err, "SET character_set_results = %s",
		       is_unicode(d->charset) ? "utf8mb4" : "binary") < 0)
		return -1;
	r = mysql_list_fields(s->m, table, NULL);
	if (!r)
		return server_err(s, NULL, err);
	for (unsigned int i = 0; i < mysql_num_fields(r); i++) {
		const MYSQL_FIELD *f = mysql_fetch_field_direct(r, i);

		if (strcmp(f->name, d->column) == 0 && f->def)
			*ret = bk_strdup(f->def);
	}
	return server_do(s, "SET character_set_results = utf8mb4", err);
}

/* The literal for the column's default; nothing where it is not known. */
static int read_default(struct server *s, const char *table,
			const struct doubt *d, bool nul, struct bk_buf *ret,
			struct bk_err *err)
{
	BK_AUTO_FREE char *hex = NULL, *value = NULL;
	int64_t len;

	if (read_nullable(s, table, d, &hex, err) < 0 ||
	    (!hex && !nul && read_listed(s, table, d, &value, err) < 0))
		return -1;
	len = hex ? unhex(hex, strlen(hex)) : -1;
	if (len >= 0)
		add_literal(d, true, hex, (size_t)len, ret);
	else if (value && is_unicode(d->charset))
		value_add_text(ret, value);
	else if (value)
		add_literal(d, true, value, strlen(value), ret);
	return 0;
}

/* Behind the name or text that a quote at p begins. */
static const char *skip_quoted(const char *p)
{
	char quote = *p;

	for (p++; *p; p++) {
		if (*p == '\\' && quote == '\'' && p[1])
			p++;
		else if (*p == quote && *++p != quote)
			return p;
	}
	return p;
}

/* Where the parenthesis that stands before p is closed, or the end. */
static const char *skip_list(const char *p)
{
	while (*p && *p != ')')
		p = *p == '\'' ? skip_quoted(p) : p + 1;
	return p;
}

/* What is behind the column's name, or NULL. */
static const char *find_column(const char *text, const char *column)
{
	BK_AUTO_BUF struct bk_buf line = BK_BUF_INIT;
	const char *at;

	bk_buf_adds(&line, "\n  ");
	value_add_name(&line, column);
	bk_buf_addc(&line, ' ');
	at = strstr(text, line.p);
	return at ? at + line.len : NULL;
}

/* The text that a column has as its DEFAULT, from its quote on, or NULL. */
static const char *find_default(const char *p)
{
	static const char word[] = " DEFAULT '";
	size_t n = sizeof(word) - 2;

	while (*p && *p != '\n') {
		if (strncmp(p, word, n + 1) == 0)
			return p + n;
		p = *p == '\'' || *p == '`' ? skip_quoted(p) : p + 1;
	}
	return NULL;
}

/* What is from start to end becomes what is in b. */
static void replace(char **text, const char *start, const char *end,
		    const struct bk_buf *b)
{
	char *mended = bk_asprintf("%.*s%s%s", (int)(start - *text), *text,
				   b->p ? b->p : "", end);

	free(*text);
	*text = mended;
}

static int mend_members(struct server *s, const char *table,
			const struct doubt *d, char **text, struct bk_err *err)
{
	BK_AUTO_FREE char *hex = NULL;
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	const char *word = d->set ? "set(" : "enum(", *at;

	if (read_members(s, table, d, &hex, err) < 0)
		return -1;
	at = find_column(*text, d->column);
	if (!at || !hex || !bk_str_starts(at, word))
		return 0;
	at += strlen(word);
	for (char *p = hex, *comma; (comma = strchr(p, ',')); p = comma + 1) {
		int64_t len = unhex(p, (size_t)(comma - p));

		if (len < 0)
			return 0;
		if (b.len > 0)
			bk_buf_addc(&b, ',');
		add_literal(d, false, p, (size_t)len, &b);
	}
	if (b.len == 0)
		return 0;
	replace(text, at, skip_list(at), &b);
	return 1;
}

static int mend_default(struct server *s, const char *table,
			const struct doubt *d, char **text, struct bk_err *err)
{
	const char *at = find_column(*text, d->column), *end;
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	bool nul;

	at = at ? find_default(at) : NULL;
	if (!at)
		return 1; /* none, or an expression */
	end = skip_quoted(at);
	nul = memmem(at, (size_t)(end - at), "\\0", 2) != NULL;
	if (read_default(s, table, d, nul, &b, err) < 0)
		return -1;
	if (b.len == 0)
		return 0;
	replace(text, at, end, &b);
	return 1;
}

int exact_table(struct server *s, const char *table, const struct doubts *d,
		char **text, struct bk_err *err)
{
	for (size_t i = 0; i < d->n; i++) {
		int got = 1;

		if (d->v[i].members)
			got = mend_members(s, table, &d->v[i], text, err);
		if (got == 1)
			got = mend_default(s, table, &d->v[i], text, err);
		if (got != 1)
			return got;
	}
	return 1;
}
