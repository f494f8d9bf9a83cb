/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-dbdump restore: a dump, from restic or from a file or folder, goes back
 * into a server.
 *
 * Before the first statement is sent the dump is proved to be whole, and what
 * is there on the server is looked at: no database that exists is touched,
 * unless that was asked for. After the last one rows are counted.
 */
#include <stdio.h>
#include <unistd.h>

#include "catalog.h"
#include "dbdump.h"
#include "load.h"
#include "log.h"
#include "sig.h"
#include "source.h"
#include "time.h"

struct job {
	struct dbdump *d;
	const struct bk_conf_section *section; /* or NULL */
	struct login login;
	struct server server;
	struct source source;
	struct inventory inventory;
	struct bk_strv dbs;   /* those of the dump that are wanted */
	struct bk_strv there; /* that exist on the server, and hold something */
	struct bk_strv tables; /* that exist on the server */
	struct load_result result;
};

/* What will be done. */

static void add_number(struct bk_buf *b, uint64_t n, const char *one,
		       const char *more)
{
	if (n == 0)
		return;
	bk_buf_adds(b, b->len ? ", " : "");
	bk_str_add_count(b, n);
	bk_buf_addf(b, " %s", n == 1 ? one : more);
}

struct tally {
	uint64_t tables, rows, views, others;
	bool counted; /* rows is known */
};

static struct tally tally_of(const struct inventory *inv, const char *db)
{
	struct tally t = { 0 };

	for (size_t i = 0; i < inv->n; i++) {
		const struct item *it = &inv->items[i];

		if (!it->wanted || strcmp(it->db, db) != 0)
			continue;
		if (strcmp(it->kind, "table") == 0) {
			t.tables++;
			t.rows += it->rows;
			t.counted = t.counted || it->counted;
		} else if (strcmp(it->kind, "view") == 0) {
			t.views++;
		} else if (strcmp(it->kind, "database") != 0) {
			t.others++;
		}
	}
	return t;
}

static char *describe(const struct tally *t)
{
	struct bk_buf b = BK_BUF_INIT;

	add_number(&b, t->tables, "table", "tables");
	if (t->counted)
		add_number(&b, t->rows, "row", "rows");
	add_number(&b, t->views, "view", "views");
	add_number(&b, t->others, "other object", "other objects");
	if (b.len == 0)
		bk_buf_adds(&b, "empty");
	return bk_buf_steal(&b);
}

/* Of what could not be dumped the text alone is there, in a comment. */
static void say_broken(const struct job *j)
{
	uint64_t n = j->source.folder ? j->source.whole.broken
				      : j->source.proof.broken;

	if (n > 0)
		bk_warning("%llu object%s of the dump %s broken when it was "
			   "made: only the text is kept, in lines that begin "
			   "with '-- broken', and is not restored",
			   (unsigned long long)n, n == 1 ? "" : "s",
			   n == 1 ? "was" : "were");
}

static void say_source(const struct job *j)
{
	const struct snapshot *s = &j->source.snapshot;
	BK_AUTO_BUF struct bk_buf when = BK_BUF_INIT, age = BK_BUF_INIT;
	int64_t ago = bk_time_now() - s->time;

	if (!s->id) {
		bk_notice("the dump in %s is whole", j->source.path);
		return;
	}
	bk_time_add_local(&when, s->time);
	bk_str_add_duration(&age, ago > 0 ? (uint64_t)ago : 0);
	bk_notice("snapshot %.8s of mariadb:%s, host %s, %s (%s ago), is whole",
		  s->id, j->section->name, s->host, when.p, age.p);
}

/* The first few, and all that lose their rows. */
static void say_replaced(const struct job *j)
{
	size_t more = 0;

	for (size_t i = 0; i < j->tables.n; i++) {
		const struct item *it = inventory_label(
			&j->inventory, j->d->into, j->tables.v[i]);
		bool empty = it && strcmp(it->kind, "table") == 0 &&
			     !it->filled && it->rows == 0;

		if (empty || i < 10)
			bk_notice("%s is there, and will be REPLACED%s",
				  j->tables.v[i],
				  empty ? " by an EMPTY one" : "");
		else
			more++;
	}
	if (more > 0)
		bk_notice("%zu more are there, and will be REPLACED", more);
}

static void say_what(const struct job *j)
{
	const char *into = j->d->into;

	for (size_t i = 0; i < j->dbs.n; i++) {
		struct tally t = tally_of(&j->inventory, j->dbs.v[i]);
		BK_AUTO_FREE char *text = describe(&t);

		bk_notice("restores %s%s%s (%s)", j->dbs.v[i],
			  into ? " as " : "", into ? into : "", text);
	}
	if (j->d->globals)
		bk_notice("restores users, roles and grants");
	bk_notice("into %s, which is %s",
		  j->login.socket ? j->login.socket
		  : j->login.host ? j->login.host
				  : "the server of this host",
		  server_version(&j->server));
	if (j->d->overwrite)
		say_replaced(j);
	say_broken(j);
}

/* One record for each database; under -n the same. */
static void report(const struct job *j)
{
	struct bk_rec *out = &j->d->out;

	for (size_t i = 0; i < j->dbs.n; i++) {
		const char *db = j->dbs.v[i];
		struct tally t = tally_of(&j->inventory, db);
		const char *into = j->d->into ? j->d->into : db;
		BK_AUTO_FREE char *text = describe(&t);
		json_t *o;

		if (out->mode != BK_REC_JSON) {
			bk_rec_text(out, into, text, NULL);
			continue;
		}
		o = json_object();
		bk_rec_set_str(o, "database", db);
		bk_rec_set_str(o, "into", into);
		if (j->source.snapshot.id)
			bk_rec_set_str(o, "snapshot", j->source.snapshot.id);
		bk_rec_set_int(o, "tables", (int64_t)t.tables);
		bk_rec_set_int(o, "views", (int64_t)t.views);
		bk_rec_set_int(o, "others", (int64_t)t.others);
		if (t.counted)
			bk_rec_set_int(o, "rows", (int64_t)t.rows);
		bk_rec_set_bool(o, "done", !j->d->cli.dry_run);
		bk_rec_json(out, "restore", o);
	}
}

/* What is there. */

/*
 * A table of which only the definition was dumped must not lose its rows to
 * an empty one. A stream does not tell it from one that was empty.
 */
static void spare_tables(struct job *j)
{
	BK_AUTO_STRV struct bk_strv there = j->tables;

	j->tables = BK_STRV_INIT;
	for (size_t i = 0; i < there.n; i++) {
		struct item *it =
			inventory_label(&j->inventory, j->d->into, there.v[i]);

		if (it && strcmp(it->kind, "table") == 0 && !it->counted &&
		    j->source.folder) {
			bk_notice("%s is there, and stays: the dump has no "
				  "rows of it",
				  there.v[i]);
			inventory_spare(&j->inventory, it);
		} else {
			bk_strv_add(&j->tables, there.v[i]);
		}
	}
}

static int look(struct job *j, struct bk_err *err)
{
	const struct load l = { &j->server, &j->inventory, j->d->into };
	BK_AUTO_STRV struct bk_strv dbs = BK_STRV_INIT;

	if (load_check_packet(&l, err) < 0 ||
	    load_existing(&l, &dbs, &j->tables, err) < 0)
		return -1;
	for (size_t i = 0; i < dbs.n; i++) {
		bool empty;

		if (load_is_empty(&l, dbs.v[i], &empty, err) < 0)
			return -1;
		if (!empty)
			bk_strv_add(&j->there, dbs.v[i]);
	}
	if (j->d->overwrite && j->d->tables.n == 0)
		spare_tables(j);
	return 0;
}

static int check_existing(const struct job *j, struct bk_err *err)
{
	/* Single tables may be added to a database that is there. */
	const struct bk_strv *there = j->d->tables.n ? &j->tables : &j->there;

	if (there->n == 0 || j->d->overwrite)
		return 0;
	return bk_err_set(err, BK_EX_CANTCREAT, 0,
			  "%s exists on the server; restore beside it with "
			  "--into, or replace what the dump has of it with "
			  "--overwrite",
			  there->v[0]);
}

static int confirm(const struct job *j, struct bk_err *err)
{
	const struct dbdump *d = j->d;
	char answer[8] = "";

	if ((j->there.n == 0 && j->tables.n == 0) || d->yes || d->cli.dry_run ||
	    !d->overwrite)
		return 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return bk_err_set(err, BK_EX_USAGE, 0,
				  "--overwrite without a terminal to ask "
				  "wants --yes");
	(void)fputs("Replace what is there? [y/N] ", stderr);
	if (bk_sig_await(STDIN_FILENO) &&
	    fgets(answer, sizeof(answer), stdin) &&
	    (answer[0] == 'y' || answer[0] == 'Y'))
		return 0;
	return bk_err_set(err, BK_EX_NO, 0, "nothing was restored");
}

/* The steps. */

static int load(struct job *j, struct bk_err *err)
{
	const struct dbdump *d = j->d;
	const struct load l = { &j->server, &j->inventory, d->into };
	bool whole;

	if (d->overwrite && load_drop(&l, err) < 0)
		return -1;
	if (load_dump(&l, j->source.path, source_manifest(&j->source),
		      &j->result, err) < 0)
		return bk_err_set(err, err->exit, 0,
				  "%s; what was restored until then is there",
				  err->msg);
	/* A stream counts its rows only as a whole. */
	whole = !j->source.folder && d->dbs.n == 0 && d->tables.n == 0;
	return load_count(&l, whole ? &j->source.proof.rows : NULL, err);
}

static int choose(struct job *j, struct bk_err *err)
{
	const struct dbdump *d = j->d;
	const struct wanted w = { &d->dbs, &d->tables, d->globals };

	if (inventory_read(j->source.path, source_manifest(&j->source),
			   &j->inventory, err) < 0 ||
	    inventory_choose(&j->inventory, &w, err) < 0)
		return -1;
	inventory_dbs(&j->inventory, &j->dbs);
	if (d->into && j->dbs.n != 1)
		return bk_err_set(err, BK_EX_USAGE, 0,
				  "--into wants one database, and these are "
				  "%zu; name it with --db",
				  j->dbs.n);
	return 0;
}

/* Is it all as it was? */
static int judge(const struct job *j, struct bk_err *err)
{
	const struct load_result *r = &j->result;

	if (r->left > 0)
		return bk_err_set(err, BK_EX_PARTIAL, 0,
				  "all is restored but %zu object%s, whose "
				  "rows are elsewhere: see above",
				  r->left, r->left == 1 ? "" : "s");
	if (r->changed > 0)
		return bk_err_set(err, BK_EX_PARTIAL, 0,
				  "all is restored, but %zu table%s of another "
				  "storage engine: see above",
				  r->changed,
				  r->changed == 1 ? " is" : "s are");
	return 0;
}

static int steps(struct job *j, struct bk_err *err)
{
	if (source_open(j->d, j->section, &j->source, err) < 0)
		return -1;
	say_source(j);
	if (choose(j, err) < 0 ||
	    server_connect(&j->login, &j->server, err) < 0 || look(j, err) < 0)
		return -1;
	say_what(j);
	if (check_existing(j, err) < 0 || confirm(j, err) < 0)
		return -1;
	if (!j->d->cli.dry_run && load(j, err) < 0)
		return -1;
	report(j);
	return judge(j, err);
}

/* The section that is named, or the only one; none where all else is said. */
static int find_section(struct job *j, char **args, struct bk_err *err)
{
	const struct bk_conf *conf = j->d->conf;

	if (args[0]) {
		j->section = bk_conf_find(conf, "mariadb", args[0]);
		if (j->section)
			return 0;
		return bk_err_set(err, BK_EX_NOINPUT, 0,
				  "there is no [mariadb %s] in the "
				  "configuration",
				  args[0]);
	}
	if (j->d->direct && j->d->from)
		return 0;
	j->section = bk_conf_next(conf, "mariadb", NULL);
	if (j->section && !bk_conf_next(conf, "mariadb", j->section))
		return 0;
	return bk_err_set(err, BK_EX_USAGE, 0,
			  "which server? name a [mariadb NAME] of the "
			  "configuration");
}

static int find_login(struct job *j, struct bk_err *err)
{
	j->login = j->d->over;
	if (!j->section)
		return 0;
	return login_section(j->section, &j->d->secrets, &j->d->over, &j->login,
			     err);
}

static int check_usage(const struct dbdump *d, char **args)
{
	if (args[0] && args[1])
		return bk_cli_usage("restore wants one server");
	if (!!d->from + !!d->at + !!d->snapshot > 1)
		return bk_cli_usage("--from, --at and --snapshot exclude each "
				    "other");
	if (d->into && !*d->into)
		return bk_cli_usage("--into wants the name of a database");
	if (d->into && catalog_is_own(d->into))
		return bk_cli_usage("--into wants another name: '%s' is the "
				    "server's own",
				    d->into);
	return 0;
}

int cmd_restore(struct dbdump *d, char **args)
{
	struct job j = { .d = d,
			 .server = SERVER_INIT,
			 .source = SOURCE_INIT,
			 .inventory = INVENTORY_INIT };
	struct bk_err err;
	int exit = check_usage(d, args);

	if (exit != 0)
		return exit;
	if (find_section(&j, args, &err) < 0 || find_login(&j, &err) < 0 ||
	    steps(&j, &err) < 0)
		exit = bk_log_err(&err);
	server_close(&j.server);
	inventory_free(&j.inventory);
	source_close(&j.source);
	bk_strv_free(&j.dbs);
	bk_strv_free(&j.there);
	bk_strv_free(&j.tables);
	return exit;
}
