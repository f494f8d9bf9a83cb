/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-restic backup: the plan of bk-scan becomes one snapshot per set.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "backup.h"
#include "baseline.h"
#include "exclude.h"
#include "log.h"
#include "sig.h"
#include "time.h"

/* One backup of one set, from its plan to its state file. */
struct job {
	struct restic *r;
	const struct set *set;
	const struct plan_set *plan;
	struct repo repo;
	struct baseline base;
	struct bk_strv alarms; /* what must not pass for good */
	struct bk_strv faults; /* what else makes it partial */
	struct summary sum;
	int64_t start;
	char *name; /* "backup home" */
};

void summary_take(struct summary *s, const json_t *o, bool dry)
{
	const char *id = bk_rec_str(o, "snapshot_id");

	/* A dry run makes an id up. */
	if (dry)
		id = NULL;
	free(s->snapshot);
	s->seen = true;
	s->snapshot = id ? bk_strdup(id) : NULL;
	s->files = bk_rec_int(o, "total_files_processed", 0);
	s->bytes = bk_rec_int(o, "total_bytes_processed", 0);
	s->new_files = bk_rec_int(o, "files_new", 0);
	s->changed = bk_rec_int(o, "files_changed", 0);
	s->added = bk_rec_int(o, "data_added_packed",
			      bk_rec_int(o, "data_added", 0));
}

static void show_progress(const struct job *j, const json_t *o)
{
	int64_t done = bk_rec_int(o, "bytes_done", 0);
	int64_t total = bk_rec_int(o, "total_bytes", 0);
	int64_t seconds = bk_rec_int(o, "seconds_elapsed", 0);
	int64_t left = bk_rec_int(o, "seconds_remaining", 0);
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_buf_addf(&b, "%s: ", j->set->name);
	if (total > 0)
		bk_buf_addf(&b, "%3" PRId64 " %%  ", done * 100 / total);
	bk_str_add_size(&b, (uint64_t)done);
	bk_buf_adds(&b, " of ");
	bk_str_add_size(&b, (uint64_t)total);
	if (seconds > 0) {
		bk_buf_adds(&b, ", ");
		bk_str_add_size(&b, (uint64_t)(done / seconds));
		bk_buf_adds(&b, "/s");
	}
	if (left > 0) {
		bk_buf_adds(&b, ", ");
		bk_str_add_duration(&b, (uint64_t)left);
		bk_buf_adds(&b, " left");
	}
	bk_log_progress(b.p);
}

static void on_json(void *arg, const json_t *o)
{
	struct job *j = arg;
	const char *type = bk_rec_str(o, "message_type");

	if (!type)
		return;
	if (strcmp(type, "summary") == 0)
		summary_take(&j->sum, o, j->r->cli.dry_run);
	else if (strcmp(type, "status") == 0)
		show_progress(j, o);
}

/*
 * The snapshot to compare with is named: restic by itself wants the same
 * paths or more before 0.16, so that a new root would have all of them read
 * again, and since then takes that of a stream for one.
 */
static int add_parent(struct job *j, struct bk_strv *args, struct bk_err *err)
{
	struct snapshots list;

	if (!j->base.snapshot) {
		if (snapshots_read(j->r, &j->repo, j->set->name, &list, err) <
		    0)
			return -1;
		for (size_t i = 0; i < list.n; i++) {
			if (list.v[i].stream)
				continue;
			free(j->base.snapshot);
			j->base.snapshot = bk_strdup(list.v[i].id);
		}
		snapshots_free(&list);
	}
	if (j->base.snapshot) {
		bk_strv_add(args, "--parent");
		bk_strv_add(args, j->base.snapshot);
	}
	return 0;
}

static int add_arguments(struct job *j, struct run *run, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf targets = BK_BUF_INIT;
	BK_AUTO_BUF struct bk_buf lines = BK_BUF_INIT;
	struct bk_strv *args = &run->args;

	(void)exclude_targets(j->plan, &targets);
	exclude_lines(j->plan, &lines);
	run->keep[0] = memory_fd(&targets, err);
	run->keep[1] = memory_fd(&lines, err);
	if (run->keep[0] < 0 || run->keep[1] < 0)
		return -1;
	bk_strv_add(args, "backup");
	bk_strv_add(args, "--json");
	/* On no terminal nobody sees the status lines: have none made. */
	if (!isatty(STDERR_FILENO) || bk_log_level() < BK_LOG_NOTICE)
		bk_strv_add(args, "--quiet");
	if (j->r->cli.dry_run)
		bk_strv_add(args, "--dry-run");
	bk_strv_addf(args, "--files-from-raw=/dev/fd/%d", run->keep[0]);
	bk_strv_addf(args, "--exclude-file=/dev/fd/%d", run->keep[1]);
	bk_strv_add(args, "--host");
	bk_strv_add(args, j->repo.host);
	bk_strv_add(args, "--tag");
	bk_strv_addf(args, "bk,%s", j->set->name);
	return add_parent(j, args, err);
}

static void show_dry(struct restic *r, const struct run *run,
		     const struct plan_set *set)
{
	BK_AUTO_BUF struct bk_buf lines = BK_BUF_INIT;

	say_command(r, run);
	for (size_t i = 0; i < set->nentries; i++)
		if (set->entries[i].in && set->entries[i].state != PLAN_MISSING)
			bk_notice("target: %s", set->entries[i].path);
	exclude_lines(set, &lines);
	for (char *p = lines.p; p && *p;) {
		size_t n = strcspn(p, "\n");

		bk_notice("pattern: %.*s", (int)n, p);
		p += n + 1;
	}
}

static void close_fds(const struct run *run)
{
	for (size_t i = 0; i < BK_COUNT(run->keep); i++)
		if (run->keep[i] >= 0)
			(void)close(run->keep[i]);
}

/* Run restic; a parent that is gone is looked for again, once. */
static int run_backup(struct job *j, struct bk_err *err)
{
	BK_AUTO(run_free) struct run run = RUN_INIT(&j->repo);
	bool retried = false;
	int got;

again:
	run.json = on_json;
	run.arg = j;
	got = add_arguments(j, &run, err);
	if (got == 0 && j->r->cli.dry_run)
		show_dry(j->r, &run, j->plan);
	if (got == 0)
		got = run_restic(&run, err);
	close_fds(&run);
	bk_log_progress(NULL);
	if (got < 0)
		return -1;
	if (run.outcome == OUTCOME_NO_PARENT && !retried) {
		retried = true;
		free(j->base.snapshot);
		j->base.snapshot = NULL;
		run_free(&run);
		run = RUN_INIT(&j->repo);
		goto again;
	}
	if (run.outcome == OUTCOME_PARTIAL)
		bk_strv_addf(&j->faults, "restic: %s",
			     run.message ? run.message
					 : "some files could not be read");
	else if (run.outcome != OUTCOME_OK)
		return run_err(&run, err);
	if (!j->sum.seen)
		return run_err(&run, err);
	return 0;
}

static json_t *counts_of(const struct summary *s, size_t roots)
{
	json_t *o = json_object();

	bk_rec_set_int(o, "roots", (int64_t)roots);
	bk_rec_set_int(o, "files", s->files);
	bk_rec_set_int(o, "bytes", s->bytes);
	bk_rec_set_int(o, "files_new", s->new_files);
	bk_rec_set_int(o, "files_changed", s->changed);
	bk_rec_set_int(o, "bytes_added", s->added);
	return o;
}

/* The first few, most important first. */
static void add_reasons(struct bk_buf *b, const struct bk_strv *reasons)
{
	for (size_t i = 0; i < reasons->n && i < 3; i++)
		bk_buf_addf(b, "%s; ", reasons->v[i]);
	if (reasons->n > 3)
		bk_buf_addf(b, "%zu more; ", reasons->n - 3);
}

static char *message_of(const struct job *j, size_t roots)
{
	struct bk_buf b = BK_BUF_INIT;

	add_reasons(&b, &j->alarms);
	add_reasons(&b, &j->faults);
	bk_str_add_count(&b, (uint64_t)j->sum.files);
	bk_buf_adds(&b, " files, ");
	bk_str_add_size(&b, (uint64_t)j->sum.bytes);
	bk_buf_addf(&b, " in %zu root%s, ", roots, roots == 1 ? "" : "s");
	bk_str_add_size(&b, (uint64_t)j->sum.added);
	bk_buf_adds(&b, " added");
	return bk_buf_steal(&b);
}

void backup_report(struct restic *r, const char *set, int exit,
		   const struct summary *s, const char *message)
{
	static const char *const results[] = { "ok", "partial" };
	const char *result = results[exit == BK_EX_PARTIAL];
	BK_AUTO_BUF struct bk_buf id = BK_BUF_INIT;
	json_t *o;

	if (r->out.mode == BK_REC_JSON) {
		o = counts_of(s, 0);
		(void)json_object_del(o, "roots");
		bk_rec_set_str(o, "set", set);
		bk_rec_set_str(o, "result", result);
		if (s->snapshot)
			bk_rec_set_str(o, "snapshot", s->snapshot);
		bk_rec_set_str(o, "message", message);
		bk_rec_json(&r->out, "backup", o);
		return;
	}
	bk_buf_add(&id, s->snapshot ? s->snapshot : "-",
		   s->snapshot ? strnlen(s->snapshot, 8) : 1);
	bk_rec_text(&r->out, set, result, id.p, message, NULL);
}

static void warn_all(const struct job *j, const struct bk_strv *reasons)
{
	for (size_t i = 0; i < reasons->n; i++)
		bk_warning("set %s: %s", j->set->name, reasons->v[i]);
}

static void accept_alarms(struct job *j)
{
	for (size_t i = 0; i < j->alarms.n; i++)
		bk_notice("set %s: accepted: %s", j->set->name, j->alarms.v[i]);
	bk_strv_free(&j->alarms);
	j->base.damaged = false;
}

/*
 * An alarm holds the old snapshots, and a good run releases them and is the
 * measure for the next one. A run with faults only does neither.
 */
static void judge(struct job *j)
{
	struct baseline *base = &j->base;
	BK_AUTO_FREE char *accept = set_accept_line(j->set);

	if (j->r->accept)
		accept_alarms(j);
	warn_all(j, &j->alarms);
	warn_all(j, &j->faults);
	if (j->alarms.n > 0) {
		free(base->why);
		base->why = bk_strdup(j->alarms.v[0]);
		base->held = true;
	} else if (j->faults.n == 0 || j->r->accept) {
		base->held = false;
	}
	if (base->held)
		bk_warning("set %s: its old snapshots are kept until a run is "
			   "good again; if this is how it shall be: %s",
			   j->set->name, accept);
	else if (j->faults.n == 0 || j->r->accept || !base->known) {
		/* A dump's folder is there only while it is stored. */
		if (!j->set->dump)
			baseline_take(base, j->plan);
		base->known = true;
		base->time = bk_time_now();
		base->files = j->sum.files;
		base->bytes = j->sum.bytes;
	}
	if (j->sum.snapshot) {
		free(base->snapshot);
		base->snapshot = bk_strdup(j->sum.snapshot);
	}
}

static int record(struct job *j, int exit, size_t roots, const char *message)
{
	BK_AUTO_JSON json_t *extra = json_object();
	BK_AUTO_JSON json_t *counts = counts_of(&j->sum, roots);
	struct bk_err err;

	/* What could not be read may be well: it stays until accepted. */
	if (!j->r->cli.dry_run && !j->base.damaged &&
	    baseline_write(j->set->name, &j->base, &err) < 0) {
		bk_error("set %s: %s", j->set->name, err.msg);
		exit = BK_EX_PARTIAL;
	}
	bk_rec_set_bool(extra, "held", j->base.held);
	if (j->sum.snapshot)
		bk_rec_set_str(extra, "snapshot", j->sum.snapshot);
	write_state(j->r, j->name, j->start, exit, message, counts, extra);
	backup_report(j->r, j->set->name, exit, &j->sum, message);
	return exit;
}

static int finish(struct job *j, size_t warnings, size_t roots)
{
	unsigned int percent =
		(unsigned int)bk_conf_u64(j->set->section, "shrink-alarm", 50);
	char *shrunk =
		baseline_shrunk(&j->base, j->sum.files, j->sum.bytes, percent);
	BK_AUTO_FREE char *message = NULL;
	bool good;

	if (shrunk)
		bk_strv_take(&j->alarms, shrunk);
	if (warnings > 0)
		bk_strv_addf(&j->faults, "the scan warned of %zu thing%s",
			     warnings, warnings == 1 ? "" : "s");
	judge(j);
	good = j->alarms.n == 0 && j->faults.n == 0;
	message = message_of(j, roots);
	return record(j, good ? BK_EX_OK : BK_EX_PARTIAL, roots, message);
}

/* Nothing to back up: no success unless accepted, and never a snapshot. */
static int empty(struct job *j, struct bk_err *err)
{
	const char *why = j->set->dump ? "the plan has no folder of it"
				       : "no .backup marker chooses it, and "
					 "it has no path (bk-scan mark backup "
					 "FOLDER sets one; bk-scan show looks)";

	if (j->r->accept) {
		baseline_free(&j->base);
		return record(j, BK_EX_OK, 0,
			      "there is nothing to back up, as accepted");
	}
	if (j->alarms.n > 0)
		why = j->alarms.v[0];
	if (j->base.known && !j->r->cli.dry_run) {
		j->base.held = true;
		free(j->base.why);
		j->base.why = bk_strdup("the plan became empty");
		if (baseline_write(j->set->name, &j->base, err) < 0)
			return -1;
	}
	return bk_err_set(err, BK_EX_NOINPUT, 0,
			  "there is nothing to back up: %s", why);
}

static int run_job(struct job *j, size_t warnings, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf targets = BK_BUF_INIT;
	size_t roots;

	/* Only who holds the lock may judge by what the last run recorded. */
	if (open_set(j->r, j->set, &j->repo, err) < 0 ||
	    repo_lock(&j->repo, err) < 0)
		return -1;
	baseline_read(j->set->name, &j->base);
	baseline_compare(&j->base, j->plan, &j->alarms);
	roots = exclude_targets(j->plan, &targets);
	if (roots == 0)
		return empty(j, err);
	if (run_backup(j, err) < 0)
		return -1;
	return finish(j, warnings, roots);
}

static int backup_set(struct restic *r, const struct set *set,
		      const struct plan *plan)
{
	static const struct plan_set nothing;
	struct job j = { .r = r,
			 .set = set,
			 .plan = plan_find(plan, set->name),
			 .repo = { .lock = -1 },
			 .start = bk_time_now() };
	struct bk_err err;
	int exit;

	if (!j.plan)
		j.plan = &nothing;
	j.name = bk_asprintf("backup %s", set->name);
	exit = run_job(&j, plan_warnings(plan, j.plan), &err);
	if (exit < 0)
		exit = fail_job(r, j.name, j.start, &err);
	repo_close(&j.repo);
	baseline_free(&j.base);
	bk_strv_free(&j.alarms);
	bk_strv_free(&j.faults);
	free(j.sum.snapshot);
	free(j.name);
	return exit;
}

struct sets {
	const struct plan *plan;
	const struct bk_err *err; /* there is no plan */
	bool named;		  /* on the command line */
};

/* A set that only takes streams has no part in a backup of folders. */
static bool has_folders(const struct set *set, const struct plan *plan)
{
	const struct bk_conf_section *s = set->section;
	const struct plan_set *found = plan_find(plan, set->name);
	BK_AUTO(baseline_free) struct baseline base = { 0 };

	if (bk_conf_bool(s, "markers", false) || bk_conf_str(s, "path", NULL) ||
	    (found && found->nentries > 0))
		return true;
	baseline_read(set->name, &base);
	return base.known || base.damaged;
}

static int backup_one(struct restic *r, const struct set *set, void *arg)
{
	const struct sets *sets = arg;

	if (bk_sig_pending())
		return 128 + bk_sig_pending();
	if (!sets->named && !has_folders(set, sets->plan))
		return EACH_SKIP;
	if (sets->err) {
		BK_AUTO_FREE char *job = bk_asprintf("backup %s", set->name);

		return fail_job(r, job, bk_time_now(), sets->err);
	}
	return backup_set(r, set, sets->plan);
}

/* "-" as the last operand: the plan comes from a pipe. */
static bool take_dash(char **args)
{
	size_t n = 0;

	while (args[n])
		n++;
	if (n == 0 || strcmp(args[n - 1], "-") != 0)
		return false;
	args[n - 1] = NULL;
	return true;
}

/* Only who has just made a dump can say where it lies. */
static bool names_dump(char **args)
{
	while (*args && !bk_str_starts(*args, SET_DUMP))
		args++;
	return *args != NULL;
}

int cmd_backup(struct restic *r, char **args)
{
	struct plan plan = { 0 };
	struct bk_err err;
	struct sets sets = { .plan = &plan };
	bool piped = take_dash(args);
	int got, exit;

	if (r->stdin_name)
		return backup_stream(r, args);
	sets.named = args[0] != NULL;
	if (r->command)
		return bk_cli_usage("a command behind -- wants --stdin");
	if (r->accept && (!sets.named || args[1]))
		return bk_cli_usage("--accept wants the name of one set");
	if (!piped && names_dump(args))
		return bk_cli_usage("dumps are made, and then stored, by: "
				    "bk-dbdump backup");
	got = piped ? plan_read(STDIN_FILENO, &plan, &err)
		    : plan_scan(r->cli.config, r->accept ? args[0] : NULL,
				r->cli.dry_run, &plan, &err);
	if (got == 0 && strcmp(plan.in.host, r->conf->host) != 0)
		got = bk_err_set(&err, BK_EX_PROTOCOL, 0,
				 "the plan is of host '%s', and this is '%s'",
				 plan.in.host, r->conf->host);
	if (got < 0)
		sets.err = &err;
	exit = each_set(r, args, false, backup_one, &sets);
	plan_free(&plan);
	return exit;
}
