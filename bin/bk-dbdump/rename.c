/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rename.h"

#include "value.h"

/* Behind the `name` that begins at p; a doubled ` is part of it. */
static const char *skip_name(const char *p, const char *end)
{
	for (p++; p < end; p++) {
		if (*p != '`')
			continue;
		if (p + 1 == end || p[1] != '`')
			return p + 1;
		p++;
	}
	return end;
}

/* Behind the 'text' that begins at p. */
static const char *skip_text(const char *p, const char *end)
{
	for (p++; p < end; p++) {
		if (*p == '\\')
			p++;
		else if (*p == '\'')
			return p + 1;
	}
	return end;
}

/* The first name becomes to; or, all: every one that a dot follows. */
static void rename_in(const char *from, const char *to, bool all, const char *p,
		      const char *end, struct bk_buf *b)
{
	size_t n = strlen(from);

	while (p < end) {
		const char *next = p + 1;

		if (*p == '`')
			next = skip_name(p, end);
		else if (*p == '\'')
			next = skip_text(p, end);
		if (*p == '`' && (size_t)(next - p) == n &&
		    memcmp(p, from, n) == 0 &&
		    (!all || (next < end && *next == '.'))) {
			bk_buf_adds(b, to);
			if (!all) {
				bk_buf_add(b, next, (size_t)(end - next));
				return;
			}
		} else {
			bk_buf_add(b, p, (size_t)(next - p));
		}
		p = next;
	}
}

/* CREATE TRIGGER, in which people may have written the database. */
static void rename_trigger(const struct subject *s, const char *to,
			   const char *sql, size_t len, struct bk_buf *b)
{
	size_t done = 0;

	for (size_t i = 0; i < BK_COUNT(s->dbs); i++) {
		if (s->dbs[i].len == 0)
			continue;
		bk_buf_add(b, sql + done, s->dbs[i].at - done);
		bk_buf_adds(b, to);
		done = s->dbs[i].at + s->dbs[i].len;
	}
	bk_buf_add(b, sql + done, len - done);
}

/* The same, as the text that a statement executes. */
static void rename_quoted(const struct subject *s, const char *to,
			  const struct bk_buf *text, struct bk_buf *b)
{
	BK_AUTO_BUF struct bk_buf renamed = BK_BUF_INIT;

	rename_trigger(s, to, text->p, text->len, &renamed);
	bk_buf_adds(b, "EXECUTE IMMEDIATE ");
	value_add_text(b, renamed.p);
}

/*
 * Its own name stands in CREATE DATABASE and USE, and in the definition of a
 * table before the name of a sequence or of another table.
 */
void rename_db(const struct place *p, const char *into, const char *sql,
	       size_t len, struct bk_buf *ret)
{
	BK_AUTO_BUF struct bk_buf from = BK_BUF_INIT, to = BK_BUF_INIT;
	BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;
	const struct subject *s = &p->subject;
	const char *word = s->kind == SUBJECT_OBJECT ? s->word : "";
	bool first = s->kind == SUBJECT_DATABASE || s->kind == SUBJECT_USE;

	value_add_name(&from, p->db);
	value_add_name(&to, into);
	if (first || strcmp(word, "table") == 0)
		rename_in(from.p, to.p, !first, sql, sql + len, ret);
	else if (strcmp(word, "trigger") != 0)
		bk_buf_add(ret, sql, len);
	else if (subject_immediate(sql, len, &text) && text.len > 0)
		rename_quoted(s, to.p, &text, ret);
	else
		rename_trigger(s, to.p, sql, len, ret);
}
