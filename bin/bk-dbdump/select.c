/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "select.h"

#include "glob.h"

void selection_free(struct selection *s)
{
	bk_strv_free(&s->include);
	bk_strv_free(&s->exclude);
	bk_strv_free(&s->schema_only);
}

static int check(const struct bk_strv *l, struct bk_err *err)
{
	for (size_t i = 0; i < l->n; i++) {
		size_t n = strlen(l->v[i]), dot = glob_dot(l->v[i], n);

		if (dot == 0 || dot + 1 == n ||
		    (dot < n &&
		     dot + 1 + glob_dot(l->v[i] + dot + 1, n - dot - 1) < n))
			return bk_err_set(err, BK_EX_USAGE, 0,
					  "'%s' is neither a database nor a "
					  "database, '.' and a table",
					  l->v[i]);
	}
	return 0;
}

int selection_check(const struct selection *s, struct bk_err *err)
{
	if (check(&s->include, err) < 0 || check(&s->exclude, err) < 0)
		return -1;
	return check(&s->schema_only, err);
}

bool pattern_has_table(const char *pattern)
{
	return pattern[glob_dot(pattern, strlen(pattern))] != '\0';
}

bool pattern_literal(const char *pattern)
{
	return glob_literal(pattern, strlen(pattern));
}

bool pattern_literal_db(const char *pattern)
{
	return glob_literal(pattern, glob_dot(pattern, strlen(pattern)));
}

static char *unescaped(const char *p, size_t n)
{
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "");
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\\' && i + 1 < n)
			i++;
		bk_buf_addc(&b, p[i]);
	}
	return bk_buf_steal(&b);
}

void pattern_split(const char *pattern, char **db, char **table)
{
	size_t n = strlen(pattern), dot = glob_dot(pattern, n);

	*db = unescaped(pattern, dot);
	*table = dot < n ? unescaped(pattern + dot + 1, n - dot - 1) : NULL;
}

bool pattern_takes(const char *pattern, const char *db, const char *table,
		   bool fold)
{
	size_t n = strlen(pattern), dot = glob_dot(pattern, n);

	if (!glob_match(pattern, dot, db, fold) || (dot < n) != (table != NULL))
		return false;
	return !table ||
	       glob_match(pattern + dot + 1, n - dot - 1, table, fold);
}

/* Is the database as a whole, or the table by its own name, in the list? */
static bool listed(const struct bk_strv *l, const char *db, const char *table,
		   bool fold)
{
	for (size_t i = 0; i < l->n; i++)
		if (pattern_takes(l->v[i], db, NULL, fold) ||
		    (table && pattern_takes(l->v[i], db, table, fold)))
			return true;
	return false;
}

bool selection_whole(const struct selection *s, const char *db)
{
	/* "db.*" is as good as "db" */
	return (s->include.n == 0 || listed(&s->include, db, "*", s->fold)) &&
	       !listed(&s->exclude, db, NULL, s->fold);
}

bool selection_db(const struct selection *s, const char *db)
{
	if (listed(&s->exclude, db, NULL, s->fold))
		return false;
	for (size_t i = 0; i < s->include.n; i++) {
		const char *p = s->include.v[i];

		if (glob_match(p, glob_dot(p, strlen(p)), db, s->fold))
			return true;
	}
	return s->include.n == 0;
}

enum selected selection_table(const struct selection *s, const char *db,
			      const char *table)
{
	if ((s->include.n > 0 && !listed(&s->include, db, table, s->fold)) ||
	    listed(&s->exclude, db, table, s->fold))
		return SELECTED_NO;
	return listed(&s->schema_only, db, table, s->fold) ? SELECTED_SCHEMA
							   : SELECTED_ALL;
}

bool selection_wild(const struct selection *s)
{
	for (size_t i = 0; i < s->include.n; i++)
		if (!pattern_literal_db(s->include.v[i]))
			return true;
	return s->include.n == 0;
}
