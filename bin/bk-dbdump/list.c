/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bk-dbdump list: what would be dumped, and what is to be known about it. */
#include <inttypes.h>
#include <stdio.h>

#include "catalog.h"
#include "dbdump.h"
#include "log.h"
#include "oversize.h"

static int find_warnings(struct server *s, const struct object *o,
			 struct bk_strv *ret, struct bk_err *err)
{
	if (o->broken)
		bk_strv_addf(ret, "broken: %s", o->broken);
	if (o->kind != OBJECT_TABLE || o->broken)
		return 0;
	if (o->remote)
		bk_strv_add(ret, "rows are elsewhere");
	if (!o->rows)
		return 0;
	if (!o->transactional)
		bk_strv_add(ret, "not transactional: locked while dumped");
	if (!*o->table.order)
		bk_strv_add(ret, "no primary key: deduplicates badly");
	return oversize_find(s, o, ret, err);
}

static void print_text(struct dbdump *d, const struct object *o,
		       const struct bk_strv *warnings)
{
	BK_AUTO_BUF struct bk_buf notes = BK_BUF_INIT;
	char rows[32] = "", bytes[32] = "";

	if (o->kind == OBJECT_TABLE) {
		(void)snprintf(rows, sizeof(rows), "%" PRIu64,
			       o->estimated_rows);
		(void)snprintf(bytes, sizeof(bytes), "%" PRIu64,
			       o->estimated_bytes);
		if (!o->rows && !o->remote && !o->broken)
			bk_buf_adds(&notes, "schema only");
	}
	for (size_t i = 0; i < warnings->n; i++)
		bk_buf_addf(&notes, "%s%s", notes.len ? "; " : "",
			    warnings->v[i]);
	bk_rec_text(&d->out, o->db->name, o->name, object_word(o->kind),
		    o->engine ? o->engine : "", rows, bytes,
		    notes.p ? notes.p : "", NULL);
}

static void print_json(struct dbdump *d, const struct target *t,
		       const struct object *o, const struct bk_strv *warnings)
{
	json_t *r = json_object(), *list = json_array();

	bk_rec_set_str(r, "server", t->name);
	bk_rec_set_path(r, "db", o->db->name);
	bk_rec_set_path(r, "name", o->name);
	bk_rec_set_str(r, "kind", object_word(o->kind));
	if (o->kind == OBJECT_TABLE) {
		if (o->engine)
			bk_rec_set_str(r, "engine", o->engine);
		bk_rec_set_int(r, "rows", (int64_t)o->estimated_rows);
		bk_rec_set_int(r, "bytes", (int64_t)o->estimated_bytes);
		bk_rec_set_bool(r, "schema_only", !o->rows);
	}
	for (size_t i = 0; i < warnings->n; i++) {
		BK_AUTO_FREE char *s =
			bk_str_to_utf8(warnings->v[i], strlen(warnings->v[i]));

		(void)json_array_append_new(list, json_string(s));
	}
	(void)json_object_set_new(r, "warnings", list);
	bk_rec_json(&d->out, "object", r);
}

static int list_object(struct dbdump *d, const struct target *t,
		       struct server *s, const struct object *o,
		       struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv warnings = BK_STRV_INIT;

	if (find_warnings(s, o, &warnings, err) < 0)
		return -1;
	if (d->out.mode == BK_REC_JSON)
		print_json(d, t, o, &warnings);
	else
		print_text(d, o, &warnings);
	return 0;
}

static int list_server(struct dbdump *d, const struct target *t,
		       struct bk_err *err)
{
	BK_AUTO_SERVER struct server s = SERVER_INIT;
	BK_AUTO(catalog_free) struct catalog c = CATALOG_INIT;
	int got;

	if (selection_check(&t->selection, err) < 0 ||
	    server_connect(&t->options.login, &s, err) < 0 ||
	    catalog_list(&s, &t->selection, &c, err) < 0)
		return -1;
	got = catalog_define(&s, &c, err);
	if (got == CATALOG_MOVED)
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "definitions were changed while they were "
				  "read");
	for (size_t i = 0; i < c.warnings.n; i++)
		bk_warning("%s", c.warnings.v[i]);
	for (size_t i = 0; i < c.n && got == 0; i++) {
		for (size_t k = 0; k < c.v[i].n && got == 0; k++)
			got = list_object(d, t, &s, &c.v[i].v[k], err);
	}
	return got;
}

static int list_target(struct dbdump *d, struct target *t, int got,
		       struct bk_err *err)
{
	if (got == 0)
		got = list_server(d, t, err);
	target_free(t);
	if (got == 0)
		return BK_EX_OK;
	if (*t->name)
		bk_error("%s: %s", t->name, err->msg);
	else
		bk_error("%s", err->msg);
	return err->exit;
}

/* All agree, or some ended well and some did not, or the first bad one. */
static int join(int all, int status)
{
	if (all < 0 || all == status)
		return status;
	return all == BK_EX_OK || status == BK_EX_OK ? BK_EX_PARTIAL : all;
}

static int list_section(struct dbdump *d, const struct bk_conf_section *s)
{
	struct bk_err err = { .exit = BK_EX_SOFTWARE };
	struct target t;
	int got = target_section(d, s, &t, &err);

	return list_target(d, &t, got, &err);
}

int cmd_list(struct dbdump *d, char **args)
{
	const struct bk_conf_section *s = NULL;
	int all = -1;

	if (d->direct && !*args)
		return list_section(d, NULL);
	for (char **p = args; *p; p++) {
		if (bk_conf_find(d->conf, "mariadb", *p))
			continue;
		bk_error("there is no [mariadb %s] in the configuration", *p);
		return BK_EX_NOINPUT;
	}
	for (char **p = args; *p; p++)
		all = join(all, list_section(d, bk_conf_find(d->conf, "mariadb",
							     *p)));
	while (!*args && (s = bk_conf_next(d->conf, "mariadb", s)))
		all = join(all, list_section(d, s));
	if (all >= 0)
		return all;
	bk_error("the configuration has no [mariadb NAME]");
	return BK_EX_CONFIG;
}
