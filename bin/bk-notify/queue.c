/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "dirs.h"
#include "file.h"
#include "log.h"
#include "rec.h"

#define ENTRY_LIMIT ((size_t)64 << 10)
/* Digits in front of every name, so that their order is that of the names. */
#define DIGITS 10
#define NUMBER_MAX UINT64_C(9999999999)

static char *name_of(const char *monitor, const char *entry)
{
	return bk_asprintf("notify/%s/%s", monitor, entry);
}

/* An entry has its number in front; 0: it is none. */
static uint64_t number_of(const char *name)
{
	char digits[DIGITS + 1];
	uint64_t n = 0;

	if (strspn(name, "0123456789") != DIGITS || !bk_str_ends(name, ".json"))
		return 0;
	memcpy(digits, name, DIGITS);
	digits[DIGITS] = '\0';
	(void)bk_parse_u64(digits, 1, UINT64_MAX, &n);
	return n;
}

void queue_list(const char *monitor, struct bk_strv *ret)
{
	BK_AUTO_FREE char *name = name_of(monitor, "");
	BK_AUTO_FREE char *folder = NULL;
	struct bk_err err;
	DIR *d;

	folder = bk_dirs_peek(BK_DIRS_STATE, name, &err);
	if (!folder)
		return;
	d = opendir(folder);
	if (!d) {
		if (errno != ENOENT)
			bk_warning("monitor %s: cannot read '%s': %s", monitor,
				   folder, strerror(errno));
		return;
	}
	for (struct dirent *e; (e = readdir(d));)
		if (number_of(e->d_name))
			bk_strv_add(ret, e->d_name);
	(void)closedir(d);
	bk_strv_sort(ret);
}

static void drop_oldest(const char *monitor, const struct bk_strv *before)
{
	size_t most = QUEUE_MAX - 1;

	if (before->n <= most)
		return;
	bk_warning("monitor %s: too many messages wait for it, the oldest is "
		   "dropped",
		   monitor);
	for (size_t i = 0; i < before->n - most; i++)
		queue_drop(monitor, before->v[i]);
}

int queue_put(const char *monitor, const struct message *m, bool alone,
	      struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv before = BK_STRV_INIT;
	BK_AUTO_JSON json_t *o = message_json(m);
	BK_AUTO_FREE char *text = json_dumps(o, JSON_COMPACT);
	BK_AUTO_FREE char *entry = NULL, *name = NULL, *path = NULL;
	uint64_t last;

	queue_list(monitor, &before);
	last = before.n > 0 ? number_of(before.v[before.n - 1]) : 0;
	/* Two that choose the same number have different processes. */
	entry = bk_asprintf("%0*" PRIu64 "-%ld.json", DIGITS,
			    last < NUMBER_MAX ? last + 1 : last,
			    (long)getpid());
	name = name_of(monitor, entry);
	path = bk_dirs_path(BK_DIRS_STATE, name, err);
	if (!path)
		return -1;
	if (!text)
		return bk_err_set(err, BK_EX_SOFTWARE, 0,
				  "cannot encode the message");
	if (bk_file_write(path, text, strlen(text), 0600, err) < 0)
		return -1;
	for (size_t i = 0; alone && i < before.n; i++)
		queue_drop(monitor, before.v[i]);
	if (!alone)
		drop_oldest(monitor, &before);
	return 0;
}

int queue_get(const char *monitor, const char *name, struct message *ret,
	      struct bk_err *err)
{
	BK_AUTO_FREE char *file = name_of(monitor, name);
	BK_AUTO_FREE char *path = bk_dirs_peek(BK_DIRS_STATE, file, err);
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_JSON json_t *o = NULL;

	if (!path || bk_file_read(path, ENTRY_LIMIT, &b, err) < 0)
		return -1;
	o = json_loadb(b.p ? b.p : "", b.len, 0, NULL);
	return message_parse(o, ret, err);
}

void queue_drop(const char *monitor, const char *name)
{
	BK_AUTO_FREE char *file = name_of(monitor, name);
	BK_AUTO_FREE char *path = bk_dirs_peek(BK_DIRS_STATE, file, NULL);

	if (path && unlink(path) < 0 && errno != ENOENT)
		bk_warning("monitor %s: cannot remove '%s': %s", monitor, path,
			   strerror(errno));
}
