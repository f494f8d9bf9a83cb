/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "catalog_db.h"

#include <errno.h>

#include "dirs.h"
#include "file.h"
#include "lock.h"

/* In the header of the file, "bkco", and the version of the tables. */
#define APPLICATION_ID 1651205999
enum { TABLES = 3, BUSY_MS = 20000 };

static const char schema[] =
	"CREATE TABLE box("
	" id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 63),"
	" name TEXT NOT NULL, uuid TEXT NOT NULL UNIQUE,"
	" peer TEXT NOT NULL, gen INTEGER NOT NULL);"
	/* a version of a path; meta is what no other column has, as JSON */
	"CREATE TABLE file("
	" id INTEGER PRIMARY KEY, path BLOB NOT NULL, name TEXT NOT NULL,"
	" type TEXT NOT NULL, content INTEGER REFERENCES content(id),"
	" size INTEGER NOT NULL, mtime INTEGER NOT NULL,"
	" mtime_ns INTEGER NOT NULL, ctime INTEGER NOT NULL,"
	" ctime_ns INTEGER NOT NULL, ino INTEGER NOT NULL,"
	" meta TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER);"
	"CREATE UNIQUE INDEX file_now ON file(path) WHERE until IS NULL;"
	"CREATE INDEX file_path ON file(path, since);"
	"CREATE INDEX file_content ON file(content);"
	"CREATE TABLE content("
	" id INTEGER PRIMARY KEY, path BLOB NOT NULL, sha256 TEXT NOT NULL,"
	" size INTEGER NOT NULL, UNIQUE(path, sha256));"
	"CREATE TABLE copy("
	" content INTEGER NOT NULL REFERENCES content(id),"
	" box INTEGER NOT NULL REFERENCES box(id), object TEXT NOT NULL,"
	" pushed INTEGER NOT NULL, first INTEGER NOT NULL,"
	" last INTEGER NOT NULL, how TEXT NOT NULL, state INTEGER NOT NULL,"
	" failed INTEGER NOT NULL, PRIMARY KEY(content, box)) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX copy_object ON copy(box, object);"
	"CREATE TABLE listed("
	" file INTEGER NOT NULL REFERENCES file(id),"
	" box INTEGER NOT NULL REFERENCES box(id), gen INTEGER NOT NULL,"
	" PRIMARY KEY(file, box)) WITHOUT ROWID;"
	"CREATE TABLE manifest("
	" box INTEGER NOT NULL REFERENCES box(id), gen INTEGER NOT NULL,"
	" kind INTEGER NOT NULL, sha256 TEXT NOT NULL,"
	" PRIMARY KEY(box, gen, kind)) WITHOUT ROWID;"
	"CREATE TABLE pending("
	" box INTEGER NOT NULL REFERENCES box(id),"
	" file INTEGER NOT NULL REFERENCES file(id),"
	" PRIMARY KEY(box, file)) WITHOUT ROWID;"
	"PRAGMA application_id = 1651205999;";

/*
 * What came with version 2, of which some catalogs of version 1 have a part:
 * the journal of releases, hold.h, and a quick way to a file that is pending.
 */
static const char schema2[] =
	"CREATE TABLE IF NOT EXISTS release("
	" id INTEGER PRIMARY KEY, path BLOB NOT NULL, top BLOB NOT NULL,"
	" place TEXT NOT NULL, file INTEGER NOT NULL REFERENCES file(id),"
	" state INTEGER NOT NULL, ino INTEGER NOT NULL, size INTEGER NOT NULL,"
	" began INTEGER NOT NULL, moved INTEGER NOT NULL,"
	" ended INTEGER NOT NULL);"
	"CREATE INDEX IF NOT EXISTS release_path ON release(path);"
	"CREATE INDEX IF NOT EXISTS release_state ON release(state);"
	"CREATE INDEX IF NOT EXISTS pending_file ON pending(file);"
	"PRAGMA user_version = 2;";

/*
 * What came with version 3: copies that are encrypted, sealed being the hash
 * of what lies there, and which of them there are at all.
 */
static const char schema3[] =
	"ALTER TABLE copy ADD COLUMN sealed TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE copy ADD COLUMN sealed_size INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE copy ADD COLUMN recipients TEXT NOT NULL DEFAULT '';"
	"CREATE INDEX copy_sealed ON copy(content) WHERE sealed <> '';"
	"PRAGMA user_version = 3;";

int db_fail(const struct catalog *c, struct bk_err *err)
{
	int code = sqlite3_errcode(c->db);

	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "the catalog '%s' is damaged (%s): move it "
				  "away, and make it anew: bk-cold rebuild BOX",
				  c->path, sqlite3_errmsg(c->db));
	if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "the catalog '%s' is in use", c->path);
	return bk_err_set(err,
			  code == SQLITE_FULL || code == SQLITE_IOERR
				  ? BK_EX_IOERR
				  : BK_EX_OSERR,
			  0, "catalog '%s': %s", c->path,
			  sqlite3_errmsg(c->db));
}

int db_run(struct catalog *c, const char *sql, struct bk_err *err)
{
	if (sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return db_fail(c, err);
}

sqlite3_stmt *db_query(struct catalog *c, const char *sql, struct bk_err *err)
{
	struct db_statement *s;

	for (size_t i = 0; i < c->nstatements; i++) {
		s = &c->statements[i];
		if (s->sql == sql && !sqlite3_stmt_busy(s->stmt)) {
			(void)sqlite3_reset(s->stmt);
			(void)sqlite3_clear_bindings(s->stmt);
			return s->stmt;
		}
	}
	c->statements = bk_realloc(c->statements, c->nstatements + 1,
				   sizeof(*c->statements));
	s = &c->statements[c->nstatements];
	if (sqlite3_prepare_v3(c->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
			       &s->stmt, NULL) != SQLITE_OK) {
		(void)db_fail(c, err);
		return NULL;
	}
	s->sql = sql;
	c->nstatements++;
	return s->stmt;
}

int db_row(struct catalog *c, sqlite3_stmt *q, struct bk_err *err)
{
	int code = sqlite3_step(q);

	if (code == SQLITE_ROW)
		return 1;
	if (code != SQLITE_DONE)
		(void)db_fail(c, err);
	(void)sqlite3_reset(q);
	return code == SQLITE_DONE ? 0 : -1;
}

int db_write(struct catalog *c, sqlite3_stmt *q, struct bk_err *err)
{
	int code;

	if (!q)
		return -1;
	if (!c->changed && db_run(c, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	c->changed = true;
	code = sqlite3_step(q);
	if (code != SQLITE_DONE && code != SQLITE_ROW)
		(void)db_fail(c, err);
	(void)sqlite3_reset(q);
	return code == SQLITE_DONE || code == SQLITE_ROW ? 0 : -1;
}

int64_t db_pragma(struct catalog *c, const char *sql)
{
	sqlite3_stmt *q;
	int64_t n = -1;

	if (sqlite3_prepare_v2(c->db, sql, -1, &q, NULL) != SQLITE_OK)
		return -1;
	if (sqlite3_step(q) == SQLITE_ROW)
		n = sqlite3_column_int64(q, 0);
	(void)sqlite3_finalize(q);
	return n;
}

void db_bind_text(sqlite3_stmt *q, int i, const char *s)
{
	(void)sqlite3_bind_text(q, i, s, -1, SQLITE_TRANSIENT);
}

void db_bind_path(sqlite3_stmt *q, int i, const char *path)
{
	(void)sqlite3_bind_blob64(q, i, path, strlen(path), SQLITE_TRANSIENT);
}

char *db_text(sqlite3_stmt *q, int i)
{
	const void *p = sqlite3_column_blob(q, i);
	int n = sqlite3_column_bytes(q, i);

	return bk_memdup(p ? p : "", n > 0 ? (size_t)n : 0);
}

/* Opening. */

/* From nothing, or from an older version; another may have done so since. */
static int make_tables(struct catalog *c, struct bk_err *err)
{
	int64_t version;
	int got = 0;

	if (db_run(c, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	version = db_pragma(c, "PRAGMA user_version");
	if (version < 1)
		got = db_run(c, schema, err);
	if (got == 0 && version < 2)
		got = db_run(c, schema2, err);
	if (got == 0 && version < 3)
		got = db_run(c, schema3, err);
	if (got == 0)
		got = db_run(c, "COMMIT", err);
	if (got < 0)
		(void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	return got;
}

static int check_version(struct catalog *c, bool write, struct bk_err *err)
{
	int64_t version = db_pragma(c, "PRAGMA user_version");
	int64_t tables = db_pragma(c, "SELECT count(*) FROM sqlite_schema");

	if (version < 0 || tables < 0)
		return db_fail(c, err);
	if (version == 0 && tables == 0 && write)
		return make_tables(c, err) < 0
			       ? -1
			       : bk_file_sync_folder(c->path, err);
	if (db_pragma(c, "PRAGMA application_id") != APPLICATION_ID)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "'%s' is no catalog of bk-cold: move it away",
				  c->path);
	if (version > TABLES)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "the catalog '%s' was made by a newer bk: "
				  "install that one",
				  c->path);
	return version < TABLES ? make_tables(c, err) : 0;
}

static int open_database(struct catalog *c, bool write, struct bk_err *err)
{
	int flags = write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
			  : SQLITE_OPEN_READWRITE;

	if (!write && access(c->path, F_OK) < 0)
		return bk_err_set(err, BK_EX_NOINPUT, errno,
				  "there is no catalog '%s' yet", c->path);
	if (sqlite3_open_v2(c->path, &c->db, flags | SQLITE_OPEN_NOMUTEX,
			    NULL) != SQLITE_OK)
		return db_fail(c, err);
	(void)sqlite3_busy_timeout(c->db, BUSY_MS);
	if (db_run(c,
		   "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		   "PRAGMA foreign_keys = ON; PRAGMA cache_size = -4096;"
		   "PRAGMA trusted_schema = OFF;",
		   err) < 0)
		return -1;
	if (check_version(c, write, err) < 0)
		return -1;
	return write ? 0 : db_run(c, "PRAGMA query_only = ON", err);
}

struct catalog *catalog_open(bool write, int wait_ms, struct bk_err *err)
{
	CATALOG_AUTO struct catalog *c = bk_calloc(1, sizeof(*c));
	struct catalog *ret;

	c->lock = -1;
	c->path = write ? bk_dirs_path(BK_DIRS_STATE, "cold/catalog.db", err)
			: bk_dirs_peek(BK_DIRS_STATE, "cold/catalog.db", err);
	if (!c->path)
		return NULL;
	if (write) {
		c->lock = bk_lock_take("cold", wait_ms, err);
		if (c->lock < 0)
			return NULL;
	}
	if (open_database(c, write, err) < 0)
		return NULL;
	ret = c;
	c = NULL;
	return ret;
}

int catalog_commit(struct catalog *c, struct bk_err *err)
{
	if (!c->changed)
		return 0;
	if (db_run(c, "COMMIT", err) < 0)
		return -1;
	c->changed = false;
	return 0;
}

void catalog_close(struct catalog *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->nstatements; i++)
		(void)sqlite3_finalize(c->statements[i].stmt);
	free(c->statements);
	if (c->changed)
		(void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	(void)sqlite3_close_v2(c->db);
	if (c->lock >= 0)
		(void)close(c->lock);
	free(c->path);
	free(c);
}

/* Boxes. */

static int take_box(struct catalog *c, sqlite3_stmt *q, struct catalog_box *ret,
		    struct bk_err *err)
{
	int got = db_row(c, q, err);

	if (got == 1) {
		*ret = (struct catalog_box){
			.id = sqlite3_column_int(q, 0),
			.name = db_text(q, 1),
			.uuid = db_text(q, 2),
			.peer = db_text(q, 3),
			.gen = (unsigned int)sqlite3_column_int64(q, 4),
		};
		(void)sqlite3_reset(q);
	}
	return got;
}

#define BOX_COLUMNS "SELECT id, name, uuid, peer, gen FROM box WHERE "

int catalog_box(struct catalog *c, const char *name, struct catalog_box *ret,
		struct bk_err *err)
{
	static const char sql[] = BOX_COLUMNS "name = ?1 ORDER BY id DESC";
	sqlite3_stmt *q = db_query(c, sql, err);

	if (!q)
		return -1;
	db_bind_text(q, 1, name);
	return take_box(c, q, ret, err);
}

int catalog_box_by_id(struct catalog *c, int id, struct catalog_box *ret,
		      struct bk_err *err)
{
	static const char sql[] = BOX_COLUMNS "id = ?1";
	sqlite3_stmt *q = db_query(c, sql, err);

	if (!q)
		return -1;
	(void)sqlite3_bind_int(q, 1, id);
	return take_box(c, q, ret, err);
}

int catalog_box_put(struct catalog *c, struct catalog_box *b,
		    struct bk_err *err)
{
	/* a name belongs to the box that had it last */
	static const char rename[] =
		"UPDATE box SET name = '' WHERE name = ?1 AND uuid <> ?2";
	static const char put[] =
		"INSERT INTO box(id, name, uuid, peer, gen) VALUES"
		" ((SELECT coalesce(max(id), 0) + 1 FROM box), ?1, ?2, ?3, ?4)"
		" ON CONFLICT(uuid) DO UPDATE SET name = ?1, peer = ?3,"
		" gen = max(gen, ?4)";
	static const char find[] = "SELECT id FROM box WHERE uuid = ?1";
	sqlite3_stmt *q = db_query(c, rename, err);

	if (!q)
		return -1;
	db_bind_text(q, 1, b->name);
	db_bind_text(q, 2, b->uuid);
	if (db_write(c, q, err) < 0)
		return -1;
	q = db_query(c, put, err);
	if (!q)
		return -1;
	db_bind_text(q, 1, b->name);
	db_bind_text(q, 2, b->uuid);
	db_bind_text(q, 3, b->peer ? b->peer : "");
	(void)sqlite3_bind_int64(q, 4, b->gen);
	if (db_write(c, q, err) < 0)
		return -1;
	q = db_query(c, find, err);
	if (!q)
		return -1;
	db_bind_text(q, 1, b->uuid);
	if (db_row(c, q, err) != 1)
		return -1;
	b->id = sqlite3_column_int(q, 0);
	(void)sqlite3_reset(q);
	return 0;
}

void catalog_box_free(struct catalog_box *b)
{
	free(b->name);
	free(b->uuid);
	free(b->peer);
	*b = (struct catalog_box){ 0 };
}

int64_t db_number(struct catalog *c, const char *sql, const char *text,
		  struct bk_err *err)
{
	sqlite3_stmt *q = db_query(c, sql, err);
	int64_t n = 0;
	int got;

	if (!q)
		return -1;
	db_bind_text(q, 1, text);
	got = db_row(c, q, err);
	if (got == 1)
		n = sqlite3_column_int64(q, 0);
	(void)sqlite3_reset(q);
	return got < 0 ? -1 : n;
}
