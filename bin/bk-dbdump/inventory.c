/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "inventory.h"

#include "mem.h"

void inventory_free(struct inventory *inv)
{
	for (size_t i = 0; i < inv->n; i++) {
		free(inv->items[i].db);
		free(inv->items[i].name);
		free(inv->items[i].of);
	}
	free(inv->items);
	*inv = INVENTORY_INIT;
}

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* What is asked for is most often what was found last, or follows it. */
static struct item *find(struct inventory *inv, const char *kind,
			 const char *db, const char *name)
{
	for (size_t i = 0; i < inv->n; i++) {
		size_t at = (inv->last + i) % inv->n;
		struct item *it = &inv->items[at];

		if (!same(it->name, name) || !same(it->db, db) ||
		    !same(it->kind, kind))
			continue;
		inv->last = at;
		return it;
	}
	return NULL;
}

static void add(struct inventory *inv, const struct place *p)
{
	const struct subject *s = &p->subject;

	if (inv->n == inv->cap) {
		inv->cap = inv->cap ? 2 * inv->cap : 64;
		inv->items =
			bk_realloc(inv->items, inv->cap, sizeof(*inv->items));
	}
	inv->last = inv->n;
	inv->items[inv->n++] = (struct item){
		.kind = s->word ? s->word : "database",
		.db = bk_strdup(p->db),
		.name = bk_strdup(s->name),
		.of = s->of ? bk_strdup(s->of) : NULL,
		.wanted = true,
	};
}

/*
 * More may be said of what was just created; a database is altered, and a
 * view has a stand-in long before it.
 */
static bool is_known(struct inventory *inv, const struct place *p)
{
	const char *word = p->subject.word;
	const struct item *it = inv->n ? &inv->items[inv->n - 1] : NULL;

	if (it && same(it->kind, word) && same(it->name, p->subject.name) &&
	    same(it->db, p->db))
		return true;
	return (!word || strcmp(word, "view") == 0) &&
	       find(inv, word ? word : "database", p->db, p->subject.name);
}

static int note(void *arg, const struct place *p, const struct statement *st,
		struct bk_err *err)
{
	struct inventory *inv = arg;
	const struct subject *s = &p->subject;

	(void)err;
	if (st->len > inv->largest)
		inv->largest = st->len;
	/* A function of no database is one of a library. */
	if (s->kind == SUBJECT_ACCOUNT || (s->kind == SUBJECT_OBJECT && !p->db))
		inv->globals = true;
	if (s->kind == SUBJECT_ROWS && p->db && s->name) {
		struct item *it = find(inv, "table", p->db, s->name);

		if (it)
			it->filled = true;
	}
	if ((s->kind == SUBJECT_OBJECT || s->kind == SUBJECT_DATABASE) &&
	    p->db && s->name && !is_known(inv, p))
		add(inv, p);
	return 0;
}

/* The manifest tells what is to be known of rows. */
static bool is_definition(void *arg, const struct manifest_file *f)
{
	(void)arg;
	return f->kind != MANIFEST_ROWS;
}

int inventory_read(const char *path, const struct manifest *m,
		   struct inventory *ret, struct bk_err *err)
{
	struct inventory inv = { .largest = m ? m->largest : 0 };
	struct walk w = { .path = path,
			  .manifest = m,
			  .enter = m ? is_definition : NULL,
			  .each = note,
			  .arg = &inv };

	if (walk_dump(&w, err) < 0) {
		inventory_free(&inv);
		return -1;
	}
	for (size_t i = 0; m && i < m->n; i++) {
		const struct manifest_file *f = &m->files[i];
		struct item *it =
			f->table ? find(&inv, "table", f->db, f->table) : NULL;

		if (!it)
			continue;
		it->counted = true;
		it->rows = f->rows;
	}
	*ret = inv;
	return 0;
}

/* Choosing. */

static bool has_db(const struct inventory *inv, const char *db)
{
	for (size_t i = 0; i < inv->n; i++)
		if (same(inv->items[i].db, db))
			return true;
	return false;
}

static size_t count_dbs(const struct inventory *inv)
{
	BK_AUTO_STRV struct bk_strv dbs = BK_STRV_INIT;

	inventory_dbs(inv, &dbs);
	return dbs.n;
}

bool inventory_tabular(const struct item *it)
{
	return strcmp(it->kind, "table") == 0 ||
	       strcmp(it->kind, "view") == 0 ||
	       strcmp(it->kind, "sequence") == 0;
}

static bool names_table(const char *typed, const struct item *it, bool one)
{
	size_t n = strlen(it->db);

	if (!inventory_tabular(it))
		return false;
	if (one && strcmp(typed, it->name) == 0)
		return true;
	return strncmp(typed, it->db, n) == 0 && typed[n] == '.' &&
	       strcmp(typed + n + 1, it->name) == 0;
}

static int choose_dbs(struct inventory *inv, const struct bk_strv *dbs,
		      struct bk_err *err)
{
	for (size_t i = 0; i < dbs->n; i++)
		if (!has_db(inv, dbs->v[i]))
			return bk_err_set(err, BK_EX_NOINPUT, 0,
					  "the dump has no database '%s'",
					  dbs->v[i]);
	for (size_t i = 0; i < inv->n; i++)
		inv->items[i].wanted =
			dbs->n == 0 || bk_strv_has(dbs, inv->items[i].db);
	return 0;
}

static int choose_tables(struct inventory *inv, const struct bk_strv *tables,
			 struct bk_err *err)
{
	bool one = count_dbs(inv) == 1;
	BK_AUTO_FREE bool *found = bk_calloc(tables->n, sizeof(*found));

	for (size_t i = 0; i < inv->n; i++) {
		struct item *it = &inv->items[i];
		bool chosen = false;

		for (size_t k = 0; it->wanted && k < tables->n; k++) {
			if (!names_table(tables->v[k], it, one))
				continue;
			chosen = found[k] = true;
		}
		it->wanted = chosen;
	}
	for (size_t k = 0; k < tables->n; k++)
		if (!found[k])
			return bk_err_set(err, BK_EX_NOINPUT, 0,
					  "the dump has no table '%s'%s",
					  tables->v[k],
					  one ? ""
					      : "; write DB.TABLE, or name "
						"the database with --db");
	/* What belongs to a table comes with it. */
	for (size_t i = 0; i < inv->n; i++) {
		struct item *it = &inv->items[i];
		const struct item *t =
			it->of ? find(inv, "table", it->db, it->of) : NULL;

		it->wanted = it->wanted || (t && t->wanted);
	}
	return 0;
}

int inventory_choose(struct inventory *inv, const struct wanted *w,
		     struct bk_err *err)
{
	if (w->globals && !inv->globals)
		return bk_err_set(err, BK_EX_NOINPUT, 0,
				  "the dump has no users and grants");
	inv->globals = w->globals;
	if (choose_dbs(inv, w->dbs, err) < 0)
		return -1;
	return w->tables->n ? choose_tables(inv, w->tables, err) : 0;
}

struct item *inventory_label(const struct inventory *inv, const char *into,
			     const char *label)
{
	for (size_t i = 0; i < inv->n; i++) {
		struct item *it = &inv->items[i];
		const char *db = into ? into : it->db;
		size_t n = strlen(db);

		if (it->wanted && inventory_tabular(it) &&
		    strncmp(label, db, n) == 0 && label[n] == '.' &&
		    strcmp(label + n + 1, it->name) == 0)
			return it;
	}
	return NULL;
}

void inventory_spare(struct inventory *inv, struct item *it)
{
	it->wanted = false;
	for (size_t i = 0; i < inv->n; i++) {
		struct item *other = &inv->items[i];

		if (same(other->of, it->name) && same(other->db, it->db))
			other->wanted = false;
	}
}

void inventory_dbs(const struct inventory *inv, struct bk_strv *ret)
{
	for (size_t i = 0; i < inv->n; i++) {
		const struct item *it = &inv->items[i];

		if (it->wanted && !bk_strv_has(ret, it->db))
			bk_strv_add(ret, it->db);
	}
}

bool inventory_wants_db(const struct inventory *inv, const char *db)
{
	for (size_t i = 0; i < inv->n; i++)
		if (inv->items[i].wanted && same(inv->items[i].db, db))
			return true;
	return false;
}

bool inventory_wants_table(struct inventory *inv, const char *db,
			   const char *table)
{
	const struct item *it = find(inv, "table", db, table);

	return it && it->wanted;
}

/* Settings, and the database itself, serve whatever is wanted of it. */
bool inventory_wants(struct inventory *inv, const struct place *p)
{
	const struct subject *s = &p->subject;
	const struct item *it = NULL;

	if (!p->db && s->kind == SUBJECT_OBJECT)
		return inv->globals;
	switch (s->kind) {
	case SUBJECT_ACCOUNT:
		return inv->globals;
	case SUBJECT_OBJECT:
		it = find(inv, s->word, p->db, s->name);
		return it && it->wanted;
	case SUBJECT_ROWS:
		return inventory_wants_table(inv, p->db, s->name);
	default:
		return !p->db || inventory_wants_db(inv, p->db);
	}
}
