/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "listing.h"

#include <sys/stat.h>

#include "path.h"

/* As Go has them beside the nine bits that all know. */
#define GO_SETUID (1 << 23)
#define GO_SETGID (1 << 22)
#define GO_STICKY (1 << 20)
#define REPLACEMENT LISTING_REPLACEMENT

struct reader {
	/* The paths as restic tells them, where it lists more; else none. */
	struct bk_strv within;
	void (*each)(void *arg, const struct node *n);
	void *arg;
};

static bool is_wanted(const struct reader *reader, const char *path)
{
	for (size_t i = 0; i < reader->within.n; i++)
		if (bk_path_within(path, reader->within.v[i]))
			return true;
	return reader->within.n == 0;
}

static mode_t mode_of(int64_t go)
{
	mode_t mode = (mode_t)(go & 0777);

	if (go & GO_SETUID)
		mode |= S_ISUID;
	if (go & GO_SETGID)
		mode |= S_ISGID;
	if (go & GO_STICKY)
		mode |= S_ISVTX;
	return mode;
}

static void on_json(void *arg, const json_t *o)
{
	const struct reader *reader = arg;
	int64_t size = bk_rec_int(o, "size", 0);
	struct node n = {
		.path = bk_rec_str(o, "path"),
		.type = bk_rec_str(o, "type"),
		.size = size > 0 ? (uint64_t)size : 0,
		.mtime = bk_rec_time(o, "mtime", INT64_MIN),
		.uid = bk_rec_int(o, "uid", -1),
		.gid = bk_rec_int(o, "gid", -1),
		.mode = mode_of(bk_rec_int(o, "mode", 0)),
	};

	if (n.path && n.type && is_wanted(reader, n.path))
		reader->each(reader->arg, &n);
}

/* What restic is to list for this path: for one it cannot know, its folder. */
static char *listed(const char *path)
{
	char *at = bk_strdup(path);
	char *unclear = strstr(at, REPLACEMENT);

	if (unclear) {
		*unclear = '\0';
		*strrchr(at, '/') = '\0';
	}
	return at;
}

static void add_paths(const struct bk_strv *paths, struct bk_strv *args,
		      struct reader *reader)
{
	BK_AUTO_STRV struct bk_strv list = BK_STRV_INIT;
	bool unclear = false;

	for (size_t i = 0; i < paths->n; i++) {
		bk_strv_take(&list, listed(paths->v[i]));
		unclear = unclear || listing_unclear(paths->v[i]);
	}
	for (size_t i = 0; unclear && i < paths->n; i++)
		bk_strv_take(&reader->within, listing_name(paths->v[i]));
	/* One that is all of it. */
	if (bk_strv_has(&list, ""))
		return;
	for (size_t i = 0; i < list.n; i++)
		bk_strv_add(args, list.v[i]);
}

int listing_read(struct restic *r, struct repo *repo, const char *id,
		 const struct bk_strv *paths,
		 void (*each)(void *arg, const struct node *n), void *arg,
		 struct bk_err *err)
{
	BK_AUTO(run_free) struct run run = RUN_INIT(repo);
	struct reader reader = { .each = each, .arg = arg };
	int got;

	bk_strv_add(&run.args, "ls");
	bk_strv_add(&run.args, "--json");
	bk_strv_add(&run.args, "--recursive");
	if (r->no_lock)
		bk_strv_add(&run.args, "--no-lock");
	bk_strv_add(&run.args, id);
	add_paths(paths, &run.args, &reader);
	run.json = on_json;
	run.arg = &reader;
	got = run_restic(&run, err);
	bk_strv_free(&reader.within);
	if (got < 0)
		return -1;
	return run.outcome == OUTCOME_OK ? 0 : run_err(&run, err);
}

bool listing_unclear(const char *path)
{
	return strstr(path, REPLACEMENT) != NULL;
}

char *listing_name(const char *path)
{
	return bk_str_to_utf8(path, strlen(path));
}
