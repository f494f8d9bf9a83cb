/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fetch.h"

#include <stdio.h>

#include "exec.h"
#include "log.h"
#include "path.h"
#include "sig.h"
#include "time.h"

void snapshot_free(struct snapshot *s)
{
	free(s->id);
	free(s->host);
	free(s->path);
	*s = (struct snapshot){ 0 };
}

static void add_command(const struct dbdump *d, struct bk_strv *argv)
{
	bk_strv_take(argv, bk_exec_sibling("bk-restic"));
	bk_strv_add(argv, "--json");
	if (d->cli.config) {
		bk_strv_add(argv, "-c");
		bk_strv_add(argv, d->cli.config);
	}
}

/* Run it, and call each() with every record. */
static int run(const struct bk_strv *argv,
	       void (*each)(void *arg, const json_t *o), void *arg,
	       struct bk_err *err)
{
	BK_AUTO(bk_rec_in_free)
	struct bk_rec_in in = { .lines = { .stoppable = true } };
	struct bk_child c = BK_CHILD_INIT;
	struct bk_exec x = { .argv = argv->v,
			     .in = BK_EXEC_NULL,
			     .out = BK_EXEC_PIPE,
			     .err = BK_EXEC_INHERIT };
	json_t *o;
	int got, status;

	if (bk_exec_start(&x, &c, err) < 0)
		return -1;
	in.lines.fd = c.out;
	while ((got = bk_rec_next(&in, &o, err)) == 1) {
		each(arg, o);
		json_decref(o);
	}
	status = bk_exec_wait_forward(&c);
	if (bk_sig_pending())
		return bk_err_set(err, BK_EX_TEMPFAIL, 0, "it was interrupted");
	/* What is not there is missed when it is looked at. */
	if (status != BK_EX_OK && status != BK_EX_PARTIAL)
		return bk_err_set(err, status > 128 ? BK_EX_NO : status, 0,
				  "bk-restic ended with status %d", status);
	return got;
}

struct choice {
	const char *id; /* or NULL */
	int64_t at;
	struct snapshot found;
	size_t n;
};

/* They come oldest first. */
static void consider(void *arg, const json_t *o)
{
	struct choice *c = arg;
	const char *id = bk_rec_str(o, "id"), *host = bk_rec_str(o, "host");
	int64_t when = bk_rec_time(o, "time", 0);
	const char *path = json_string_value(
		json_array_get(json_object_get(o, "paths"), 0));

	if (strcmp(bk_rec_str(o, "type"), "snapshot") != 0 || !id || !path ||
	    (c->id ? !bk_str_starts(id, c->id) : when > c->at))
		return;
	snapshot_free(&c->found);
	c->n++;
	c->found = (struct snapshot){
		.id = bk_strdup(id),
		.host = bk_strdup(host ? host : ""),
		.time = when,
		.bytes = bk_rec_int(o, "bytes", -1),
		.stream = bk_rec_bool(o, "stream", false),
		.path = bk_strdup(path),
	};
}

int fetch_choose(struct dbdump *d, const char *name, struct snapshot *ret,
		 struct bk_err *err)
{
	struct choice c = { .id = d->snapshot, .at = INT64_MAX };
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;

	if (d->at && bk_time_parse_human(d->at, bk_time_now(), &c.at) < 0)
		return bk_err_set(err, BK_EX_USAGE, 0,
				  "'%s' is no time; write 2026-11-22, "
				  "\"2026-11-22 18:00\" or 3d",
				  d->at);
	add_command(d, &argv);
	bk_strv_add(&argv, "snapshots");
	bk_strv_addf(&argv, "mariadb:%s", name);
	if (run(&argv, consider, &c, err) < 0) {
		snapshot_free(&c.found);
		return -1;
	}
	if (c.n == 1 || (c.n > 1 && !c.id)) {
		*ret = c.found;
		return 0;
	}
	if (c.n > 1)
		bk_err_set(err, BK_EX_NOINPUT, 0,
			   "more than one snapshot starts with '%s'", c.id);
	else
		bk_err_set(err, BK_EX_NOINPUT, 0,
			   "there is no snapshot of mariadb:%s%s%s", name,
			   c.id	   ? " that starts with "
			   : d->at ? " at or before "
				   : "",
			   c.id	   ? c.id
			   : d->at ? d->at
				   : "");
	snapshot_free(&c.found);
	return -1;
}

static void ignore(void *arg, const json_t *o)
{
	(void)arg;
	(void)o;
}

int fetch(struct dbdump *d, const char *name, const struct snapshot *s,
	  const struct bk_strv *paths, const struct spool *spool,
	  char **ret_path, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_FREE char *target = bk_path_join(spool->dir, "snapshot");

	if (s->bytes > 0 && spool_room(spool, (uint64_t)s->bytes, err) < 0)
		return -1;
	add_command(d, &argv);
	/* What restic reads back is proved by the dump itself. */
	bk_strv_add(&argv, "-q");
	bk_strv_add(&argv, "--no-verify");
	bk_strv_add(&argv, "--overwrite");
	bk_strv_add(&argv, "--snapshot");
	bk_strv_add(&argv, s->id);
	bk_strv_addf(&argv, "--target=%s", target);
	bk_strv_add(&argv, "restore");
	bk_strv_addf(&argv, "mariadb:%s", name);
	for (size_t i = 0; i < paths->n; i++)
		bk_strv_take(&argv, bk_path_join(s->path, paths->v[i]));
	if (run(&argv, ignore, NULL, err) < 0)
		return -1;
	*ret_path = bk_asprintf("%s%s", target, s->path);
	return 0;
}
