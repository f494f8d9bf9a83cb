/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "authkeys.h"

#include <string.h>

#define BEGIN "---- BEGIN SSH2 PUBLIC KEY"
#define END "---- END SSH2 PUBLIC KEY"
#define ONLY_ADDS "command=\"rclone serve restic --stdio --append-only "

/* One entry: a line, or all those of a block, with the last newline. */
struct entry {
	const char *p;
	size_t n;
	char *blob; /* NULL: a comment, or nothing that we know */
	bool adds;  /* it may do nothing else */
	char *name;
};

static void entry_free(struct entry *e)
{
	free(e->blob);
	free(e->name);
	e->blob = e->name = NULL;
}

static size_t line_length(const char *p)
{
	size_t n = strcspn(p, "\n");

	return n + (p[n] == '\n');
}

/* What is behind the option or word at p; quotes may hold blanks. */
static const char *next_word(const char *p)
{
	bool quoted = false;

	for (; *p && (quoted || !strchr(" \t", *p)); p++) {
		if (*p == '\\' && p[1] == '"')
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	return p + strspn(p, " \t");
}

static bool is_type(const char *p)
{
	return bk_str_starts(p, "ssh-") || bk_str_starts(p, "ecdsa-") ||
	       bk_str_starts(p, "sk-");
}

/* Where "TYPE BASE64 COMMENT" begins, or NULL. */
static const char *find_type(const char *line)
{
	line += strspn(line, " \t");
	if (*line == '#')
		return NULL;
	if (!is_type(line))
		line = next_word(line);
	return is_type(line) ? line : NULL;
}

char *authkeys_blob(const char *line)
{
	const char *type = find_type(line);
	const char *p = type ? next_word(type) : "";
	size_t n = strcspn(p, " \t\r\n");

	return n > 0 ? bk_memdup(p, n) : NULL;
}

static void take_line(struct entry *e)
{
	BK_AUTO_FREE char *line = bk_memdup(e->p, e->n);
	const char *type, *p;

	line[strcspn(line, "\r\n")] = '\0';
	type = find_type(line);
	if (!type)
		return;
	e->blob = authkeys_blob(line);
	p = strstr(line, ONLY_ADDS);
	e->adds = p && p < type;
	p = next_word(next_word(type));
	e->name = bk_strdup(*p ? p : "one without a name");
}

/* Headers of a block have a colon, base64 has none. */
static void take_block(struct entry *e)
{
	struct bk_buf b = BK_BUF_INIT;
	const char *end = e->p + e->n, *p = e->p;
	bool more = false;

	bk_buf_adds(&b, "");
	for (; p < end; p += line_length(p)) {
		BK_AUTO_FREE char *copy = bk_memdup(p, line_length(p));
		char *line = bk_str_trim(copy);
		bool header = more || strchr(line, ':');

		more = header && bk_str_ends(line, "\\");
		if (!header && *line != '-')
			bk_buf_adds(&b, line);
	}
	e->blob = bk_buf_steal(&b);
	e->name = bk_strdup("one in the form of RFC 4716");
}

static bool next_entry(struct entry *e)
{
	entry_free(e);
	*e = (struct entry){ .p = e->p + e->n };
	if (!*e->p)
		return false;
	e->n = line_length(e->p);
	if (!bk_str_starts(e->p, BEGIN)) {
		take_line(e);
		return true;
	}
	while (e->p[e->n]) {
		const char *line = e->p + e->n;

		e->n += line_length(line);
		if (bk_str_starts(line, END))
			break;
	}
	take_block(e);
	return true;
}

static bool is_line(const struct entry *e, const char *line)
{
	size_t n = e->n;

	while (n > 0 && strchr("\r\n", e->p[n - 1]))
		n--;
	return n == strlen(line) && memcmp(e->p, line, n) == 0;
}

char *authkeys_append_line(const char *path, const char *public,
			   const char *comment)
{
	BK_AUTO_FREE char *blob = authkeys_blob(public);
	size_t type = strcspn(public, " ");

	return bk_asprintf("restrict," ONLY_ADDS "%s\" %.*s %s %s", path,
			   (int)type, public, blob ? blob : "", comment);
}

bool authkeys_has_line(const char *text, const char *line)
{
	struct entry e = { .p = text };
	bool found = false;

	while (next_entry(&e))
		found = found || is_line(&e, line);
	return found;
}

bool authkeys_has_full(const char *text, const char *blob)
{
	struct entry e = { .p = text };
	bool found = false;

	while (next_entry(&e))
		found = found ||
			(e.blob && !e.adds && strcmp(e.blob, blob) == 0);
	return found;
}

void authkeys_without(const char *text, const struct bk_strv *blobs,
		      struct bk_buf *ret, size_t *ret_n)
{
	struct entry e = { .p = text };

	*ret_n = 0;
	bk_buf_adds(ret, "");
	while (next_entry(&e)) {
		if (e.blob && !e.adds && bk_strv_has(blobs, e.blob))
			++*ret_n;
		else
			bk_buf_add(ret, e.p, e.n);
	}
}

void authkeys_without_line(const char *text, const char *line,
			   struct bk_buf *ret)
{
	struct entry e = { .p = text };

	bk_buf_adds(ret, "");
	while (next_entry(&e))
		if (!is_line(&e, line))
			bk_buf_add(ret, e.p, e.n);
}

void authkeys_others(const char *text, const struct bk_strv *blobs,
		     struct bk_strv *ret)
{
	struct entry e = { .p = text };

	while (next_entry(&e))
		if (e.blob && !e.adds && !bk_strv_has(blobs, e.blob))
			bk_strv_add(ret, e.name);
}
