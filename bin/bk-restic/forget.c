/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-restic forget, prune: which snapshots stay, and giving back the space.
 *
 * From a repository that is append-only this host removes nothing; it says so,
 * and a timer has no reason to fail for it.
 *
 * Snapshots are grouped by host and tags, so that a set whose roots change
 * is still thinned as one. Nothing is forgotten while the set is held (see
 * baseline.h), or while the clock is behind the newest snapshot.
 */
#include <inttypes.h>
#include <stdio.h>

#include "baseline.h"
#include "log.h"
#include "removed.h"
#include "restic.h"
#include "sig.h"
#include "state.h"
#include "time.h"

/* Clocks of hosts that share a repository differ a little. */
#define CLOCK_SLACK_S 300

/* "hourly 48, daily 14" -> --keep-hourly 48 --keep-daily 14 */
static size_t add_keep(const struct bk_conf_section *s, struct bk_strv *args)
{
	const struct bk_conf_value *v = NULL;
	size_t n = 0;

	while ((v = bk_conf_value(s, "keep", v))) {
		BK_AUTO_STRV struct bk_strv parts = BK_STRV_INIT;

		bk_strv_split(&parts, v->value, ",");
		for (size_t i = 0; i < parts.n; i++) {
			BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;

			bk_strv_split(&words, parts.v[i], " \t");
			if (words.n != 2)
				continue;
			bk_strv_addf(args, "--keep-%s", words.v[0]);
			bk_strv_add(args, words.v[1]);
			n++;
		}
	}
	return n;
}

static size_t add_retention(const struct set *set, const struct repo *repo,
			    struct bk_strv *args)
{
	size_t n = add_keep(set->section, args);

	return n ? n : add_keep(repo->section, args);
}

static int check_held(const struct set *set, struct bk_err *err)
{
	BK_AUTO(baseline_free) struct baseline base;
	BK_AUTO_FREE char *accept = set_accept_line(set);

	baseline_read(set->name, &base);
	if (!base.held)
		return 0;
	return bk_err_set(err, BK_EX_NO, 0,
			  "its old snapshots are held: %s (when that is how "
			  "it shall be: %s)",
			  base.why ? base.why : "the last backup was not good",
			  accept);
}

static int check_clock(const struct snapshots *list, struct bk_err *err)
{
	int64_t now = bk_time_now();
	const struct snapshot *last = list->n ? &list->v[list->n - 1] : NULL;
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (!last || last->time <= now + CLOCK_SLACK_S)
		return 0;
	bk_time_add_local(&b, last->time);
	return bk_err_set(err, BK_EX_NO, 0,
			  "the clock is behind the newest snapshot (%s): "
			  "nothing is forgotten until one of them is right",
			  b.p);
}

/* A run that was killed before it could judge its snapshot left no hold. */
static int check_judged(const char *set, const struct snapshots *list,
			struct bk_err *err)
{
	BK_AUTO(baseline_free) struct baseline base;
	const struct snapshot *last = NULL;

	baseline_read(set, &base);
	for (size_t i = 0; i < list->n; i++)
		if (!list->v[i].stream)
			last = &list->v[i];
	if (!last || !base.snapshot || bk_str_starts(last->id, base.snapshot))
		return 0;
	return bk_err_set(err, BK_EX_NO, 0,
			  "its newest snapshot %.8s was not made, or not "
			  "finished, by bk-restic here: back up first",
			  last->id);
}

struct tally {
	size_t kept;
	struct bk_strv removed;
};

static void count_groups(const json_t *groups, struct tally *t)
{
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *g = json_array_get(groups, i);
		const json_t *gone = json_object_get(g, "remove");

		t->kept += json_array_size(json_object_get(g, "keep"));
		for (size_t k = 0; k < json_array_size(gone); k++) {
			const char *id =
				bk_rec_str(json_array_get(gone, k), "id");

			if (id)
				bk_strv_add(&t->removed, id);
		}
	}
}

/*
 * Releases before 0.19 end with 0 where a snapshot could not be removed. So
 * whether they are gone is looked up.
 */
static int check_gone(struct restic *r, struct repo *repo, const char *set,
		      const struct tally *t, struct bk_err *err)
{
	struct snapshots list;
	size_t left = 0;

	if (t->removed.n == 0 || r->cli.dry_run ||
	    repo->version >= RESTIC(19, 0))
		return 0;
	if (snapshots_read(r, repo, set, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.n; i++)
		left += bk_strv_has(&t->removed, list.v[i].id);
	snapshots_free(&list);
	if (left == 0)
		return 0;
	return bk_err_set(err, BK_EX_PARTIAL, 0,
			  "%zu of %zu snapshots could not be removed", left,
			  t->removed.n);
}

static int run_forget(struct restic *r, const struct set *set,
		      struct repo *repo, struct tally *t, struct bk_err *err)
{
	BK_AUTO(run_free) struct run run = RUN_INIT(repo);
	BK_AUTO_JSON json_t *groups = NULL;

	bk_strv_add(&run.args, "forget");
	bk_strv_add(&run.args, "--json");
	bk_strv_add(&run.args, "--group-by=host,tags");
	add_filter(r, set->name, &run.args);
	(void)add_retention(set, repo, &run.args);
	if (r->cli.dry_run) {
		bk_strv_add(&run.args, "--dry-run");
		say_command(r, &run);
	}
	groups = run_for_json(&run, err);
	if (!groups)
		return -1;
	count_groups(groups, t);
	if (!r->cli.dry_run)
		removed_note(repo->name, "snapshot", &t->removed);
	return check_gone(r, repo, set->name, t, err);
}

static int report(struct restic *r, const char *set, const char *job,
		  int64_t start, const struct tally *t)
{
	BK_AUTO_JSON json_t *counts = json_object();
	BK_AUTO_FREE char *message =
		bk_asprintf("%zu snapshots kept, %zu %s", t->kept, t->removed.n,
			    r->cli.dry_run ? "would be removed" : "removed");

	bk_rec_set_int(counts, "kept", (int64_t)t->kept);
	bk_rec_set_int(counts, "removed", (int64_t)t->removed.n);
	write_state(r, job, start, BK_EX_OK, message, counts, NULL);
	if (r->out.mode == BK_REC_JSON) {
		json_t *o = json_object();

		bk_rec_set_str(o, "set", set);
		(void)json_object_update(o, counts);
		bk_rec_json(&r->out, "forget", o);
	} else {
		bk_rec_text(&r->out, set, message, NULL);
	}
	return BK_EX_OK;
}

/*
 * 1: there is no retention, so nothing is ever forgotten; 2: it is forgotten
 * elsewhere.
 */
static int forget_steps(struct restic *r, const struct set *set,
			struct repo *repo, struct tally *t, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv keep = BK_STRV_INIT;
	struct snapshots list;
	bool none;
	int got;

	if (open_set(r, set, repo, err) < 0)
		return -1;
	if (add_retention(set, repo, &keep) == 0)
		return 1;
	if (repo->append_only && !r->cli.dry_run)
		return 2;
	/* A backup that is running may hold it: ask again behind the lock. */
	if (check_held(set, err) < 0 || repo_lock(repo, err) < 0 ||
	    check_held(set, err) < 0 ||
	    snapshots_read(r, repo, set->name, &list, err) < 0)
		return -1;
	none = list.n == 0;
	got = check_clock(&list, err);
	if (got == 0)
		got = check_judged(set->name, &list, err);
	snapshots_free(&list);
	if (got < 0 || none)
		return got;
	return run_forget(r, set, repo, t, err);
}

static void say_elsewhere(const struct repo *repo, const char *set)
{
	bk_notice("[repo %s] is append-only: nothing of %s is forgotten from "
		  "here, but where its full key is kept: bk-restic -c FILE "
		  "forget %s",
		  repo->name, set, set);
}

static int forget_set(struct restic *r, const struct set *set, void *arg)
{
	BK_AUTO_FREE char *job = bk_asprintf("forget %s", set->name);
	struct repo repo = { .lock = -1 };
	struct tally t = { 0 };
	int64_t start = bk_time_now();
	struct bk_err err;
	int exit;

	(void)arg;
	if (bk_sig_pending())
		return 128 + bk_sig_pending();
	exit = forget_steps(r, set, &repo, &t, &err);
	if (exit < 0)
		exit = fail_job(r, job, start, &err);
	else if (exit == 1) {
		bk_info("[%s %s] has no keep: nothing is forgotten",
			set->section->kind, set->section->name);
		exit = BK_EX_OK;
	} else if (exit == 2) {
		say_elsewhere(&repo, set->name);
		exit = BK_EX_OK;
	} else
		exit = report(r, set->name, job, start, &t);
	bk_strv_free(&t.removed);
	repo_close(&repo);
	return exit;
}

/* prune */

static bool is_due(const struct bk_conf_section *s, const char *job)
{
	uint64_t every = bk_conf_duration(s, "prune-every", 7 * 86400);
	BK_AUTO_JSON json_t *state = bk_state_read("bk-restic", job, NULL);
	int64_t last = bk_rec_time(state, "last_ok", 0);
	int64_t now = bk_time_now();

	/* A last time in the future is no reason to wait for it. */
	return last > now || now - last >= (int64_t)every;
}

static int run_prune(struct restic *r, const char *name, struct repo *repo,
		     struct bk_err *err)
{
	BK_AUTO(run_free) struct run run = RUN_INIT(repo);

	if (open_repo(r, name, repo, err) < 0 ||
	    repo_refuse_removal(repo, "prune", err) < 0 ||
	    repo_lock(repo, err) < 0)
		return -1;
	bk_strv_add(&run.args, "prune");
	if (r->cli.dry_run) {
		bk_strv_add(&run.args, "--dry-run");
		say_command(r, &run);
	}
	if (run_restic(&run, err) < 0)
		return -1;
	return run.outcome == OUTCOME_OK ? 0 : run_err(&run, err);
}

static int prune_repo(struct restic *r, const struct bk_conf_section *s,
		      void *arg)
{
	BK_AUTO_FREE char *job = bk_asprintf("prune %s", s->name);
	struct repo repo = { .lock = -1 };
	int64_t start = bk_time_now();
	const bool *named = arg;
	struct bk_err err;
	int exit = BK_EX_OK;

	if (bk_sig_pending())
		return 128 + bk_sig_pending();
	if (!*named && !r->cli.dry_run &&
	    bk_conf_bool(s, "append-only", false)) {
		bk_info("[repo %s] is append-only: it is pruned elsewhere",
			s->name);
		return BK_EX_OK;
	}
	if (r->due && !is_due(s, job)) {
		bk_info("[repo %s] was pruned less than prune-every ago",
			s->name);
		return BK_EX_OK;
	}
	if (run_prune(r, s->name, &repo, &err) < 0)
		exit = fail_job(r, job, start, &err);
	else
		write_state(r, job, start, BK_EX_OK, "pruned", NULL, NULL);
	repo_close(&repo);
	return exit;
}

int cmd_forget(struct restic *r, char **args)
{
	char *all[] = { NULL };
	bool named = false;
	int forgot = each_set(r, args, true, forget_set, NULL);
	int pruned;

	if (!r->prune || forgot == BK_EX_NOINPUT || forgot == BK_EX_CONFIG)
		return forgot;
	/* A set that is held is no reason to keep what others gave up. */
	r->due = true;
	pruned = each_repo(r, all, prune_repo, &named);
	return forgot != BK_EX_OK ? forgot : pruned;
}

int cmd_prune(struct restic *r, char **args)
{
	bool named = args[0] && !r->due;

	return each_repo(r, args, prune_repo, &named);
}
