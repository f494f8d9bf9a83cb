/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "walk.h"

#include <fcntl.h>
#include <strings.h>
#include <unistd.h>

#include "file.h"
#include "path.h"
#include "sig.h"
#include "str.h"

#define MARK_FILE "-- file: "
#define MARK_OBJECT "-- object: "

static void leave_object(struct place *p)
{
	free(p->kind);
	free(p->name);
	free(p->of);
	p->kind = p->name = p->of = NULL;
}

static void leave_part(struct place *p)
{
	leave_object(p);
	free(p->db);
	free(p->table);
	p->db = p->table = NULL;
}

static int digit(char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* len bytes of a path, in which %XX stands for a byte. */
static char *decode(const char *s, size_t len)
{
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "");
	for (size_t i = 0; i < len; i++) {
		int high = s[i] == '%' && i + 2 < len ? digit(s[i + 1]) : -1;
		int low = high >= 0 ? digit(s[i + 2]) : -1;

		if (low >= 0) {
			bk_buf_addc(&b, (char)(high << 4 | low));
			i += 2;
		} else {
			bk_buf_addc(&b, s[i]);
		}
	}
	return bk_buf_steal(&b);
}

/* "globals.sql", "shop/schema.sql", "shop/item.sql", "shop/post.sql" */
static void enter_part(struct place *p, const char *path)
{
	const char *slash = strchr(path, '/');
	const char *file = slash ? slash + 1 : path;
	size_t len = strcspn(file, " \n");

	leave_part(p);
	p->part = MANIFEST_GLOBALS;
	if (!slash)
		return;
	p->db = decode(path, (size_t)(slash - path));
	if (len >= 4 && memcmp(file + len - 4, ".sql", 4) == 0)
		len -= 4;
	if (len == 6 && memcmp(file, "schema", len) == 0) {
		p->part = MANIFEST_SCHEMA;
	} else if (len == 4 && memcmp(file, "post", len) == 0) {
		p->part = MANIFEST_POST;
	} else {
		p->part = MANIFEST_ROWS;
		p->table = decode(file, len);
	}
}

/* "table shop/item", "trigger shop/item/check_it" */
static void enter_object(struct place *p, const char *text)
{
	size_t kind = strcspn(text, " "), n;
	const char *rest = text + kind;

	leave_object(p);
	p->kind = bk_memdup(text, kind);
	if (*rest)
		rest++;
	n = strcspn(rest, "/");
	if (rest[n] == '/')
		rest += n + 1;
	n = strcspn(rest, "/");
	if (rest[n] == '/') {
		p->of = decode(rest, n);
		rest += n + 1;
	}
	p->name = decode(rest, strlen(rest));
}

static void read_mark(struct place *p, const struct statement *st, bool stream)
{
	BK_AUTO_FREE char *line = bk_memdup(st->p, st->len);

	line[strcspn(line, "\n")] = '\0';
	if (stream && bk_str_starts(line, MARK_FILE))
		enter_part(p, line + strlen(MARK_FILE));
	else if (bk_str_starts(line, MARK_OBJECT))
		enter_object(p, line + strlen(MARK_OBJECT));
}

/* What the text says about itself, as the server will understand it. */
static void note_mode(struct statements *s, const struct statement *st)
{
	BK_AUTO_FREE char *text = NULL;

	if (st->len < 4 || st->len > 4096 || strncasecmp(st->p, "SET ", 4) != 0)
		return;
	text = bk_memdup(st->p, st->len);
	if (!strcasestr(text, "sql_mode"))
		return;
	s->no_backslash = strcasestr(text, "NO_BACKSLASH_ESCAPES") != NULL;
	s->ansi_quotes = strcasestr(text, "ANSI_QUOTES") != NULL;
}

static int walk_text(const struct walk *w, int fd, struct place *p,
		     struct bk_err *err)
{
	BK_AUTO(statements_free)
	struct statements s = { .fd = fd, .left = UINT64_MAX };
	struct statement st;
	int got;

	while ((got = statements_next(&s, &st, err)) == 1) {
		if (bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "it was interrupted");
		if (st.comment) {
			read_mark(p, &st, !w->manifest);
			continue;
		}
		note_mode(&s, &st);
		if (w->enter && !w->enter(w->arg, p))
			continue;
		if (w->each(w->arg, p, &st, err) < 0)
			return -1;
	}
	if (got < 0)
		bk_err_set(err, err->exit, 0, "%s: %s", p->file, err->msg);
	return got;
}

static int walk_file(const struct walk *w, const char *path, struct place *p,
		     struct bk_err *err)
{
	BK_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return bk_err_sys(err, "cannot open '%s'", path);
	return walk_text(w, fd, p, err);
}

static int walk_folder(const struct walk *w, struct bk_err *err)
{
	for (size_t i = 0; i < w->manifest->n; i++) {
		const struct manifest_file *f = &w->manifest->files[i];
		BK_AUTO_FREE char *path = bk_path_join(w->path, f->path);
		struct place p = { .file = f->path, .part = f->kind };
		int got = 0;

		p.db = f->db ? bk_strdup(f->db) : NULL;
		p.table = f->table ? bk_strdup(f->table) : NULL;
		if (!w->enter || w->enter(w->arg, &p))
			got = walk_file(w, path, &p, err);
		leave_part(&p);
		if (got < 0)
			return -1;
	}
	return 0;
}

int walk_dump(const struct walk *w, struct bk_err *err)
{
	struct place p = { .file = bk_path_base(w->path),
			   .part = MANIFEST_SCHEMA };
	int got;

	if (w->manifest)
		return walk_folder(w, err);
	got = walk_file(w, w->path, &p, err);
	leave_part(&p);
	return got;
}
