/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "baseline.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "dirs.h"
#include "file.h"
#include "log.h"
#include "path.h"
#include "rec.h"

#define BASELINE_LIMIT ((size_t)64 << 20)

void baseline_free(struct baseline *b)
{
	free(b->why);
	free(b->snapshot);
	bk_strv_free(&b->roots);
	bk_strv_free(&b->on);
	bk_strv_free(&b->mounts);
	*b = (struct baseline){ 0 };
}

static char *file_name(const char *set)
{
	return bk_asprintf("restic/%s.json", set);
}

static char *copy_str(const json_t *o, const char *key)
{
	const char *s = bk_rec_str(o, key);

	return s ? bk_strdup(s) : NULL;
}

static void read_paths(const json_t *array, struct baseline *b)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const json_t *o = json_array_get(array, i);
		char *path = bk_rec_get_path(o, "path");
		char *on = bk_rec_get_path(o, "mount");

		if (!path) {
			free(on);
			continue;
		}
		bk_strv_take(&b->roots, path);
		bk_strv_take(&b->on, on ? on : bk_strdup(""));
	}
}

static void parse(const json_t *o, struct baseline *b)
{
	const json_t *good = json_object_get(o, "good");
	const json_t *mounts = json_object_get(good, "mounts");

	b->held = bk_rec_bool(o, "held", false);
	b->why = copy_str(o, "why");
	b->snapshot = copy_str(o, "snapshot");
	if (!json_is_object(good))
		return;
	b->known = true;
	b->time = bk_rec_time(good, "time", 0);
	b->files = bk_rec_int(good, "files", 0);
	b->bytes = bk_rec_int(good, "bytes", 0);
	read_paths(json_object_get(good, "roots"), b);
	for (size_t i = 0; i < json_array_size(mounts); i++) {
		char *path = bk_rec_get_path(json_array_get(mounts, i), "path");

		if (path)
			bk_strv_take(&b->mounts, path);
	}
}

void baseline_read(const char *set, struct baseline *ret)
{
	BK_AUTO_FREE char *name = file_name(set);
	BK_AUTO_FREE char *path = bk_dirs_peek(BK_DIRS_STATE, name, NULL);
	BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;
	BK_AUTO_JSON json_t *o = NULL;
	struct bk_err err;

	*ret = (struct baseline){ 0 };
	if (!path)
		return;
	if (bk_file_read(path, BASELINE_LIMIT, &text, &err) < 0) {
		ret->damaged = err.num != ENOENT;
	} else {
		o = json_loadb(text.p ? text.p : "", text.len, 0, NULL);
		ret->damaged = !json_is_object(o);
	}
	if (bk_rec_is_newer(o, path, &err)) {
		ret->held = ret->damaged = true;
		ret->why = bk_strdup(err.msg);
		return;
	}
	if (o)
		parse(o, ret);
	if (ret->damaged) {
		ret->held = true;
		ret->why = bk_asprintf("'%s' cannot be read, which records "
				       "the last good backup",
				       path);
	}
}

static json_t *path_object(const char *path, const char *mount)
{
	json_t *o = json_object();

	bk_rec_set_path(o, "path", path);
	if (mount)
		bk_rec_set_path(o, "mount", mount);
	return o;
}

static json_t *good_object(const struct baseline *b)
{
	json_t *good = json_object();
	json_t *roots = json_array(), *mounts = json_array();

	bk_rec_set_time(good, "time", b->time);
	bk_rec_set_int(good, "files", b->files);
	bk_rec_set_int(good, "bytes", b->bytes);
	for (size_t i = 0; i < b->roots.n; i++)
		(void)json_array_append_new(roots, path_object(b->roots.v[i],
							       b->on.v[i]));
	for (size_t i = 0; i < b->mounts.n; i++)
		(void)json_array_append_new(mounts,
					    path_object(b->mounts.v[i], NULL));
	(void)json_object_set_new(good, "roots", roots);
	(void)json_object_set_new(good, "mounts", mounts);
	return good;
}

int baseline_write(const char *set, const struct baseline *b,
		   struct bk_err *err)
{
	BK_AUTO_FREE char *name = file_name(set);
	BK_AUTO_FREE char *path = bk_dirs_path(BK_DIRS_STATE, name, err);
	BK_AUTO_JSON json_t *o = json_object();
	BK_AUTO_FREE char *text = NULL;

	if (!path)
		return -1;
	bk_rec_set_int(o, "v", 1);
	bk_rec_set_bool(o, "held", b->held);
	if (b->held && b->why)
		bk_rec_set_str(o, "why", b->why);
	if (b->snapshot)
		bk_rec_set_str(o, "snapshot", b->snapshot);
	if (b->known)
		(void)json_object_set_new(o, "good", good_object(b));
	text = json_dumps(o, JSON_INDENT(1));
	return bk_file_write(path, text, strlen(text), 0600, err);
}

void baseline_take(struct baseline *b, const struct plan_set *set)
{
	bk_strv_free(&b->roots);
	bk_strv_free(&b->on);
	bk_strv_free(&b->mounts);
	for (size_t i = 0; i < set->nentries; i++) {
		const struct plan_entry *e = &set->entries[i];

		if (!e->in || e->state == PLAN_MISSING)
			continue;
		bk_strv_add(&b->roots, e->path);
		bk_strv_add(&b->on, e->mount ? e->mount : "");
	}
	for (size_t i = 0; i < set->mounts.n; i++)
		bk_strv_add(&b->mounts, set->mounts.v[i]);
}

static int by_path(const void *a, const void *b)
{
	const struct plan_entry *const *x = a, *const *y = b;

	return strcmp((*x)->path, (*y)->path);
}

/* The roots of a set, sorted for find_root(). */
struct roots {
	const struct plan_entry **v;
	size_t n;
};

static struct roots sort_roots(const struct plan_set *set)
{
	struct roots r = { bk_calloc(set->nentries, sizeof(*r.v)), 0 };

	for (size_t i = 0; i < set->nentries; i++)
		if (set->entries[i].in)
			r.v[r.n++] = &set->entries[i];
	if (r.n > 1)
		qsort(r.v, r.n, sizeof(*r.v), by_path);
	return r;
}

static const struct plan_entry *find_root(const struct roots *r, char *path)
{
	const struct plan_entry key = { .path = path }, *p = &key;
	const struct plan_entry **found =
		r->n ? bsearch(&p, r->v, r->n, sizeof(*r->v), by_path) : NULL;

	return found ? *found : NULL;
}

static bool is_folder_or_file(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* Is something mounted at path? Looks it up in proc_pid_mountinfo(5). */
static bool is_mounted(const char *path)
{
	BK_AUTO_BUF struct bk_buf name = BK_BUF_INIT;
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	for (; *path; path++) {
		if (strchr(" \t\n\\", *path))
			bk_buf_addf(&name, "\\%03o", (unsigned int)*path);
		else
			bk_buf_addc(&name, *path);
	}
	while (f && !found && getline(&line, &size, f) > 0) {
		char *rest = line, *field = NULL;

		for (int i = 0; i < 5 && rest; i++)
			field = strsep(&rest, " ");
		found = field && strcmp(field, name.p ? name.p : "") == 0;
	}
	free(line);
	if (f)
		(void)fclose(f);
	return found;
}

static void compare_root(const struct baseline *b, size_t i,
			 const struct plan_set *set, const struct roots *roots,
			 struct bk_strv *problems)
{
	const char *on = b->on.v[i];
	char *path = b->roots.v[i];
	const struct plan_entry *e = find_root(roots, path);
	bool was_mount = *on && strcmp(on, "/") != 0;

	if (!e && was_mount && !is_mounted(on))
		bk_strv_addf(problems, "%s is not mounted, which held %s", on,
			     path);
	else if (!e && is_folder_or_file(path))
		bk_notice("%s is no longer chosen for set %s", path, set->name);
	else if (!e)
		bk_strv_addf(problems, "%s is gone", path);
	else if (e->state == PLAN_OK && e->mount && was_mount &&
		 strcmp(e->mount, on) != 0 && strlen(e->mount) < strlen(on))
		bk_strv_addf(problems, "%s is not mounted, which holds %s", on,
			     path);
}

static bool is_within_root(const struct plan_set *set, const char *path)
{
	for (size_t i = 0; i < set->nentries; i++)
		if (set->entries[i].in &&
		    bk_path_within(path, set->entries[i].path))
			return true;
	return false;
}

void baseline_compare(const struct baseline *b, const struct plan_set *set,
		      struct bk_strv *problems)
{
	struct roots roots;

	if (b->damaged)
		bk_strv_add(problems, b->why);
	for (size_t i = 0; i < set->nentries; i++) {
		const struct plan_entry *e = &set->entries[i];

		if (e->in && e->state == PLAN_MISSING)
			bk_strv_addf(problems, "%s does not exist", e->path);
		else if (e->in && e->state != PLAN_OK)
			bk_strv_addf(problems, "%s cannot be read", e->path);
	}
	roots = sort_roots(set);
	for (size_t i = 0; i < b->roots.n; i++)
		compare_root(b, i, set, &roots, problems);
	free(roots.v);
	for (size_t i = 0; i < b->mounts.n; i++)
		if (!bk_strv_has(&set->mounts, b->mounts.v[i]) &&
		    is_within_root(set, b->mounts.v[i]))
			bk_strv_addf(problems, "%s is not mounted",
				     b->mounts.v[i]);
}

char *baseline_shrunk(const struct baseline *b, int64_t files, int64_t bytes,
		      unsigned int percent)
{
	BK_AUTO_BUF struct bk_buf was = BK_BUF_INIT, is = BK_BUF_INIT;
	double least = (100.0 - percent) / 100.0;

	if (!b->known || percent >= 100)
		return NULL;
	if ((double)bytes < least * (double)b->bytes) {
		bk_str_add_size(&was, (uint64_t)b->bytes);
		bk_str_add_size(&is, (uint64_t)bytes);
		return bk_asprintf("it shrank from %s to %s", was.p, is.p);
	}
	if ((double)files < least * (double)b->files) {
		bk_str_add_count(&was, (uint64_t)b->files);
		bk_str_add_count(&is, (uint64_t)files);
		return bk_asprintf("it shrank from %s to %s files", was.p,
				   is.p);
	}
	return NULL;
}
