/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-restic key: the passwords that open a repository. A new one comes from
 * stdin, and reaches restic by a descriptor.
 */
#include <stdio.h>
#include <unistd.h>

#include "dirs.h"
#include "file.h"
#include "log.h"
#include "removed.h"
#include "restic.h"
#include "time.h"

/*
 * restic tries so many keys of a repository, in no certain order, and gives
 * up: one more, and the password of a backup may not be found any more.
 */
enum { KEYS_MAX = 20 };

struct key {
	char *id; /* restic before 0.17 tells its first 8 characters */
	char *user, *host;
	int64_t created;
	bool current;
};
struct keys {
	struct key *v;
	size_t n;
};

static void keys_free(struct keys *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].id);
		free(l->v[i].user);
		free(l->v[i].host);
	}
	free(l->v);
	*l = (struct keys){ 0 };
}

static void take_key(struct keys *l, const json_t *o)
{
	const char *id = bk_rec_str(o, "id");
	const char *user = bk_rec_str(o, "userName");
	const char *host = bk_rec_str(o, "hostName");
	const char *created = bk_rec_str(o, "created");
	struct key *k;

	if (!id || !*id)
		return;
	l->v = bk_realloc(l->v, l->n + 1, sizeof(*l->v));
	k = &l->v[l->n++];
	*k = (struct key){ .id = bk_strdup(id),
			   .user = bk_strdup(user ? user : ""),
			   .host = bk_strdup(host ? host : ""),
			   .current = bk_rec_bool(o, "current", false) };
	/* In local time. */
	if (created)
		(void)bk_time_parse_human(created, 0, &k->created);
}

static void take_keys(void *arg, const json_t *array)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		take_key(arg, json_array_get(array, i));
}

/* Oldest first. */
static int by_age(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->created != y->created)
		return x->created < y->created ? -1 : 1;
	return strcmp(x->id, y->id);
}

static int keys_read(struct repo *repo, bool no_cache, struct keys *ret,
		     struct bk_err *err)
{
	BK_AUTO(run_free) struct run run = RUN_INIT(repo);

	bk_strv_add(&run.args, "key");
	bk_strv_add(&run.args, "list");
	bk_strv_add(&run.args, "--json");
	if (no_cache)
		bk_strv_add(&run.args, "--no-cache");
	run.quiet = true;
	run.json = take_keys;
	run.arg = ret;
	if (run_restic(&run, err) < 0)
		return -1;
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_age);
	/* Whoever could list them has opened one. */
	return run.outcome == OUTCOME_OK && ret->n > 0 ? 0 : run_err(&run, err);
}

static void print_key(struct restic *r, const char *repo, const struct key *k)
{
	BK_AUTO_BUF struct bk_buf when = BK_BUF_INIT;
	json_t *o;

	if (r->out.mode != BK_REC_JSON) {
		bk_time_add_local(&when, k->created);
		bk_rec_text(&r->out, k->id, k->user, k->host, when.p,
			    k->current ? "current" : "", NULL);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "repo", repo);
	bk_rec_set_str(o, "id", k->id);
	bk_rec_set_str(o, "user", k->user);
	bk_rec_set_str(o, "host", k->host);
	bk_rec_set_time(o, "created", k->created);
	bk_rec_set_bool(o, "current", k->current);
	bk_rec_json(&r->out, "key", o);
}

/* Of a key that was made or tried, its id is what a script wants. */
static void print_one(struct restic *r, const char *repo, const struct key *k)
{
	if (r->out.mode == BK_REC_JSON)
		print_key(r, repo, k);
	else
		bk_rec_text(&r->out, k->id, NULL);
}

static int list_keys(struct restic *r, struct repo *repo, const char *id,
		     struct bk_err *err)
{
	BK_AUTO(keys_free) struct keys list = { 0 };

	(void)id;
	if (keys_read(repo, false, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++)
		print_key(r, repo->name, &list.v[i]);
	return 0;
}

static int read_password(struct bk_secret *ret, struct bk_err *err)
{
	const char *why;

	bk_secret_harden();
	if (isatty(STDIN_FILENO))
		return bk_err_set(err, BK_EX_USAGE, 0,
				  "the password is read from stdin, which is a "
				  "terminal that would show it; use a pipe");
	if (bk_secret_read(ret, STDIN_FILENO, BK_SECRET_MAX, err) < 0)
		return bk_err_set(err, err->exit, 0,
				  "the password on stdin: %s", err->msg);
	bk_secret_chomp(ret);
	why = repo_misread(ret);
	if (why)
		return bk_err_set(
			err, BK_EX_DATAERR, 0,
			"the password on stdin: %s, which restic does "
			"not read; choose another one",
			why);
	return 0;
}

/* Either may be the beginning of the other. */
static bool same_id(const char *a, const char *b)
{
	return bk_str_starts(a, b) || bk_str_starts(b, a);
}

static bool has_id(const struct keys *l, const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (same_id(l->v[i].id, id))
			return true;
	return false;
}

/* Of those that were not there before, the one that was told, or the newest. */
static const struct key *new_key(const struct restic *r,
				 const struct keys *before,
				 const struct keys *after, const char *said)
{
	static const char words[] = "saved new key with ID ";
	const char *told = said ? strstr(said, words) : NULL;
	const struct key *found = NULL;

	for (size_t i = 0; i < after->n; i++) {
		const struct key *k = &after->v[i];

		if (has_id(before, k->id) ||
		    (r->user && strcmp(k->user, r->user) != 0) ||
		    (r->host && strcmp(k->host, r->host) != 0))
			continue;
		if (told && bk_str_starts(told + strlen(words), k->id))
			return k;
		found = k; /* the newest is the last */
	}
	return found;
}

static void add_args(const struct restic *r, struct run *run, int fd)
{
	bk_strv_add(&run->args, "key");
	bk_strv_add(&run->args, "add");
	if (r->user)
		bk_strv_addf(&run->args, "--user=%s", r->user);
	if (r->host)
		bk_strv_addf(&run->args, "--host=%s", r->host);
	bk_strv_addf(&run->args, "--new-password-file=/dev/fd/%d", fd);
	run->quiet = true;
}

static int run_add(const struct restic *r, struct run *run,
		   const struct bk_secret *password, struct bk_err *err)
{
	/* Not a pipe: after a lost connection it is read again. */
	const struct bk_buf view = { .p = password->p, .len = password->len };
	BK_AUTO_CLOSE int fd = memory_fd(&view, err);

	if (fd < 0)
		return -1;
	run->keep[0] = fd;
	add_args(r, run, fd);
	if (run_restic(run, err) < 0)
		return -1;
	return run->outcome == OUTCOME_OK ? 0 : run_err(run, err);
}

static int store_key(struct restic *r, struct repo *repo,
		     const struct bk_secret *password, struct bk_err *err)
{
	BK_AUTO(run_free) struct run run = RUN_INIT(repo);
	BK_AUTO(keys_free) struct keys before = { 0 };
	BK_AUTO(keys_free) struct keys after = { 0 };
	const struct key *added;

	if (repo_lock(repo, err) < 0 ||
	    keys_read(repo, false, &before, err) < 0)
		return -1;
	if (before.n >= KEYS_MAX)
		return bk_err_set(err, BK_EX_CANTCREAT, 0,
				  "[repo %s] has %zu keys, and restic tries no "
				  "more than %d; remove some first",
				  repo->name, before.n, KEYS_MAX);
	if (run_add(r, &run, password, err) < 0 ||
	    keys_read(repo, false, &after, err) < 0)
		return -1;
	added = new_key(r, &before, &after, run.said.p);
	if (!added)
		return run_err(&run, err);
	print_one(r, repo->name, added);
	return 0;
}

static int add_key(struct restic *r, struct repo *repo, const char *id,
		   struct bk_err *err)
{
	BK_AUTO(run_free) struct run run = RUN_INIT(repo);
	BK_AUTO_SECRET struct bk_secret password = BK_SECRET_INIT;

	(void)id;
	if (!r->cli.dry_run)
		return read_password(&password, err) < 0
			       ? -1
			       : store_key(r, repo, &password, err);
	add_args(r, &run, STDIN_FILENO);
	say_command(r, &run);
	return 0;
}

static const struct key *find_key(const struct keys *list, const char *id,
				  const char *repo, struct bk_err *err)
{
	const struct key *found = NULL;

	for (size_t i = 0; i < list->n; i++) {
		if (!same_id(list->v[i].id, id))
			continue;
		if (found) {
			bk_err_set(err, BK_EX_USAGE, 0,
				   "more than one key of [repo %s] starts with "
				   "'%s'",
				   repo, id);
			return NULL;
		}
		found = &list->v[i];
	}
	if (!found)
		bk_err_set(err, BK_EX_NOINPUT, 0,
			   "no key of [repo %s] starts with '%s'", repo, id);
	return found;
}

static int remove_key(struct restic *r, struct repo *repo, const char *id,
		      struct bk_err *err)
{
	BK_AUTO(run_free) struct run run = RUN_INIT(repo);
	BK_AUTO(keys_free) struct keys list = { 0 };
	BK_AUTO_STRV struct bk_strv ids = BK_STRV_INIT;
	const struct key *k;

	if (repo_refuse_removal(repo, "key remove", err) < 0 ||
	    (!r->cli.dry_run && repo_lock(repo, err) < 0))
		return -1;
	if (keys_read(repo, false, &list, err) < 0)
		return -1;
	k = find_key(&list, id, repo->name, err);
	if (!k)
		return -1;
	if (k->current)
		return bk_err_set(err, BK_EX_NO, 0,
				  "key %.8s opens [repo %s] for this very "
				  "command; restic does not remove it",
				  k->id, repo->name);
	bk_strv_add(&run.args, "key");
	bk_strv_add(&run.args, "remove");
	bk_strv_add(&run.args, strlen(id) > strlen(k->id) ? id : k->id);
	run.quiet = true;
	if (r->cli.dry_run) {
		say_command(r, &run);
		return 0;
	}
	bk_strv_add(&ids, k->id);
	removed_note(repo->name, "key", &ids);
	if (run_restic(&run, err) < 0)
		return -1;
	if (run.outcome != OUTCOME_OK)
		return run_err(&run, err);
	bk_notice("[repo %s] key %.8s removed", repo->name, k->id);
	return 0;
}

/* Nothing of this user but the password itself takes part. */
static int try_password(struct repo *repo, const char *home,
			const struct bk_secret *password, struct keys *ret,
			struct bk_err *err)
{
	bk_strv_addf(&repo->env, "HOME=%s", home);
	bk_strv_add(&repo->env, "XDG_CONFIG_HOME");
	bk_strv_add(&repo->env, "XDG_CACHE_HOME");
	repo->password = password;
	return keys_read(repo, true, ret, err);
}

static int test_key(struct restic *r, struct repo *repo, const char *id,
		    struct bk_err *err)
{
	BK_AUTO_SECRET struct bk_secret password = BK_SECRET_INIT;
	BK_AUTO(keys_free) struct keys list = { 0 };
	BK_AUTO_FREE char *home =
		bk_dirs_path(BK_DIRS_CACHE, "tmp/home.XXXXXX", err);
	int got;

	(void)id;
	if (!home || read_password(&password, err) < 0)
		return -1;
	if (!mkdtemp(home))
		return bk_err_sys(err, "cannot make '%s'", home);
	got = try_password(repo, home, &password, &list, err);
	if (rmdir(home) < 0)
		bk_debug("cannot remove '%s', ignoring", home);
	for (size_t i = 0; got == 0 && i < list.n; i++)
		if (list.v[i].current)
			print_one(r, repo->name, &list.v[i]);
	return got;
}

static const struct verb {
	const char *name;
	int (*run)(struct restic *r, struct repo *repo, const char *id,
		   struct bk_err *err);
	bool id;    /* an operand of its own */
	bool names; /* --user, --host */
} verbs[] = {
	{ "add", add_key, false, true },
	{ "list", list_keys, false, false },
	{ "remove", remove_key, true, false },
	{ "test", test_key, false, false },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; name && i < BK_COUNT(verbs); i++)
		if (strcmp(name, verbs[i].name) == 0)
			return &verbs[i];
	return NULL;
}

int cmd_key(struct restic *r, char **args)
{
	const struct verb *v = find_verb(args[0]);
	struct repo repo = { .lock = -1 };
	struct bk_err err;
	int exit = BK_EX_OK;

	if (!v)
		return bk_cli_usage("key wants one of list, add, remove, test");
	if (!v->names && (r->user || r->host))
		return bk_cli_usage("--%s is no option of key %s",
				    r->user ? "user" : "host", v->name);
	if (!args[1] ||
	    (v->id ? !args[2] || !*args[2] || args[3] : args[2] != NULL))
		return bk_cli_usage("key %s wants a repository%s", v->name,
				    v->id ? " and the id of a key"
					  : ", and nothing else");
	if (open_repo(r, args[1], &repo, &err) < 0 ||
	    v->run(r, &repo, v->id ? args[2] : NULL, &err) < 0)
		exit = bk_log_err(&err);
	repo_close(&repo);
	return exit;
}
