/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "table.h"

#include <string.h>

static bool one_of(const char *s, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(s, *list) == 0)
			return true;
	return false;
}

static const char *const integers[] = { "tinyint",   "smallint", "int",
					"mediumint", "bigint",	 NULL };
static const char *const bytes[] = { "binary",
				     "varbinary",
				     "tinyblob",
				     "blob",
				     "mediumblob",
				     "longblob",
				     "bit",
				     "point",
				     "linestring",
				     "polygon",
				     "multipoint",
				     "multipolygon",
				     "geometry",
				     "geomcollection",
				     "multilinestring",
				     "vector",
				     "geometrycollection",
				     NULL };
static const char *const bigs[] = { "mediumblob",
				    "longblob",
				    "mediumtext",
				    "longtext",
				    "json",
				    "linestring",
				    "polygon",
				    "multipoint",
				    "multipolygon",
				    "geometry",
				    "geomcollection",
				    "multilinestring",
				    "geometrycollection",
				    NULL };
static const char *const seekables[] = { "tinyint",   "smallint", "int",
					 "mediumint", "bigint",	  "decimal",
					 "varchar",   "binary",	  "varbinary",
					 "date",      "datetime", "timestamp",
					 NULL };

/* Through these nothing is lost on the way to UTF-8 and back. */
static const char *const safe[] = { "utf8mb4", "utf8mb3", "utf8", "latin1",
				    NULL };

/* Every other one that a server has, and those without ASCII in them. */
static const char *const charsets[] = {
	"armscii8", "ascii",  "big5",	 "cp1250",   "cp1251",	 "cp1256",
	"cp1257",   "cp850",  "cp852",	 "cp866",    "cp932",	 "dec8",
	"eucjpms",  "euckr",  "gb2312",	 "gbk",	     "geostd8",	 "greek",
	"hebrew",   "hp8",    "keybcs2", "koi8r",    "koi8u",	 "latin2",
	"latin5",   "latin7", "macce",	 "macroman", "sjis",	 "tis620",
	"ujis",	    "!swe7",  "!ucs2",	 "!utf16",   "!utf16le", "!utf32",
};

const char *table_charset(const char *name)
{
	for (size_t i = 0; i < BK_COUNT(charsets); i++)
		if (strcmp(charsets[i] + (*charsets[i] == '!'), name) == 0)
			return charsets[i];
	return NULL;
}

bool table_charset_is_safe(const char *name)
{
	return one_of(name, safe) && strcmp(name, "utf8mb4") != 0;
}

static char *quoted(const char *name)
{
	struct bk_buf b = BK_BUF_INIT;

	value_add_name(&b, name);
	return bk_buf_steal(&b);
}

/*
 * An ENUM or SET that knows an empty text: that is not "nothing" then. A '?'
 * may be what the server shows of another character. Numbers tell them apart.
 */
static bool has_empty_member(const char *column_type)
{
	const char *members = strchr(column_type, '(');

	return members &&
	       (strcmp(members, "('')") == 0 ||
		bk_str_starts(members, "('',") || strstr(members, "','',") ||
		bk_str_ends(members, ",'')"));
}

static const char *const temporals[] = { "date", "datetime", "timestamp",
					 "time", NULL };

static void set_kind(struct column *c, const struct column_info *info)
{
	const char *type = info->data_type;
	BK_AUTO_FREE char *name = quoted(info->name);

	c->kind = VALUE_TEXT;
	if (one_of(type, integers) || strcmp(type, "decimal") == 0 ||
	    strcmp(type, "year") == 0) {
		c->kind = VALUE_NUMBER;
	} else if (strcmp(type, "float") == 0 || strcmp(type, "double") == 0) {
		c->kind = VALUE_REAL;
	} else if (one_of(type, bytes)) {
		c->kind = VALUE_HEX;
	} else if ((strcmp(type, "enum") == 0 || strcmp(type, "set") == 0) &&
		   (has_empty_member(info->column_type) ||
		    strchr(info->column_type, '?'))) {
		c->kind = VALUE_NUMBER;
		c->expr = bk_asprintf("%s+0", name);
	} else if (info->charset && !one_of(info->charset, safe)) {
		c->charset = table_charset(info->charset);
		c->kind = c->charset ? VALUE_RAW : VALUE_TEXT;
		if (c->charset)
			c->expr = bk_asprintf("CONVERT(%s USING binary)", name);
	}
	if (!c->expr)
		c->expr = bk_strdup(name);
}

bool table_add_column(struct table *t, const struct column_info *info)
{
	bool row = bk_str_starts(info->generation, "ROW ");
	struct column *c;

	t->period = t->period || row;
	if (*info->generation && !(row && t->history))
		return true;
	if (row && strcmp(info->data_type, "timestamp") != 0)
		return false;
	t->columns = bk_realloc(t->columns, t->n + 1, sizeof(*c));
	c = &t->columns[t->n++];
	*c = (struct column){ .name = bk_strdup(info->name) };
	set_kind(c, info);
	c->big = one_of(info->data_type, bigs);
	c->huge = c->big && !bk_str_starts(info->data_type, "medium");
	c->seekable = one_of(info->data_type, seekables);
	c->temporal = one_of(info->data_type, temporals);
	t->reals = t->reals || c->kind == VALUE_REAL;
	c->unordered = strcmp(info->data_type, "uuid") == 0;
	c->integer = one_of(info->data_type, integers);
	return true;
}

void table_add_period(struct table *t)
{
	static const char *const names[] = { "row_start", "row_end" };

	for (size_t i = 0; i < BK_COUNT(names); i++) {
		struct column_info info = { .name = names[i],
					    .data_type = "timestamp",
					    .column_type = "timestamp(6)",
					    .generation = "" };

		(void)table_add_column(t, &info);
	}
}

void table_add_key(struct table *t, const char *name, bool part)
{
	BK_AUTO_FREE char *q = quoted(name);
	size_t i = 0;
	bool text;
	char *order;

	while (i < t->n && strcmp(t->columns[i].name, name) != 0)
		i++;
	text = i < t->n && t->columns[i].unordered && t->small;
	order = bk_asprintf("%s%s%s%s%s", t->order ? t->order : " ORDER BY ",
			    t->order ? ", " : "", text ? "CAST(" : "", q,
			    text ? " AS CHAR)" : "");
	if (!t->order)
		t->seek = true;
	free(t->order);
	t->order = order;
	if (i == t->n || part || !t->columns[i].seekable)
		t->seek = false;
	if (i == t->n) {
		t->lost = true;
		return;
	}
	t->key = bk_realloc(t->key, t->nkey + 1, sizeof(*t->key));
	t->key[t->nkey++] = i;
}

/* Without reals text comes as text; with them, only what is asked for so. */
static void cast_temporals(struct table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct column *c = &t->columns[i];
		char *expr;

		if (!c->temporal)
			continue;
		expr = bk_asprintf("CAST(%s AS CHAR)", c->expr);
		free(c->expr);
		c->expr = expr;
	}
}

void table_finish(struct table *t, const char *index)
{
	if (t->reals)
		cast_temporals(t);
	for (size_t i = 0; i < t->n; i++)
		t->nbig += t->columns[i].big;
	if (!t->order)
		t->order = bk_strdup("");
	if (t->lost)
		t->nkey = 0;
	if (index)
		t->index = quoted(index);
	if (t->seek)
		return;
	/* Without lengths behind: big values come with their row. */
	t->nbig = 0;
	for (size_t i = 0; i < t->n; i++)
		t->columns[i].big = false;
}

unsigned long table_big(const struct table *t)
{
	return TABLE_BIG / (t->nbig ? t->nbig : 1);
}

void table_add_select(const struct table *t, struct bk_buf *b)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct column *c = &t->columns[i];
		BK_AUTO_FREE char *name = quoted(c->name);

		if (i > 0)
			bk_buf_addc(b, ',');
		if (c->big)
			bk_buf_addf(b, "IF(OCTET_LENGTH(%s)>%lu,NULL,%s)", name,
				    table_big(t), c->expr);
		else
			bk_buf_adds(b, c->expr);
	}
	for (size_t i = 0; i < t->n; i++) {
		const struct column *c = &t->columns[i];
		BK_AUTO_FREE char *name = quoted(c->name);

		if (c->big)
			bk_buf_addf(b,
				    ",IF(OCTET_LENGTH(%s)>%lu,"
				    "OCTET_LENGTH(%s),NULL)",
				    name, table_big(t), name);
	}
	if (t->n == 0)
		bk_buf_adds(b, "1");
}

void table_add_insert(const struct table *t, const char *name, struct bk_buf *b)
{
	bk_buf_adds(b, "INSERT INTO ");
	value_add_name(b, name);
	bk_buf_adds(b, " (");
	for (size_t i = 0; i < t->n; i++) {
		if (i > 0)
			bk_buf_addc(b, ',');
		value_add_name(b, t->columns[i].name);
	}
	bk_buf_adds(b, ") VALUES\n");
}

void table_free(struct table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->columns[i].name);
		free(t->columns[i].expr);
	}
	free(t->columns);
	free(t->key);
	free(t->order);
	free(t->index);
	*t = (struct table){ 0 };
}
