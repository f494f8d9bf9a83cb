/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "globals.h"

#include <mysqld_error.h>

#include "text.h"
#include "value.h"

struct account {
	char *quoted; /* `user`@`host`, or `role` */
	bool role;
};
struct accounts {
	struct account *v;
	size_t n;
};

static void accounts_free(struct accounts *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->v[i].quoted);
	free(a->v);
}

static int list(struct server *s, struct accounts *ret, struct bk_err *err)
{
	/* mariadb.sys is part of the server; PUBLIC is everywhere. */
	BK_AUTO_RESULT MYSQL_RES *r = server_query(
		s,
		"SELECT User, Host, is_role FROM mysql.user WHERE User NOT IN "
		"('mariadb.sys', 'PUBLIC') ORDER BY is_role DESC, BINARY User, "
		"BINARY Host",
		err);
	MYSQL_ROW row;

	if (!r)
		return -1;
	ret->v = bk_calloc(mysql_num_rows(r) + 1, sizeof(*ret->v));
	while ((row = mysql_fetch_row(r))) {
		struct bk_buf b = BK_BUF_INIT;
		bool role = row[2][0] == 'Y';

		value_add_name(&b, row[0]);
		if (!role) {
			bk_buf_addc(&b, '@');
			value_add_name(&b, row[1]);
		}
		ret->v[ret->n++] = (struct account){ bk_buf_steal(&b), role };
	}
	return 0;
}

static int add_account(struct server *s, const struct account *a,
		       struct bk_buf *b, struct bk_err *err)
{
	static const char create[] = "CREATE USER ";
	BK_AUTO_RESULT MYSQL_RES *r = NULL;
	MYSQL_ROW row;

	if (a->role) {
		bk_buf_addf(b, "CREATE ROLE IF NOT EXISTS %s;\n", a->quoted);
		return 0;
	}
	r = server_queryf(s, err, "SHOW CREATE USER %s", a->quoted);
	row = r ? mysql_fetch_row(r) : NULL;
	if (!row || !bk_str_starts(row[0], create))
		return r ? bk_err_set(err, BK_EX_NO, 0,
				      "the server does not show user %s",
				      a->quoted)
			 : -1;
	bk_buf_addf(b, "CREATE USER IF NOT EXISTS %s;\n",
		    row[0] + strlen(create));
	return 0;
}

/* Behind the quoted name that p starts with. */
static const char *skip_name(const char *p)
{
	char q = *p;

	if (q != '`' && q != '\'')
		return p + strcspn(p, " @,.");
	for (p++; *p; p++)
		if (*p == q && *++p != q)
			break;
	return p;
}

/*
 * GRANT ... TO who IDENTIFIED ... WITH GRANT OPTION: what follows who was said
 * when the user was made; said again, it would change one that is there.
 */
static void add_grant(const char *line, const char *to, struct bk_buf *b)
{
	const char *p = skip_name(to);
	static const char *const options[] = { " WITH GRANT OPTION",
					       " WITH ADMIN OPTION" };

	if (*p == '@')
		p = skip_name(p + 1);
	bk_buf_add(b, line, (size_t)(p - line));
	for (size_t i = 0; i < BK_COUNT(options); i++)
		if (bk_str_ends(p, options[i]))
			bk_buf_adds(b, options[i]);
	bk_buf_adds(b, ";\n");
}

/* What a grant is on: the kind, or OBJECT_TABLE; moves *p behind the word. */
static enum object_kind kind_of(const char **p)
{
	static const struct {
		const char *word;
		enum object_kind kind;
	} kinds[] = { { "PACKAGE BODY ", OBJECT_PACKAGE_BODY },
		      { "PACKAGE ", OBJECT_PACKAGE },
		      { "FUNCTION ", OBJECT_FUNCTION },
		      { "PROCEDURE ", OBJECT_PROCEDURE } };

	for (size_t i = 0; i < BK_COUNT(kinds); i++) {
		if (!bk_str_starts(*p, kinds[i].word))
			continue;
		*p += strlen(kinds[i].word);
		return kinds[i].kind;
	}
	return OBJECT_TABLE;
}

static char *unquoted(const char *start, const char *end)
{
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "");
	for (const char *p = start + 1; p < end - 1; p++) {
		p += *p == '`';
		bk_buf_addc(&b, *p);
	}
	return bk_buf_steal(&b);
}

/* Is that there which "`db`.`name`" means? */
static bool is_there(const struct catalog *c, const char *p,
		     enum object_kind kind)
{
	const char *dot = skip_name(p), *end;
	BK_AUTO_FREE char *db = NULL, *name = NULL;

	if (*p != '`' || dot[0] != '.' || dot[1] != '`')
		return true; /* *.*, or a whole database */
	end = skip_name(dot + 1);
	db = unquoted(p, dot);
	name = unquoted(dot + 1, end);
	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(c->v[i].name, db) != 0)
			continue;
		return catalog_find(&c->v[i], kind, name) ||
		       (kind == OBJECT_TABLE &&
			(catalog_find(&c->v[i], OBJECT_VIEW, name) ||
			 catalog_find(&c->v[i], OBJECT_SEQUENCE, name)));
	}
	return false;
}

/* Outside of quotes. */
static const char *find(const char *p, const char *word)
{
	for (; *p; p++) {
		if (*p == '`' || *p == '\'') {
			p = skip_name(p) - 1;
			continue;
		}
		if (bk_str_starts(p, word))
			return p;
	}
	return NULL;
}

static bool is_to(const char *to, const char *quoted)
{
	size_t n = strlen(quoted);

	return bk_str_starts(to, quoted) && (to[n] == '\0' || to[n] == ' ');
}

/*
 * Roles are shown with what the roles have that they were granted. The right
 * of root to stand for others is there from the start, and spelt otherwise.
 */
static bool is_own(const char *line, const char *to, const char *quoted)
{
	static const char proxy[] = "GRANT PROXY ON ``@`%` TO `root`@";

	return is_to(to, quoted) && !bk_str_starts(line, proxy);
}

static void add_object_grant(const struct catalog *c, const char *line,
			     const char *on, const char *to, struct bk_buf *b)
{
	enum object_kind kind = kind_of(&on);
	bool oracle = kind == OBJECT_PACKAGE || kind == OBJECT_PACKAGE_BODY;

	if (!is_there(c, on, kind)) {
		BK_AUTO_FREE char *text =
			bk_asprintf("not in this dump: %s", line);

		text_add_comment(b, text);
		return;
	}
	/* Other modes do not know the word. */
	if (oracle)
		bk_buf_adds(b, "SET sql_mode = 'ORACLE';\n");
	add_grant(line, to, b);
	if (oracle)
		text_add_session(b);
}

static void add_line(const struct catalog *c, const char *line,
		     const char *quoted, struct bk_buf *b)
{
	const char *on = find(line, " ON "), *to = find(line, " TO ");

	if (!bk_str_starts(line, "GRANT ") || !to) {
		bk_buf_addf(b, "%s;\n", line);
		return;
	}
	to += strlen(" TO ");
	if (!is_own(line, to, quoted))
		return;
	if (on && on < to)
		add_object_grant(c, line, on + strlen(" ON "), to, b);
	else
		add_grant(line, to, b);
}

static int add_grants(struct server *s, const struct catalog *c,
		      const char *quoted, struct bk_buf *b, struct bk_err *err)
{
	BK_AUTO_RESULT MYSQL_RES *r =
		server_queryf(s, err, "SHOW GRANTS FOR %s", quoted);
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;
	MYSQL_ROW row;

	if (!r)
		return -1;
	while ((row = mysql_fetch_row(r)))
		bk_strv_add(&lines, row[0]);
	/* The server's own order is that of its memory. */
	bk_strv_sort(&lines);
	for (size_t i = 0; i < lines.n; i++)
		if (i == 0 || strcmp(lines.v[i - 1], lines.v[i]) != 0)
			add_line(c, lines.v[i], quoted, b);
	return 0;
}

int globals_add(struct server *s, const struct catalog *c, struct bk_buf *b,
		struct bk_err *err)
{
	BK_AUTO(accounts_free) struct accounts a = { NULL, 0 };

	text_add_session(b);
	if (list(s, &a, err) < 0)
		return -1;
	for (size_t i = 0; i < a.n; i++)
		if (add_account(s, &a.v[i], b, err) < 0)
			return -1;
	for (size_t i = 0; i < a.n; i++)
		if (add_grants(s, c, a.v[i].quoted, b, err) < 0)
			return -1;
	/* Since 10.11; before, there is no such role. */
	if (add_grants(s, c, "PUBLIC", b, err) < 0 && s->version >= 101100 &&
	    err->exit != BK_EX_NO)
		return -1;
	return 0;
}
