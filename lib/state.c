/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "state.h"

#include <string.h>

#include "dirs.h"
#include "file.h"
#include "rec.h"
#include "str.h"
#include "time.h"

#define STATE_LIMIT ((size_t)16 << 20)

static char *file_name(const char *tool, const char *job)
{
	char *name = bk_asprintf("state/%s.%s.json", tool, job);

	for (char *p = name + strlen("state/"); *p; p++)
		if (*p == ' ' || *p == '/')
			*p = '-';
	return name;
}

json_t *bk_state_read(const char *tool, const char *job, struct bk_err *err)
{
	BK_AUTO_FREE char *name = file_name(tool, job);
	BK_AUTO_FREE char *path = bk_dirs_peek(BK_DIRS_STATE, name, err);
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	json_error_t why;
	json_t *o;

	if (!path || bk_file_read(path, STATE_LIMIT, &b, err) < 0)
		return NULL;
	o = json_loadb(b.p ? b.p : "", b.len, JSON_REJECT_DUPLICATES, &why);
	if (json_is_object(o) && bk_rec_int(o, "v", -1) == 1)
		return o;
	json_decref(o);
	bk_err_set(err, BK_EX_DATAERR, 0, "'%s' is damaged: %s", path,
		   o ? "not a state of version 1" : why.text);
	return NULL;
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

static void set_last_ok(json_t *o, const char *tool, const char *job, int exit,
			int64_t end)
{
	BK_AUTO_JSON json_t *before = NULL;
	const char *last;

	if (exit == BK_EX_OK) {
		bk_rec_set_time(o, "last_ok", end);
		return;
	}
	before = bk_state_read(tool, job, NULL);
	last = bk_rec_str(before, "last_ok");
	if (last)
		bk_rec_set_str(o, "last_ok", last);
	else
		(void)json_object_set_new(o, "last_ok", json_null());
}

int bk_state_write(const char *tool, const char *job, const char *host,
		   int64_t start, int exit, const char *message, json_t *counts,
		   json_t *extra, struct bk_err *err)
{
	BK_AUTO_FREE char *name = file_name(tool, job);
	BK_AUTO_FREE char *path = bk_dirs_path(BK_DIRS_STATE, name, err);
	BK_AUTO_JSON json_t *o = json_object();
	BK_AUTO_FREE char *text = NULL;
	int64_t end = bk_time_now();

	if (!path)
		return -1;
	bk_rec_set_int(o, "v", 1);
	bk_rec_set_str(o, "tool", tool);
	bk_rec_set_str(o, "job", job);
	bk_rec_set_str(o, "host", host);
	bk_rec_set_time(o, "start", start);
	bk_rec_set_time(o, "end", end);
	bk_rec_set_str(o, "result", result(exit));
	bk_rec_set_int(o, "exit", exit);
	bk_rec_set_str(o, "message", message);
	if (counts)
		(void)json_object_set(o, "counts", counts);
	set_last_ok(o, tool, job, exit, end);
	if (extra)
		(void)json_object_update_missing(o, extra);
	text = json_dumps(o, JSON_INDENT(1));
	if (!text)
		return bk_err_set(err, BK_EX_SOFTWARE, 0,
				  "cannot encode the state of '%s'", job);
	return bk_file_write(path, text, strlen(text), 0600, err);
}
