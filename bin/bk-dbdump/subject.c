/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "subject.h"

#include <strings.h>

/* No first words are longer than this. */
#define LOOK_MAX 65536

struct token {
	const char *p;
	size_t len;
	char quote; /* '`' or '"', or 0: a word or a single byte */
};

struct lexer {
	const char *p, *end;
	const char *start;
};

void subject_free(struct subject *s)
{
	free(s->name);
	free(s->of);
	*s = (struct subject){ .kind = SUBJECT_MORE };
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A byte of UTF-8 is part of a word, as it is to the server. */
static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '$' ||
	       (unsigned char)c >= 0x80;
}

static bool at(const struct lexer *l, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(l->end - l->p) >= n && memcmp(l->p, text, n) == 0;
}

static void skip_to(struct lexer *l, const char *text)
{
	const char *found =
		memmem(l->p, (size_t)(l->end - l->p), text, strlen(text));

	l->p = found ? found + strlen(text) : l->end;
}

static void skip_space(struct lexer *l)
{
	while (l->p < l->end) {
		if (is_space(*l->p))
			l->p++;
		else if (at(l, "/*"))
			skip_to(l, "*/");
		else if (at(l, "#") || at(l, "-- ") || at(l, "--\n") ||
			 at(l, "--\t"))
			skip_to(l, "\n");
		else
			return;
	}
}

static bool next(struct lexer *l, struct token *t)
{
	skip_space(l);
	*t = (struct token){ .p = l->p };
	if (l->p == l->end)
		return false;
	if (*l->p == '`' || *l->p == '"' || *l->p == '\'') {
		t->quote = *l->p++;
		for (; l->p < l->end; l->p++) {
			if (*l->p != t->quote)
				continue;
			if (l->p + 1 == l->end || l->p[1] != t->quote)
				break;
			l->p++;
		}
		t->len = (size_t)(l->p - t->p);
		l->p += l->p < l->end;
		return true;
	}
	l->p++;
	while (is_word(*t->p) && l->p < l->end && is_word(*l->p))
		l->p++;
	t->len = (size_t)(l->p - t->p);
	return true;
}

static bool is(const struct token *t, const char *word)
{
	return !t->quote && t->len == strlen(word) &&
	       strncasecmp(t->p, word, t->len) == 0;
}

/* As it is meant: quotes gone, doubled ones single. */
static char *name_of(const struct token *t)
{
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "");
	for (size_t i = t->quote ? 1 : 0; i < t->len; i++) {
		bk_buf_addc(&b, t->p[i]);
		if (t->quote && t->p[i] == t->quote)
			i++;
	}
	return bk_buf_steal(&b);
}

/* A name that begins with *t, perhaps with its database before it. */
static char *whole_name(struct lexer *l, struct token *t,
			struct subject_span *db)
{
	struct lexer after = *l;
	struct token dot, name;

	if (next(&after, &dot) && is(&dot, ".") && next(&after, &name)) {
		db->at = (size_t)(t->p - l->start);
		db->len = (size_t)(l->p - t->p);
		*l = after;
		*t = name;
	}
	return name_of(t);
}

static const char *const words[] = {
	"table",    "view",	 "sequence", "trigger",
	"function", "procedure", "package",  "event",
};

static const char *object_word(const struct token *t)
{
	for (size_t i = 0; i < BK_COUNT(words); i++)
		if (is(t, words[i]))
			return words[i];
	return NULL;
}

/* "IF NOT EXISTS" before a name. */
static bool skip_if(struct lexer *l, struct token *t)
{
	if (!is(t, "IF"))
		return true;
	for (int i = 0; i < 3; i++)
		if (!next(l, t))
			return false;
	return true;
}

/* ... BEFORE INSERT ON item ... */
static void read_on(struct lexer *l, struct subject *s)
{
	struct token t;

	while (next(l, &t) && !is(&t, "ON"))
		;
	if (next(l, &t))
		s->of = whole_name(l, &t, &s->dbs[1]);
}

/* Behind CREATE: what it is, and its name. */
static void read_create(struct lexer *l, struct subject *s)
{
	struct token t;

	while (next(l, &t)) {
		if (is(&t, "USER") || is(&t, "ROLE") || is(&t, "SERVER")) {
			s->kind = SUBJECT_ACCOUNT;
			return;
		}
		if (is(&t, "DATABASE") || is(&t, "SCHEMA")) {
			s->kind = SUBJECT_DATABASE;
			break;
		}
		s->word = object_word(&t);
		if (s->word) {
			s->kind = SUBJECT_OBJECT;
			break;
		}
	}
	if (s->kind == SUBJECT_MORE || !next(l, &t))
		return;
	if (s->word && strcmp(s->word, "package") == 0 && is(&t, "BODY")) {
		s->word = "package body";
		(void)next(l, &t);
	}
	if (!skip_if(l, &t))
		return;
	s->name = whole_name(l, &t, &s->dbs[0]);
	if (s->word && strcmp(s->word, "trigger") == 0)
		read_on(l, s);
}

/* What is in the 'text' at the start of l. */
static void unescape(const struct lexer *l, struct bk_buf *b)
{
	for (const char *p = l->p + 1; p < l->end; p++) {
		if ((*p == '\\' || *p == '\'') && p + 1 == l->end)
			return;
		if (*p == '\'' && p[1] != '\'')
			return;
		if (*p == '\\' && p[1] == 'r') {
			bk_buf_addc(b, '\r');
			p++;
			continue;
		}
		if (*p == '\\' || *p == '\'')
			p++;
		bk_buf_addc(b, *p);
	}
}

bool subject_immediate(const char *sql, size_t len, struct bk_buf *ret)
{
	struct lexer l = { .p = sql, .end = sql + len, .start = sql };
	struct token t;

	if (!next(&l, &t) || !is(&t, "EXECUTE") || !next(&l, &t) ||
	    !is(&t, "IMMEDIATE"))
		return false;
	skip_space(&l);
	if (!at(&l, "'"))
		return false;
	unescape(&l, ret);
	return true;
}

/* Where a client would spoil the text. */
static void read_execute(const char *sql, size_t len, struct subject *s)
{
	BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;
	struct lexer l;
	struct token t;

	if (!subject_immediate(sql, len, &text) || text.len == 0)
		return;
	l = (struct lexer){ text.p, text.p + text.len, text.p };
	if (next(&l, &t) && is(&t, "CREATE"))
		read_create(&l, s);
}

static bool is_one_of(const struct token *t, const char *const *list)
{
	while (*list && !is(t, *list))
		list++;
	return *list != NULL;
}

void subject_read(const char *sql, size_t len, struct subject *ret)
{
	static const char *const settings[] = { "SET",	  "START",     "BEGIN",
						"COMMIT", "SAVEPOINT", NULL };
	static const char *const accounts[] = { "GRANT", "REVOKE", NULL };
	static const char *const rows[] = { "INSERT", "REPLACE", NULL };
	size_t look = len < LOOK_MAX ? len : LOOK_MAX;
	struct lexer l = { sql, sql + look, sql };
	struct subject s = { .kind = SUBJECT_MORE };
	struct token t;

	if (next(&l, &t) && is(&t, "CREATE")) {
		read_create(&l, &s);
	} else if (is(&t, "ALTER")) {
		read_create(&l, &s);
		/* What is altered was created before. */
		if (s.kind == SUBJECT_OBJECT)
			s.kind = SUBJECT_MORE;
	} else if (is(&t, "EXECUTE")) {
		read_execute(sql, look, &s);
	} else if (is(&t, "USE") && next(&l, &t)) {
		s.kind = SUBJECT_USE;
		s.name = name_of(&t);
	} else if (is_one_of(&t, rows)) {
		s.kind = SUBJECT_ROWS;
		while (next(&l, &t) && !is(&t, "INTO"))
			;
		if (next(&l, &t))
			s.name = whole_name(&l, &t, &s.dbs[0]);
	} else if (is_one_of(&t, accounts)) {
		s.kind = SUBJECT_ACCOUNT;
	} else if (is_one_of(&t, settings)) {
		s.kind = SUBJECT_SETTING;
		if (next(&l, &t) && is(&t, "DEFAULT"))
			s.kind = SUBJECT_ACCOUNT;
	}
	*ret = s;
}
