/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-dbdump backup: a dump of each server, as one snapshot of restic.
 *
 * A folder is dumped into the spool, read back, and stored by bk-restic; or
 * the stream goes to bk-restic as it is made, which stores it only whole.
 */
#include <stdio.h>

#include "dbdump.h"
#include "log.h"
#include "proof.h"
#include "server.h"
#include "sig.h"
#include "spool.h"
#include "state.h"
#include "store.h"
#include "time.h"

struct job {
	struct dbdump *d;
	const struct bk_conf_section *section;
	struct target target;
	struct dump_result result;
	struct stored stored;
	char *name; /* "mariadb local" */
	int64_t start;
};

static bool is_stream(const struct job *j)
{
	return strcmp(bk_conf_str(j->section, "layout", "spool"), "stream") ==
	       0;
}

/* Room: what the last dump took, else what the tables have. */

static int64_t last_bytes(const struct job *j)
{
	BK_AUTO_JSON json_t *state = bk_state_read("bk-dbdump", j->name, NULL);

	return bk_rec_int(json_object_get(state, "counts"), "bytes", 0);
}

/* Of the rows that are chosen, before they become text. */
static int data_bytes(const struct job *j, uint64_t *ret, struct bk_err *err)
{
	BK_AUTO_SERVER struct server s = SERVER_INIT;
	BK_AUTO_RESULT MYSQL_RES *rows = NULL;
	MYSQL_ROW row;

	if (server_connect(&j->target.options.login, &s, err) < 0)
		return -1;
	rows = server_query(&s,
			    "SELECT TABLE_SCHEMA, TABLE_NAME, DATA_LENGTH"
			    " FROM information_schema.TABLES"
			    " WHERE DATA_LENGTH > 0 AND TABLE_SCHEMA NOT IN"
			    " ('information_schema', 'performance_schema',"
			    " 'mysql', 'sys')",
			    err);
	if (!rows)
		return -1;
	while ((row = mysql_fetch_row(rows))) {
		uint64_t n;

		if (selection_table(&j->target.selection, row[0], row[1]) ==
			    SELECTED_ALL &&
		    row[2] && bk_parse_u64(row[2], 0, INT64_MAX, &n) == 0)
			*ret += n;
	}
	return 0;
}

static int check_room(const struct job *j, const struct spool *spool,
		      struct bk_err *err)
{
	uint64_t data = 0, last = (uint64_t)last_bytes(j);

	if (data_bytes(j, &data, err) < 0)
		return -1;
	/* As text it is a little longer, and bytes are twice as long. */
	return spool_room(spool, last > 0 ? last + last / 10 : data + data / 4,
			  err);
}

static int by_spool(struct job *j, struct bk_err *err)
{
	BK_AUTO_SPOOL struct spool spool = SPOOL_INIT;
	BK_AUTO_FREE char *folder = NULL;
	struct manifest manifest = MANIFEST_INIT;
	int got;

	if (spool_open(j->section, false, &spool, err) < 0 ||
	    check_room(j, &spool, err) < 0)
		return -1;
	folder = bk_asprintf("%s/dump", spool.dir);
	if (dump_folder(&j->target.options, folder, &j->result, err) < 0)
		return -1;
	got = proof_folder(folder, &manifest, err);
	manifest_free(&manifest);
	if (got < 0)
		return -1;
	return store_folder(j->d, j->section->name, folder, &j->stored, err);
}

static int say_only(struct job *j, struct bk_err *err)
{
	BK_AUTO_FREE char *dir = spool_path(j->section, false, err);
	BK_AUTO_FREE char *folder = NULL;
	uint64_t data = 0;

	if (!dir || data_bytes(j, &data, err) < 0)
		return -1;
	folder = bk_asprintf("%s/dump", dir);
	store_say(j->d, j->section->name, is_stream(j) ? NULL : folder);
	return 0;
}

/* What came of it. */

static char *message_of(const struct job *j)
{
	const struct dump_result *r = &j->result;
	struct bk_buf b = BK_BUF_INIT;

	if (r->broken > 0)
		bk_buf_addf(&b, "%llu broken object%s saved as text; ",
			    (unsigned long long)r->broken,
			    r->broken == 1 ? "" : "s");
	if (j->stored.partial)
		bk_buf_addf(&b, "bk-restic: %s; ", j->stored.partial);
	bk_str_add_count(&b, r->rows);
	bk_buf_addf(&b, " row%s, %llu object%s in %llu database%s, ",
		    r->rows == 1 ? "" : "s", (unsigned long long)r->objects,
		    r->objects == 1 ? "" : "s",
		    (unsigned long long)r->databases,
		    r->databases == 1 ? "" : "s");
	bk_str_add_size(&b, r->bytes);
	bk_buf_adds(&b, ", ");
	bk_str_add_size(&b, (uint64_t)j->stored.added);
	bk_buf_adds(&b, " added");
	return bk_buf_steal(&b);
}

static json_t *counts_of(const struct dump_result *r)
{
	json_t *o = json_object();

	bk_rec_set_int(o, "databases", (int64_t)r->databases);
	bk_rec_set_int(o, "objects", (int64_t)r->objects);
	bk_rec_set_int(o, "rows", (int64_t)r->rows);
	bk_rec_set_int(o, "bytes", (int64_t)r->bytes);
	bk_rec_set_int(o, "broken", (int64_t)r->broken);
	return o;
}

static json_t *extra_of(const struct job *j)
{
	const struct dump_result *r = &j->result;
	json_t *o = json_object();

	bk_rec_set_str(o, "snapshot", j->stored.snapshot);
	bk_rec_set_int(o, "bytes_added", j->stored.added);
	bk_rec_set_time(o, "time", r->start);
	bk_rec_set_int(o, "held_seconds", (int64_t)(r->held_ms / 1000));
	if (r->version)
		bk_rec_set_str(o, "version", r->version);
	if (r->position)
		(void)json_object_set(o, "position", r->position);
	return o;
}

static void write_state(const struct job *j, int exit, const char *message,
			json_t *counts, json_t *extra)
{
	struct bk_err err;

	if (j->d->cli.dry_run)
		return;
	if (bk_state_write("bk-dbdump", j->name, j->d->conf->host, j->start,
			   exit, message, counts, extra, &err) < 0)
		bk_warning("the state of '%s' is not recorded: %s", j->name,
			   err.msg);
}

static int fail(const struct job *j, const struct bk_err *err)
{
	bk_error("%s: %s", j->name, err->msg);
	write_state(j, err->exit, err->msg, NULL, NULL);
	return err->exit;
}

static void print(const struct job *j, const char *result, const char *message,
		  const json_t *counts, const json_t *extra)
{
	BK_AUTO_FREE char *id =
		bk_memdup(j->stored.snapshot, strnlen(j->stored.snapshot, 8));
	json_t *o;

	if (j->d->out.mode != BK_REC_JSON) {
		bk_rec_text(&j->d->out, j->section->name, result, id, message,
			    NULL);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "server", j->section->name);
	bk_rec_set_str(o, "result", result);
	bk_rec_set_str(o, "message", message);
	(void)json_object_update(o, (json_t *)(uintptr_t)counts);
	(void)json_object_update(o, (json_t *)(uintptr_t)extra);
	bk_rec_json(&j->d->out, "backup", o);
}

static int report(const struct job *j)
{
	BK_AUTO_FREE char *message = message_of(j);
	BK_AUTO_JSON json_t *counts = counts_of(&j->result);
	BK_AUTO_JSON json_t *extra = extra_of(j);
	bool good = j->result.broken == 0 && !j->stored.partial;
	int exit = good ? BK_EX_OK : BK_EX_PARTIAL;

	for (size_t i = 0; i < j->result.warnings.n; i++)
		bk_info("%s: %s", j->name, j->result.warnings.v[i]);
	write_state(j, exit, message, counts, extra);
	print(j, good ? "ok" : "partial", message, counts, extra);
	return exit;
}

static int run_job(struct job *j, struct bk_err *err)
{
	if (!bk_conf_str(j->section, "repo", NULL))
		return bk_err_set(err, BK_EX_CONFIG, 0,
				  "[mariadb %s] has no repo to be stored in",
				  j->section->name);
	if (target_section(j->d, j->section, &j->target, err) < 0)
		return -1;
	if (j->d->cli.dry_run)
		return say_only(j, err);
	if (!is_stream(j))
		return by_spool(j, err);
	return store_stream(j->d, j->section->name, &j->target.options,
			    &j->result, &j->stored, err);
}

static int backup_server(struct dbdump *d, const struct bk_conf_section *s)
{
	struct job j = { .d = d, .section = s, .start = bk_time_now() };
	struct bk_err err;
	int exit = BK_EX_OK;

	if (bk_sig_pending())
		return 128 + bk_sig_pending();
	j.name = bk_asprintf("mariadb %s", s->name);
	if (run_job(&j, &err) < 0)
		exit = fail(&j, &err);
	else if (!d->cli.dry_run)
		exit = report(&j);
	target_free(&j.target);
	dump_result_free(&j.result);
	stored_free(&j.stored);
	free(j.name);
	return exit;
}

/* The status itself where all agree, 3 where some are well, else the first. */
static int join_status(int all, int status)
{
	if (all < 0 || all == status)
		return status;
	if (all == BK_EX_OK || status == BK_EX_OK || all == BK_EX_PARTIAL)
		return BK_EX_PARTIAL;
	return all;
}

static int check_names(const struct dbdump *d, char **args)
{
	for (; *args; args++) {
		if (bk_conf_find(d->conf, "mariadb", *args))
			continue;
		bk_error("there is no [mariadb %s] in the configuration",
			 *args);
		return -1;
	}
	return 0;
}

static void want_password(struct dbdump *d, const struct bk_conf_section *s)
{
	if (bk_conf_value(s, "password", NULL))
		bk_resolve_want(&d->secrets, s, "password");
}

int cmd_backup(struct dbdump *d, char **args)
{
	const struct bk_conf_section *s = NULL;
	int all = -1;

	if (check_names(d, args) < 0)
		return BK_EX_NOINPUT;
	if (d->accept && (!args[0] || args[1]))
		return bk_cli_usage("--accept wants the name of one server");
	for (char **name = args; *name; name++)
		want_password(d, bk_conf_find(d->conf, "mariadb", *name));
	while (!args[0] && (s = bk_conf_next(d->conf, "mariadb", s)))
		want_password(d, s);
	for (char **name = args; *name; name++)
		all = join_status(all, backup_server(d, bk_conf_find(d->conf,
								     "mariadb",
								     *name)));
	while (!args[0] && (s = bk_conf_next(d->conf, "mariadb", s)))
		if (bk_conf_str(s, "repo", NULL))
			all = join_status(all, backup_server(d, s));
	if (all >= 0)
		return all;
	bk_error("the configuration has no [mariadb NAME] with a repo");
	return BK_EX_CONFIG;
}
