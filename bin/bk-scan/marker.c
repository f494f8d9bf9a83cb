/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "marker.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "ini.h"
#include "match.h"
#include "stamp.h"

static const char *const names[MARKERS] = {
	[MARKER_BACKUP] = ".backup",
	[MARKER_NOBACKUP] = ".nobackup",
	[MARKER_COLD] = ".coldstorage",
	[MARKER_REDUNDANT] = ".coldstorage_redundant",
	[MARKER_DELETE] = ".coldstorage_delete",
};

const char *marker_name(enum marker_kind kind)
{
	return names[kind];
}

int marker_kind(const char *name)
{
	if (name[0] != '.' ||
	    (name[1] != 'b' && name[1] != 'n' && name[1] != 'c'))
		return -1;
	for (int i = 0; i < MARKERS; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return -1;
}

struct parse {
	struct marker *m;
	enum marker_kind kind;
};

static void add_problem(struct marker *m, size_t line, char *msg)
{
	m->lines = bk_realloc(m->lines, m->problems.n + 1, sizeof(*m->lines));
	m->lines[m->problems.n] = line;
	bk_strv_take(&m->problems, msg);
}

#define PROBLEM(p, line, ...) \
	add_problem((p)->m, line, bk_asprintf(__VA_ARGS__))

static void problem(void *arg, size_t line, const char *msg)
{
	struct parse *p = arg;

	add_problem(p->m, line, bk_strdup(msg));
}

static bool is_name(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len <= 64 && s[0] != '.' && s[0] != '-' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz"
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

static void add_names(struct parse *p, struct bk_strv *l,
		      const struct bk_ini_line *x)
{
	size_t old = l->n;

	bk_strv_split(l, x->value, " \t");
	if (l->n == old)
		PROBLEM(p, x->line, "'%s' has no value", x->key);
	for (size_t i = old; i < l->n; i++)
		if (!is_name(l->v[i]))
			PROBLEM(p, x->line, "'%s' is no name", l->v[i]);
}

static void add_sets(struct parse *p, const struct bk_ini_line *x)
{
	if (!p->m->sets_line)
		p->m->sets_line = x->line;
	add_names(p, &p->m->sets, x);
}

static void add_exclude(struct parse *p, const struct bk_ini_line *x)
{
	const char *why = bk_match_check(x->value);

	if (!why && !bk_str_utf8(x->value, strlen(x->value)))
		why = "is not UTF-8; write '?' for such bytes";
	if (why)
		PROBLEM(p, x->line, "exclude '%s' %s", x->value, why);
	else
		bk_strv_add(&p->m->exclude, x->value);
}

static void set_age(struct parse *p, const struct bk_ini_line *x)
{
	if (p->m->has_age)
		problem(p, x->line, "'min-age' is given twice");
	else if (bk_parse_duration(x->value, &p->m->min_age) < 0)
		PROBLEM(p, x->line, "min-age '%s' is no duration, such as 30d",
			x->value);
	else
		p->m->has_age = true;
}

static void each(void *arg, const struct bk_ini_line *x)
{
	struct parse *p = arg;
	bool restic = p->kind == MARKER_BACKUP;
	bool cold = p->kind >= MARKER_COLD;

	if (!x->key)
		PROBLEM(p, x->line, "a marker has no sections");
	else if (restic && strcmp(x->key, "set") == 0)
		add_sets(p, x);
	else if (cold && strcmp(x->key, "boxes") == 0)
		add_names(p, &p->m->boxes, x);
	else if (cold && strcmp(x->key, "min-age") == 0)
		set_age(p, x);
	else if ((restic || cold) && strcmp(x->key, "exclude") == 0)
		add_exclude(p, x);
	else
		PROBLEM(p, x->line, "unknown key '%s'", x->key);
}

static void drop_tuning(struct marker *m)
{
	bk_strv_free(&m->sets);
	bk_strv_free(&m->boxes);
	bk_strv_free(&m->exclude);
	m->has_age = false;
}

void marker_parse(struct marker *m, enum marker_kind kind, const char *text,
		  size_t len)
{
	struct parse p = { m, kind };
	struct bk_ini ini = { each, problem, &p };

	bk_ini_parse(text, len, &ini);
	if (m->problems.n)
		drop_tuning(m);
}

static const char *distrust(const struct stat *st, uid_t owner)
{
	if (S_ISLNK(st->st_mode))
		return "is a symbolic link";
	if (S_ISDIR(st->st_mode))
		return "is a folder";
	if (!S_ISREG(st->st_mode))
		return "is no regular file";
	if (st->st_uid != 0 && st->st_uid != owner)
		return "belongs neither to root nor to its folder's owner";
	if (st->st_mode & S_IWOTH)
		return "can be written by others";
	return NULL;
}

static void refuse(struct marker *m, const char *why)
{
	m->refused = bk_strdup(why);
}

static void read_text(int fd, enum marker_kind kind, struct marker *m)
{
	if (bk_fd_read(fd, MARKER_MAX, &m->text) == 0) {
		marker_parse(m, kind, m->text.p ? m->text.p : "", m->text.len);
		return;
	}
	if (errno == EFBIG)
		marker_too_big(m);
	else
		m->unread = true;
	bk_buf_free(&m->text);
}

void marker_too_big(struct marker *m)
{
	m->big = true;
	add_problem(m, 0, bk_strdup("it is larger than 64 KiB"));
}

static void note(struct marker *m, const struct stat *st)
{
	m->uid = st->st_uid;
	m->ino = st->st_ino;
	m->size = (uint64_t)st->st_size;
	m->mode = st->st_mode;
	m->ctime = stamp(st->st_ctim.tv_sec, (uint32_t)st->st_ctim.tv_nsec);
	m->mtime =
		fold(stamp(st->st_mtim.tv_sec, (uint32_t)st->st_mtim.tv_nsec));
}

bool marker_read(int dirfd, enum marker_kind kind, uid_t owner,
		 struct marker *m)
{
	const char *name = names[kind], *why;
	BK_AUTO_CLOSE int fd = -1;
	struct stat st;

	*m = (struct marker){ .present = true };
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return false;
		refuse(m, "cannot be looked at");
		m->unread = true;
		return true;
	}
	note(m, &st);
	why = distrust(&st, owner);
	if (why) {
		refuse(m, why);
		return true;
	}
	if (st.st_size == 0)
		return true;
	/* what was looked at above may be something else by now */
	fd = openat(dirfd, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return false;
	if (fd < 0 || fstat(fd, &st) < 0) {
		m->unread = true;
		return true;
	}
	note(m, &st);
	why = distrust(&st, owner);
	if (why)
		refuse(m, why);
	else
		read_text(fd, kind, m);
	return true;
}

void marker_warn(struct warnings *w, const char *path, const struct marker *m)
{
	if (m->refused)
		warn_add(w, true, path, 0, "this marker does not count: it %s",
			 m->refused);
	else if (m->unread)
		warn_add(w, true, path, 0,
			 "cannot be read: the marker counts without its text");
	for (size_t i = 0; i < m->problems.n; i++)
		warn_add(w, true, path, m->lines[i],
			 "%s; the marker counts without its text",
			 m->problems.v[i]);
}

void marker_free(struct marker *m)
{
	bk_buf_free(&m->text);
	drop_tuning(m);
	bk_strv_free(&m->problems);
	free(m->lines);
	free(m->refused);
	*m = (struct marker){ 0 };
}
