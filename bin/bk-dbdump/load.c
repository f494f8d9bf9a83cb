/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "load.h"

#include <mysqld_error.h>
#include <stdlib.h>
#include <strings.h>

#include "catalog.h"
#include "log.h"
#include "rename.h"
#include "value.h"

static const char *db_of(const struct load *l, const char *db)
{
	return l->into ? l->into : db;
}

static void add_label(struct bk_strv *l, const char *db, const char *name)
{
	bk_strv_addf(l, "%s.%s", db, name);
}

/* What the server calls it: "VIEW", "BASE TABLE"; NULL where there is none. */
static int table_type(const struct load *l, const struct item *it, char **ret,
		      struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf sql = BK_BUF_INIT;

	bk_buf_adds(&sql, "SELECT TABLE_TYPE FROM information_schema.TABLES "
			  "WHERE TABLE_SCHEMA = ");
	value_add_text(&sql, db_of(l, it->db));
	bk_buf_adds(&sql, " AND TABLE_NAME = ");
	value_add_text(&sql, it->name);
	*ret = NULL;
	return server_value(l->server, sql.p, ret, err);
}

static int has_db(const struct load *l, const char *db, bool *ret,
		  struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf sql = BK_BUF_INIT;
	BK_AUTO_FREE char *found = NULL;

	bk_buf_adds(&sql, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA "
			  "WHERE SCHEMA_NAME = ");
	value_add_text(&sql, db);
	if (server_value(l->server, sql.p, &found, err) < 0)
		return -1;
	*ret = found != NULL;
	return 0;
}

int load_existing(const struct load *l, struct bk_strv *dbs,
		  struct bk_strv *tables, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv all = BK_STRV_INIT;

	inventory_dbs(l->inventory, &all);
	for (size_t i = 0; i < all.n; i++) {
		const char *db = db_of(l, all.v[i]);
		bool there;

		if (has_db(l, db, &there, err) < 0)
			return -1;
		if (there)
			bk_strv_add(dbs, db);
	}
	for (size_t i = 0; i < l->inventory->n && dbs->n > 0; i++) {
		const struct item *it = &l->inventory->items[i];
		BK_AUTO_FREE char *type = NULL;

		if (!it->wanted || !inventory_tabular(it) ||
		    !bk_strv_has(dbs, db_of(l, it->db)))
			continue;
		if (table_type(l, it, &type, err) < 0)
			return -1;
		if (type)
			add_label(tables, db_of(l, it->db), it->name);
	}
	return 0;
}

int load_is_empty(const struct load *l, const char *db, bool *ret,
		  struct bk_err *err)
{
	static const char *const places[][2] = {
		{ "TABLES", "TABLE_SCHEMA" },
		{ "ROUTINES", "ROUTINE_SCHEMA" },
		{ "EVENTS", "EVENT_SCHEMA" },
	};

	*ret = true;
	for (size_t i = 0; i < BK_COUNT(places) && *ret; i++) {
		BK_AUTO_BUF struct bk_buf sql = BK_BUF_INIT;
		BK_AUTO_FREE char *found = NULL;

		bk_buf_addf(&sql,
			    "SELECT 1 FROM information_schema.%s WHERE %s = ",
			    places[i][0], places[i][1]);
		value_add_text(&sql, db);
		bk_buf_adds(&sql, " LIMIT 1");
		if (server_value(l->server, sql.p, &found, err) < 0)
			return -1;
		*ret = !found;
	}
	return 0;
}

/* Dropping. */

/* What a kind is called in DROP; NULL: it goes with something else. */
static const char *drop_word(const char *kind)
{
	static const char *const words[][2] = {
		{ "function", "FUNCTION" }, { "procedure", "PROCEDURE" },
		{ "package", "PACKAGE" },   { "trigger", "TRIGGER" },
		{ "event", "EVENT" },
	};

	for (size_t i = 0; i < BK_COUNT(words); i++)
		if (strcmp(kind, words[i][0]) == 0)
			return words[i][1];
	return NULL;
}

static int drop_item(const struct load *l, const struct item *it,
		     struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf name = BK_BUF_INIT;
	BK_AUTO_FREE char *type = NULL;
	const char *word = drop_word(it->kind);

	if (inventory_tabular(it)) {
		if (table_type(l, it, &type, err) < 0)
			return -1;
		if (type)
			word = strcmp(type, "VIEW") == 0 ? "VIEW" : "TABLE";
	}
	if (!word)
		return 0;
	value_add_name(&name, db_of(l, it->db));
	bk_buf_addc(&name, '.');
	value_add_name(&name, it->name);
	return server_dof(l->server, err, "DROP %s IF EXISTS %s", word, name.p);
}

int load_drop(const struct load *l, struct bk_err *err)
{
	if (server_do(l->server, "SET SESSION foreign_key_checks = 0", err) < 0)
		return -1;
	for (size_t i = 0; i < l->inventory->n; i++) {
		const struct item *it = &l->inventory->items[i];
		bool there = false;

		if (!it->wanted)
			continue;
		if (has_db(l, db_of(l, it->db), &there, err) < 0 ||
		    (there && drop_item(l, it, err) < 0))
			return -1;
	}
	return 0;
}

/* Loading. */

static bool starts(const char *sql, size_t len, const char *word)
{
	size_t n = strlen(word);

	return len >= n && strncasecmp(sql, word, n) == 0;
}

struct loading {
	const struct load *l;
	struct bk_strv there; /* databases */
	struct load_result result;
};

static int failed(const struct place *p, const struct statement *st,
		  const struct bk_err *why, struct bk_err *err)
{
	BK_AUTO_FREE char *start =
		bk_memdup(st->p, st->len < 80 ? st->len : 80);

	start[strcspn(start, "\n")] = '\0';
	return bk_err_set(err, why->exit, 0, "%s:%llu: '%s': %s", p->file,
			  (unsigned long long)st->line, start, why->msg);
}

static int send(const struct load *l, const char *sql, size_t len,
		struct bk_err *err)
{
	MYSQL *m = l->server->m;

	if (mysql_real_query(m, sql, len) != 0)
		return server_err(l->server, NULL, err);
	do
		mysql_free_result(mysql_use_result(m));
	while (mysql_errno(m) == 0 && mysql_more_results(m) &&
	       mysql_next_result(m) == 0);
	return mysql_errno(m) == 0 ? 0 : server_err(l->server, NULL, err);
}

/* Is it the definition of a table whose rows are elsewhere? */
static bool is_remote_table(const struct place *p, const struct statement *st)
{
	static const char word[] = "\n) ENGINE=";
	BK_AUTO_FREE char *text = NULL, *engine = NULL;
	const char *at = NULL;

	if (p->subject.kind != SUBJECT_OBJECT ||
	    strcmp(p->subject.word, "table") != 0)
		return false;
	text = bk_memdup(st->p, st->len);
	for (const char *q = text; (q = strstr(q, word)); q++)
		at = q + strlen(word);
	if (!at)
		return false;
	engine = bk_memdup(at, strcspn(at, " \n"));
	return catalog_is_remote(engine);
}

/* What a view needs was left out. */
static bool is_bereft(const struct loading *g, const struct place *p)
{
	unsigned int code = mysql_errno(g->l->server->m);

	return g->result.left > 0 && p->subject.kind == SUBJECT_OBJECT &&
	       strcmp(p->subject.word, "view") == 0 &&
	       (code == ER_NO_SUCH_TABLE || code == ER_VIEW_INVALID);
}

/* One that fails: is it left out, or the end? */
static int leave_out(struct loading *g, const struct place *p,
		     const struct statement *st, const struct bk_err *why,
		     struct bk_err *err)
{
	const struct subject *s = &p->subject;
	BK_AUTO_FREE char *label = NULL;
	struct item *it;

	/* A lost connection is no answer of the server. */
	if (why->exit == BK_EX_TEMPFAIL || !p->db ||
	    !(is_remote_table(p, st) || is_bereft(g, p)))
		return failed(p, st, why, err);
	label = bk_asprintf("%s.%s", db_of(g->l, p->db), s->name);
	bk_warning("%s %s is NOT restored, for its rows are elsewhere, and the "
		   "server says: %s; create it when they can be reached, from "
		   "%s:%llu",
		   s->word, label, why->msg, p->file,
		   (unsigned long long)st->line);
	it = inventory_label(g->l->inventory, g->l->into, label);
	if (it)
		inventory_spare(g->l->inventory, it);
	g->result.left++;
	return 0;
}

/* What the server warned of when it took another engine; NULL: it did not. */
static char *other_engine(struct server *s)
{
	BK_AUTO_RESULT MYSQL_RES *r = NULL;
	char *why = NULL;
	MYSQL_ROW row;

	if (mysql_warning_count(s->m) > 0)
		r = server_query(s, "SHOW WARNINGS", NULL);
	while (r && !why && (row = mysql_fetch_row(r)))
		if (strtoul(row[1], NULL, 10) == ER_UNKNOWN_STORAGE_ENGINE)
			why = bk_strdup(row[2]);
	return why;
}

/* A table was made: as it is meant to be? */
static int check_engine(struct loading *g, const struct place *p,
			const struct statement *st, struct bk_err *err)
{
	BK_AUTO_FREE char *why = other_engine(g->l->server);
	BK_AUTO_BUF struct bk_buf name = BK_BUF_INIT;
	struct bk_err e;

	if (!why)
		return 0;
	value_add_name(&name, db_of(g->l, p->db));
	bk_buf_addc(&name, '.');
	value_add_name(&name, p->subject.name);
	if (is_remote_table(p, st)) {
		/* An empty table in its place would be taken for it. */
		bk_err_set(&e, BK_EX_NO, 0, "%s", why);
		return server_dof(g->l->server, err, "DROP TABLE %s", name.p) <
				       0
			       ? -1
			       : leave_out(g, p, st, &e, err);
	}
	bk_warning("table %s.%s is of another engine than it was: %s",
		   db_of(g->l, p->db), p->subject.name, why);
	g->result.changed++;
	return 0;
}

static int load_statement(void *arg, const struct place *p,
			  const struct statement *st, struct bk_err *err)
{
	struct loading *g = arg;
	BK_AUTO_BUF struct bk_buf sql = BK_BUF_INIT;
	struct bk_err why;
	int got;

	if (!inventory_wants(g->l->inventory, p))
		return 0;
	/* What is there already stays as it is. */
	if (p->subject.kind == SUBJECT_DATABASE && p->db &&
	    starts(st->p, st->len, "CREATE ") &&
	    bk_strv_has(&g->there, db_of(g->l, p->db)))
		return 0;
	if (!p->db || !g->l->into) {
		got = send(g->l, st->p, st->len, &why);
	} else {
		rename_db(p, g->l->into, st->p, st->len, &sql);
		got = send(g->l, sql.p, sql.len, &why);
	}
	if (got < 0)
		return leave_out(g, p, st, &why, err);
	return p->db && p->subject.kind == SUBJECT_OBJECT &&
			       strcmp(p->subject.word, "table") == 0
		       ? check_engine(g, p, st, err)
		       : 0;
}

/* Of a folder, whole files can be passed over. */
static bool enter(void *arg, const struct manifest_file *f)
{
	const struct loading *g = arg;

	bk_log_progress(f->path);
	if (manifest_is_global(f->kind))
		return g->l->inventory->globals;
	if (f->kind == MANIFEST_ROWS)
		return inventory_wants_table(g->l->inventory, f->db, f->table);
	return inventory_wants_db(g->l->inventory, f->db);
}

int load_check_packet(const struct load *l, struct bk_err *err)
{
	BK_AUTO_FREE char *text = NULL;
	BK_AUTO_BUF struct bk_buf need = BK_BUF_INIT, have = BK_BUF_INIT;
	uint64_t packet;

	if (server_value(l->server, "SELECT @@max_allowed_packet", &text, err) <
	    0)
		return -1;
	if (!text || bk_parse_u64(text, 0, UINT64_MAX, &packet) < 0 ||
	    l->inventory->largest + 1024 < packet)
		return 0;
	bk_str_add_size(&need, l->inventory->largest);
	bk_str_add_size(&have, packet);
	return bk_err_set(err, BK_EX_NO, 0,
			  "the dump has a statement of %s, and the server "
			  "takes %s at most; before a restore: SET GLOBAL "
			  "max_allowed_packet = 1073741824",
			  need.p, have.p);
}

int load_dump(const struct load *l, const char *path, const struct manifest *m,
	      struct load_result *ret, struct bk_err *err)
{
	struct loading g = { .l = l };
	BK_AUTO_STRV struct bk_strv tables = BK_STRV_INIT;
	struct walk w = { .path = path,
			  .manifest = m,
			  .enter = m ? enter : NULL,
			  .each = load_statement,
			  .arg = &g };
	int got = load_existing(l, &g.there, &tables, err);

	if (got == 0)
		got = walk_dump(&w, err);
	bk_log_progress(NULL);
	bk_strv_free(&g.there);
	*ret = g.result;
	return got;
}

/* Counting. */

static int count_rows(const struct load *l, const struct item *it,
		      uint64_t *ret, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf sql = BK_BUF_INIT;
	BK_AUTO_FREE char *type = NULL, *text = NULL;

	if (table_type(l, it, &type, err) < 0)
		return -1;
	bk_buf_adds(&sql, "SELECT COUNT(*) FROM ");
	value_add_name(&sql, db_of(l, it->db));
	bk_buf_addc(&sql, '.');
	value_add_name(&sql, it->name);
	if (type && strcmp(type, "SYSTEM VERSIONED") == 0)
		bk_buf_adds(&sql, " FOR SYSTEM_TIME ALL");
	if (server_value(l->server, sql.p, &text, err) < 0)
		return -1;
	if (text && bk_parse_u64(text, 0, UINT64_MAX, ret) == 0)
		return 0;
	return bk_err_set(err, BK_EX_PROTOCOL, 0, "'%s' has no answer", sql.p);
}

static int differ(const char *what, uint64_t is, uint64_t was,
		  struct bk_err *err)
{
	return bk_err_set(err, BK_EX_DATAERR, 0,
			  "%s %llu rows after the restore, and %llu in the "
			  "dump",
			  what, (unsigned long long)is,
			  (unsigned long long)was);
}

int load_count(const struct load *l, const uint64_t *all, struct bk_err *err)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < l->inventory->n; i++) {
		const struct item *it = &l->inventory->items[i];
		BK_AUTO_FREE char *label = NULL;
		uint64_t rows = 0;

		if (!it->wanted || strcmp(it->kind, "table") != 0)
			continue;
		/* Those of a MERGE table, for one, are others' rows. */
		if (!it->counted && !(all && it->filled))
			continue;
		if (count_rows(l, it, &rows, err) < 0)
			return -1;
		label = bk_asprintf("%s.%s has", db_of(l, it->db), it->name);
		if (it->counted && rows != it->rows)
			return differ(label, rows, it->rows, err);
		sum += rows;
	}
	return all && sum != *all ? differ("all tables have", sum, *all, err)
				  : 0;
}
