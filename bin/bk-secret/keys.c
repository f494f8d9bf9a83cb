/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keys.h"

#include <unistd.h>

#include "exec.h"
#include "file.h"
#include "log.h"
#include "sig.h"

void keys_free(struct keys *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].id);
		free(l->v[i].user);
		free(l->v[i].host);
	}
	free(l->v);
	*l = KEYS_INIT;
}

static void take_key(struct keys *l, const json_t *o)
{
	const char *type = bk_rec_str(o, "type"), *id = bk_rec_str(o, "id");
	const char *user = bk_rec_str(o, "user"), *host = bk_rec_str(o, "host");

	if (strcmp(type, "key") != 0 || !id || !*id)
		return;
	l->v = bk_realloc(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] =
		(struct key){ .id = bk_strdup(id),
			      .user = bk_strdup(user ? user : ""),
			      .host = bk_strdup(host ? host : ""),
			      .created = bk_rec_time(o, "created", 0),
			      .current = bk_rec_bool(o, "current", false) };
}

/* "bk-restic ... key VERB" */
static void begin(const struct tool *t, struct bk_strv *argv, const char *verb)
{
	bk_strv_take(argv, bk_exec_sibling("bk-restic"));
	if (t->cli.config) {
		bk_strv_add(argv, "-c");
		bk_strv_add(argv, t->cli.config);
	}
	bk_strv_add(argv, "key");
	bk_strv_add(argv, verb);
}

static void add_names(const struct tool *t, struct bk_strv *argv,
		      const char *repo)
{
	bk_strv_add(argv, repo);
	bk_strv_add(argv, "--user=" KEYS_USER);
	bk_strv_addf(argv, "--host=%s", t->conf->host);
}

static int read_keys(int fd, bool undo, struct keys *ret, struct bk_err *err)
{
	BK_AUTO(bk_rec_in_free)
	struct bk_rec_in in = { .lines = { .fd = fd, .stoppable = !undo } };
	json_t *o;
	int got;

	while ((got = bk_rec_next(&in, &o, err)) > 0) {
		take_key(ret, o);
		json_decref(o);
	}
	return got;
}

static int run(struct bk_strv *argv, const struct bk_secret *password,
	       bool undo, struct keys *ret, struct bk_err *err)
{
	BK_AUTO_CLOSE int in = password ? bk_secret_pipe(password, err) : -1;
	struct bk_child c = BK_CHILD_INIT;
	struct bk_exec x = { .in = password ? in : BK_EXEC_NULL,
			     .out = BK_EXEC_PIPE,
			     .err = BK_EXEC_INHERIT };
	int got, status;

	if (password && in < 0)
		return -1;
	bk_strv_add(argv, "--json");
	if (undo || bk_log_level() < BK_LOG_NOTICE)
		bk_strv_add(argv, "-q");
	x.argv = argv->v;
	if (bk_exec_start(&x, &c, err) < 0)
		return -1;
	got = read_keys(c.out, undo, ret, err);
	if (!undo && bk_sig_pending())
		bk_exec_kill(&c, bk_sig_pending());
	status = bk_exec_wait(&c);
	if (!undo && bk_sig_pending())
		return bk_err_set(err, BK_EX_NO, 0, "it was interrupted");
	if (status == BK_EX_OK)
		return got;
	return bk_err_set(err, status > 128 ? BK_EX_NO : status, 0,
			  "bk-restic ended with status %d", status);
}

int keys_list(struct tool *t, const char *repo, bool undo, struct keys *ret,
	      struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;

	begin(t, &argv, "list");
	bk_strv_add(&argv, repo);
	return run(&argv, NULL, undo, ret, err);
}

int keys_add(struct tool *t, const char *repo, const struct bk_secret *password,
	     struct keys *ret, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;

	begin(t, &argv, "add");
	add_names(t, &argv, repo);
	if (run(&argv, password, false, ret, err) < 0)
		return -1;
	return ret->n > 0 ? 0
			  : bk_err_set(err, BK_EX_PROTOCOL, 0,
				       "bk-restic names no new key");
}

int keys_remove(struct tool *t, const char *repo, const char *id, bool undo,
		struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_KEYS struct keys none = KEYS_INIT;

	begin(t, &argv, "remove");
	bk_strv_add(&argv, repo);
	bk_strv_add(&argv, id);
	return run(&argv, NULL, undo, &none, err);
}

int keys_test(struct tool *t, const char *repo,
	      const struct bk_secret *password, struct keys *ret,
	      struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;

	begin(t, &argv, "test");
	bk_strv_add(&argv, repo);
	if (run(&argv, password, false, ret, err) < 0)
		return -1;
	return ret->n > 0 ? 0
			  : bk_err_set(err, BK_EX_PROTOCOL, 0,
				       "bk-restic names no key");
}

void keys_add_line(struct tool *t, const char *repo, struct bk_buf *ret)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;

	begin(t, &argv, "add");
	add_names(t, &argv, repo);
	bk_exec_add_line(ret, argv.v);
}

bool keys_is_ours(const struct tool *t, const struct key *k)
{
	return strcmp(k->user, KEYS_USER) == 0 &&
	       strcmp(k->host, t->conf->host) == 0;
}

const struct key *keys_find(const struct keys *l, const char *id)
{
	for (size_t i = 0; *id && i < l->n; i++)
		if (bk_str_starts(l->v[i].id, id) ||
		    bk_str_starts(id, l->v[i].id))
			return &l->v[i];
	return NULL;
}
