/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text.h"

/*
 * What was stored is stored again as it is: zeros in automatic columns, dates
 * of old, rows that checks would refuse today. Unique checks stay on, for
 * without them and foreign keys InnoDB loads in a way that is much slower.
 */
void text_add_session(struct bk_buf *b)
{
	bk_buf_adds(b, "SET NAMES utf8mb4;\n"
		       "SET time_zone = '+00:00', sql_mode = "
		       "'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', "
		       "foreign_key_checks = 0, unique_checks = 1, "
		       "check_constraint_checks = 0, "
		       "innodb_strict_mode = 0;\n");
}

void text_add_comment(struct bk_buf *b, const char *s)
{
	bk_buf_adds(b, "-- ");
	for (; *s; s++)
		bk_buf_addc(b, (unsigned char)*s < ' ' ? ' ' : *s);
	bk_buf_addc(b, '\n');
}

static void add_use(const struct database *db, struct bk_buf *b)
{
	text_add_session(b);
	bk_buf_adds(b, "USE ");
	value_add_name(b, db->name);
	bk_buf_adds(b, ";\n");
}

static void add_statement(struct bk_buf *b, const char *text)
{
	bk_buf_adds(b, text);
	bk_buf_adds(b, ";\n");
}

/* A broken object: what is known of it, for people to read. */
static void add_broken(const struct object *o, struct bk_buf *b)
{
	BK_AUTO_FREE char *line = bk_asprintf(
		"broken %s %s: %s", object_word(o->kind), o->name, o->broken);
	const char *p = o->text ? o->text : "";

	text_add_comment(b, line);
	while (*p) {
		size_t n = strcspn(p, "\n");
		BK_AUTO_FREE char *part = bk_memdup(p, n);

		text_add_comment(b, part);
		p += n + (p[n] == '\n');
	}
}

/* The columns exist before the view does, for views that refer to it. */
static void add_standin(const struct object *o, struct bk_buf *b)
{
	bk_buf_adds(b, "CREATE VIEW ");
	value_add_name(b, o->name);
	bk_buf_adds(b, " AS SELECT");
	for (size_t i = 0; i < o->columns.n; i++) {
		bk_buf_adds(b, i > 0 ? ",\n 1 AS " : "\n 1 AS ");
		value_add_name(b, o->columns.v[i]);
	}
	bk_buf_adds(b, ";\n");
}

/* One that the text does not hold. */
static char *delimiter(const char *text)
{
	char *d = bk_strdup(";;");

	for (unsigned int i = 0; strstr(text, d); i++) {
		free(d);
		d = bk_asprintf("$$%u$", i);
	}
	return d;
}

static void add_setting(struct bk_buf *b, const char *name, const char *value)
{
	if (!value)
		return;
	bk_buf_addf(b, "SET %s = ", name);
	value_add_text(b, value);
	bk_buf_adds(b, ";\n");
}

static void add_collation(const struct object *o, const char *collation,
			  struct bk_buf *b)
{
	bk_buf_adds(b, "ALTER DATABASE ");
	value_add_name(b, o->db->name);
	bk_buf_addf(b, " COLLATE %s;\n", collation);
}

/*
 * Clients take \r\n for \n and drop comments, but for what is in quotes. Under
 * this mode, quotes could not say \r.
 */
static bool wants_quotes(const struct object *o)
{
	const char *t = o->text;

	if (o->sql_mode && strstr(o->sql_mode, "NO_BACKSLASH_ESCAPES"))
		return false;
	return strchr(t, '\r') || strchr(t, '#') || strstr(t, "--") ||
	       strstr(t, "/*");
}

static void add_quoted(const char *text, struct bk_buf *b)
{
	bk_buf_adds(b, "EXECUTE IMMEDIATE '");
	for (; *text; text++) {
		if (*text == '\\' || *text == '\'')
			bk_buf_addc(b, *text);
		if (*text == '\r')
			bk_buf_adds(b, "\\r");
		else
			bk_buf_addc(b, *text);
	}
	bk_buf_adds(b, "';\n");
}

static void add_delimited(const char *text, struct bk_buf *b)
{
	BK_AUTO_FREE char *d = delimiter(text);

	bk_buf_addf(b, "DELIMITER %s\n%s\n%s\nDELIMITER ;\n", d, text, d);
}

/*
 * A program, in the settings under which it was created. What it inherits
 * from the database may be other than what that has now.
 */
static void add_program(const struct object *o, struct bk_buf *b)
{
	bool other = o->collation && o->db->collation &&
		     strcmp(o->collation, o->db->collation) != 0;

	if (other)
		add_collation(o, o->collation, b);
	add_setting(b, "character_set_client", o->client);
	add_setting(b, "collation_connection", o->connection);
	add_setting(b, "sql_mode", o->sql_mode);
	add_setting(b, "time_zone", o->time_zone);
	if (wants_quotes(o))
		add_quoted(o->text, b);
	else
		add_delimited(o->text, b);
	if (other)
		add_collation(o, o->db->collation, b);
}

static bool is_routine(const struct object *o)
{
	return o->kind >= OBJECT_FUNCTION && o->kind <= OBJECT_PACKAGE_BODY;
}

void text_add_schema(const struct database *db, struct bk_buf *b)
{
	bool programs = false;

	text_add_session(b);
	add_statement(b, db->text);
	bk_buf_adds(b, "USE ");
	value_add_name(b, db->name);
	bk_buf_adds(b, ";\n");
	for (size_t i = 0; i < db->n; i++) {
		const struct object *o = &db->v[i];

		if (o->broken) {
			if (o->kind == OBJECT_TABLE ||
			    o->kind == OBJECT_SEQUENCE || is_routine(o))
				add_broken(o, b);
		} else if (o->kind == OBJECT_VIEW) {
			add_standin(o, b);
		} else if (is_routine(o)) {
			add_program(o, b);
			programs = true;
		} else if (o->kind <= OBJECT_TABLE) {
			add_statement(b, o->text);
			if (o->state)
				add_statement(b, o->state);
		}
	}
	if (programs)
		text_add_session(b);
}

/* CREATE OR REPLACE, for the stand-in is there. */
static void add_view(const struct object *o, struct bk_buf *b)
{
	const char *text = o->text;

	add_setting(b, "character_set_client", o->client);
	add_setting(b, "collation_connection", o->connection);
	bk_buf_adds(b, "CREATE OR REPLACE");
	add_statement(b, bk_str_starts(text, "CREATE ") ? text + 6 : text);
}

/* The name that starts at *p, a '`', which moves behind it. */
static char *take_name(const char **p)
{
	struct bk_buf name = BK_BUF_INIT;
	const char *s = *p;

	bk_buf_adds(&name, "");
	for (s++; *s && !(*s == '`' && s[1] != '`'); s++) {
		s += *s == '`';
		bk_buf_addc(&name, *s);
	}
	*p = *s ? s + 1 : s;
	return bk_buf_steal(&name);
}

struct order {
	const struct catalog *c;
	size_t *v, n;
	bool *done;
};

static void place_database(struct order *o, size_t i);

/* DEFAULT nextval(`db`.`name`) */
static void place_needed(struct order *o, const char *text)
{
	while ((text = strstr(text, "val(`"))) {
		BK_AUTO_FREE char *name = NULL;

		text += strlen("val(");
		name = take_name(&text);
		for (size_t i = 0; i < o->c->n; i++)
			if (strcmp(o->c->v[i].name, name) == 0)
				place_database(o, i);
	}
}

static void place_database(struct order *o, size_t i)
{
	const struct database *db = &o->c->v[i];

	if (o->done[i])
		return;
	o->done[i] = true;
	for (size_t k = 0; k < db->n; k++)
		if (db->v[k].kind == OBJECT_TABLE && db->v[k].text)
			place_needed(o, db->v[k].text);
	o->v[o->n++] = i;
}

size_t *text_order(const struct catalog *c)
{
	struct order o = { .c = c };

	o.v = bk_calloc(c->n + 1, sizeof(*o.v));
	o.done = bk_calloc(c->n + 1, sizeof(*o.done));
	for (size_t i = 0; i < c->n; i++)
		place_database(&o, i);
	free(o.done);
	return o.v;
}

/* Those that it names come first. A name may be one of something else. */
static void add_ordered(const struct object *o, bool *done, struct bk_buf *b)
{
	const struct database *db = o->db;
	const char *p = o->text;

	if (done[o - db->v])
		return;
	done[o - db->v] = true;
	while (!o->broken && (p = strchr(p, '`'))) {
		BK_AUTO_FREE char *name = take_name(&p);
		const struct object *other =
			catalog_find(db, OBJECT_VIEW, name);

		if (other)
			add_ordered(other, done, b);
	}
	if (o->broken)
		add_broken(o, b);
	else
		add_view(o, b);
}

static void add_views(const struct database *db, struct bk_buf *b)
{
	bool *done = bk_calloc(db->n + 1, sizeof(*done));

	for (size_t i = 0; i < db->n; i++)
		if (db->v[i].kind == OBJECT_VIEW)
			add_ordered(&db->v[i], done, b);
	free(done);
}

static void add_programs(const struct database *db, enum object_kind kind,
			 struct bk_buf *b)
{
	for (size_t i = 0; i < db->n; i++) {
		if (db->v[i].kind != kind)
			continue;
		if (db->v[i].broken)
			add_broken(&db->v[i], b);
		else
			add_program(&db->v[i], b);
	}
}

void text_add_post(const struct database *db, struct bk_buf *b)
{
	size_t start;

	add_use(db, b);
	start = b->len;
	add_programs(db, OBJECT_TRIGGER, b);
	/* Under a view may lie what a mode of sql_mode forbids. */
	if (b->len > start)
		text_add_session(b);
	add_views(db, b);
	add_programs(db, OBJECT_EVENT, b);
	if (b->len > start)
		text_add_session(b);
	else
		bk_buf_clear(b);
}

void text_add_rows_head(const struct object *o, struct bk_buf *b)
{
	add_use(o->db, b);
	if (o->table.history)
		bk_buf_adds(b, "SET system_versioning_insert_history = 1;\n");
	bk_buf_adds(b, "START TRANSACTION;\n");
}

void text_add_rows_tail(struct bk_buf *b)
{
	bk_buf_adds(b, "COMMIT;\n");
}
