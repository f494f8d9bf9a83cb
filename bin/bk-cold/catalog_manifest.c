/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Manifests that lie on boxes. */
#include "catalog_db.h"

int catalog_manifest_put(struct catalog *c, int box, unsigned int gen, int kind,
			 const char *sha256, struct bk_err *err)
{
	static const char sql[] = "INSERT OR REPLACE INTO manifest"
				  "(box, gen, kind, sha256)"
				  " VALUES (?1, ?2, ?3, ?4)";
	sqlite3_stmt *q = db_query(c, sql, err);

	if (!q)
		return -1;
	(void)sqlite3_bind_int(q, 1, box);
	(void)sqlite3_bind_int64(q, 2, gen);
	(void)sqlite3_bind_int(q, 3, kind);
	db_bind_text(q, 4, sha256);
	return db_write(c, q, err);
}

int catalog_each_manifest(struct catalog *c, int box,
			  int (*each)(void *arg, unsigned int gen, int kind,
				      const char *sha256, struct bk_err *err),
			  void *arg, struct bk_err *err)
{
	static const char sql[] = "SELECT gen, kind, sha256 FROM manifest"
				  " WHERE box = ?1 ORDER BY gen, kind";
	sqlite3_stmt *q = db_query(c, sql, err);
	int got;

	if (!q)
		return -1;
	(void)sqlite3_bind_int(q, 1, box);
	while ((got = db_row(c, q, err)) == 1) {
		BK_AUTO_FREE char *sha256 = db_text(q, 2);

		if (each(arg, (unsigned int)sqlite3_column_int64(q, 0),
			 sqlite3_column_int(q, 1), sha256, err) < 0) {
			(void)sqlite3_reset(q);
			return -1;
		}
	}
	return got;
}

int catalog_unlist(struct catalog *c, int box, unsigned int gen,
		   struct bk_err *err)
{
	static const char again[] =
		"INSERT OR IGNORE INTO pending(box, file) SELECT l.box, l.file"
		" FROM listed l JOIN file f ON f.id = l.file"
		" WHERE l.box = ?1 AND l.gen = ?2 AND f.until IS NULL";
	static const char undo[] =
		"DELETE FROM listed WHERE box = ?1 AND gen = ?2";
	static const char drop[] =
		"DELETE FROM manifest WHERE box = ?1 AND gen = ?2";
	static const char *const sqls[] = { again, undo, drop };

	for (size_t i = 0; i < BK_COUNT(sqls); i++) {
		sqlite3_stmt *q = db_query(c, sqls[i], err);

		if (!q)
			return -1;
		(void)sqlite3_bind_int(q, 1, box);
		(void)sqlite3_bind_int64(q, 2, gen);
		if (db_write(c, q, err) < 0)
			return -1;
	}
	return 0;
}
