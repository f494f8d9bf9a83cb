/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies of contents on boxes, and their proofs. */
#include "catalog_db.h"

static int note_good(struct catalog *c, int box, const char *object,
		     int64_t now, char how, struct bk_err *err)
{
	static const char sql[] =
		"UPDATE copy SET first = CASE first WHEN 0 THEN ?3 ELSE first"
		" END, last = ?3, how = ?4, state = 0, failed = 0"
		" WHERE box = ?1 AND object = ?2";
	char text[2] = { how, '\0' };
	sqlite3_stmt *q = db_query(c, sql, err);

	if (!q)
		return -1;
	(void)sqlite3_bind_int(q, 1, box);
	db_bind_text(q, 2, object);
	(void)sqlite3_bind_int64(q, 3, now);
	db_bind_text(q, 4, text);
	return db_write(c, q, err);
}

static int note_failed(struct catalog *c, int box, const char *object,
		       enum copy_state state, int64_t now, struct bk_err *err)
{
	static const char mark[] = "UPDATE copy SET state = ?3, failed = ?4"
				   " WHERE box = ?1 AND object = ?2";
	static const char again[] =
		"INSERT OR IGNORE INTO pending(box, file) SELECT k.box, f.id"
		" FROM copy k JOIN file f ON f.content = k.content"
		" WHERE k.box = ?1 AND k.object = ?2 AND f.until IS NULL";
	static const char undo[] =
		"DELETE FROM listed WHERE box = ?1 AND file IN (SELECT f.id"
		" FROM copy k JOIN file f ON f.content = k.content"
		" WHERE k.box = ?1 AND k.object = ?2)";
	static const char *const sqls[] = { mark, again, undo };

	for (size_t i = 0; i < BK_COUNT(sqls); i++) {
		sqlite3_stmt *q = db_query(c, sqls[i], err);

		if (!q)
			return -1;
		(void)sqlite3_bind_int(q, 1, box);
		db_bind_text(q, 2, object);
		(void)sqlite3_bind_int(q, 3, (int)state);
		(void)sqlite3_bind_int64(q, 4, now);
		if (db_write(c, q, err) < 0)
			return -1;
	}
	return 0;
}

/*
 * What lies there as object is another content now: the old one vanished, and
 * stays known as missing, by the name that it would have had beside this one.
 */
static int forget_other(struct catalog *c, int64_t content, int box,
			const char *object, int64_t now, struct bk_err *err)
{
	static const char find[] = "SELECT 1 FROM copy WHERE box = ?1"
				   " AND object = ?2 AND content <> ?3";
	static const char rename[] =
		"UPDATE OR IGNORE copy SET object = object || '~' || (SELECT"
		" substr(sha256, 1, 16) FROM content WHERE id = copy.content)"
		" WHERE box = ?1 AND object = ?2 AND content <> ?3";
	static const char drop[] = "DELETE FROM copy WHERE box = ?1"
				   " AND object = ?2 AND content <> ?3";
	const char *const sqls[] = { find, rename, drop };

	for (size_t i = 0; i < BK_COUNT(sqls); i++) {
		sqlite3_stmt *q = db_query(c, sqls[i], err);
		int got;

		if (!q)
			return -1;
		(void)sqlite3_bind_int(q, 1, box);
		db_bind_text(q, 2, object);
		(void)sqlite3_bind_int64(q, 3, content);
		if (i > 0 && db_write(c, q, err) < 0)
			return -1;
		if (i > 0)
			continue;
		got = db_row(c, q, err);
		(void)sqlite3_reset(q);
		if (got <= 0)
			return got;
		if (note_failed(c, box, object, COPY_ABSENT, now, err) < 0)
			return -1;
	}
	return 0;
}

int catalog_copy_add(struct catalog *c, const struct entry *e, int box,
		     const char *object, int64_t now, char how,
		     struct bk_err *err)
{
	/* one that went bad there, and was copied anew under another name */
	static const char sql[] =
		"INSERT INTO copy(content, box, object, pushed, first, last,"
		" how, state, failed, sealed, sealed_size, recipients) VALUES"
		" (?1, ?2, ?3, ?4, ?5, ?5, ?6, 0, 0, ?7, ?8, ?9)"
		" ON CONFLICT(content, box) DO UPDATE SET object = ?3,"
		" pushed = ?4, first = ?5, last = ?5, how = ?6, state = 0,"
		" failed = 0, sealed = ?7, sealed_size = ?8, recipients = ?9";
	int64_t content = db_content(c, e, false, err);
	char text[2] = { how, '\0' };
	sqlite3_stmt *q = db_query(c, sql, err);

	if (content < 0 || !q ||
	    forget_other(c, content, box, object, now, err) < 0)
		return -1;
	if (content == 0)
		return bk_err_set(err, BK_EX_SOFTWARE, 0,
				  "the catalog does not know '%s'", e->path);
	(void)sqlite3_bind_int64(q, 1, content);
	(void)sqlite3_bind_int(q, 2, box);
	db_bind_text(q, 3, object);
	(void)sqlite3_bind_int64(q, 4, now);
	(void)sqlite3_bind_int64(q, 5, how ? now : 0);
	db_bind_text(q, 6, text);
	db_bind_text(q, 7, e->sealed.sha256);
	(void)sqlite3_bind_int64(q, 8, (int64_t)e->sealed.size);
	db_bind_text(q, 9, e->sealed.print);
	return db_write(c, q, err);
}

int catalog_proof(struct catalog *c, int box, const char *object,
		  enum copy_state state, int64_t now, char how,
		  struct bk_err *err)
{
	if (state == COPY_OK)
		return note_good(c, box, object, now, how, err);
	return note_failed(c, box, object, state, now, err);
}

/* Columns of q from i on: COPY_COLUMNS. */
#define COPY_COLUMNS                                                   \
	"k.box, k.object, k.pushed, k.first, k.last, k.how, k.state, " \
	"k.failed, " SEALED_COLUMNS
enum { COPY_NCOLUMNS = 8 + SEALED_NCOLUMNS };

struct sealed db_sealed(sqlite3_stmt *q, int i)
{
	const char *sha256 = (const char *)sqlite3_column_text(q, i);
	const char *print = (const char *)sqlite3_column_text(q, i + 2);
	struct sealed s = { .size = 0 };

	if (!sha256 || !*sha256)
		return s;
	(void)snprintf(s.sha256, sizeof(s.sha256), "%s", sha256);
	(void)snprintf(s.print, sizeof(s.print), "%s", print ? print : "");
	s.size = (uint64_t)sqlite3_column_int64(q, i + 1);
	return s;
}

static struct copy take_copy(sqlite3_stmt *q, int i)
{
	const unsigned char *how = sqlite3_column_text(q, i + 5);

	return (struct copy){
		.box = sqlite3_column_int(q, i),
		.object = db_text(q, i + 1),
		.pushed = sqlite3_column_int64(q, i + 2),
		.first = sqlite3_column_int64(q, i + 3),
		.last = sqlite3_column_int64(q, i + 4),
		.how = how ? (char)how[0] : '\0',
		.state = (enum copy_state)sqlite3_column_int(q, i + 6),
		.failed = sqlite3_column_int64(q, i + 7),
		.sealed = db_sealed(q, i + 8),
	};
}

ssize_t catalog_copies(struct catalog *c, const struct entry *e,
		       struct copy **ret, struct bk_err *err)
{
	static const char sql[] =
		"SELECT " COPY_COLUMNS ", EXISTS (SELECT 1 FROM listed l"
		" WHERE l.file = ?2 AND l.box = k.box) FROM copy k"
		" WHERE k.content = ?1 ORDER BY k.box";
	int64_t content = db_content(c, e, false, err);
	sqlite3_stmt *q = db_query(c, sql, err);
	struct copy *v = NULL;
	size_t n = 0;
	int got;

	if (content < 0 || !q)
		return -1;
	(void)sqlite3_bind_int64(q, 1, content);
	(void)sqlite3_bind_int64(q, 2, e->id);
	while ((got = db_row(c, q, err)) == 1) {
		v = bk_realloc(v, n + 1, sizeof(*v));
		v[n] = take_copy(q, 0);
		v[n++].listed = sqlite3_column_int(q, COPY_NCOLUMNS) != 0;
	}
	if (got < 0) {
		copies_free(v, n);
		return -1;
	}
	*ret = v;
	return (ssize_t)n;
}

void copies_free(struct copy *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i].object);
	free(v);
}

/*
 * In pages, each of a query of its own: what each() changes would come again
 * in one that runs on.
 */
enum { PAGE = 500 };

struct page {
	struct catalog_object v[PAGE];
	char *owned[PAGE][2]; /* hash and path */
	size_t n;
};

static void page_free(struct page *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].copy.object);
		free(p->owned[i][0]);
		free(p->owned[i][1]);
	}
	free(p);
}

static int read_page(struct catalog *c, sqlite3_stmt *q, struct page *p,
		     struct bk_err *err)
{
	int got = 1;

	while (p->n < PAGE && (got = db_row(c, q, err)) == 1) {
		struct catalog_object *o = &p->v[p->n];

		o->copy = take_copy(q, 0);
		o->object = o->copy.object;
		o->sha256 = p->owned[p->n][0] = db_text(q, COPY_NCOLUMNS);
		o->path = p->owned[p->n][1] = db_text(q, COPY_NCOLUMNS + 1);
		o->size = (uint64_t)sqlite3_column_int64(q, COPY_NCOLUMNS + 2);
		p->n++;
	}
	return got < 0 ? -1 : 0;
}

int catalog_each_object(struct catalog *c, int box,
			int (*each)(void *arg, const struct catalog_object *o,
				    struct bk_err *err),
			void *arg, struct bk_err *err)
{
	static const char sql[] =
		"SELECT " COPY_COLUMNS ", n.sha256, n.path, n.size"
		" FROM temp.due d JOIN copy k ON k.content = d.content"
		" AND k.box = ?1 JOIN content n ON n.id = k.content"
		" WHERE d.rowid > ?2 ORDER BY d.rowid LIMIT ?3";
	sqlite3_stmt *q;
	int64_t after = 0;
	/* a list of its own, so that the order stays that of the beginning */
	BK_AUTO_FREE char *order = bk_asprintf(
		"DROP TABLE IF EXISTS temp.due; CREATE TEMP TABLE due AS"
		" SELECT content FROM copy WHERE box = %d"
		" ORDER BY max(last, failed), object;",
		box);
	bool reading = db_pragma(c, "PRAGMA query_only") == 1, more = true;
	int got;

	/* a table of this connection alone; the catalog stays as it is */
	if (reading && db_run(c, "PRAGMA query_only = OFF", err) < 0)
		return -1;
	got = db_run(c, order, err);
	if (reading && got == 0)
		got = db_run(c, "PRAGMA query_only = ON", err);
	/* not kept, since the table is another one each time */
	while (got == 0 && more) {
		struct page *p = bk_calloc(1, sizeof(*p));

		got = -1;
		if (sqlite3_prepare_v2(c->db, sql, -1, &q, NULL) == SQLITE_OK) {
			(void)sqlite3_bind_int(q, 1, box);
			(void)sqlite3_bind_int64(q, 2, after);
			(void)sqlite3_bind_int(q, 3, PAGE);
			got = read_page(c, q, p, err);
			(void)sqlite3_finalize(q);
		} else {
			(void)db_fail(c, err);
		}
		for (size_t i = 0; got == 0 && i < p->n; i++)
			got = each(arg, &p->v[i], err);
		after += PAGE;
		more = p->n == PAGE;
		page_free(p);
	}
	return got;
}

int catalog_has_object(struct catalog *c, int box, const char *object,
		       struct bk_err *err)
{
	static const char sql[] =
		"SELECT 1 FROM copy WHERE box = ?1 AND object = ?2";
	sqlite3_stmt *q = db_query(c, sql, err);
	int got;

	if (!q)
		return -1;
	(void)sqlite3_bind_int(q, 1, box);
	db_bind_text(q, 2, object);
	got = db_row(c, q, err);
	(void)sqlite3_reset(q);
	return got;
}

int catalog_sealed_sets(struct catalog *c, struct bk_strv *ret,
			struct bk_err *err)
{
	static const char sql[] =
		"SELECT DISTINCT f.name FROM copy k JOIN file f"
		" ON f.content = k.content WHERE k.sealed <> ''";
	sqlite3_stmt *q = db_query(c, sql, err);
	int got;

	if (!q)
		return -1;
	while ((got = db_row(c, q, err)) == 1)
		bk_strv_take(ret, db_text(q, 0));
	return got;
}

int64_t catalog_unsealed(struct catalog *c, const char *set, struct bk_err *err)
{
	static const char sql[] =
		"SELECT count(*) FROM file f WHERE f.name = ?1"
		" AND f.until IS NULL AND EXISTS (SELECT 1 FROM copy k"
		" WHERE k.content = f.content AND k.sealed = '')";

	return db_number(c, sql, set, err);
}

static int sum_row(struct catalog *c, const char *sql, int box, uint64_t *a,
		   uint64_t *b, struct bk_err *err)
{
	sqlite3_stmt *q = db_query(c, sql, err);
	int got;

	if (!q)
		return -1;
	(void)sqlite3_bind_int(q, 1, box);
	got = db_row(c, q, err);
	if (got == 1) {
		*a = (uint64_t)sqlite3_column_int64(q, 0);
		*b = (uint64_t)sqlite3_column_int64(q, 1);
	}
	(void)sqlite3_reset(q);
	return got == 1 ? 0 : -1;
}

int catalog_sum(struct catalog *c, int box, struct catalog_sum *ret,
		struct bk_err *err)
{
	static const char files[] = "SELECT count(*), coalesce(sum(size), 0)"
				    " FROM file WHERE until IS NULL"
				    " AND type = 'f' AND ?1 = ?1";
	static const char there[] =
		"SELECT count(*), coalesce(sum(max(n.size, k.sealed_size)), 0)"
		" FROM copy k"
		" JOIN content n ON n.id = k.content WHERE k.box = ?1";
	static const char bad[] = "SELECT count(*), 0 FROM copy"
				  " WHERE box = ?1 AND state <> 0";
	static const char pending[] =
		"SELECT count(*), 0 FROM pending p JOIN file f ON f.id = p.file"
		" WHERE p.box = ?1 AND f.type = 'f'";
	static const char unproved[] = "SELECT count(*), 0 FROM copy"
				       " WHERE box = ?1 AND state = 0"
				       " AND last = 0";
	static const char dates[] =
		"SELECT coalesce(min(last), 0), coalesce(max(last), 0)"
		" FROM copy WHERE box = ?1 AND state = 0 AND last > 0";
	uint64_t none, oldest = 0, newest = 0;

	*ret = (struct catalog_sum){ 0 };
	if (sum_row(c, files, box, &ret->files, &ret->bytes, err) < 0 ||
	    sum_row(c, there, box, &ret->objects, &ret->there, err) < 0 ||
	    sum_row(c, bad, box, &ret->bad, &none, err) < 0 ||
	    sum_row(c, pending, box, &ret->pending, &none, err) < 0 ||
	    sum_row(c, unproved, box, &ret->unproved, &none, err) < 0 ||
	    sum_row(c, dates, box, &oldest, &newest, err) < 0)
		return -1;
	ret->oldest = (int64_t)oldest;
	ret->newest = (int64_t)newest;
	return 0;
}

int catalog_proofs(struct catalog *c, int box, int64_t ret[CATALOG_SHARES],
		   struct bk_err *err)
{
	static const char count[] = "SELECT count(*), 0 FROM copy"
				    " WHERE box = ?1 AND state = 0";
	static const char sql[] = "SELECT last FROM copy WHERE box = ?1"
				  " AND state = 0 ORDER BY last";
	uint64_t all = 0, none, i = 0, share = 0;
	sqlite3_stmt *q;
	int got;

	if (sum_row(c, count, box, &all, &none, err) < 0)
		return -1;
	q = all > 0 ? db_query(c, sql, err) : NULL;
	if (!q)
		return all > 0 ? -1 : 0;
	(void)sqlite3_bind_int(q, 1, box);
	while ((got = db_row(c, q, err)) == 1) {
		/* Where there are few, one is more than a share. */
		while (share < CATALOG_SHARES &&
		       share * all / CATALOG_SHARES == i)
			ret[share++] = sqlite3_column_int64(q, 0);
		i++;
	}
	(void)sqlite3_reset(q);
	return got < 0 ? -1 : share == CATALOG_SHARES;
}

int catalog_last_id(struct catalog *c, int64_t *ret, struct bk_err *err)
{
	static const char sql[] = "SELECT coalesce(max(id), 0), ?1 FROM file";
	uint64_t id = 0, none;

	if (sum_row(c, sql, 0, &id, &none, err) < 0)
		return -1;
	*ret = (int64_t)id;
	return 0;
}
