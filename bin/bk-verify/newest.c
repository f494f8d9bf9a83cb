/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "newest.h"

#include "child.h"

struct search {
	struct newest *found;
	bool streams;
};

static void take_snapshot(void *arg, const json_t *o)
{
	const struct search *search = arg;
	struct newest *n = search->found;
	const char *type = bk_rec_str(o, "type"), *id = bk_rec_str(o, "id");
	const json_t *paths = json_object_get(o, "paths");
	const char *path = json_string_value(json_array_get(paths, 0));
	int64_t t = bk_rec_time(o, "time", 0);

	if (strcmp(type, "snapshot") != 0 || !id || t < n->when ||
	    (bk_rec_bool(o, "stream", false) && !search->streams))
		return;
	newest_free(n);
	n->id = bk_strdup(id);
	n->path = path ? bk_strdup(path) : NULL;
	n->when = t;
}

int newest_find(const struct verify *v, const char *set, bool streams,
		struct newest *ret, struct bk_err *err)
{
	AUTO_CHILD struct child c = CHILD_INIT;
	struct search search = { ret, streams };

	*ret = (struct newest){ NULL, NULL, 0 };
	child_tool(&c, v, "bk-restic");
	child_add(&c, "--json", "snapshots", "--no-lock", set);
	c.record = take_snapshot;
	c.arg = &search;
	if (child_run(&c, err) == 0 &&
	    (c.status == BK_EX_OK || child_err(&c, c.status, err) == 0))
		return 0;
	newest_free(ret);
	return -1;
}

void newest_free(struct newest *n)
{
	free(n->id);
	free(n->path);
	*n = (struct newest){ NULL, NULL, 0 };
}
