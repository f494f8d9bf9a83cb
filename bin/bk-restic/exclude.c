/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "exclude.h"

size_t exclude_targets(const struct plan_set *set, struct bk_buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < set->nentries; i++) {
		const struct plan_entry *e = &set->entries[i];

		if (!e->in || e->state == PLAN_MISSING)
			continue;
		bk_buf_add(b, e->path, strlen(e->path) + 1);
		n++;
	}
	return n;
}

/*
 * A line cannot hold a newline: the class from tab to vertical tab stands for
 * it, which next to no other name can match.
 */
void exclude_add_literal(struct bk_buf *b, const char *path)
{
	for (; *path; path++) {
		if (*path == '\n') {
			bk_buf_adds(b, "[\t-\v]");
			continue;
		}
		if (strchr("\\*?[", *path))
			bk_buf_addc(b, '\\');
		bk_buf_addc(b, *path);
	}
}

/* The bytes at the end of s that are one white space character to Go. */
static size_t space_at_end(const char *s, size_t len)
{
	static const char *const space[] = {
		" ",	  "\t",	    "\v",     "\f",	"\r",	  "\xc2\x85",
		"\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003",
		"\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009",
		"\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000",
	};

	for (size_t i = 0; i < BK_COUNT(space); i++) {
		size_t n = strlen(space[i]);

		if (len >= n && memcmp(s + len - n, space[i], n) == 0)
			return n;
	}
	return 0;
}

/*
 * One pattern as a line of an exclude file: restic expands $NAME there and
 * trims white space of any script.
 */
static void add_line(struct bk_buf *b, const struct bk_buf *pattern)
{
	size_t space = space_at_end(pattern->p, pattern->len);

	for (size_t i = 0; i < pattern->len; i++) {
		if (space && i == pattern->len - space)
			bk_buf_addc(b, '[');
		bk_buf_addc(b, pattern->p[i]);
		if (pattern->p[i] == '$')
			bk_buf_addc(b, '$');
	}
	bk_buf_adds(b, space ? "]\n" : "\n");
}

/* A pattern of a marker counts from the marker's folder. */
static void add_relative(struct bk_buf *b, const char *folder,
			 const char *pattern)
{
	BK_AUTO_BUF struct bk_buf whole = BK_BUF_INIT;

	exclude_add_literal(&whole, strcmp(folder, "/") == 0 ? "" : folder);
	if (pattern[0] != '/')
		bk_buf_adds(&whole, "/**/");
	bk_buf_adds(&whole, pattern);
	add_line(b, &whole);
}

static void add_entry(struct bk_buf *b, const struct plan_entry *e)
{
	BK_AUTO_BUF struct bk_buf pattern = BK_BUF_INIT;

	if (e->nested)
		bk_buf_addc(&pattern, '!');
	exclude_add_literal(&pattern, e->path);
	if (e->nested || !e->in)
		add_line(b, &pattern);
	for (size_t i = 0; i < e->exclude.n; i++)
		add_relative(b, e->path, e->exclude.v[i]);
}

void exclude_lines(const struct plan_set *set, struct bk_buf *b)
{
	for (size_t i = 0; i < set->nentries; i++)
		add_entry(b, &set->entries[i]);
	for (size_t i = 0; i < set->exclude.n; i++) {
		BK_AUTO_BUF struct bk_buf pattern = BK_BUF_INIT;

		bk_buf_adds(&pattern, set->exclude.v[i]);
		add_line(b, &pattern);
	}
}
