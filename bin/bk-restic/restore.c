/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-restic restore: back from a snapshot, by default into a new folder.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exclude.h"
#include "file.h"
#include "gauge.h"
#include "kept.h"
#include "log.h"
#include "path.h"
#include "restic.h"
#include "room.h"
#include "sig.h"
#include "time.h"

#define PATTERNS_LIMIT ((size_t)64 << 20)

static const struct snapshot *by_id(const struct snapshots *list,
				    const char *id, struct bk_err *err)
{
	const struct snapshot *found = NULL;

	for (size_t i = 0; i < list->n; i++) {
		if (!bk_str_starts(list->v[i].id, id))
			continue;
		if (found) {
			bk_err_set(err, BK_EX_NOINPUT, 0,
				   "more than one snapshot starts with '%s'",
				   id);
			return NULL;
		}
		found = &list->v[i];
	}
	if (!found)
		bk_err_set(err, BK_EX_NOINPUT, 0,
			   "no snapshot of the set starts with '%s'", id);
	return found;
}

static const struct snapshot *choose(const struct restic *r,
				     const struct set *set,
				     const struct snapshots *list,
				     struct bk_err *err)
{
	const struct snapshot *found = NULL;
	int64_t at = INT64_MAX;

	if (r->snapshot)
		return by_id(list, r->snapshot, err);
	if (r->at && bk_time_parse_human(r->at, bk_time_now(), &at) < 0) {
		bk_err_set(err, BK_EX_USAGE, 0,
			   "'%s' is no time; write 2026-11-22, \"2026-11-22 "
			   "18:00\" or 3d",
			   r->at);
		return NULL;
	}
	for (size_t i = 0; i < list->n; i++)
		if ((!list->v[i].stream || set->dump) && list->v[i].time <= at)
			found = &list->v[i];
	if (!found)
		bk_err_set(err, BK_EX_NOINPUT, 0,
			   "set %s has no snapshot of host %s%s%s%s", set->name,
			   r->host ? r->host : r->conf->host,
			   r->at ? " at or before " : "", r->at ? r->at : "",
			   list->n ? "" : " (other hosts: --host NAME)");
	return found;
}

static char *new_target(const char *set)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_time_add_local(&b, bk_time_now());
	for (char *p = b.p; *p; p++) {
		if (*p == ' ')
			*p = '-';
		else if (*p == ':')
			*p = '.';
	}
	return bk_asprintf("restore-%s-%s", set, b.p);
}

static bool is_empty_folder(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	bool empty = d != NULL;

	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			empty = false;
	if (d)
		(void)closedir(d);
	return empty;
}

/* The absolute path of the folder to restore into. */
static char *target_of(const struct restic *r, const char *set,
		       struct bk_err *err)
{
	BK_AUTO_FREE char *name = NULL;
	BK_AUTO_FREE char *here = NULL;
	BK_AUTO_FREE char *joined = NULL;
	struct stat st;
	char *path;

	if (r->in_place)
		return bk_strdup("/");
	name = r->target ? bk_strdup(r->target) : new_target(set);
	here = getcwd(NULL, 0);
	if (!here) {
		bk_err_sys(err, "cannot find the current folder");
		return NULL;
	}
	joined = name[0] == '/' ? bk_strdup(name) : bk_path_join(here, name);
	path = bk_path_clean(joined);
	if (lstat(path, &st) < 0 || r->overwrite || is_empty_folder(path))
		return path;
	bk_err_set(err, BK_EX_CANTCREAT, 0,
		   "'%s' exists and is not an empty folder; name another, or "
		   "allow it to be written into with --overwrite",
		   path);
	free(path);
	return NULL;
}

/* What was typed, as paths of the snapshot. */
static int clean_paths(char **args, struct bk_strv *ret, struct bk_err *err)
{
	BK_AUTO_FREE char *here = getcwd(NULL, 0);

	for (; *args; args++) {
		BK_AUTO_FREE char *whole =
			(*args)[0] == '/'
				? bk_strdup(*args)
				: bk_path_join(here ? here : "/", *args);

		if (!here && (*args)[0] != '/')
			return bk_err_set(err, BK_EX_NOINPUT, 0,
					  "cannot find the current folder");
		bk_strv_take(ret, bk_path_clean(whole));
		/* "/" is everything, as is no path at all. */
		if (strcmp(ret->v[ret->n - 1], "/") == 0) {
			bk_strv_free(ret);
			return 0;
		}
	}
	return 0;
}

/* Of those that a restore without a time takes. */
static const struct snapshot *newest_of(const struct set *set,
					const struct snapshots *list)
{
	const struct snapshot *newest = NULL;

	for (size_t i = 0; i < list->n; i++)
		if (!list->v[i].stream || set->dump)
			newest = &list->v[i];
	return newest;
}

static void add_when(struct bk_buf *b, int64_t t)
{
	int64_t ago = bk_time_now() - t;

	bk_time_add_local(b, t);
	bk_buf_adds(b, " (");
	bk_str_add_duration(b, ago > 0 ? (uint64_t)ago : 0);
	bk_buf_adds(b, " ago)");
}

static void say_snapshot(const struct set *set, const struct snapshots *list,
			 const struct snapshot *s)
{
	const struct snapshot *newest = newest_of(set, list);
	BK_AUTO_BUF struct bk_buf when = BK_BUF_INIT, other = BK_BUF_INIT;

	add_when(&when, s->time);
	bk_notice("snapshot %.8s of set %s, host %s, %s%s", s->id, set->name,
		  s->host, when.p, newest == s ? ", the newest" : "");
	if (!newest || newest == s)
		return;
	add_when(&other, newest->time);
	bk_notice("the newest is %.8s, %s", newest->id, other.p);
}

static void say_what(const struct restic *r, const struct snapshot *s,
		     const char *target, const struct bk_strv *paths)
{
	for (size_t i = 0; i < paths->n; i++)
		bk_notice("restores %s", paths->v[i]);
	if (paths->n == 0)
		for (size_t i = 0; i < s->paths.n && i < 10; i++)
			bk_notice("restores %s", s->paths.v[i]);
	if (paths->n == 0 && s->paths.n > 10)
		bk_notice("restores %zu more", s->paths.n - 10);
	if (r->in_place)
		bk_notice("to where they were: files there are OVERWRITTEN; "
			  "none is deleted");
	else
		bk_notice("into %s", target);
}

static int confirm(const struct restic *r, struct bk_err *err)
{
	char answer[8] = "";

	if (!r->in_place || r->yes || r->cli.dry_run)
		return 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return bk_err_set(err, BK_EX_USAGE, 0,
				  "--in-place without a terminal to ask wants "
				  "--yes");
	(void)fputs("Overwrite them? [y/N] ", stderr);
	if (bk_sig_await(STDIN_FILENO) &&
	    fgets(answer, sizeof(answer), stdin) &&
	    (answer[0] == 'y' || answer[0] == 'Y'))
		return 0;
	return bk_err_set(err, BK_EX_NO, 0, "nothing was restored");
}

/* The paths that were typed, and which of them the snapshot has. */
struct wanted {
	struct bk_strv names; /* as the snapshot tells them */
	bool *found;
	struct room *room;
};

static void on_node(void *arg, const struct node *n)
{
	struct wanted *w = arg;

	for (size_t i = 0; i < w->names.n; i++)
		if (strcmp(n->path, w->names.v[i]) == 0)
			w->found[i] = true;
	room_add(w->room, n);
}

/*
 * restic restores nothing, and says nothing, where no path matches. So they
 * are looked up first. *ret are those that are there.
 */
static int look_up(struct restic *r, struct repo *repo,
		   const struct snapshot *s, const struct bk_strv *paths,
		   struct bk_strv *ret, struct room *room, struct bk_err *err)
{
	BK_AUTO_FREE bool *found = bk_calloc(paths->n + 1, sizeof(*found));
	struct wanted w = { BK_STRV_INIT, found, room };
	int got;

	for (size_t i = 0; i < paths->n; i++)
		bk_strv_take(&w.names, listing_name(paths->v[i]));
	got = listing_read(r, repo, s->id, paths, on_node, &w, err);
	bk_strv_free(&w.names);
	if (got < 0)
		return -1;
	for (size_t i = 0; i < paths->n; i++) {
		if (found[i])
			bk_strv_add(ret, paths->v[i]);
		else
			bk_error("%s is not in the snapshot", paths->v[i]);
	}
	if (ret->n > 0 || paths->n == 0)
		return 0;
	return bk_err_set(err, BK_EX_NOINPUT, 0, "nothing was restored");
}

/* Patterns as restic has them, each ended by a NUL byte. */
static int add_patterns(const char *file, struct bk_strv *args,
			struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	size_t at = 0;

	if (bk_file_read(file, PATTERNS_LIMIT, &b, err) < 0)
		return -1;
	for (; at < b.len; at += strlen(b.p + at) + 1)
		bk_strv_addf(args, "--include=%s", b.p + at);
	return at > 0 ? 0
		      : bk_err_set(err, BK_EX_DATAERR, 0,
				   "there is no pattern in '%s'", file);
}

/*
 * As a pattern. What was typed as U+FFFD, as restic and find show a byte that
 * is no UTF-8, stands for any one.
 */
static char *pattern_of(const char *path)
{
	BK_AUTO_BUF struct bk_buf literal = BK_BUF_INIT;
	struct bk_buf b = BK_BUF_INIT;
	const char *p, *next;

	exclude_add_literal(&literal, path);
	for (p = literal.p; (next = strstr(p, LISTING_REPLACEMENT));
	     p = next + strlen(LISTING_REPLACEMENT)) {
		bk_buf_add(&b, p, (size_t)(next - p));
		bk_buf_addc(&b, '?');
	}
	bk_buf_adds(&b, p);
	return bk_buf_steal(&b);
}

static void on_text(void *arg, const char *line)
{
	struct gauge *g = arg;

	if (bk_str_starts(line, "verifying files in "))
		gauge_verify(g);
	bk_info("restic: %s", line);
}

static void on_tick(void *arg, pid_t pid)
{
	gauge_show(arg, pid);
}

static int add_what(const struct restic *r, const struct bk_strv *paths,
		    struct run *run, struct bk_err *err)
{
	for (size_t i = 0; i < paths->n; i++) {
		BK_AUTO_FREE char *pattern = pattern_of(paths->v[i]);

		bk_strv_addf(&run->args, "--include=%s", pattern);
	}
	if (r->patterns && add_patterns(r->patterns, &run->args, err) < 0)
		return -1;
	if (run->repo->version >= RESTIC(15, 0))
		bk_strv_add(&run->args, "--sparse");
	if (!r->no_verify)
		bk_strv_add(&run->args, "--verify");
	return 0;
}

/* 0; -1 with err, and *ret_ended where restic tried. */
static int run_restore(struct restic *r, struct repo *repo,
		       const struct snapshot *s, struct gauge *gauge,
		       const char *target, const struct bk_strv *paths,
		       bool *ret_ended, struct bk_err *err)
{
	BK_AUTO(run_free) struct run run = RUN_INIT(repo);

	bk_strv_add(&run.args, "restore");
	if (r->no_lock)
		bk_strv_add(&run.args, "--no-lock");
	bk_strv_add(&run.args, s->id);
	bk_strv_addf(&run.args, "--target=%s", target);
	if (add_what(r, paths, &run, err) < 0)
		return -1;
	if (r->cli.dry_run) {
		say_command(r, &run);
		return 0;
	}
	run.text = on_text;
	run.tick = on_tick;
	run.arg = gauge;
	if (strcmp(target, "/") != 0 && bk_file_mkdirs(target, 0700, err) < 0)
		return -1;
	if (run_restic(&run, err) < 0)
		return -1;
	bk_log_progress(NULL);
	*ret_ended = !bk_sig_pending();
	return run.outcome == OUTCOME_OK ? 0 : run_err(&run, err);
}

static void on_restored(void *arg, const struct node *n)
{
	kept_look(arg, n);
}

/* What came back, and what of it could not be set: 0, 3, or -1 with err. */
static int look_after(struct restic *r, struct repo *repo,
		      const struct snapshot *s, const struct bk_strv *paths,
		      const struct room *room, struct kept *k,
		      struct bk_err *err)
{
	if (listing_read(r, repo, s->id, paths, on_restored, k, err) < 0)
		return -1;
	for (size_t i = 0; i < room->n; i++)
		kept_probe(k, room->places[i].folder);
	return kept_say(k) ? BK_EX_PARTIAL : BK_EX_OK;
}

static void report(struct restic *r, const char *set, const struct snapshot *s,
		   const struct room *room, const struct kept *k)
{
	json_t *o;

	if (r->out.mode != BK_REC_JSON) {
		bk_rec_text(&r->out, room->target, NULL);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "set", set);
	bk_rec_set_str(o, "snapshot", s->id);
	bk_rec_set_path(o, "target", room->target);
	bk_rec_set_bool(o, "verified", !r->no_verify);
	if (room->n > 0) {
		bk_rec_set_int(o, "files", (int64_t)room->files);
		bk_rec_set_int(o, "bytes", (int64_t)room->bytes);
	}
	if (!r->no_verify)
		(void)json_object_set_new(o, "lost", kept_json(k));
	bk_rec_json(&r->out, "restore", o);
}

static void say_done(const struct room *room)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_str_add_count(&b, room->files);
	bk_buf_addf(&b, " file%s, ", room->files == 1 ? "" : "s");
	bk_str_add_size(&b, room->bytes);
	bk_notice("restored, and read back: %s", b.p);
}

/* 0, 3, or -1 with err. */
static int restore_here(struct restic *r, struct repo *repo, const char *set,
			const struct snapshot *s, const struct bk_strv *paths,
			struct room *room, struct bk_err *err)
{
	BK_AUTO(kept_free) struct kept kept = KEPT_INIT(room->target);
	struct gauge gauge = { .name = set, .total = room->bytes };
	bool look = !r->no_verify && !r->patterns, ended = false;
	struct bk_err why;
	int exit = BK_EX_OK;

	if (run_restore(r, repo, s, &gauge, room->target, paths, &ended, err) <
	    0) {
		if (ended && !r->patterns)
			bk_warning("what is in %s is not all of it",
				   room->target);
		if (look && ended && err->exit == BK_EX_NO)
			(void)look_after(r, repo, s, paths, room, &kept, &why);
		return -1;
	}
	if (r->cli.dry_run)
		return BK_EX_OK;
	if (look)
		exit = look_after(r, repo, s, paths, room, &kept, err);
	if (exit < 0)
		return -1;
	if (look)
		say_done(room);
	report(r, set, s, room, &kept);
	return exit;
}

/* 0; 3 where some paths are not in the snapshot; -1 with err. */
static int restore_set(struct restic *r, const struct set *set, char **args,
		       struct repo *repo, struct snapshots *list,
		       struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv typed = BK_STRV_INIT;
	BK_AUTO_STRV struct bk_strv paths = BK_STRV_INIT;
	BK_AUTO_FREE char *target = NULL;
	BK_AUTO(room_free) struct room room = ROOM_INIT(NULL);
	const struct snapshot *s;
	int exit;

	if (clean_paths(args, &typed, err) < 0 ||
	    open_set(r, set, repo, err) < 0 ||
	    snapshots_read(r, repo, set->name, list, err) < 0)
		return -1;
	s = choose(r, set, list, err);
	if (!s)
		return -1;
	target = target_of(r, set->name, err);
	if (!target)
		return -1;
	room.target = target;
	if (!r->patterns && look_up(r, repo, s, &typed, &paths, &room, err) < 0)
		return -1;
	say_snapshot(set, list, s);
	say_what(r, s, target, &paths);
	if (!r->patterns)
		room_say(&room);
	if ((!r->no_space_check && room_check(&room, err) < 0) ||
	    confirm(r, err) < 0)
		return -1;
	exit = restore_here(r, repo, set->name, s, &paths, &room, err);
	return exit == BK_EX_OK && paths.n < typed.n ? BK_EX_PARTIAL : exit;
}

int cmd_restore(struct restic *r, char **args)
{
	struct repo repo = { .lock = -1 };
	struct snapshots list = { 0 };
	struct set set;
	struct bk_err err;
	int exit;

	if (!args[0])
		return bk_cli_usage("restore wants a set");
	if (r->in_place && r->target)
		return bk_cli_usage("--in-place and --target exclude each "
				    "other");
	if (r->patterns && args[1])
		return bk_cli_usage("paths and --patterns exclude each other");
	if (set_find(r, args[0], &set) < 0)
		return BK_EX_NOINPUT;
	if (set.dump && r->in_place)
		return bk_cli_usage("a dump goes back into its server by: "
				    "bk-dbdump restore %s",
				    set.section->name);
	exit = restore_set(r, &set, args + 1, &repo, &list, &err);
	if (exit < 0)
		exit = bk_log_err(&err);
	snapshots_free(&list);
	repo_close(&repo);
	return exit;
}
