/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Versions of files, and where they are listed. */
#include "catalog_db.h"
#include "rec.h"

#define LISTED "(SELECT sum(1 << box) FROM listed WHERE listed.file = f.id)"

static char type_of(const struct stat *st)
{
	if (S_ISREG(st->st_mode))
		return 'f';
	if (S_ISDIR(st->st_mode))
		return 'd';
	return S_ISLNK(st->st_mode) ? 'l' : '?';
}

/* Columns of q: type, size, mtime, mtime_ns, ctime, ctime_ns, ino. */
static bool is_untouched(sqlite3_stmt *q, int i, const struct stat *st)
{
	const unsigned char *type = sqlite3_column_text(q, i);
	bool sized = S_ISREG(st->st_mode);

	return type && type[0] == (unsigned char)type_of(st) &&
	       (!sized || sqlite3_column_int64(q, i + 1) == st->st_size) &&
	       sqlite3_column_int64(q, i + 2) == st->st_mtim.tv_sec &&
	       sqlite3_column_int64(q, i + 3) == st->st_mtim.tv_nsec &&
	       sqlite3_column_int64(q, i + 4) == st->st_ctim.tv_sec &&
	       sqlite3_column_int64(q, i + 5) == st->st_ctim.tv_nsec &&
	       sqlite3_column_int64(q, i + 6) == (int64_t)st->st_ino;
}

int catalog_known(struct catalog *c, const char *path, const struct stat *st,
		  int64_t *ret_id, boxset *ret_listed, struct bk_err *err)
{
	static const char sql[] =
		"SELECT f.id, type, size, mtime, mtime_ns, ctime, ctime_ns,"
		" ino, " LISTED
		" FROM file f WHERE path = ?1 AND until IS NULL";
	sqlite3_stmt *q = db_query(c, sql, err);
	int got;

	if (!q)
		return -1;
	db_bind_path(q, 1, path);
	got = db_row(c, q, err);
	if (got != 1)
		return got;
	got = is_untouched(q, 1, st);
	*ret_id = sqlite3_column_int64(q, 0);
	*ret_listed = (boxset)sqlite3_column_int64(q, 8);
	(void)sqlite3_reset(q);
	return got;
}

/* The text that no column holds. */
static int take_meta(const struct catalog *c, sqlite3_stmt *q, int i,
		     struct entry *e, struct bk_err *err)
{
	const void *text = sqlite3_column_text(q, i);
	BK_AUTO_JSON json_t *o = text ? json_loads(text, 0, NULL) : NULL;

	if (o && meta_from_json(o, &e->meta, err) == 0)
		return 0;
	return bk_err_set(err, BK_EX_DATAERR, 0,
			  "the catalog '%s' is damaged at '%s'", c->path,
			  e->path);
}

int db_entry(const struct catalog *c, sqlite3_stmt *q, struct entry *ret,
	     struct bk_err *err)
{
	const char *hash = (const char *)sqlite3_column_text(q, 3);
	ENTRY_AUTO struct entry e = {
		.id = sqlite3_column_int64(q, 0),
		.path = db_text(q, 1),
		.set = db_text(q, 2),
		.since = sqlite3_column_int64(q, 5),
		.until = sqlite3_column_int64(q, 6),
	};

	if (hash && strlen(hash) == 64)
		memcpy(e.sha256, hash, 65);
	if (take_meta(c, q, 4, &e, err) < 0)
		return -1;
	*ret = e;
	e = ENTRY_INIT;
	return 0;
}

int catalog_find(struct catalog *c, const char *path, struct entry *ret,
		 boxset *ret_listed, struct bk_err *err)
{
	static const char sql[] = "SELECT " ENTRY_COLUMNS ", " LISTED
				  " FROM file f LEFT JOIN content n"
				  " ON n.id = f.content"
				  " WHERE f.path = ?1 AND until IS NULL";
	sqlite3_stmt *q = db_query(c, sql, err);
	int got;

	if (!q)
		return -1;
	db_bind_path(q, 1, path);
	got = db_row(c, q, err);
	if (got != 1)
		return got;
	*ret_listed = (boxset)sqlite3_column_int64(q, ENTRY_NCOLUMNS);
	got = db_entry(c, q, ret, err) < 0 ? -1 : 1;
	(void)sqlite3_reset(q);
	return got;
}

/* Its content, made where it is new; 0 of what has none, -1. */
int64_t db_content(struct catalog *c, const struct entry *e, bool create,
		   struct bk_err *err)
{
	static const char put[] = "INSERT OR IGNORE INTO content"
				  "(path, sha256, size) VALUES (?1, ?2, ?3)";
	static const char find[] = "SELECT id FROM content"
				   " WHERE path = ?1 AND sha256 = ?2";
	sqlite3_stmt *q;
	int64_t id = 0;
	int got;

	if (e->meta.type != 'f')
		return 0;
	if (create) {
		q = db_query(c, put, err);
		if (!q)
			return -1;
		db_bind_path(q, 1, e->path);
		db_bind_text(q, 2, e->sha256);
		(void)sqlite3_bind_int64(q, 3, (int64_t)e->meta.size);
		if (db_write(c, q, err) < 0)
			return -1;
	}
	q = db_query(c, find, err);
	if (!q)
		return -1;
	db_bind_path(q, 1, e->path);
	db_bind_text(q, 2, e->sha256);
	got = db_row(c, q, err);
	if (got == 1)
		id = sqlite3_column_int64(q, 0);
	(void)sqlite3_reset(q);
	return got < 0 ? -1 : id;
}

/*
 * The version before ends, and needs no listing any more. So do those below a
 * path that was a folder and is none now.
 */
static int end_versions(struct catalog *c, const struct entry *e,
			struct bk_err *err)
{
	static const char drop[] =
		"DELETE FROM pending WHERE file IN (SELECT id FROM file"
		" WHERE path = ?1 AND until IS NULL)";
	static const char end[] = "UPDATE file SET until = ?2"
				  " WHERE path = ?1 AND until IS NULL";
	static const char drop_below[] =
		"DELETE FROM pending WHERE file IN (SELECT id FROM file"
		" WHERE path > CAST(?1 || '/' AS BLOB)"
		" AND path < CAST(?1 || '0' AS BLOB) AND until IS NULL)";
	static const char end_below[] =
		"UPDATE file SET until = ?2"
		" WHERE path > CAST(?1 || '/' AS BLOB)"
		" AND path < CAST(?1 || '0' AS BLOB) AND until IS NULL";
	static const char *const sqls[] = { drop, end, drop_below, end_below };

	for (size_t i = 0; i < (e->meta.type == 'd' ? 2 : 4); i++) {
		sqlite3_stmt *q = db_query(c, sqls[i], err);

		if (!q)
			return -1;
		db_bind_path(q, 1, e->path);
		(void)sqlite3_bind_int64(q, 2, e->since);
		if (db_write(c, q, err) < 0)
			return -1;
	}
	return 0;
}

static char *meta_text(const struct meta *m)
{
	BK_AUTO_JSON json_t *o = json_object();

	meta_to_json(m, o);
	return json_dumps(o, JSON_COMPACT);
}

static void bind_stamps(sqlite3_stmt *q, const struct meta *m)
{
	(void)sqlite3_bind_int64(q, 1, (int64_t)m->size);
	(void)sqlite3_bind_int64(q, 2, m->mtime);
	(void)sqlite3_bind_int64(q, 3, m->mtime_ns);
	(void)sqlite3_bind_int64(q, 4, m->ctime);
	(void)sqlite3_bind_int64(q, 5, m->ctime_ns);
	(void)sqlite3_bind_int64(q, 6, (int64_t)m->ino);
}

int catalog_add(struct catalog *c, struct entry *e, struct bk_err *err)
{
	static const char sql[] =
		"INSERT INTO file(size, mtime, mtime_ns, ctime, ctime_ns, ino,"
		" meta, path, name, type, content, since, until) VALUES"
		" (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
	char type[2] = { e->meta.type, '\0' };
	BK_AUTO_FREE char *meta = meta_text(&e->meta);
	int64_t content = db_content(c, e, true, err);
	sqlite3_stmt *q;

	if (content < 0 || (!e->until && end_versions(c, e, err) < 0))
		return -1;
	q = db_query(c, sql, err);
	if (!q)
		return -1;
	bind_stamps(q, &e->meta);
	db_bind_text(q, 7, meta);
	db_bind_path(q, 8, e->path);
	db_bind_text(q, 9, e->set ? e->set : "");
	db_bind_text(q, 10, type);
	if (content)
		(void)sqlite3_bind_int64(q, 11, content);
	(void)sqlite3_bind_int64(q, 12, e->since);
	if (e->until)
		(void)sqlite3_bind_int64(q, 13, e->until);
	if (db_write(c, q, err) < 0)
		return -1;
	e->id = sqlite3_last_insert_rowid(c->db);
	return 0;
}

int catalog_touch(struct catalog *c, int64_t id, const struct meta *m,
		  struct bk_err *err)
{
	static const char sql[] =
		"UPDATE file SET size = ?1, mtime = ?2, mtime_ns = ?3,"
		" ctime = ?4, ctime_ns = ?5, ino = ?6, meta = ?7 WHERE id = ?8";
	BK_AUTO_FREE char *meta = meta_text(m);
	sqlite3_stmt *q = db_query(c, sql, err);

	if (!q)
		return -1;
	bind_stamps(q, m);
	db_bind_text(q, 7, meta);
	(void)sqlite3_bind_int64(q, 8, id);
	return db_write(c, q, err);
}

static int want_on(struct catalog *c, int64_t id, int box, struct bk_err *err)
{
	static const char sql[] =
		"INSERT OR IGNORE INTO pending(box, file) SELECT ?1, ?2"
		" WHERE NOT EXISTS (SELECT 1 FROM listed"
		" WHERE file = ?2 AND box = ?1)";
	sqlite3_stmt *q = db_query(c, sql, err);

	if (!q)
		return -1;
	(void)sqlite3_bind_int(q, 1, box);
	(void)sqlite3_bind_int64(q, 2, id);
	return db_write(c, q, err);
}

int catalog_want(struct catalog *c, int64_t id, boxset boxes,
		 struct bk_err *err)
{
	for (int box = 1; box <= CATALOG_BOXES_MAX; box++)
		if ((boxes & BOXSET(box)) && want_on(c, id, box, err) < 0)
			return -1;
	return 0;
}

int catalog_list(struct catalog *c, int64_t id, int box, unsigned int gen,
		 struct bk_err *err)
{
	static const char put[] = "INSERT OR REPLACE INTO listed"
				  "(file, box, gen) VALUES (?1, ?2, ?3)";
	static const char drop[] = "DELETE FROM pending"
				   " WHERE file = ?1 AND box = ?2";
	sqlite3_stmt *q = db_query(c, put, err);

	if (!q)
		return -1;
	(void)sqlite3_bind_int64(q, 1, id);
	(void)sqlite3_bind_int(q, 2, box);
	(void)sqlite3_bind_int64(q, 3, gen);
	if (db_write(c, q, err) < 0)
		return -1;
	q = db_query(c, drop, err);
	if (!q)
		return -1;
	(void)sqlite3_bind_int64(q, 1, id);
	(void)sqlite3_bind_int(q, 2, box);
	return db_write(c, q, err);
}

/* Looking. */

/* The first of the parameters that are as many as it takes. */
#define BUT_FIRST ((size_t)10)

static char *query_text(const struct catalog_query *q)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "SELECT " ENTRY_COLUMNS);
	bk_buf_adds(&b, q->ready ? ", k.object, " SEALED_COLUMNS : ", NULL");
	bk_buf_adds(&b, q->ready || q->wanted ? " FROM pending p JOIN file f"
						" ON f.id = p.file"
					      : " FROM file f");
	bk_buf_adds(&b, " LEFT JOIN content n ON n.id = f.content");
	if (q->ready)
		bk_buf_adds(&b, " LEFT JOIN copy k ON k.content = f.content"
				" AND k.box = p.box AND k.state = 0");
	bk_buf_adds(&b, " WHERE 1");
	if (q->ready || q->wanted)
		bk_buf_adds(&b, " AND p.box = ?4");
	if (q->ready)
		bk_buf_adds(&b, " AND (f.type <> 'f' OR k.object IS NOT NULL)");
	if (q->at)
		bk_buf_adds(&b, " AND since <= ?3"
				" AND (until IS NULL OR until > ?3)");
	else if (!q->all)
		bk_buf_adds(&b, " AND until IS NULL");
	/* '0' follows '/'; below "/" is everything */
	if (q->below && q->below[1])
		bk_buf_adds(&b, " AND (f.path = ?1 OR (f.path >"
				" CAST(?1 || '/' AS BLOB)"
				" AND f.path < CAST(?1 || '0' AS BLOB)))");
	if (q->path)
		bk_buf_adds(&b, " AND f.path = ?6");
	if (q->set)
		bk_buf_adds(&b, " AND name = ?2");
	for (size_t i = 0; q->but && i < q->but->n; i++)
		bk_buf_addf(&b, " AND name <> ?%zu", BUT_FIRST + i);
	bk_buf_adds(&b, " ORDER BY f.path, since");
	if (q->limit)
		bk_buf_adds(&b, " LIMIT ?5");
	return bk_buf_steal(&b);
}

static int each_row(struct catalog *c, sqlite3_stmt *q,
		    int (*each)(void *arg, struct entry *e, struct bk_err *err),
		    void *arg, struct bk_err *err)
{
	int got;

	while ((got = db_row(c, q, err)) == 1) {
		ENTRY_AUTO struct entry e = ENTRY_INIT;

		if (db_entry(c, q, &e, err) < 0)
			return -1;
		if (sqlite3_column_type(q, ENTRY_NCOLUMNS) != SQLITE_NULL)
			e.object = db_text(q, ENTRY_NCOLUMNS);
		if (e.object)
			e.sealed = db_sealed(q, ENTRY_NCOLUMNS + 1);
		if (each(arg, &e, err) < 0)
			return -1;
	}
	return got;
}

int catalog_each(struct catalog *c, const struct catalog_query *query,
		 int (*each)(void *arg, struct entry *e, struct bk_err *err),
		 void *arg, struct bk_err *err)
{
	BK_AUTO_FREE char *sql = query_text(query);
	sqlite3_stmt *q;
	int got;

	if (sqlite3_prepare_v2(c->db, sql, -1, &q, NULL) != SQLITE_OK)
		return db_fail(c, err);
	if (query->below)
		db_bind_path(q, 1, query->below);
	if (query->path)
		db_bind_path(q, 6, query->path);
	if (query->set)
		db_bind_text(q, 2, query->set);
	for (size_t i = 0; query->but && i < query->but->n; i++)
		db_bind_text(q, (int)(BUT_FIRST + i), query->but->v[i]);
	(void)sqlite3_bind_int64(q, 3, query->at);
	(void)sqlite3_bind_int(q, 4,
			       query->ready ? query->ready : query->wanted);
	(void)sqlite3_bind_int64(q, 5, (int64_t)query->limit);
	got = each_row(c, q, each, arg, err);
	(void)sqlite3_finalize(q);
	return got;
}
