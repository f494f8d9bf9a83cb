/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statement.h"

#include <errno.h>
#include <strings.h>
#include <unistd.h>

#define CHUNK ((size_t)256 << 10)

void statements_free(struct statements *s)
{
	bk_buf_free(&s->buf);
}

/* One read: 1 more is there, 0 the end, -1 err. */
static int more(struct statements *s, struct bk_err *err)
{
	size_t want = s->chunk ? s->chunk : CHUNK;
	size_t limit = s->limit ? s->limit : STATEMENT_MAX;
	ssize_t n;

	if (s->eof || s->left == 0) {
		s->eof = true;
		return 0;
	}
	if (s->buf.len - s->at > limit)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "line %llu: the statement is too long",
				  (unsigned long long)s->line);
	if (want > s->left)
		want = (size_t)s->left;
	bk_buf_reserve(&s->buf, want);
	do
		n = read(s->fd, s->buf.p + s->buf.len, want);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return bk_err_sys(err, "cannot read the dump");
	s->eof = n == 0;
	s->buf.len += (size_t)n;
	s->buf.p[s->buf.len] = '\0';
	s->left -= s->left == UINT64_MAX ? 0 : (uint64_t)n;
	return n > 0;
}

/* Have n bytes from pos on, if there are so many: 0, or -1 with err. */
static int have(struct statements *s, size_t pos, size_t n, struct bk_err *err)
{
	int got = 1;

	while (s->buf.len - pos < n && got == 1)
		got = more(s, err);
	return got < 0 ? -1 : 0;
}

/* Is this text at pos? Bytes behind the end are none. */
static bool at(const struct statements *s, size_t pos, const char *text)
{
	size_t n = strlen(text);

	return s->buf.len - pos >= n && memcmp(s->buf.p + pos, text, n) == 0;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool starts_line_comment(const struct statements *s, size_t pos)
{
	if (at(s, pos, "#"))
		return true;
	return at(s, pos, "--") && (s->buf.len - pos == 2 ||
				    (unsigned char)s->buf.p[pos + 2] <= ' ');
}

/* What is in a comment with '!' is code to the server. */
static bool starts_comment(const struct statements *s, size_t pos)
{
	return at(s, pos, "/*") && !at(s, pos, "/*!") && !at(s, pos, "/*M!");
}

static int cut_off(const struct statements *s, struct bk_err *err)
{
	return bk_err_set(err, BK_EX_DATAERR, 0,
			  "line %llu: the text ends within a statement",
			  (unsigned long long)s->line);
}

/* Behind the newline, or to the end. */
static int skip_line(struct statements *s, size_t *pos, struct bk_err *err)
{
	for (;;) {
		char *end = memchr(s->buf.p + *pos, '\n', s->buf.len - *pos);
		int got;

		if (end) {
			*pos = (size_t)(end - s->buf.p) + 1;
			return 0;
		}
		*pos = s->buf.len;
		got = more(s, err);
		if (got <= 0)
			return got;
	}
}

static int skip_comment(struct statements *s, size_t *pos, struct bk_err *err)
{
	for (*pos += 2;; (*pos)++) {
		if (have(s, *pos, 2, err) < 0)
			return -1;
		if (s->buf.len - *pos < 2)
			return cut_off(s, err);
		if (at(s, *pos, "*/")) {
			*pos += 2;
			return 0;
		}
	}
}

/*
 * Behind the quote that ends what the one at pos begins. A doubled one ends
 * it too, and begins it anew.
 */
static int skip_quoted(struct statements *s, size_t *pos, struct bk_err *err)
{
	char quote = s->buf.p[(*pos)++];
	bool escapes = !s->no_backslash && quote != '`' &&
		       (quote != '"' || !s->ansi_quotes);
	int got;

	for (;;) {
		const char *p = s->buf.p + *pos, *end = s->buf.p + s->buf.len;

		while (p < end && *p != quote && (*p != '\\' || !escapes))
			p++;
		*pos = (size_t)(p - s->buf.p);
		if (p < end && *p == quote) {
			(*pos)++;
			return 0;
		}
		if (end - p > 1) {
			*pos += 2;
			continue;
		}
		got = more(s, err);
		if (got <= 0)
			return got < 0 ? -1 : cut_off(s, err);
	}
}

/* The position of the delimiter that ends the statement at s->at. */
static int find_end(struct statements *s, size_t *pos, struct bk_err *err)
{
	/* No comment has a longer start, and no delimiter is longer. */
	const size_t ahead = sizeof(s->delimiter);

	for (;;) {
		int got = 0;

		while (*pos < s->buf.len &&
		       !s->stop[(unsigned char)s->buf.p[*pos]])
			(*pos)++;
		if (have(s, *pos, ahead, err) < 0)
			return -1;
		if (s->buf.len == *pos)
			return cut_off(s, err);
		if (at(s, *pos, s->delimiter))
			return 0;
		if (at(s, *pos, "'") || at(s, *pos, "\"") || at(s, *pos, "`"))
			got = skip_quoted(s, pos, err);
		else if (starts_line_comment(s, *pos))
			got = skip_line(s, pos, err);
		else if (starts_comment(s, *pos))
			got = skip_comment(s, pos, err);
		else
			(*pos)++;
		if (got < 0)
			return -1;
	}
}

static void set_delimiter(struct statements *s, const char *p, size_t len)
{
	memcpy(s->delimiter, p, len);
	s->delimiter[len] = '\0';
	memset(s->stop, 0, sizeof(s->stop));
	for (const char *c = "'\"`#-/"; *c; c++)
		s->stop[(unsigned char)*c] = true;
	s->stop[(unsigned char)s->delimiter[0]] = true;
}

/* Everything before pos is done with. */
static void take(struct statements *s, size_t pos)
{
	const char *p = s->buf.p + s->at, *end = s->buf.p + pos;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
		s->line++;
		p++;
	}
	s->at = s->next = pos;
	/* Moved rarely, for that is a copy of what is left. */
	if (s->at > s->buf.len / 2) {
		bk_buf_drop(&s->buf, s->at);
		s->at = s->next = 0;
	}
}

/* A line "DELIMITER x": 1; 0 where it is none. */
static int read_delimiter(struct statements *s, struct bk_err *err)
{
	static const char word[] = "DELIMITER";
	size_t n = sizeof(word) - 1, pos = s->at, len = 0;
	const char *p;

	if (have(s, s->at, n + 1, err) < 0)
		return -1;
	if (s->buf.len - s->at <= n ||
	    strncasecmp(s->buf.p + s->at, word, n) != 0 ||
	    (s->buf.p[s->at + n] != ' ' && s->buf.p[s->at + n] != '\t'))
		return 0;
	if (skip_line(s, &pos, err) < 0)
		return -1;
	p = s->buf.p + s->at + n;
	p += strspn(p, " \t");
	len = strcspn(p, " \t\r\n");
	if (len == 0 || len >= sizeof(s->delimiter) || memchr(p, '\\', len))
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "line %llu: a bad DELIMITER",
				  (unsigned long long)s->line);
	set_delimiter(s, p, len);
	take(s, pos);
	return 1;
}

/* White space and comments; 1 where a line "-- ..." is one for *ret. */
static int skip_between(struct statements *s, struct statement *ret,
			struct bk_err *err)
{
	for (;;) {
		size_t pos = s->at;

		if (have(s, pos, 4, err) < 0)
			return -1;
		while (pos < s->buf.len && is_space(s->buf.p[pos]))
			pos++;
		if (pos > s->at) {
			take(s, pos);
			continue;
		}
		if (starts_line_comment(s, pos)) {
			if (skip_line(s, &pos, err) < 0)
				return -1;
			s->next = pos;
			*ret = (struct statement){ s->buf.p + s->at,
						   pos - s->at, s->line, true };
			return 1;
		}
		if (!starts_comment(s, pos))
			return 0;
		if (skip_comment(s, &pos, err) < 0)
			return -1;
		take(s, pos);
	}
}

int statements_next(struct statements *s, struct statement *ret,
		    struct bk_err *err)
{
	size_t pos;
	int got;

	if (s->line == 0) {
		s->line = 1;
		set_delimiter(s, ";", 1);
	}
	take(s, s->next);
	do {
		got = skip_between(s, ret, err);
		if (got != 0)
			return got;
		if (s->at == s->buf.len)
			return 0;
		got = read_delimiter(s, err);
	} while (got == 1);
	if (got < 0)
		return -1;
	pos = s->at;
	if (find_end(s, &pos, err) < 0)
		return -1;
	*ret = (struct statement){ s->buf.p + s->at, pos - s->at, s->line,
				   false };
	s->next = pos + strlen(s->delimiter);
	return 1;
}
