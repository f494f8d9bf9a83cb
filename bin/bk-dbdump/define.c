/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Definitions, as the server says them. */
#include <mysqld_error.h>
#include <stdlib.h>

#include "catalog.h"

/* What SHOW CREATE of a kind is called, and where its answer has what. */
static const struct form {
	const char *word;
	int text, sql_mode, time_zone, client;
} forms[] = {
	[OBJECT_SEQUENCE] = { "SEQUENCE", 1, -1, -1, -1 },
	[OBJECT_TABLE] = { "TABLE", 1, -1, -1, -1 },
	[OBJECT_VIEW] = { "VIEW", 1, -1, -1, 2 },
	[OBJECT_FUNCTION] = { "FUNCTION", 2, 1, -1, 3 },
	[OBJECT_PROCEDURE] = { "PROCEDURE", 2, 1, -1, 3 },
	[OBJECT_PACKAGE] = { "PACKAGE", 2, 1, -1, 3 },
	[OBJECT_PACKAGE_BODY] = { "PACKAGE BODY", 2, 1, -1, 3 },
	[OBJECT_TRIGGER] = { "TRIGGER", 2, 1, -1, 3 },
	[OBJECT_EVENT] = { "EVENT", 3, 1, 2, 4 },
};

static bool is_gone(unsigned int code)
{
	return code == ER_NO_SUCH_TABLE || code == ER_BAD_DB_ERROR ||
	       code == ER_SP_DOES_NOT_EXIST || code == ER_TRG_DOES_NOT_EXIST ||
	       code == ER_EVENT_DOES_NOT_EXIST;
}

static char *copy(const char *s)
{
	return s ? bk_strdup(s) : NULL;
}

/* The last statement failed: is the object gone, broken, or we ourselves? */
static int judge(struct server *s, struct object *o, struct bk_err *err)
{
	unsigned int code = mysql_errno(s->m);

	if (is_gone(code) && o->kind != OBJECT_VIEW)
		return CATALOG_MOVED;
	if (code < 1000 || code >= 2000 || err->exit == BK_EX_NOPERM ||
	    err->exit == BK_EX_TEMPFAIL || code == ER_SERVER_SHUTDOWN ||
	    code == ER_QUERY_INTERRUPTED || code == ER_CONNECTION_KILLED)
		return -1;
	free(o->broken);
	o->broken = bk_strdup(mysql_error(s->m));
	return 0;
}

/* Is there a file by that name? 0, -1, CATALOG_MOVED: no. */
static int find_file(struct server *s, const struct object *o,
		     struct bk_err *err)
{
	BK_AUTO_RESULT MYSQL_RES *r = server_query(
		s,
		"SELECT TABLE_NAME FROM information_schema.TABLES WHERE "
		"TABLE_SCHEMA = DATABASE()",
		err);
	MYSQL_ROW row;

	if (!r)
		return -1;
	while ((row = mysql_fetch_row(r)))
		if (strcmp(row[0], o->name) == 0)
			return 0;
	return CATALOG_MOVED;
}

/*
 * The server could not open it before. If it can now, it is new, or there were
 * too many files.
 */
static int define_hidden(struct server *s, struct object *o, const char *quoted,
			 struct bk_err *err)
{
	BK_AUTO_RESULT MYSQL_RES *r =
		server_queryf(s, err, "SHOW CREATE TABLE %s", quoted);
	BK_AUTO_FREE char *why = NULL;
	int got;

	if (r)
		return CATALOG_MOVED;
	if (!is_gone(mysql_errno(s->m)))
		return judge(s, o, err);
	why = bk_strdup(mysql_error(s->m));
	got = find_file(s, o, err);
	if (got == 0)
		o->broken = bk_asprintf(
			"%s, says the server, which cannot open what is "
			"there; look at whose file its .frm is, at what it "
			"refers to, and at open_files_limit",
			why);
	return got;
}

static int take_answer(struct object *o, MYSQL_RES *r, struct bk_err *err)
{
	const struct form *f = &forms[o->kind];
	MYSQL_ROW row = mysql_fetch_row(r);

	if (!row)
		return CATALOG_MOVED;
	if (!row[f->text])
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "the server does not show %s %s.%s to this "
				  "user",
				  object_word(o->kind), o->db->name, o->name);
	o->text = bk_strdup(row[f->text]);
	if (f->sql_mode >= 0)
		o->sql_mode = copy(row[f->sql_mode]);
	if (f->time_zone >= 0)
		o->time_zone = copy(row[f->time_zone]);
	if (f->client < 0)
		return 0;
	o->client = copy(row[f->client]);
	o->connection = copy(row[f->client + 1]);
	if (o->kind != OBJECT_VIEW)
		o->collation = copy(row[f->client + 2]);
	return 0;
}

/* What cannot be shown is still known to information_schema. */
static int view_body(struct server *s, struct object *o, const char *name,
		     struct bk_err *err)
{
	BK_AUTO_FREE char *sql = bk_asprintf(
		"SELECT VIEW_DEFINITION FROM information_schema.VIEWS WHERE "
		"TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s",
		name);

	return o->text ? 0 : server_value(s, sql, &o->text, err);
}

/* Its columns; a view that does not work is broken. */
static int view_columns(struct server *s, struct object *o, const char *quoted,
			struct bk_err *err)
{
	BK_AUTO_RESULT MYSQL_RES *r =
		server_queryf(s, err, "SHOW FIELDS FROM %s", quoted);
	BK_AUTO_RESULT MYSQL_RES *probe = NULL;
	MYSQL_ROW row;

	if (!r)
		return judge(s, o, err);
	while ((row = mysql_fetch_row(r)))
		bk_strv_add(&o->columns, row[0]);
	probe = server_queryf(s, err, "SELECT * FROM %s LIMIT 0", quoted);
	/* A view for its invoker may be closed to us and yet be sound. */
	if (!probe && mysql_errno(s->m) == ER_NO_SUCH_USER)
		return judge(s, o, err);
	return 0;
}

/* What SHOW CREATE said in other words than are meant. */
static int mend(struct server *s, struct object *o, struct bk_err *err)
{
	int got = exact_table(s, o->name, &o->doubts, &o->text, err);

	if (got < 0)
		return judge(s, o, err);
	if (got == 0)
		o->broken = bk_strdup("the server shows another definition "
				      "than it has, with '?' for what it does "
				      "not show");
	return 0;
}

static int define(struct server *s, struct object *o, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf quoted = BK_BUF_INIT, text = BK_BUF_INIT;
	BK_AUTO_RESULT MYSQL_RES *r = NULL;
	int got;

	if (o->broken)
		return 0;
	value_add_name(&quoted, o->name);
	value_add_text(&text, o->name);
	if (o->hidden)
		return define_hidden(s, o, quoted.p, err);
	if (o->kind == OBJECT_VIEW) {
		got = view_columns(s, o, quoted.p, err);
		if (got < 0)
			return got;
	}
	if (server_do(s, "SET character_set_results = binary", err) < 0)
		return -1;
	r = server_queryf(s, err, "SHOW CREATE %s %s", forms[o->kind].word,
			  quoted.p);
	got = r ? take_answer(o, r, err) : judge(s, o, err);
	if (got == CATALOG_MOVED && o->kind == OBJECT_TABLE)
		got = define_hidden(s, o, quoted.p, err);
	if (got < 0)
		return got;
	if (server_do(s, "SET character_set_results = utf8mb4", err) < 0)
		return -1;
	if (o->kind == OBJECT_VIEW)
		return view_body(s, o, text.p, err);
	return o->doubts.n > 0 && !o->broken ? mend(s, o, err) : 0;
}

static int define_database(struct server *s, struct database *db,
			   struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf quoted = BK_BUF_INIT;
	BK_AUTO_RESULT MYSQL_RES *r = NULL;
	MYSQL_ROW row;

	value_add_name(&quoted, db->name);
	if (server_dof(s, err, "USE %s", quoted.p) < 0)
		return mysql_errno(s->m) == ER_BAD_DB_ERROR ? CATALOG_MOVED
							    : -1;
	r = server_queryf(s, err, "SHOW CREATE DATABASE IF NOT EXISTS %s",
			  quoted.p);
	row = r ? mysql_fetch_row(r) : NULL;
	if (!row)
		return r ? CATALOG_MOVED : -1;
	db->text = bk_strdup(row[1]);
	for (size_t i = 0; i < db->n; i++) {
		int got = define(s, &db->v[i], err);

		if (got < 0)
			return got;
	}
	return 0;
}

/*
 * InnoDB calls a table "db/table", or "db/table#P#part", with names as files
 * have them. One that was truncated, rebuilt or exchanged is another table,
 * with another number. In RocksDB it is the keys that have numbers.
 */
#define INNODB_IDS \
	"SELECT NAME, TABLE_ID FROM information_schema.INNODB_SYS_TABLES"
#define ROCKSDB_IDS                                                      \
	"SELECT CONCAT(TABLE_SCHEMA, '/', TABLE_NAME, "                  \
	"IFNULL(CONCAT('#P#', PARTITION_NAME), '')) NAME, INDEX_NUMBER " \
	"FROM information_schema.ROCKSDB_DDL"

struct table_id {
	char *name;
	char *id;
};

static int by_name(const void *a, const void *b)
{
	const struct table_id *x = a, *y = b;
	int cmp = strcmp(x->name, y->name);

	return cmp ? cmp : strcmp(x->id, y->id);
}

static uint64_t id_of(const struct table_id *v, size_t n,
		      const struct object *o)
{
	BK_AUTO_FREE char *name = bk_asprintf("%s/%s", o->db->file, o->file);
	size_t low = 0, high = n, len = strlen(name);
	uint64_t id = 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(v[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < n && strncmp(v[low].name, name, len) == 0; low++) {
		const char *rest = v[low].name + len;

		if (*rest == '\0' || strncasecmp(rest, "#p#", 3) == 0)
			id = value_hash(id, v[low].id, strlen(v[low].id));
	}
	return id;
}

/* Those whose names start so; NULL: all. They point into *ret_result. */
static int read_numbers(struct server *s, bool rocksdb, const char *start,
			struct table_id **ret, size_t *ret_n,
			MYSQL_RES **ret_result, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	MYSQL_RES *r;
	MYSQL_ROW row;
	size_t n = 0;

	bk_buf_adds(&b, rocksdb ? ROCKSDB_IDS : INNODB_IDS);
	if (start) {
		bk_buf_addf(&b, " HAVING LEFT(NAME, %zu) = ", strlen(start));
		value_add_text(&b, start);
	}
	r = server_query(s, b.p, err);
	if (!r)
		return -1;
	*ret = bk_calloc(mysql_num_rows(r) + 1, sizeof(**ret));
	while ((row = mysql_fetch_row(r)))
		(*ret)[n++] = (struct table_id){ row[0], row[1] };
	qsort(*ret, n, sizeof(**ret), by_name);
	*ret_n = n;
	*ret_result = r;
	return 0;
}

static bool is_rocksdb(const struct object *o)
{
	return o->engine && strcasecmp(o->engine, ENGINE_ROCKSDB) == 0;
}

static int read_ids(struct server *s, struct catalog *c, bool rocksdb,
		    struct bk_err *err)
{
	BK_AUTO_RESULT MYSQL_RES *r = NULL;
	BK_AUTO_FREE struct table_id *v = NULL;
	size_t n;

	/* Not for us, who need no number then; or there is no InnoDB. */
	if (read_numbers(s, rocksdb, NULL, &v, &n, &r, err) < 0)
		return err->exit == BK_EX_NOPERM ||
				       mysql_errno(s->m) == ER_UNKNOWN_TABLE
			       ? 0
			       : -1;
	for (size_t d = 0; d < c->n; d++)
		for (size_t i = 0; i < c->v[d].n; i++) {
			struct object *o = &c->v[d].v[i];

			if (o->file && is_rocksdb(o) == rocksdb)
				o->id = id_of(v, n, o);
		}
	return 0;
}

static bool has_rocksdb(const struct catalog *c)
{
	for (size_t d = 0; d < c->n; d++)
		for (size_t i = 0; i < c->v[d].n; i++)
			if (is_rocksdb(&c->v[d].v[i]))
				return true;
	return false;
}

int catalog_same_table(struct server *s, const struct object *o,
		       struct bk_err *err)
{
	BK_AUTO_FREE char *name = bk_asprintf("%s/%s", o->db->file, o->file);
	BK_AUTO_RESULT MYSQL_RES *r = NULL;
	BK_AUTO_FREE struct table_id *v = NULL;
	size_t n;

	if (read_numbers(s, is_rocksdb(o), name, &v, &n, &r, err) < 0)
		return -1;
	if (id_of(v, n, o) == o->id)
		return 0;
	bk_err_set(err, BK_EX_NO, 0, "it was exchanged while it was read");
	return CATALOG_MOVED;
}

int catalog_define(struct server *s, struct catalog *c, struct bk_err *err)
{
	for (size_t d = 0; d < c->n; d++) {
		int got = define_database(s, &c->v[d], err);

		if (got < 0)
			return got;
	}
	if (read_ids(s, c, false, err) < 0)
		return -1;
	return has_rocksdb(c) ? read_ids(s, c, true, err) : 0;
}

static int read_sequence(struct server *s, struct object *o, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf from = BK_BUF_INIT, b = BK_BUF_INIT;
	BK_AUTO_RESULT MYSQL_RES *r = NULL;
	MYSQL_ROW row;

	value_add_name(&from, o->db->name);
	bk_buf_addc(&from, '.');
	value_add_name(&from, o->name);
	r = server_queryf(s, err,
			  "SELECT next_not_cached_value, cycle_count FROM %s",
			  from.p);
	row = r ? mysql_fetch_row(r) : NULL;
	if (!row)
		return r ? CATALOG_MOVED : -1;
	bk_buf_adds(&b, "DO SETVAL(");
	value_add_name(&b, o->name);
	bk_buf_addf(&b, ", %s, 0, %s)", row[0], row[1]);
	free(o->state);
	o->state = bk_buf_steal(&b);
	return 0;
}

int catalog_sequences(struct server *s, struct catalog *c, struct bk_err *err)
{
	for (size_t d = 0; d < c->n; d++)
		for (size_t i = 0; i < c->v[d].n; i++) {
			struct object *o = &c->v[d].v[i];
			int got = o->kind == OBJECT_SEQUENCE && !o->broken
					  ? read_sequence(s, o, err)
					  : 0;

			if (got < 0)
				return got;
		}
	return 0;
}

/* The next automatic number moves with every row: it is no change. */
static char *without_number(const char *text)
{
	static const char name[] = " AUTO_INCREMENT=";
	char *copied = bk_strdup(text), *at = NULL, *p = copied;

	while ((p = strstr(p, "\n) ENGINE=")))
		at = p++;
	at = at ? strstr(at, name) : NULL;
	if (at) {
		size_t n = strlen(name);

		n += strspn(at + n, "0123456789");
		memmove(at, at + n, strlen(at + n) + 1);
	}
	return copied;
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_text(const struct object *a, const struct object *b)
{
	BK_AUTO_FREE char *x = NULL, *y = NULL;

	if (a->kind != OBJECT_TABLE || !a->text || !b->text)
		return same(a->text, b->text);
	x = without_number(a->text);
	y = without_number(b->text);
	return strcmp(x, y) == 0;
}

static bool changed(const struct object *a, const struct object *b)
{
	return !same_text(a, b) || !same(a->sql_mode, b->sql_mode) ||
	       a->number != b->number || a->id != b->id ||
	       (a->kind == OBJECT_TABLE && !same(a->created, b->created));
}

/* The first that is not among the others, or NULL. */
static const struct object *missing(const struct database *of,
				    const struct database *among)
{
	for (size_t i = 0; i < of->n; i++)
		if (!catalog_find(among, of->v[i].kind, of->v[i].name))
			return &of->v[i];
	return NULL;
}

static char *changed_in(const struct database *x, const struct database *y,
			bool exact)
{
	const struct object *o = NULL;

	if (exact && !same(x->text, y->text))
		return bk_strdup(x->name);
	if (exact)
		o = missing(y, x);
	for (size_t i = 0; i < x->n && !o; i++) {
		const struct object *now =
			catalog_find(y, x->v[i].kind, x->v[i].name);

		if (now ? changed(&x->v[i], now) : exact)
			o = &x->v[i];
	}
	return o ? object_label(o) : NULL;
}

/*
 * What is gone now was there when it was read, or reading it had failed; what
 * is new was not there when the dump began: unless it is exact, that will do.
 */
char *catalog_changed(const struct catalog *before, const struct catalog *after,
		      bool exact)
{
	size_t e = 0;

	for (size_t d = 0; d < before->n; d++) {
		const struct database *x = &before->v[d];
		bool gone;
		char *name;

		while (!exact && e < after->n &&
		       strcmp(after->v[e].name, x->name) < 0)
			e++;
		gone = e == after->n || strcmp(after->v[e].name, x->name) != 0;
		if (gone && exact)
			return bk_strdup(x->name);
		if (gone)
			continue;
		name = changed_in(x, &after->v[e++], exact);
		if (name)
			return name;
	}
	return exact && e < after->n ? bk_strdup(after->v[e].name) : NULL;
}
