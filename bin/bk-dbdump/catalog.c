/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "catalog.h"

#include <stdlib.h>

#include "grants.h"

/* A time of whole seconds, with what clocks of files lag behind, cannot tell
 * two changes apart that are no farther away from each other. */
#define FRESH_MS 1050
/* Larger tables are never sorted, but read in the order of an index. */
#define SORT_MAX (64U << 20)

const char *object_word(enum object_kind kind)
{
	static const char *const words[] = {
		[OBJECT_SEQUENCE] = "sequence",
		[OBJECT_TABLE] = "table",
		[OBJECT_VIEW] = "view",
		[OBJECT_FUNCTION] = "function",
		[OBJECT_PROCEDURE] = "procedure",
		[OBJECT_PACKAGE] = "package",
		[OBJECT_PACKAGE_BODY] = "package body",
		[OBJECT_TRIGGER] = "trigger",
		[OBJECT_EVENT] = "event",
	};

	return words[kind];
}

char *object_label(const struct object *o)
{
	return bk_asprintf("%s.%s", o->db->name, o->name);
}

static struct object *add(struct database *db, enum object_kind kind,
			  const char *name)
{
	struct object *o;

	db->v = bk_realloc(db->v, db->n + 1, sizeof(*db->v));
	o = &db->v[db->n++];
	*o = (struct object){ .kind = kind, .name = bk_strdup(name) };
	return o;
}

static char *copy(const char *s)
{
	return s ? bk_strdup(s) : NULL;
}

static uint64_t number(const char *s)
{
	uint64_t n = 0;

	return s && bk_parse_u64(s, 0, UINT64_MAX, &n) == 0 ? n : 0;
}

/* Rows of these are kept elsewhere, or nowhere. */
#define REMOTE                                                           \
	"('FEDERATED', 'CONNECT', 'SPIDER', 'MRG_MyISAM', 'BLACKHOLE', " \
	"'OQGRAPH', 'SEQUENCE', 'S3', 'SPHINX')"

bool catalog_is_remote(const char *engine)
{
	BK_AUTO_FREE char *quoted = bk_asprintf("'%s'", engine);

	return strcasestr(REMOTE, quoted);
}

/* Others are locked, whatever they say of themselves. */
static bool keeps_snapshots(const char *engine)
{
	return strcasecmp(engine, "InnoDB") == 0 ||
	       strcasecmp(engine, ENGINE_ROCKSDB) == 0;
}

/* A time to come, by a clock that was set, is no time to wait for. */
static void note_age(struct catalog *c, const char *age_us)
{
	bool minus = age_us && *age_us == '-';
	int64_t ms =
		age_us ? (int64_t)(number(age_us + minus) / 1000) : FRESH_MS;

	if (minus)
		ms = -ms;
	if (ms > -FRESH_MS && FRESH_MS - ms > c->fresh_ms)
		c->fresh_ms = FRESH_MS - ms;
}

static void take_table(struct catalog *c, struct database *db, MYSQL_ROW row,
		       enum selected chosen)
{
	const char *type = row[1], *engine = row[2];
	bool view = strcmp(type, "VIEW") == 0;
	bool sequence = strcmp(type, "SEQUENCE") == 0;
	struct object *o = add(db,
			       view	  ? OBJECT_VIEW
			       : sequence ? OBJECT_SEQUENCE
					  : OBJECT_TABLE,
			       row[0]);

	o->engine = copy(engine);
	o->estimated_rows = number(row[3]);
	o->estimated_bytes = number(row[4]);
	o->created = copy(row[5]);
	o->file = copy(row[7]);
	if (o->kind != OBJECT_TABLE)
		return;
	o->table.small = o->estimated_bytes < SORT_MAX;
	o->table.history = strcmp(type, "SYSTEM VERSIONED") == 0;
	if (!engine) {
		o->broken = bk_strdup(row[6] ? row[6] : "it has no engine");
		return;
	}
	o->remote = catalog_is_remote(engine);
	o->transactional = keeps_snapshots(engine);
	if (strcasecmp(engine, "ARCHIVE") == 0) {
		/* That of the last row; the lock does without. */
		free(o->created);
		o->created = NULL;
	}
	o->partitioned = *row[8] == '1';
	o->rows = chosen == SELECTED_ALL && !o->remote;
	if (o->rows && o->transactional)
		note_age(c, row[9]);
	if (o->remote && strcasecmp(engine, "MRG_MyISAM") != 0 &&
	    strcasecmp(engine, "BLACKHOLE") != 0)
		bk_strv_addf(&c->warnings,
			     "table %s.%s is of engine %s: its definition is "
			     "dumped, its rows are elsewhere",
			     db->name, o->name, engine);
}

static int by_name(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/*
 * What the server cannot open it leaves out without a word, unless names alone
 * are asked for, which are those of files.
 */
static void take_hidden(const struct selection *sel, struct database *db,
			MYSQL_RES *names)
{
	BK_AUTO_STRV struct bk_strv all = BK_STRV_INIT;
	size_t n = db->n, k = 0;
	MYSQL_ROW row;

	while ((row = mysql_fetch_row(names)))
		if (selection_table(sel, db->name, row[0]) != SELECTED_NO)
			bk_strv_add(&all, row[0]);
	bk_strv_sort(&all);
	if (n > 0)
		qsort(db->v, n, sizeof(*db->v), by_name);
	for (size_t i = 0; i < all.n; i++) {
		while (k < n && strcmp(db->v[k].name, all.v[i]) < 0)
			k++;
		if (k == n || strcmp(db->v[k].name, all.v[i]) != 0)
			add(db, OBJECT_TABLE, all.v[i])->hidden = true;
	}
}

static void take_tables(const struct selection *sel, struct catalog *c,
			struct database *db, MYSQL_RES *r)
{
	MYSQL_ROW row;

	while ((row = mysql_fetch_row(r))) {
		enum selected chosen = selection_table(sel, db->name, row[0]);

		if (chosen != SELECTED_NO && strcmp(row[1], "TEMPORARY") != 0)
			take_table(c, db, row, chosen);
	}
}

/*
 * Whoever opens a table whose rows are elsewhere may have to wait for another
 * host, or be refused: of such a table no more is asked than is in its .frm.
 * local: a condition that all others meet.
 */
static int list_remote(struct server *s, const struct selection *sel,
		       struct catalog *c, struct database *db,
		       struct bk_buf *local, struct bk_err *err)
{
	BK_AUTO_RESULT MYSQL_RES *r = server_queryf(
		s, err,
		"SELECT TABLE_NAME, TABLE_TYPE, ENGINE, NULL, NULL, NULL, "
		"TABLE_COMMENT, NULL, '0', NULL FROM "
		"information_schema.TABLES WHERE TABLE_SCHEMA = %s AND ENGINE "
		"IN " REMOTE,
		local->p);
	MYSQL_ROW row;

	if (!r || mysql_num_rows(r) == 0)
		return r ? 0 : -1;
	take_tables(sel, c, db, r);
	mysql_data_seek(r, 0);
	bk_buf_adds(local, " AND BINARY TABLE_NAME NOT IN (");
	for (size_t i = 0; (row = mysql_fetch_row(r)); i++) {
		bk_buf_adds(local, i > 0 ? ", " : "");
		value_add_text(local, row[0]);
	}
	bk_buf_addc(local, ')');
	return 0;
}

static int list_tables(struct server *s, const struct selection *sel,
		       struct catalog *c, struct database *db,
		       struct bk_buf *local, struct bk_err *err)
{
	BK_AUTO_RESULT MYSQL_RES *names = server_queryf(
		s, err,
		"SELECT TABLE_NAME FROM information_schema.TABLES WHERE "
		"TABLE_SCHEMA = %s",
		local->p);
	BK_AUTO_RESULT MYSQL_RES *r = NULL;

	if (!names || list_remote(s, sel, c, db, local, err) < 0)
		return -1;
	r = server_queryf(
		s, err,
		"SELECT TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS, "
		"DATA_LENGTH, CREATE_TIME, TABLE_COMMENT, "
		"CONVERT(CONVERT(TABLE_NAME USING filename) USING binary), "
		"IFNULL(CREATE_OPTIONS LIKE '%%partitioned%%', 0), "
		"TIMESTAMPDIFF(MICROSECOND, CREATE_TIME, NOW(6)) FROM "
		"information_schema.TABLES WHERE TABLE_SCHEMA = %s",
		local->p);
	if (!r)
		return -1;
	take_tables(sel, c, db, r);
	take_hidden(sel, db, names);
	return 0;
}

static int by_kind(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->kind == OBJECT_TRIGGER && strcmp(x->on, y->on) != 0)
		return strcmp(x->on, y->on);
	if (x->kind == OBJECT_TRIGGER && x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return strcmp(x->name, y->name);
}

struct object *catalog_find(const struct database *db, enum object_kind kind,
			    const char *name)
{
	size_t low = 0, high = db->n;

	/* Triggers are sorted by their tables. */
	for (size_t i = 0; kind == OBJECT_TRIGGER && i < db->n; i++)
		if (db->v[i].kind == kind && strcmp(db->v[i].name, name) == 0)
			return &db->v[i];
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		struct object *o = &db->v[mid];
		int cmp = o->kind != kind ? (int)o->kind - (int)kind
					  : strcmp(o->name, name);

		if (cmp == 0)
			return o;
		if (cmp < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static int list_columns(struct server *s, struct catalog *c,
			struct database *db, const char *where,
			struct bk_err *err)
{
	BK_AUTO_RESULT MYSQL_RES *r = server_queryf(
		s, err,
		"SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, "
		"CHARACTER_SET_NAME, EXTRA, GENERATION_EXPRESSION, "
		"COLUMN_DEFAULT, IS_GENERATED FROM information_schema.COLUMNS "
		"WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME, "
		"ORDINAL_POSITION",
		where);
	MYSQL_ROW row;

	if (!r)
		return -1;
	while ((row = mysql_fetch_row(r))) {
		struct object *o = catalog_find(db, OBJECT_TABLE, row[0]);
		struct column_info info = { .name = row[1],
					    .data_type = row[2],
					    .column_type = row[3],
					    .charset = row[4],
					    .extra = row[5],
					    .generation = "" };

		if (!o)
			continue;
		if (strcmp(row[8], "NEVER") != 0)
			info.generation = row[6] ? row[6] : "?";
		if (!table_add_column(&o->table, &info) && o->table.history) {
			o->table.history = false;
			bk_strv_addf(&c->warnings,
				     "table %s.%s is versioned by "
				     "transactions, whose history cannot be "
				     "loaded: only its present rows are dumped",
				     db->name, o->name);
		}
		doubts_add(&o->doubts, row[1], row[2], row[3], row[4], row[7]);
	}
	return 0;
}

/* An index as it is read; the first that serves becomes a table's key. */
struct index {
	struct object *o;
	char *name;
	struct bk_strv columns;
	bool part, nulls;
};

static void take_index(struct index *x)
{
	struct table *t = x->o ? &x->o->table : NULL;

	if (t && !t->order && !x->nulls) {
		for (size_t i = 0; i < x->columns.n; i++)
			table_add_key(t, x->columns.v[i], x->part);
		if (t->history && !t->period)
			table_add_key(t, "row_end", false);
		free(t->index);
		t->index = bk_strdup(x->name);
	}
	free(x->name);
	bk_strv_free(&x->columns);
	*x = (struct index){ 0 };
}

/*
 * The key by which rows are read in order: the primary one, else the first
 * unique one without NULLs.
 */
static int list_keys(struct server *s, struct database *db, const char *where,
		     struct bk_err *err)
{
	BK_AUTO_RESULT MYSQL_RES *r = server_queryf(
		s, err,
		"SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, SUB_PART IS NOT "
		"NULL, NULLABLE FROM information_schema.STATISTICS WHERE "
		"TABLE_SCHEMA = %s AND NON_UNIQUE = 0 AND INDEX_TYPE = 'BTREE' "
		"AND IGNORED = 'NO' "
		"ORDER BY BINARY TABLE_NAME, INDEX_NAME <> 'PRIMARY', "
		"BINARY INDEX_NAME, SEQ_IN_INDEX",
		where);
	struct index x = { 0 };
	MYSQL_ROW row;

	if (!r)
		return -1;
	while ((row = mysql_fetch_row(r))) {
		struct object *o = catalog_find(db, OBJECT_TABLE, row[0]);

		if (o != x.o || (x.name && strcmp(x.name, row[1]) != 0))
			take_index(&x);
		x.o = o;
		if (!x.name)
			x.name = bk_strdup(row[1]);
		bk_strv_add(&x.columns, row[2]);
		x.part = x.part || row[3][0] == '1';
		x.nulls = x.nulls || strcmp(row[4], "YES") == 0;
	}
	take_index(&x);
	return 0;
}

static void finish_tables(struct database *db)
{
	for (size_t i = 0; i < db->n; i++) {
		struct table *t = &db->v[i].table;
		char *index = t->index;

		if (db->v[i].kind != OBJECT_TABLE)
			continue;
		t->index = NULL;
		table_finish(t, index);
		free(index);
	}
}

static int list_triggers(struct server *s, struct database *db,
			 const char *where, struct bk_err *err)
{
	BK_AUTO_RESULT MYSQL_RES *r = server_queryf(
		s, err,
		"SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_ORDER FROM "
		"information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s",
		where);
	MYSQL_ROW row;

	if (!r)
		return -1;
	while ((row = mysql_fetch_row(r))) {
		struct object *o;

		if (!catalog_find(db, OBJECT_TABLE, row[1]))
			continue;
		/* Not sorted yet: tables stay where they are looked for. */
		o = add(db, OBJECT_TRIGGER, row[0]);
		o->on = bk_strdup(row[1]);
		o->number = number(row[2]);
	}
	return 0;
}

static int list_routines(struct server *s, struct database *db,
			 const char *where, struct bk_err *err)
{
	BK_AUTO_RESULT MYSQL_RES *r = server_queryf(
		s, err,
		"SELECT ROUTINE_NAME, ROUTINE_TYPE FROM "
		"information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s",
		where);
	MYSQL_ROW row;

	if (!r)
		return -1;
	while ((row = mysql_fetch_row(r))) {
		const char *type = row[1];

		(void)add(db,
			  strcmp(type, "FUNCTION") == 0	   ? OBJECT_FUNCTION
			  : strcmp(type, "PROCEDURE") == 0 ? OBJECT_PROCEDURE
			  : strcmp(type, "PACKAGE") == 0   ? OBJECT_PACKAGE
							 : OBJECT_PACKAGE_BODY,
			  row[0]);
	}
	return 0;
}

static int list_events(struct server *s, struct database *db, const char *where,
		       struct bk_err *err)
{
	BK_AUTO_RESULT MYSQL_RES *r = server_queryf(
		s, err,
		"SELECT EVENT_NAME FROM information_schema.EVENTS WHERE "
		"EVENT_SCHEMA = %s",
		where);
	MYSQL_ROW row;

	if (!r)
		return -1;
	while ((row = mysql_fetch_row(r)))
		(void)add(db, OBJECT_EVENT, row[0]);
	return 0;
}

static void sort(struct database *db)
{
	if (db->n > 0)
		qsort(db->v, db->n, sizeof(*db->v), by_kind);
}

static int list_database(struct server *s, const struct selection *sel,
			 struct catalog *c, struct database *db,
			 struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf where = BK_BUF_INIT, local = BK_BUF_INIT;

	value_add_text(&where, db->name);
	value_add_text(&local, db->name);
	if (list_tables(s, sel, c, db, &local, err) < 0)
		return -1;
	for (size_t i = 0; i < db->n; i++)
		db->v[i].db = db;
	sort(db);
	if (list_columns(s, c, db, where.p, err) < 0)
		return -1;
	for (size_t i = 0; i < db->n; i++)
		if (db->v[i].table.history && !db->v[i].table.period)
			table_add_period(&db->v[i].table);
	if (list_keys(s, db, local.p, err) < 0)
		return -1;
	finish_tables(db);
	if (list_triggers(s, db, where.p, err) < 0)
		return -1;
	db->whole = selection_whole(sel, db->name);
	if (db->whole && (list_routines(s, db, where.p, err) < 0 ||
			  list_events(s, db, where.p, err) < 0))
		return -1;
	sort(db);
	return 0;
}

bool catalog_is_own(const char *db)
{
	static const char *const names[] = { "information_schema",
					     "performance_schema", "mysql",
					     "sys" };

	for (size_t i = 0; i < BK_COUNT(names); i++)
		if (strcasecmp(db, names[i]) == 0)
			return true;
	return false;
}

static int list_names(struct server *s, struct selection *sel,
		      struct catalog *c, struct bk_err *err)
{
	BK_AUTO_RESULT MYSQL_RES *r = server_query(
		s,
		"SELECT SCHEMA_NAME, DEFAULT_COLLATION_NAME, "
		"@@lower_case_table_names, "
		"CONVERT(CONVERT(SCHEMA_NAME USING filename) USING binary) FROM information_schema.SCHEMATA "
		"ORDER BY BINARY SCHEMA_NAME",
		err);
	MYSQL_ROW row;

	if (!r)
		return -1;
	while ((row = mysql_fetch_row(r))) {
		sel->fold = row[2][0] != '0';
		if (catalog_is_own(row[0]) || !selection_db(sel, row[0]))
			continue;
		if (bk_str_starts(row[0], "#mysql50#")) {
			bk_strv_addf(&c->warnings,
				     "'%s' is no database but a folder among "
				     "them: it is left out",
				     row[0] + strlen("#mysql50#"));
			continue;
		}
		c->v = bk_realloc(c->v, c->n + 1, sizeof(*c->v));
		c->v[c->n++] = (struct database){ .name = bk_strdup(row[0]),
						  .collation = copy(row[1]),
						  .file = copy(row[3]) };
	}
	return 0;
}

/* Does the pattern take something of what is there? */
static bool matches(const struct catalog *c, const char *pattern, bool fold)
{
	for (size_t d = 0; d < c->n; d++) {
		const struct database *db = &c->v[d];

		if (!pattern_has_table(pattern)) {
			if (pattern_takes(pattern, db->name, NULL, fold))
				return true;
			continue;
		}
		for (size_t i = 0; i < db->n; i++)
			if (db->v[i].kind <= OBJECT_VIEW &&
			    pattern_takes(pattern, db->name, db->v[i].name,
					  fold))
				return true;
	}
	return false;
}

/* Not there, or not to be seen? */
static int not_there(struct server *s, const char *pattern, struct bk_err *err)
{
	BK_AUTO_FREE char *db = NULL, *table = NULL;

	pattern_split(pattern, &db, &table);
	if (!catalog_is_own(db) && grants_unseen(s, db, table, err) < 0)
		return -1;
	return bk_err_set(
		err, BK_EX_NOINPUT, 0, "there is no %s '%s'%s",
		table ? "table" : "database", pattern,
		catalog_is_own(db) ? " to dump: it is the server's own" : "");
}

static int check_patterns(struct server *s, const struct selection *sel,
			  struct catalog *c, struct bk_err *err)
{
	for (size_t i = 0; i < sel->include.n; i++) {
		const char *p = sel->include.v[i];

		if (matches(c, p, sel->fold))
			continue;
		if (pattern_literal(p))
			return not_there(s, p, err);
		bk_strv_addf(&c->warnings, "nothing matches '%s'", p);
	}
	if (c->n == 0)
		return bk_err_set(err, BK_EX_NOINPUT, 0,
				  "no database is chosen");
	return 0;
}

int catalog_list(struct server *s, const struct selection *selection,
		 struct catalog *ret, struct bk_err *err)
{
	struct selection sel = *selection;
	struct catalog c = CATALOG_INIT;

	if (list_names(s, &sel, &c, err) < 0)
		goto fail;
	for (size_t i = 0; i < c.n; i++)
		if (list_database(s, &sel, &c, &c.v[i], err) < 0)
			goto fail;
	if (check_patterns(s, &sel, &c, err) < 0)
		goto fail;
	for (size_t d = 0; d < c.n; d++)
		for (size_t i = 0; i < c.v[d].n; i++)
			c.v[d].v[i].db = &c.v[d];
	*ret = c;
	return 0;
fail:
	catalog_free(&c);
	return -1;
}

static void free_object(struct object *o)
{
	char *const parts[] = { o->name,       o->engine,    o->broken,
				o->text,       o->sql_mode,  o->client,
				o->connection, o->collation, o->time_zone,
				o->on,	       o->created,   o->file,
				o->state };

	for (size_t i = 0; i < BK_COUNT(parts); i++)
		free(parts[i]);
	bk_strv_free(&o->columns);
	table_free(&o->table);
	doubts_free(&o->doubts);
}

void catalog_free(struct catalog *c)
{
	for (size_t d = 0; d < c->n; d++) {
		for (size_t i = 0; i < c->v[d].n; i++)
			free_object(&c->v[d].v[i]);
		free(c->v[d].v);
		free(c->v[d].name);
		free(c->v[d].file);
		free(c->v[d].text);
		free(c->v[d].collation);
	}
	free(c->v);
	bk_strv_free(&c->warnings);
	*c = CATALOG_INIT;
}

uint64_t catalog_objects(const struct catalog *c)
{
	uint64_t n = c->n;

	for (size_t d = 0; d < c->n; d++)
		n += c->v[d].n;
	return n;
}

uint64_t catalog_broken(const struct catalog *c)
{
	uint64_t n = 0;

	for (size_t d = 0; d < c->n; d++)
		for (size_t i = 0; i < c->v[d].n; i++)
			n += c->v[d].v[i].broken != NULL;
	return n;
}
