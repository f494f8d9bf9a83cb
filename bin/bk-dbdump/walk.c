/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "walk.h"

#include <fcntl.h>
#include <strings.h>
#include <unistd.h>

#include "file.h"
#include "path.h"
#include "proof.h"
#include "sig.h"

#define SETTING_MAX 4096

static void place_free(struct place *p)
{
	free(p->db);
	subject_free(&p->subject);
}

/* What goes on about the same thing keeps its subject. */
static void move_on(struct place *p, const struct statement *st)
{
	struct subject s;

	subject_read(st->p, st->len, &s);
	if (s.kind == SUBJECT_MORE) {
		subject_free(&s);
		return;
	}
	if ((s.kind == SUBJECT_USE || s.kind == SUBJECT_DATABASE) && s.name) {
		free(p->db);
		p->db = bk_strdup(s.name);
	}
	subject_free(&p->subject);
	p->subject = s;
}

/* sql_mode, as the server will have it: quotes depend on it. */
static void note_mode(struct statements *s, const struct statement *st)
{
	BK_AUTO_FREE char *text = NULL;

	if (st->len > SETTING_MAX)
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
		if (st.comment || st.len == 0)
			continue;
		move_on(p, &st);
		if (p->subject.kind == SUBJECT_SETTING)
			note_mode(&s, &st);
		if (w->each(w->arg, p, &st, err) < 0)
			return -1;
	}
	if (got < 0)
		bk_err_set(err, err->exit, 0, "%s: %s", p->file, err->msg);
	return got;
}

static int walk_file(const struct walk *w, const char *path, const char *file,
		     const char *db, struct bk_err *err)
{
	BK_AUTO_CLOSE int fd = proof_open(path, 0, err);
	struct place p = { .file = file,
			   .db = db ? bk_strdup(db) : NULL,
			   .subject.kind = SUBJECT_SETTING };
	int got = fd < 0 ? -1 : walk_text(w, fd, &p, err);

	place_free(&p);
	return got;
}

int walk_dump(const struct walk *w, struct bk_err *err)
{
	const struct manifest *m = w->manifest;

	if (!m)
		return walk_file(w, w->path, bk_path_base(w->path), NULL, err);
	for (size_t i = 0; i < m->n; i++) {
		const struct manifest_file *f = &m->files[i];
		BK_AUTO_FREE char *path = bk_path_join(w->path, f->path);

		if ((!w->enter || w->enter(w->arg, f)) &&
		    walk_file(w, path, f->path, f->db, err) < 0)
			return -1;
	}
	return 0;
}
