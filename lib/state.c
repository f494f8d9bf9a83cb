/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "state.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dirs.h"
#include "file.h"
#include "rec.h"
#include "str.h"
#include "time.h"

#define STATE_LIMIT ((size_t)16 << 20)

char *bk_state_file(const char *tool, const char *job)
{
	char *name = bk_asprintf("%s.%s.json", tool, job);

	for (char *p = name; *p; p++)
		if (*p == ' ' || *p == '/')
			*p = '-';
	return name;
}

/* Below the state folder. */
static char *file_name(const char *tool, const char *job)
{
	BK_AUTO_FREE char *file = bk_state_file(tool, job);

	return bk_asprintf("state/%s", file);
}

static json_t *load(const char *path, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	json_error_t why;
	json_t *o;

	if (bk_file_read(path, STATE_LIMIT, &b, err) < 0)
		return NULL;
	o = json_loadb(b.p ? b.p : "", b.len, JSON_REJECT_DUPLICATES, &why);
	if (json_is_object(o) && bk_rec_int(o, "v", -1) == 1)
		return o;
	if (!bk_rec_is_newer(o, path, err))
		(void)bk_err_set(err, BK_EX_DATAERR, 0, "'%s' is damaged: %s",
				 path,
				 o ? "not a state of version 1" : why.text);
	json_decref(o);
	return NULL;
}

static bool is_text(const json_t *o, const char *key, const char *wanted)
{
	const char *s = bk_rec_str(o, key);

	return s && strcmp(s, wanted) == 0;
}

static void set_foreign(struct bk_err *err, const char *path)
{
	(void)bk_err_set(err, BK_EX_DATAERR, 0,
			 "'%s' is damaged: it is about another job", path);
}

/* Two streams can have files of the same name: "db:a b" and "db:a-b". */
json_t *bk_state_read(const char *tool, const char *job, struct bk_err *err)
{
	BK_AUTO_FREE char *name = file_name(tool, job);
	BK_AUTO_FREE char *path = bk_dirs_peek(BK_DIRS_STATE, name, err);
	BK_AUTO_FREE char *utf8 = bk_str_to_utf8(job, strlen(job));
	json_t *o = path ? load(path, err) : NULL;

	if (!o || (is_text(o, "tool", tool) && is_text(o, "job", utf8)))
		return o;
	json_decref(o);
	set_foreign(err, path);
	return NULL;
}

/* A copy with another name is no state: the job may have moved on. */
static bool is_named(const json_t *o, const char *name)
{
	const char *tool = bk_rec_str(o, "tool"), *job = bk_rec_str(o, "job");
	BK_AUTO_FREE char *file = tool && job ? bk_state_file(tool, job) : NULL;
	BK_AUTO_FREE char *utf8 = bk_str_to_utf8(name, strlen(name));

	return file && strcmp(file, utf8) == 0;
}

static json_t *load_or_tell(const char *folder, const char *name)
{
	BK_AUTO_FREE char *path = bk_asprintf("%s/%s", folder, name);
	struct bk_err err;
	json_t *o = load(path, &err);

	if (o && is_named(o, name))
		return o;
	if (o)
		set_foreign(&err, path);
	json_decref(o);
	o = json_object();
	bk_rec_set_str(o, "file", name);
	bk_rec_set_str(o, "damaged", err.msg);
	return o;
}

json_t *bk_state_all(struct bk_err *err)
{
	BK_AUTO_FREE char *folder = bk_dirs_peek(BK_DIRS_STATE, "state", err);
	BK_AUTO_STRV struct bk_strv names = BK_STRV_INIT;
	json_t *all;
	DIR *d;

	if (!folder)
		return NULL;
	d = opendir(folder);
	if (!d && errno != ENOENT) {
		(void)bk_err_sys(err, "cannot read '%s'", folder);
		return NULL;
	}
	for (struct dirent *e; d && (e = readdir(d));)
		if (bk_str_ends(e->d_name, ".json") && e->d_name[0] != '.')
			bk_strv_add(&names, e->d_name);
	if (d)
		(void)closedir(d);
	bk_strv_sort(&names);
	all = json_array();
	for (size_t i = 0; i < names.n; i++)
		(void)json_array_append_new(all,
					    load_or_tell(folder, names.v[i]));
	return all;
}

static const char *result(int exit)
{
	switch (exit) {
	case BK_EX_OK:
		return "ok";
	case BK_EX_PARTIAL:
		return "partial";
	default:
		return "failed";
	}
}

/* The state before; what another host did is none of this one's. */
static json_t *read_before(const char *tool, const char *job, const char *host)
{
	json_t *before = bk_state_read(tool, job, NULL);

	if (!before || is_text(before, "host", host))
		return before;
	json_decref(before);
	return NULL;
}

/* What goes on from the state before: when all began, when it was well. */
static void set_history(json_t *o, const json_t *before, int exit,
			int64_t start, int64_t end)
{
	int64_t last =
		exit == BK_EX_OK ? end : bk_rec_time(before, "last_ok", 0);
	int64_t since = bk_rec_time(before, "since", start);
	bool broken = exit == BK_EX_TEMPFAIL
			      ? bk_rec_bool(before, "broken", false)
			      : exit != BK_EX_OK;

	if (last)
		bk_rec_set_time(o, "last_ok", last);
	else
		(void)json_object_set_new(o, "last_ok", json_null());
	bk_rec_set_time(o, "since", since < start ? since : start);
	if (broken)
		bk_rec_set_bool(o, "broken", true);
}

/* Which run of a unit of systemd this is, where it is one. */
static void set_invocation(json_t *o)
{
	const char *id = getenv("INVOCATION_ID");

	if (id && strlen(id) == 32 && strspn(id, "0123456789abcdef") == 32 &&
	    !json_object_get(o, "invocation"))
		bk_rec_set_str(o, "invocation", id);
}

int bk_state_write(const char *tool, const char *job, const char *host,
		   int64_t start, int exit, const char *message, json_t *counts,
		   json_t *extra, struct bk_err *err)
{
	BK_AUTO_FREE char *name = file_name(tool, job);
	BK_AUTO_FREE char *path = bk_dirs_path(BK_DIRS_STATE, name, err);
	BK_AUTO_JSON json_t *before = read_before(tool, job, host);
	BK_AUTO_JSON json_t *o = json_object();
	BK_AUTO_FREE char *text = NULL;
	int64_t now = bk_time_now_ms(), end = now / 1000;

	if (!path)
		return -1;
	bk_rec_set_int(o, "v", 1);
	bk_rec_set_str(o, "tool", tool);
	bk_rec_set_str(o, "job", job);
	bk_rec_set_str(o, "host", host);
	bk_rec_set_time(o, "start", start);
	bk_rec_set_time(o, "end", end);
	bk_rec_set_int(o, "end_ms", now % 1000);
	bk_rec_set_str(o, "result", result(exit));
	bk_rec_set_int(o, "exit", exit);
	bk_rec_set_str(o, "message", message);
	if (counts)
		(void)json_object_set(o, "counts", counts);
	set_history(o, before, exit, start, end);
	if (extra)
		(void)json_object_update_missing(o, extra);
	set_invocation(o);
	text = json_dumps(o, JSON_INDENT(1));
	if (!text)
		return bk_err_set(err, BK_EX_SOFTWARE, 0,
				  "cannot encode the state of '%s'", job);
	return bk_file_write(path, text, strlen(text), 0600, err);
}
