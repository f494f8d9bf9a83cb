/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-restic check: is the repository whole? restic's own check, with what it
 * found as a record.
 */
#include <inttypes.h>
#include <stdio.h>

#include "dirs.h"
#include "file.h"
#include "findings.h"
#include "lock.h"
#include "log.h"
#include "restic.h"
#include "sig.h"

/*
 * restic's own copy of all metadata, while it runs: in a folder that the next
 * run empties, should this one be killed. *ret_lock keeps others out of it.
 */
static char *own_cache(const char *repo, int *ret_lock, struct bk_err *err)
{
	BK_AUTO_FREE char *name = bk_asprintf("check.%s", repo);
	BK_AUTO_FREE char *below = bk_asprintf("check/%s", repo);
	char *path = bk_dirs_path(BK_DIRS_CACHE, below, err);

	*ret_lock = path ? bk_lock_take(name, 0, err) : -1;
	if (*ret_lock >= 0 && bk_file_remove_tree(path, err) == 0 &&
	    bk_file_mkdirs(path, 0700, err) == 0)
		return path;
	free(path);
	return NULL;
}

/* "3/8": part 3 of 8, which divides 256, so that all parts are alike. */
static int parse_subset(const char *s, uint64_t *ret_n, uint64_t *ret_t)
{
	const char *slash = strchr(s, '/');
	BK_AUTO_FREE char *n = slash ? bk_memdup(s, (size_t)(slash - s)) : NULL;

	if (!n || bk_parse_u64(slash + 1, 1, 256, ret_t) < 0 ||
	    bk_parse_u64(n, 1, *ret_t, ret_n) < 0)
		return -1;
	return 256 % *ret_t == 0 ? 0 : -1;
}

static void add_subset(const char *subset, struct bk_strv *args)
{
	uint64_t n, t;

	if (!subset || parse_subset(subset, &n, &t) < 0)
		return;
	if (t == 1)
		bk_strv_add(args, "--read-data");
	else
		bk_strv_addf(args, "--read-data-subset=%" PRIu64 "/%" PRIu64, n,
			     t);
}

static void add_args(const struct restic *r, const char *cache,
		     struct bk_strv *args)
{
	bk_strv_add(args, "check");
	bk_strv_add(args, "--quiet");
	if (r->no_lock)
		bk_strv_add(args, "--no-lock");
	if (r->with_cache)
		bk_strv_add(args, "--with-cache");
	else if (cache)
		bk_strv_addf(args, "--cache-dir=%s", cache);
	add_subset(r->subset, args);
}

static void report(struct restic *r, const char *repo, const char *result,
		   const char *message, const struct findings *f)
{
	json_t *o, *list;

	if (r->out.mode != BK_REC_JSON) {
		bk_rec_text(&r->out, repo, result, message, NULL);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "repo", repo);
	bk_rec_set_str(o, "result", result);
	bk_rec_set_path(o, "message", message);
	bk_rec_set_int(o, "count", (int64_t)f->n);
	list = json_array();
	for (size_t i = 0; i < f->errors.n; i++) {
		BK_AUTO_FREE char *text =
			bk_str_to_utf8(f->errors.v[i], strlen(f->errors.v[i]));

		(void)json_array_append_new(list, json_string(text));
	}
	(void)json_object_set_new(o, "errors", list);
	list = json_array();
	for (size_t i = 0; i < f->packs.n; i++)
		(void)json_array_append_new(list, json_string(f->packs.v[i]));
	(void)json_object_set_new(o, "packs", list);
	bk_rec_json(&r->out, "check", o);
}

/* Its first error, which says more than its last word. */
static char *first_error(const struct run *run, const struct findings *f)
{
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, f->n				? f->errors.v[0]
			: run->message && *run->message ? run->message
							: "no reason given");
	if (f->n > 1)
		bk_buf_addf(&b, " (and %zu more)", f->n - 1);
	return bk_buf_steal(&b);
}

/* A snapshot that cannot be loaded is here no parent that is gone. */
static bool is_about_it(const struct run *run)
{
	return run->status < 128 && (run->outcome == OUTCOME_FAILED ||
				     run->outcome == OUTCOME_NO_PARENT);
}

/* It ended, and not well, on account of the repository. */
static int judge(struct restic *r, struct run *run, struct bk_err *err)
{
	const char *repo = run->repo->name;
	struct findings f;
	BK_AUTO_FREE char *first = NULL;

	findings_read(run->said.p ? run->said.p : "", &f);
	if (!f.damaged || bk_sig_pending() || !is_about_it(run)) {
		findings_free(&f);
		return run_err(run, err);
	}
	first = first_error(run, &f);
	report(r, repo, "damaged", first, &f);
	findings_free(&f);
	return bk_err_set(err, BK_EX_DATAERR, 0, "[repo %s] is damaged: %s",
			  repo, first);
}

static int check_steps(struct restic *r, const struct bk_conf_section *s,
		       struct repo *repo, int *lock, struct bk_err *err)
{
	BK_AUTO(run_free) struct run run = RUN_INIT(repo);
	BK_AUTO_FREE char *cache = NULL;
	const struct findings none = FINDINGS_INIT;

	if (open_repo(r, s->name, repo, err) < 0)
		return -1;
	if (!r->with_cache && !r->cli.dry_run) {
		cache = own_cache(s->name, lock, err);
		if (!cache)
			return -1;
	}
	add_args(r, cache, &run.args);
	if (r->cli.dry_run) {
		say_command(r, &run);
		return 0;
	}
	run.quiet = bk_log_level() < BK_LOG_INFO;
	if (run_restic(&run, err) < 0)
		return -1;
	if (cache)
		(void)bk_file_remove_tree(cache, NULL);
	if (run.outcome != OUTCOME_OK)
		return judge(r, &run, err);
	report(r, s->name, "ok", r->subset ? r->subset : "", &none);
	return 0;
}

static int check_repo(struct restic *r, const struct bk_conf_section *s,
		      void *arg)
{
	struct repo repo = { .lock = -1 };
	BK_AUTO_CLOSE int lock = -1;
	struct bk_err err;
	int exit = BK_EX_OK;

	(void)arg;
	if (bk_sig_pending())
		return 128 + bk_sig_pending();
	if (check_steps(r, s, &repo, &lock, &err) < 0)
		exit = bk_log_err(&err);
	repo_close(&repo);
	return exit;
}

int cmd_check(struct restic *r, char **args)
{
	uint64_t n, t;

	if (r->subset && parse_subset(r->subset, &n, &t) < 0)
		return bk_cli_usage("--subset '%s' is not N/T, where T is 1, "
				    "2, 4, 8, 16, 32, 64, 128 or 256",
				    r->subset);
	return each_repo(r, args, check_repo, NULL);
}
