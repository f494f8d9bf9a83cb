/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "grants.h"

#include <mysqld_error.h>
#include <strings.h>

#include "value.h"

int grants_read(struct server *s, struct grants *ret, struct bk_err *err)
{
	BK_AUTO_RESULT MYSQL_RES *r = server_query(s, "SHOW GRANTS", err);
	MYSQL_ROW row;

	if (!r)
		return -1;
	while ((row = mysql_fetch_row(r)))
		bk_strv_add(&ret->lines, row[0]);
	return 0;
}

void grants_free(struct grants *g)
{
	bk_strv_free(&g->lines);
}

/* The name that starts at *p, a '`' or a '*', which moves behind it. */
static char *take_name(const char **p)
{
	struct bk_buf b = BK_BUF_INIT;
	const char *s = *p;

	if (*s != '`') {
		*p = s + (*s == '*');
		return *s == '*' ? bk_strdup("*") : NULL;
	}
	bk_buf_adds(&b, "");
	for (s++; *s; s++) {
		if (*s == '`' && *++s != '`')
			break;
		bk_buf_addc(&b, *s);
	}
	*p = s;
	return bk_buf_steal(&b);
}

/*
 * A database in a grant is a pattern of LIKE: '%' any bytes, '_' one, and a
 * backslash takes that away.
 */
static bool like(const char *p, const char *s)
{
	if (*p == '\0')
		return *s == '\0';
	if (*p == '%')
		return like(p + 1, s) || (*s && like(p, s + 1));
	if (*p == '_')
		return *s && like(p + 1, s + 1);
	if (*p == '\\' && p[1])
		p++;
	return *p == *s && like(p + 1, s + 1);
}

/* " ON `db`.`table` TO ...": does that reach so far? */
static bool covers(const char *on, const char *db, const char *table)
{
	const char *p = on + strlen(" ON ");
	BK_AUTO_FREE char *d = take_name(&p), *t = NULL;

	if (!d || *p++ != '.')
		return false;
	t = take_name(&p);
	if (!t)
		return false;
	if (strcmp(d, "*") == 0)
		return true;
	if (!db)
		return false;
	if (strcmp(t, "*") == 0)
		return like(d, db);
	return table && strcmp(d, db) == 0 && strcmp(t, table) == 0;
}

/* Is it among "SELECT, INSERT (`a`), LOCK TABLES"? Not for columns alone. */
static bool lists(const char *p, const char *end, const char *privilege)
{
	size_t n = strlen(privilege);

	while (p < end) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		size_t len = (size_t)((comma ? comma : end) - p);

		if ((len == n && strncmp(p, privilege, n) == 0) ||
		    (len >= 3 && strncmp(p, "ALL", 3) == 0))
			return true;
		p = comma ? comma + 1 : end;
		p += p < end && *p == ' ';
	}
	return false;
}

bool grants_have(const struct grants *g, const char *privilege, const char *db,
		 const char *table)
{
	for (size_t i = 0; i < g->lines.n; i++) {
		const char *line = g->lines.v[i];
		const char *on = strstr(line, " ON ");

		if (on && bk_str_starts(line, "GRANT ") &&
		    lists(line + strlen("GRANT "), on, privilege) &&
		    covers(on, db, table))
			return true;
	}
	return false;
}

/* The database alone, where a grant would take a pattern. */
static char *plain_pattern(const char *db)
{
	struct bk_buf b = BK_BUF_INIT;

	for (; *db; db++) {
		if (strchr("_%\\", *db))
			bk_buf_addc(&b, '\\');
		bk_buf_addc(&b, *db);
	}
	return bk_buf_steal(&b);
}

/*
 * The statement that mends it; the user is the one whom the server knows, and
 * what says what "this user" lacks.
 */
static int missing(struct server *s, const char *privilege, const char *db,
		   const char *table, const char *what, struct bk_err *err)
{
	BK_AUTO_FREE char *user = NULL;
	BK_AUTO_BUF struct bk_buf on = BK_BUF_INIT, who = BK_BUF_INIT;
	char *at;

	if (server_value(s, "SELECT CURRENT_USER()", &user, err) < 0)
		return -1;
	at = user ? strrchr(user, '@') : NULL;
	if (at) {
		*at = '\0';
		value_add_text(&who, user);
		bk_buf_addc(&who, '@');
		value_add_text(&who, at + 1);
	}
	if (db && !table) {
		BK_AUTO_FREE char *pattern = plain_pattern(db);

		value_add_name(&on, pattern);
	} else if (db) {
		value_add_name(&on, db);
	} else {
		bk_buf_addc(&on, '*');
	}
	bk_buf_addc(&on, '.');
	if (table)
		value_add_name(&on, table);
	else
		bk_buf_addc(&on, '*');
	return bk_err_set(err, BK_EX_NOPERM, 0,
			  "this user %s; as an administrator: "
			  "GRANT %s ON %s TO %s;",
			  what, privilege, on.p, who.len ? who.p : "...");
}

static int want(struct server *s, const struct grants *g, const char *privilege,
		const char *db, const char *table, struct bk_err *err)
{
	BK_AUTO_FREE char *what = NULL;

	if (grants_have(g, privilege, db, table))
		return 0;
	what = bk_asprintf("does not see all of %s%s%s", db, table ? "." : "",
			   table ? table : "");
	return missing(s, privilege, db, table, what, err);
}

/* Up to 11.2 that takes reading the table of routines. */
static int want_routines(struct server *s, const struct grants *g,
			 const char *db, struct bk_err *err)
{
	BK_AUTO_FREE char *what =
		bk_asprintf("does not see the routines of %s", db);

	if (grants_have(g, "SELECT", "mysql", "proc") ||
	    (s->version >= 110300 &&
	     grants_have(g, "SHOW CREATE ROUTINE", db, NULL)))
		return 0;
	if (s->version >= 110300)
		return missing(s, "SHOW CREATE ROUTINE", db, NULL, what, err);
	return missing(s, "SELECT", "mysql", "proc", what, err);
}

static int check_database(struct server *s, const struct grants *g,
			  const struct database *db, struct bk_err *err)
{
	static const char *const all[] = { "SELECT", "SHOW VIEW", "TRIGGER",
					   "EVENT" };

	for (size_t i = 0; db->whole && i < BK_COUNT(all); i++)
		if (want(s, g, all[i], db->name, NULL, err) < 0)
			return -1;
	if (db->whole && want_routines(s, g, db->name, err) < 0)
		return -1;
	for (size_t i = 0; i < db->n; i++) {
		const struct object *o = &db->v[i];
		bool table = o->kind == OBJECT_TABLE;

		if (o->kind > OBJECT_VIEW)
			continue;
		if (!db->whole &&
		    (want(s, g, "SELECT", db->name, o->name, err) < 0 ||
		     (table &&
		      want(s, g, "TRIGGER", db->name, o->name, err) < 0) ||
		     (o->kind == OBJECT_VIEW &&
		      want(s, g, "SHOW VIEW", db->name, o->name, err) < 0)))
			return -1;
		if (table && o->rows && o->transactional &&
		    !grants_have(g, "PROCESS", NULL, NULL)) {
			BK_AUTO_FREE char *what = bk_asprintf(
				"does not see whether %s.%s is exchanged for "
				"another table while it is read",
				db->name, o->name);

			return missing(s, "PROCESS", NULL, NULL, what, err);
		}
		if (table && o->rows && !o->transactional &&
		    !grants_have(g, "LOCK TABLES", db->name, NULL)) {
			BK_AUTO_FREE char *what = bk_asprintf(
				"does not see %s.%s, a table without "
				"transactions, at one point in time",
				db->name, o->name);

			return missing(s, "LOCK TABLES", db->name, NULL, what,
				       err);
		}
	}
	return 0;
}

int grants_unseen(struct server *s, const char *db, const char *table,
		  struct bk_err *err)
{
	BK_AUTO(grants_free) struct grants g = GRANTS_INIT;
	BK_AUTO_FREE char *what =
		bk_asprintf("does not see whether there is %s%s%s", db,
			    table ? "." : "", table ? table : "");

	if (grants_read(s, &g, err) < 0)
		return -1;
	if (grants_have(&g, "SELECT", db, table) ||
	    (!table && grants_have(&g, "SHOW DATABASES", NULL, NULL)))
		return 0;
	return missing(s, "SELECT", db, table, what, err);
}

/* The first chosen one of the databases that InnoDB alone knows, or NULL. */
static int find_hidden(struct server *s, const struct selection *sel,
		       char **ret, struct bk_err *err)
{
	BK_AUTO_RESULT MYSQL_RES *r = server_query(
		s,
		"SELECT CONVERT(CONVERT(file USING filename) USING utf8mb4) "
		"FROM (SELECT DISTINCT CAST(SUBSTRING_INDEX(NAME, '/', 1) AS "
		"BINARY) file FROM information_schema.INNODB_SYS_TABLES WHERE "
		"NAME LIKE '%/%') t WHERE file NOT IN (SELECT "
		"CONVERT(CONVERT(SCHEMA_NAME USING filename) USING binary) "
		"FROM information_schema.SCHEMATA)",
		err);
	MYSQL_ROW row;

	*ret = NULL;
	/* Not for us, as all rows of InnoDB then; or there is no InnoDB. */
	if (!r)
		return err->exit == BK_EX_NOPERM ||
				       mysql_errno(s->m) == ER_UNKNOWN_TABLE
			       ? 0
			       : -1;
	while (!*ret && (row = mysql_fetch_row(r)))
		if (row[0] && selection_db(sel, row[0]))
			*ret = bk_strdup(row[0]);
	return 0;
}

/* The server leaves a database out of its list whose folder it cannot read. */
static int check_hidden(struct server *s, const struct selection *sel,
			struct bk_err *err)
{
	/* One that is just being made may be seen the second time. */
	for (int i = 0; i < 2; i++) {
		BK_AUTO_FREE char *name = NULL;

		if (find_hidden(s, sel, &name, err) < 0)
			return -1;
		if (!name)
			return 0;
		bk_err_set(
			err, BK_EX_NO, 0,
			"database '%s' has tables of InnoDB, and the server "
			"does not show it: its folder in the data directory "
			"is gone, or belongs to another user; 'exclude' goes "
			"without it",
			name);
	}
	return -1;
}

int grants_check(struct server *s, const struct dump_options *o,
		 const struct catalog *c, struct bk_err *err)
{
	BK_AUTO(grants_free) struct grants g = GRANTS_INIT;

	if (grants_read(s, &g, err) < 0)
		return -1;
	if (selection_wild(o->selection) &&
	    !grants_have(&g, "SELECT", NULL, NULL) &&
	    !grants_have(&g, "SHOW DATABASES", NULL, NULL))
		return missing(s, "SHOW DATABASES", NULL, NULL,
			       "does not see all databases that may be chosen",
			       err);
	if (selection_wild(o->selection) &&
	    check_hidden(s, o->selection, err) < 0)
		return -1;
	if (o->stage && o->connections > 1 &&
	    !grants_have(&g, "RELOAD", NULL, NULL))
		return missing(s, "RELOAD", NULL, NULL,
			       "is not allowed BACKUP STAGE", err);
	if (o->globals && !grants_have(&g, "SELECT", "mysql", NULL))
		return missing(s, "SELECT", "mysql", NULL,
			       "does not see users and grants (globals = no "
			       "goes without)",
			       err);
	for (size_t i = 0; i < c->n; i++)
		if (check_database(s, &g, &c->v[i], err) < 0)
			return -1;
	return 0;
}
