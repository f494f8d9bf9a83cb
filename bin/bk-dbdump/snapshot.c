/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshot.h"

#include <mysqld_error.h>
#include <poll.h>

#include "log.h"
#include "rec.h"
#include "sig.h"
#include "time.h"

#define TRIES 100
#define LOCK_TRIES 3

/* What SHOW says of a name: its second column. NULL: nothing. */
static char *variable(struct server *s, const char *show, const char *name)
{
	BK_AUTO_FREE char *sql = bk_asprintf("SHOW %s LIKE '%s'", show, name);
	BK_AUTO_RESULT MYSQL_RES *r = server_query(s, sql, NULL);
	MYSQL_ROW row = r ? mysql_fetch_row(r) : NULL;

	return row && row[1] ? bk_strdup(row[1]) : NULL;
}

static bool is_on(struct server *s, const char *name)
{
	BK_AUTO_FREE char *value = variable(s, "GLOBAL VARIABLES", name);

	return value && strcmp(value, "ON") == 0;
}

/*
 * Why the position of the binary log would not tell of every change; NULL:
 * it does. Only what a session keeps out of it by itself is not seen here.
 */
static const char *why_single(struct server *s)
{
	BK_AUTO_RESULT MYSQL_RES *r = NULL;
	BK_AUTO_FREE char *applied = NULL;
	MYSQL_ROW row;

	if (!is_on(s, "log_bin"))
		return "there is no binary log";
	if (!is_on(s, "log_slave_updates")) {
		applied = variable(s, "GLOBAL VARIABLES", "gtid_slave_pos");
		if ((applied && *applied) || is_on(s, "wsrep_on"))
			return "what is replicated is not in the binary log";
	}
	r = server_query(s, "SHOW MASTER STATUS", NULL);
	if (!r)
		return "whether the binary log is filtered is not shown to "
		       "this user: GRANT BINLOG MONITOR ON *.* allows it";
	row = mysql_fetch_row(r);
	if (!row || (row[2] && *row[2]) || (row[3] && *row[3]))
		return "the binary log is filtered";
	return NULL;
}

/* How many. */
static size_t add_locks(const struct catalog *c, struct bk_buf *b)
{
	size_t n = 0;

	for (size_t d = 0; d < c->n; d++) {
		for (size_t i = 0; i < c->v[d].n; i++) {
			const struct object *o = &c->v[d].v[i];

			if (o->kind != OBJECT_TABLE || !o->rows || o->broken ||
			    o->transactional)
				continue;
			bk_buf_adds(b, b->len ? ", " : "LOCK TABLES ");
			value_add_name(b, o->db->name);
			bk_buf_addc(b, '.');
			value_add_name(b, o->name);
			bk_buf_adds(b, " READ");
			n++;
		}
	}
	return n;
}

/*
 * Too many files are open: that is what MariaDB says where it is the next
 * file of rows that cannot be opened; where it is that of a definition, it
 * says that there is no such table.
 */
static void explain_lock(size_t n, struct bk_err *err)
{
	bk_err_set(err, err->exit, 0,
		   "%s; if it is there, the server cannot open the files of "
		   "%zu tables at the same time: raise its open_files_limit",
		   err->msg, n);
}

static int lock_tables(struct snapshot *s, const struct login *login,
		       const struct catalog *c, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf sql = BK_BUF_INIT;
	size_t n = add_locks(c, &sql);

	if (n == 0)
		return 0;
	if (server_connect(login, &s->locks, err) < 0)
		return -1;
	for (int i = 0; i < LOCK_TRIES && !bk_sig_pending(); i++) {
		if (server_do(&s->locks, sql.p, err) == 0)
			return 0;
		if (mysql_errno(s->locks.m) == ER_NO_SUCH_TABLE) {
			explain_lock(n, err);
			return CATALOG_MOVED;
		}
		if (err->exit != BK_EX_TEMPFAIL)
			return -1;
		bk_notice("a table is locked by others, trying again");
	}
	return -1;
}

/* "FILE POSITION" of the snapshot; "" where there is no binary log. */
static char *position(struct server *s)
{
	BK_AUTO_FREE char *file = variable(s, "STATUS", "Binlog_snapshot_file");
	BK_AUTO_FREE char *pos =
		variable(s, "STATUS", "Binlog_snapshot_position");

	return bk_asprintf("%s %s", file ? file : "", pos ? pos : "");
}

static int start_all(struct snapshot *s, struct bk_err *err)
{
	for (size_t i = 0; i < s->n; i++)
		if (server_do(&s->v[i],
			      "START TRANSACTION WITH CONSISTENT SNAPSHOT",
			      err) < 0)
			return -1;
	return 0;
}

static void drop_connections(struct snapshot *s, size_t keep)
{
	while (s->n > keep)
		server_close(&s->v[--s->n]);
}

/* 1: all see the same, 0: they do not, -1: err */
static int try_once(struct snapshot *s, char **ret_position, struct bk_err *err)
{
	BK_AUTO_FREE char *first = NULL;

	if (start_all(s, err) < 0)
		return -1;
	first = position(&s->v[0]);
	/* Nothing said is nothing proved. */
	if (s->n > 1 && *first == ' ') {
		bk_info("one connection: the server does not say where its "
			"snapshot is");
		drop_connections(s, 1);
	}
	for (size_t i = 1; i < s->n; i++) {
		BK_AUTO_FREE char *other = position(&s->v[i]);

		if (strcmp(first, other) != 0)
			return 0;
	}
	*ret_position = first;
	first = NULL;
	return 1;
}

static int take(struct snapshot *s, char **ret_position, struct bk_err *err)
{
	for (int i = 0; i < TRIES; i++) {
		int got = try_once(s, ret_position, err);

		if (got != 0)
			return got < 0 ? -1 : 0;
		if (bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "it was interrupted");
		(void)poll(NULL, 0, i % 7);
	}
	bk_warning("the server is too busy for several connections at one "
		   "point in time: one must do");
	drop_connections(s, 1);
	return try_once(s, ret_position, err) < 0 ? -1 : 0;
}

/*
 * While the server holds all commits, tables without transactions are not
 * written either: only then are they locked, for who waited for these locks
 * would have had to be waited for.
 */
static int take_held(struct snapshot *s, const struct login *login,
		     const struct catalog *c, struct server *stage,
		     struct bk_err *err)
{
	int got;

	if (server_do(stage, "BACKUP STAGE START", err) < 0)
		return -1;
	got = server_do(stage, "BACKUP STAGE BLOCK_COMMIT", err);
	if (got == 0)
		got = lock_tables(s, login, c, err);
	if (got == 0)
		got = start_all(s, err);
	if (server_do(stage, "BACKUP STAGE END", got == 0 ? err : NULL) < 0 &&
	    got == 0)
		got = -1;
	return got;
}

static int take_staged(struct snapshot *s, const struct login *login,
		       const struct catalog *c, char **ret_position,
		       struct bk_err *err)
{
	BK_AUTO_SERVER struct server stage = SERVER_INIT;

	if (server_connect(login, &stage, err) < 0)
		return -1;
	for (int i = 0; i < LOCK_TRIES && !bk_sig_pending(); i++) {
		int got = take_held(s, login, c, &stage, err);

		if (got == 0) {
			*ret_position = position(&s->v[0]);
			return 0;
		}
		server_close(&s->locks);
		if (got == CATALOG_MOVED)
			return got;
		if (err->exit != BK_EX_TEMPFAIL)
			return -1;
		bk_notice("a table is locked by others, trying again");
	}
	return -1;
}

static void set_position(struct snapshot *s, const char *text)
{
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;
	BK_AUTO_FREE char *sql = NULL, *gtid = NULL;

	bk_strv_split(&words, text, " ");
	if (words.n != 2)
		return;
	sql = bk_asprintf("SELECT BINLOG_GTID_POS('%s', %s)", words.v[0],
			  words.v[1]);
	if (server_value(&s->v[0], sql, &gtid, NULL) < 0)
		bk_debug("the server does not tell its GTID, ignoring");
	s->position = json_object();
	bk_rec_set_str(s->position, "file", words.v[0]);
	bk_rec_set_str(s->position, "pos", words.v[1]);
	if (gtid && *gtid)
		bk_rec_set_str(s->position, "gtid", gtid);
}

/* What a replica had applied, as of the snapshot. */
static void set_applied(struct snapshot *s)
{
	BK_AUTO_FREE char *gtid = NULL;

	if (server_value(&s->v[0],
			 "SELECT GROUP_CONCAT(g ORDER BY g) FROM (SELECT "
			 "CONCAT_WS('-', p.domain_id, p.server_id, p.seq_no) "
			 "AS g FROM mysql.gtid_slave_pos AS p JOIN (SELECT "
			 "domain_id, MAX(sub_id) AS sub_id FROM "
			 "mysql.gtid_slave_pos GROUP BY domain_id) AS m ON "
			 "m.domain_id = p.domain_id AND m.sub_id = p.sub_id) "
			 "AS x",
			 &gtid, NULL) < 0 ||
	    !gtid)
		return;
	if (!s->position)
		s->position = json_object();
	bk_rec_set_str(s->position, "replica_gtid", gtid);
}

/*
 * What a transaction has read stays locked against changes of its definition,
 * and a savepoint ends that only for who keeps out of the binary log, of which
 * the position is known all the same.
 */
static void leave_log(struct server *s, bool say)
{
	if (server_do(s, "SET SESSION sql_log_bin = 0", NULL) < 0 && say &&
	    is_on(s, "log_bin"))
		bk_info("a table that was read cannot be altered until the "
			"dump has ended: GRANT BINLOG ADMIN ON *.* lets go of "
			"it");
}

static int open_all(struct snapshot *s, const struct login *login,
		    unsigned int n, bool stage, struct bk_err *err)
{
	const char *why;

	s->v = bk_calloc(n, sizeof(*s->v));
	for (s->n = 0; s->n < n; s->n++) {
		if (server_connect(login, &s->v[s->n], err) < 0)
			return -1;
		why = s->n == 0 && n > 1 && !stage ? why_single(&s->v[0])
						   : NULL;
		if (why) {
			bk_info("one connection: %s", why);
			n = 1;
		}
		leave_log(&s->v[s->n], s->n == 0);
	}
	return 0;
}

static int take_any(struct snapshot *s, const struct login *login, bool stage,
		    const struct catalog *c, char **ret_position,
		    struct bk_err *err)
{
	int got;

	if (stage && s->n > 1)
		return take_staged(s, login, c, ret_position, err);
	got = lock_tables(s, login, c, err);
	return got < 0 ? got : take(s, ret_position, err);
}

int snapshot_open(const struct login *login, unsigned int n, bool stage,
		  const struct catalog *c, struct snapshot *ret,
		  struct bk_err *err)
{
	struct snapshot s = SNAPSHOT_INIT;
	BK_AUTO_FREE char *text = NULL;
	int got = open_all(&s, login, n, stage, err);

	if (got == 0)
		got = take_any(&s, login, stage, c, &text, err);
	if (got < 0) {
		snapshot_close(&s);
		return got;
	}
	s.start = bk_time_now();
	s.since = bk_time_mono_ms();
	set_position(&s, text);
	set_applied(&s);
	for (size_t i = 0; i < s.n; i++) {
		if (server_do(&s.v[i], "SAVEPOINT bk", err) < 0) {
			snapshot_close(&s);
			return -1;
		}
	}
	*ret = s;
	return 0;
}

void snapshot_unlock(struct snapshot *s)
{
	server_close(&s->locks);
}

void snapshot_close(struct snapshot *s)
{
	for (size_t i = 0; i < s->n; i++)
		server_close(&s->v[i]);
	free(s->v);
	server_close(&s->locks);
	json_decref(s->position);
	*s = SNAPSHOT_INIT;
}
