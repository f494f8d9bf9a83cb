/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-restic find: in which snapshots a name is, and how it comes back.
 */
#include "log.h"
#include "restic.h"
#include "time.h"

/* So many commands are told; who wants more restores a folder. */
#define COMMANDS_MAX 5

struct found {
	char *path;
	const struct snapshot *newest;
};

struct search {
	char **patterns;
	size_t n;
	/* Of the set that is searched: the paths, each once. */
	struct found *v;
	size_t paths;
};

static const struct snapshot *snapshot_of(const struct snapshots *l,
					  const char *id)
{
	for (size_t i = 0; i < l->n; i++)
		if (id && strcmp(l->v[i].id, id) == 0)
			return &l->v[i];
	return NULL;
}

static void add_word(struct bk_buf *b, const char *word)
{
	bk_buf_addc(b, ' ');
	bk_str_add_typed(b, word);
}

/* What to type to get it back from this snapshot. */
static char *restore_line(const struct restic *r, const char *set,
			  const struct snapshot *s, const char *path)
{
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "bk-restic");
	if (r->cli.config) {
		bk_buf_adds(&b, " -c");
		add_word(&b, r->cli.config);
	}
	bk_buf_adds(&b, " restore");
	add_word(&b, set);
	if (r->host) {
		bk_buf_adds(&b, " --host");
		add_word(&b, r->host);
	}
	bk_buf_addf(&b, " --snapshot %.8s", s->id);
	add_word(&b, path);
	return bk_buf_steal(&b);
}

static void keep_newest(struct search *search, const char *path,
			const struct snapshot *s)
{
	for (size_t i = 0; i < search->paths; i++) {
		struct found *f = &search->v[i];

		if (strcmp(f->path, path) != 0)
			continue;
		if (s->time >= f->newest->time)
			f->newest = s;
		return;
	}
	/* One more than are told, so that "more" is known. */
	if (search->paths > COMMANDS_MAX)
		return;
	search->v =
		bk_realloc(search->v, search->paths + 1, sizeof(*search->v));
	search->v[search->paths++] = (struct found){ bk_strdup(path), s };
}

static void print_json(struct restic *r, const char *set,
		       const struct snapshot *s, const char *path,
		       const json_t *match)
{
	BK_AUTO_FREE char *line = restore_line(r, set, s, path);
	const char *type = bk_rec_str(match, "type");
	json_t *o = json_object();

	bk_rec_set_str(o, "set", set);
	bk_rec_set_str(o, "id", s->id);
	bk_rec_set_time(o, "time", s->time);
	bk_rec_set_str(o, "path", path);
	bk_rec_set_str(o, "kind", type ? type : "?");
	bk_rec_set_int(o, "size", bk_rec_int(match, "size", 0));
	if (bk_rec_str(match, "mtime"))
		bk_rec_set_time(o, "mtime", bk_rec_time(match, "mtime", 0));
	bk_rec_set_str(o, "restore", line);
	bk_rec_json(&r->out, "match", o);
}

static void print_match(struct restic *r, const char *set,
			const struct snapshot *s, const char *path,
			const json_t *match)
{
	BK_AUTO_BUF struct bk_buf when = BK_BUF_INIT, text = BK_BUF_INIT;
	BK_AUTO_FREE char *id = bk_memdup(s->id, strnlen(s->id, 8));
	int64_t size = bk_rec_int(match, "size", 0);

	if (r->out.mode == BK_REC_JSON) {
		print_json(r, set, s, path, match);
		return;
	}
	bk_time_add_local(&when, s->time);
	bk_str_add_size(&text, size > 0 ? (uint64_t)size : 0);
	if (r->out.mode == BK_REC_NUL)
		bk_rec_text(&r->out, path, NULL);
	else
		bk_rec_text(&r->out, id, when.p, set, text.p, path, NULL);
}

static void print_found(struct restic *r, const char *set,
			const struct snapshots *list, const json_t *found,
			struct search *search)
{
	for (size_t i = 0; i < json_array_size(found); i++) {
		const json_t *hit = json_array_get(found, i);
		const json_t *matches = json_object_get(hit, "matches");
		const struct snapshot *s =
			snapshot_of(list, bk_rec_str(hit, "snapshot"));

		for (size_t k = 0; s && k < json_array_size(matches); k++) {
			const json_t *match = json_array_get(matches, k);
			const char *path = bk_rec_str(match, "path");

			if (!path)
				continue;
			search->n++;
			print_match(r, set, s, path, match);
			keep_newest(search, path, s);
		}
	}
}

/* And how each comes back, as it was last. */
static void say_commands(const struct restic *r, const char *set,
			 const struct search *search)
{
	if (search->paths == 0 || r->out.mode == BK_REC_JSON)
		return;
	(void)fflush(r->out.f);
	bk_notice("to get the newest back, into a new folder:");
	for (size_t i = 0; i < search->paths && i < COMMANDS_MAX; i++) {
		const struct found *f = &search->v[i];
		BK_AUTO_FREE char *line =
			restore_line(r, set, f->newest, f->path);

		bk_log_command(line);
	}
	if (search->paths > COMMANDS_MAX)
		bk_notice("and so on");
}

static void forget_paths(struct search *search)
{
	for (size_t i = 0; i < search->paths; i++)
		free(search->v[i].path);
	free(search->v);
	search->v = NULL;
	search->paths = 0;
}

static int find_in_set(struct restic *r, const struct set *set, void *arg)
{
	struct search *search = arg;
	struct repo repo = { .lock = -1 };
	struct snapshots list = { 0 };
	BK_AUTO_JSON json_t *found = NULL;
	struct bk_err err;
	int exit = BK_EX_OK;

	if (open_set(r, set, &repo, &err) == 0 &&
	    snapshots_read(r, &repo, set->name, &list, &err) == 0) {
		BK_AUTO(run_free) struct run run = RUN_INIT(&repo);

		bk_strv_add(&run.args, "find");
		bk_strv_add(&run.args, "--json");
		add_filter(r, set->name, &run.args);
		bk_strv_add(&run.args, "--");
		for (char **p = search->patterns; *p; p++)
			bk_strv_add(&run.args, *p);
		run.quiet = true;
		found = run_for_json(&run, &err);
	}
	if (found) {
		print_found(r, set->name, &list, found, search);
		say_commands(r, set->name, search);
	} else {
		exit = bk_log_err(&err);
	}
	forget_paths(search);
	snapshots_free(&list);
	repo_close(&repo);
	return exit;
}

int cmd_find(struct restic *r, char **args)
{
	struct search search = { .patterns = args + 1 };
	char *set[] = { args[0], NULL };
	int exit;

	if (!args[0] || !args[1])
		return bk_cli_usage("find wants a set and a name or pattern");
	exit = each_set(r, set, true, find_in_set, &search);
	if (exit == BK_EX_OK && search.n == 0)
		return BK_EX_NO;
	return exit;
}
