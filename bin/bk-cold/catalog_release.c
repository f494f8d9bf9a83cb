/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal of releases, and what they ask the catalog. */
#include "catalog_db.h"
#include "hold.h"
#include "time.h"

void hold_free(struct hold *h)
{
	free(h->path);
	free(h->top);
	free(h->place);
	*h = (struct hold){ 0 };
}

int hold_add(struct catalog *c, struct hold *h, struct bk_err *err)
{
	static const char sql[] =
		"INSERT INTO release(path, top, place, file, state, ino, size,"
		" began, moved, ended) VALUES"
		" (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 0)";
	sqlite3_stmt *q = db_query(c, sql, err);

	if (!q)
		return -1;
	h->state = HOLD_MOVING;
	h->began = bk_time_now();
	db_bind_path(q, 1, h->path);
	db_bind_path(q, 2, h->top);
	db_bind_text(q, 3, h->place);
	(void)sqlite3_bind_int64(q, 4, h->file);
	(void)sqlite3_bind_int(q, 5, (int)h->state);
	(void)sqlite3_bind_int64(q, 6, (int64_t)h->ino);
	(void)sqlite3_bind_int64(q, 7, (int64_t)h->size);
	(void)sqlite3_bind_int64(q, 8, h->began);
	if (db_write(c, q, err) < 0)
		return -1;
	h->id = sqlite3_last_insert_rowid(c->db);
	return 0;
}

static bool is_over(enum hold_state state)
{
	return state == HOLD_GONE || state == HOLD_BACK || state == HOLD_LOST;
}

int hold_set(struct catalog *c, struct hold *h, enum hold_state state,
	     struct bk_err *err)
{
	static const char sql[] = "UPDATE release SET state = ?2, moved = ?3,"
				  " ended = ?4 WHERE id = ?1";
	sqlite3_stmt *q = db_query(c, sql, err);
	int64_t now = bk_time_now();
	int64_t moved = state == HOLD_HELD && !h->moved ? now : h->moved;
	int64_t ended = is_over(state) ? now : 0;

	if (!q)
		return -1;
	(void)sqlite3_bind_int64(q, 1, h->id);
	(void)sqlite3_bind_int(q, 2, (int)state);
	(void)sqlite3_bind_int64(q, 3, moved);
	(void)sqlite3_bind_int64(q, 4, ended);
	if (db_write(c, q, err) < 0 || catalog_commit(c, err) < 0)
		return -1;
	h->state = state;
	h->moved = moved;
	h->ended = ended;
	return 0;
}

static struct hold take_hold(sqlite3_stmt *q)
{
	return (struct hold){
		.id = sqlite3_column_int64(q, 0),
		.path = db_text(q, 1),
		.top = db_text(q, 2),
		.place = db_text(q, 3),
		.file = sqlite3_column_int64(q, 4),
		.state = (enum hold_state)sqlite3_column_int(q, 5),
		.ino = (uint64_t)sqlite3_column_int64(q, 6),
		.size = (uint64_t)sqlite3_column_int64(q, 7),
		.began = sqlite3_column_int64(q, 8),
		.moved = sqlite3_column_int64(q, 9),
		.ended = sqlite3_column_int64(q, 10),
	};
}

/* One page of them, read whole before each() may change anything. */
enum { PAGE = 500 };

static ssize_t read_page(struct catalog *c, unsigned int states,
			 const char *below, const struct hold *after,
			 struct hold *ret, struct bk_err *err)
{
	static const char sql[] =
		"SELECT id, path, top, place, file, state, ino, size, began,"
		" moved, ended FROM release WHERE (?1 >> state) & 1"
		" AND (?2 IS NULL OR path = ?2 OR (path >"
		" CAST(?2 || '/' AS BLOB) AND path < CAST(?2 || '0' AS BLOB)))"
		" AND (?3 IS NULL OR (path, id) > (?3, ?4))"
		" ORDER BY path, id LIMIT ?5";
	sqlite3_stmt *q = db_query(c, sql, err);
	ssize_t n = 0;
	int got;

	if (!q)
		return -1;
	(void)sqlite3_bind_int64(q, 1, states);
	if (below && below[1])
		db_bind_path(q, 2, below);
	if (after) {
		db_bind_path(q, 3, after->path);
		(void)sqlite3_bind_int64(q, 4, after->id);
	}
	(void)sqlite3_bind_int(q, 5, PAGE);
	while ((got = db_row(c, q, err)) == 1 && n < PAGE)
		ret[n++] = take_hold(q);
	(void)sqlite3_reset(q);
	return got < 0 ? -1 : n;
}

int hold_each(struct catalog *c, unsigned int states, const char *below,
	      int (*each)(void *arg, struct hold *h, struct bk_err *err),
	      void *arg, struct bk_err *err)
{
	HOLD_AUTO struct hold last = { 0 };
	ssize_t n = PAGE;
	int got = 0;

	while (n == PAGE && got == 0) {
		struct hold v[PAGE] = { 0 };

		n = read_page(c, states, below, last.id ? &last : NULL, v, err);
		if (n == PAGE) {
			/* each() may take over what is in it */
			free(last.path);
			last.path = bk_strdup(v[PAGE - 1].path);
			last.id = v[PAGE - 1].id;
		}
		for (ssize_t i = 0; i < n && got == 0; i++)
			got = each(arg, &v[i], err);
		for (ssize_t i = 0; i < n; i++)
			hold_free(&v[i]);
	}
	return n < 0 ? -1 : got;
}

int hold_entry(struct catalog *c, int64_t file, struct entry *ret,
	       struct bk_err *err)
{
	static const char sql[] =
		"SELECT " ENTRY_COLUMNS " FROM file f LEFT JOIN content n"
		" ON n.id = f.content WHERE f.id = ?1";
	sqlite3_stmt *q = db_query(c, sql, err);
	int got;

	if (!q)
		return -1;
	(void)sqlite3_bind_int64(q, 1, file);
	got = db_row(c, q, err);
	if (got != 1)
		return got;
	got = db_entry(c, q, ret, err) < 0 ? -1 : 1;
	(void)sqlite3_reset(q);
	return got;
}

/* The first number of a query of two; 0 where there is no row. */
static int64_t ask(struct catalog *c, const char *sql, int64_t a, int64_t b,
		   struct bk_err *err)
{
	sqlite3_stmt *q = db_query(c, sql, err);
	int64_t n = 0;
	int got;

	if (!q)
		return -1;
	(void)sqlite3_bind_int64(q, 1, a);
	(void)sqlite3_bind_int64(q, 2, b);
	got = db_row(c, q, err);
	if (got == 1)
		n = sqlite3_column_int64(q, 0);
	(void)sqlite3_reset(q);
	return got < 0 ? -1 : n;
}

int64_t hold_listed(struct catalog *c, int64_t file, int box,
		    struct bk_err *err)
{
	static const char sql[] = "SELECT gen FROM listed"
				  " WHERE file = ?1 AND box = ?2";

	return ask(c, sql, file, box, err);
}

int hold_manifest(struct catalog *c, int box, unsigned int gen, int kind,
		  char ret[static 65], struct bk_err *err)
{
	static const char sql[] = "SELECT sha256 FROM manifest"
				  " WHERE box = ?1 AND gen = ?2 AND kind = ?3";
	sqlite3_stmt *q = db_query(c, sql, err);
	int got;

	if (!q)
		return -1;
	(void)sqlite3_bind_int(q, 1, box);
	(void)sqlite3_bind_int64(q, 2, gen);
	(void)sqlite3_bind_int(q, 3, kind);
	got = db_row(c, q, err);
	if (got == 1) {
		BK_AUTO_FREE char *sum = db_text(q, 0);

		(void)snprintf(ret, 65, "%.64s", sum);
	}
	(void)sqlite3_reset(q);
	return got;
}

int64_t hold_count(struct catalog *c, const char *set, struct bk_err *err)
{
	static const char sql[] = "SELECT count(*) FROM file WHERE name = ?1"
				  " AND type = 'f' AND until IS NULL";

	return db_number(c, sql, set, err);
}
