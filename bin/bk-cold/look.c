/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "look.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"
#include "time.h"

int names_read(struct catalog *cat, struct names *ret, struct bk_err *err)
{
	*ret = (struct names){ 0 };
	for (int id = 1; id <= CATALOG_BOXES_MAX; id++) {
		struct catalog_box box = { 0 };
		int got = catalog_box_by_id(cat, id, &box, err);

		if (got < 0) {
			names_free(ret);
			return -1;
		}
		ret->v[id] = bk_strdup(got > 0 ? box.name : "");
		catalog_box_free(&box);
	}
	return 0;
}

void names_free(struct names *n)
{
	for (size_t i = 0; i < BK_COUNT(n->v); i++)
		free(n->v[i]);
	*n = (struct names){ 0 };
}

char *look_path(const char *arg, struct bk_err *err)
{
	BK_AUTO_FREE char *here = NULL;
	BK_AUTO_FREE char *whole = NULL;

	if (*arg != '/' && !(here = getcwd(NULL, 0))) {
		(void)bk_err_sys(err, "cannot find the current folder");
		return NULL;
	}
	whole = here ? bk_path_join(here, arg) : bk_strdup(arg);
	return bk_path_clean(whole);
}

int look_paths(char **args, struct bk_strv *ret, struct bk_err *err)
{
	for (; *args; args++) {
		char *path = look_path(*args, err);

		if (!path)
			return -1;
		bk_strv_take(ret, path);
	}
	return 0;
}

int look_at(const struct cold *c, int64_t *ret, struct bk_err *err)
{
	*ret = 0;
	if (!c->at || bk_time_parse_human(c->at, bk_time_now(), ret) == 0)
		return 0;
	return bk_err_set(err, BK_EX_USAGE, 0,
			  "--at: '%s' is no time; write e.g. 2026-11-22, "
			  "\"2026-11-22 18:00\", 3d",
			  c->at);
}

const char *look_local(const struct entry *e)
{
	const struct meta *m = &e->meta;
	struct meta now;
	struct stat st;

	if (lstat(e->path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? "gone" : "unknown";
	meta_from_stat(&now, &st);
	return now.type == m->type && now.size == m->size &&
			       now.mtime == m->mtime &&
			       now.mtime_ns == m->mtime_ns
		       ? "here"
		       : "changed";
}

char *look_number(uint64_t n)
{
	return bk_asprintf("%llu", (unsigned long long)n);
}

char *look_time(int64_t t)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (!t)
		return bk_strdup("-");
	bk_time_add_local(&b, t);
	return bk_buf_steal(&b);
}
