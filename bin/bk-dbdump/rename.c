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

/*
 * Its own name stands in CREATE DATABASE and USE, and in the definition of a
 * table before the name of a sequence or of another table.
 */
void rename_db(const struct place *p, const char *into, const char *sql,
	       size_t len, struct bk_buf *ret)
{
	BK_AUTO_BUF struct bk_buf from = BK_BUF_INIT, to = BK_BUF_INIT;
	bool first = p->subject.kind == SUBJECT_DATABASE ||
		     p->subject.kind == SUBJECT_USE;
	bool table = p->subject.kind == SUBJECT_OBJECT &&
		     strcmp(p->subject.word, "table") == 0;

	value_add_name(&from, p->db);
	value_add_name(&to, into);
	if (first || table)
		rename_in(from.p, to.p, !first, sql, sql + len, ret);
	else
		bk_buf_add(ret, sql, len);
}
