/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "known.h"

#include <stdio.h>

#include "dirs.h"
#include "file.h"
#include "log.h"

#define NAMES_LIMIT ((size_t)1 << 30)
#define REMOVED_LIMIT ((size_t)16 << 20)

static char *names_path(const char *repo, struct bk_err *err)
{
	BK_AUTO_FREE char *name = bk_asprintf("verify/packs:%s.names", repo);

	return bk_dirs_path(BK_DIRS_STATE, name, err);
}

/* "data 0e0a..." */
static void take_name(struct listing *l, char *line)
{
	char *name = strchr(line, ' ');
	BK_AUTO_FREE char *folder = NULL;

	if (!name)
		return;
	*name++ = '\0';
	folder = strcmp(line, "data") == 0 ? bk_asprintf("data/%.2s", name)
					   : bk_strdup(line);
	listing_add(l, folder, name, 0);
}

int known_read(const char *repo, struct listing *ret, struct bk_err *err)
{
	BK_AUTO_FREE char *path = names_path(repo, err);
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	char *line, *end;

	*ret = LISTING_INIT;
	if (!path)
		return -1;
	if (access(path, F_OK) < 0)
		return 0;
	if (bk_file_read(path, NAMES_LIMIT, &b, err) < 0)
		return -1;
	for (line = b.p; line && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		take_name(ret, line);
	}
	listing_sort(ret);
	return 0;
}

int known_write(const char *repo, const struct listing *l, struct bk_err *err)
{
	BK_AUTO_FREE char *path = names_path(repo, err);
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (!path)
		return -1;
	bk_buf_adds(&b, "");
	for (size_t i = 0; i < l->n; i++) {
		char name[65];

		if (l->v[i].kind != LISTING_DATA &&
		    l->v[i].kind != LISTING_INDEX)
			continue;
		listing_name(&l->v[i], name);
		bk_buf_addf(&b, "%s %s\n", listing_word(l->v[i].kind), name);
	}
	return bk_file_write(path, b.p, b.len, 0600, err);
}

void known_removed(const char *repo, struct bk_strv *ret)
{
	BK_AUTO_FREE char *name = bk_asprintf("restic/removed.%s", repo);
	BK_AUTO_FREE char *path = bk_dirs_peek(BK_DIRS_STATE, name, NULL);
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;
	struct bk_err err = { 0 };

	if (!path || access(path, F_OK) < 0)
		return;
	if (bk_file_read(path, REMOVED_LIMIT, &b, &err) < 0) {
		bk_warning("%s", err.msg);
		return;
	}
	/* TIME KIND ID */
	bk_strv_split(&lines, b.p ? b.p : "", "\n");
	for (size_t i = 0; i < lines.n; i++) {
		const char *rest = strchr(lines.v[i], ' ');

		if (rest)
			bk_strv_add(ret, rest + 1);
	}
}

bool known_is_removed(const struct bk_strv *removed, const char *kind,
		      const char *id)
{
	size_t n = strlen(kind);

	for (size_t i = 0; i < removed->n; i++) {
		const char *line = removed->v[i];

		if (strncmp(line, kind, n) == 0 && line[n] == ' ' &&
		    (bk_str_starts(id, line + n + 1) ||
		     bk_str_starts(line + n + 1, id)))
			return true;
	}
	return false;
}
