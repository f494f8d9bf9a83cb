/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ini.h"

#include <stdio.h>

#include "buf.h"
#include "str.h"

/*
 * libinih's own header has the name of ours, and Debian's contradicts the
 * library it comes with about a fifth argument of the handler. An argument
 * more does no harm to a handler of four.
 */
int ini_parse_stream(char *(*reader)(char *str, int num, void *stream),
		     void *stream,
		     int (*handler)(void *user, const char *section,
				    const char *name, const char *value),
		     void *user);

#define LINE_MAX_BYTES ((size_t)1 << 20)
#define KEY_MAX_BYTES 64
#define SECTION_MAX_BYTES 256

struct slice {
	const char *p;
	size_t len;
};

enum shape { BLANK, SECTION, KEY };

struct parser {
	const struct bk_ini *ini;
	struct slice rest;
	size_t line;

	/* The line that libinih was given last. */
	enum shape shape;
	struct slice text;  /* without white space around it */
	struct slice head;  /* key, or name of the section */
	struct slice value; /* behind the key, without the comment */
	const char *bad;    /* what is wrong with it in any case */
	const char *form;   /* why it is neither a key nor a section */
	char number[24];
	char fed[KEY_MAX_BYTES + 32]; /* what stands for it, not indented */
	bool indented;
	bool heard;
	int probe; /* lines fed to make a section heard */

	/* What it belongs to; skip: to something that was a problem. */
	struct bk_buf section;
	struct bk_buf key;
	bool skip_section;
	bool skip_key;
};

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct slice trim(struct slice s)
{
	while (s.len > 0 && is_space(*s.p)) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

static struct slice skip(struct slice s, size_t n)
{
	return (struct slice){ s.p + n, s.len - n };
}

/* Length up to the first byte of stop or the comment, else all of it. */
static size_t length_to(struct slice s, const char *stop)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] && strchr(stop, s.p[i]))
			return i;
		if (s.p[i] == ';' && i > 0 && is_space(s.p[i - 1]))
			return i;
	}
	return s.len;
}

static struct slice without_comment(struct slice s)
{
	s.len = length_to(s, "");
	return trim(s);
}

static void set_buf(struct bk_buf *b, struct slice s)
{
	bk_buf_clear(b);
	bk_buf_add(b, s.p, s.len);
	bk_buf_addc(b, '\0');
}

/* Taking a line apart. */

static void split_section(struct parser *p)
{
	struct slice inner = skip(p->text, 1), behind;
	size_t n = length_to(inner, "]");

	if (n == inner.len || inner.p[n] != ']') {
		p->form = "the '[' of a section has no ']'";
		return;
	}
	p->head = trim((struct slice){ inner.p, n });
	behind = trim(skip(inner, n + 1));
	if (behind.len > 0 && behind.p[0] != ';')
		p->form = "text behind the ']' of a section; "
			  "a comment there starts with ';'";
	else if (p->head.len == 0)
		p->form = "a section without a name";
	else if (p->head.len > SECTION_MAX_BYTES)
		p->form = "the name of a section is longer than 256 bytes";
	else if (!bk_str_utf8(p->head.p, p->head.len))
		p->form = "the name of a section is not valid UTF-8";
}

static void split_key(struct parser *p)
{
	size_t n = length_to(p->text, "=:");

	if (n == p->text.len || p->text.p[n] == ';') {
		p->form = "line is neither [section], key = value nor a "
			  "comment";
		return;
	}
	p->head = trim((struct slice){ p->text.p, n });
	p->value = without_comment(skip(p->text, n + 1));
	if (p->head.len == 0)
		p->form = "no key stands before the value";
	else if (p->head.len > KEY_MAX_BYTES)
		p->form = "the key is longer than 64 bytes";
	else if (!bk_str_utf8(p->head.p, p->head.len))
		p->form = "the key is not valid UTF-8";
}

static enum shape shape_of(struct slice text)
{
	if (text.len == 0 || text.p[0] == ';' || text.p[0] == '#')
		return BLANK;
	return text.p[0] == '[' ? SECTION : KEY;
}

static void split(struct parser *p, struct slice raw)
{
	p->text = trim(raw);
	p->shape = shape_of(p->text);
	p->indented = raw.len > 0 && is_space(raw.p[0]);
	p->bad = p->form = NULL;
	p->heard = p->shape == BLANK;
	p->probe = 0;
	if (raw.len > LINE_MAX_BYTES)
		p->bad = "line is longer than 1 MiB";
	else if (p->text.len > 0 && memchr(p->text.p, '\0', p->text.len))
		p->bad = "line has a NUL byte";
	if (p->shape == SECTION)
		split_section(p);
	else if (p->shape == KEY)
		split_key(p);
}

static void next_line(struct parser *p)
{
	const char *nl = memchr(p->rest.p, '\n', p->rest.len);
	size_t n = nl ? (size_t)(nl - p->rest.p) : p->rest.len;

	p->line++;
	split(p, (struct slice){ p->rest.p, n });
	p->rest = skip(p->rest, nl ? n + 1 : n);
}

/* What libinih reads: a short line that stands for the one in the file. */

static void stand_in(struct parser *p)
{
	bool plain = !p->bad && !p->form;

	(void)snprintf(p->number, sizeof(p->number), "%zu", p->line);
	if (p->shape == BLANK)
		p->fed[0] = '\0';
	else if (p->shape == SECTION)
		(void)snprintf(p->fed, sizeof(p->fed), "[%s]", p->number);
	else
		(void)snprintf(p->fed, sizeof(p->fed), "%.*s=%s",
			       plain ? (int)p->head.len : 1,
			       plain ? p->head.p : "!", p->number);
}

static void close_line(struct parser *p)
{
	if (!p->heard)
		p->ini->problem(p->ini->arg, p->line,
				"line is neither [section], key = value nor a "
				"comment");
	p->heard = true;
}

/*
 * libinih keeps silent about a section. One that it did not take for a
 * continued value gets a key, so that the handler hears of it, and its header
 * again, so that the next line does not continue that key.
 */
static char *read_line(char *str, int num, void *stream)
{
	struct parser *p = stream;
	const char *indent = "", *text = p->fed;
	char probe[32];

	if (p->shape == SECTION && (p->probe == 1 || !p->heard) &&
	    p->probe < 2) {
		if (p->probe++ == 0) {
			(void)snprintf(probe, sizeof(probe), ".=%s", p->number);
			text = probe;
		}
	} else {
		close_line(p);
		if (p->rest.len == 0)
			return NULL;
		next_line(p);
		stand_in(p);
		indent = p->indented ? " " : "";
	}
	if (num < 1)
		return NULL;
	(void)snprintf(str, (size_t)num, "%s%s\n", indent, text);
	return str;
}

/* What libinih says. */

static void tell(struct parser *p, struct slice value, bool continued)
{
	BK_AUTO_FREE char *copy = bk_memdup(value.p, value.len);
	struct bk_ini_line l = {
		.section = p->section.p,
		.key = p->key.p,
		.value = copy,
		.line = p->line,
		.continued = continued,
	};

	p->ini->each(p->ini->arg, &l);
}

static void hear_section(struct parser *p, const char *wrong)
{
	struct bk_ini_line l = { .value = "", .line = p->line };

	p->skip_section = wrong != NULL;
	if (wrong)
		return;
	set_buf(&p->section, p->head);
	l.section = p->section.p;
	p->ini->each(p->ini->arg, &l);
}

static void hear_key(struct parser *p, const char *wrong)
{
	p->skip_key = wrong != NULL;
	if (wrong)
		return;
	set_buf(&p->key, p->head);
	if (!p->skip_section)
		tell(p, p->value, false);
}

static void hear_continued(struct parser *p)
{
	if (!p->bad && !p->skip_section && !p->skip_key)
		tell(p, without_comment(p->text), true);
}

static int hear(void *user, const char *section, const char *name,
		const char *value)
{
	struct parser *p = user;
	const char *wrong = p->bad;
	bool continued;

	(void)section;
	/* Some builds call for a section or a key alone. */
	if (!name || !value || p->heard)
		return 1;
	continued = strcmp(value, p->fed) == 0;
	if (!continued && strcmp(value, p->number) != 0)
		return 1;
	p->heard = true;
	if (!wrong && !continued)
		wrong = p->form;
	if (wrong)
		p->ini->problem(p->ini->arg, p->line, wrong);
	if (continued)
		hear_continued(p);
	else if (p->shape == SECTION)
		hear_section(p, wrong);
	else
		hear_key(p, wrong);
	return 1;
}

void bk_ini_parse(const char *text, size_t len, const struct bk_ini *ini)
{
	struct parser p = { .ini = ini, .rest = { text, len }, .heard = true };

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		p.rest = skip(p.rest, 3);
	set_buf(&p.section, (struct slice){ "", 0 });
	set_buf(&p.key, (struct slice){ "", 0 });
	/* Its result counts lines of ours, and is 0 unless one was unheard. */
	(void)ini_parse_stream(read_line, &p, hear, &p);
	close_line(&p);
	if (p.rest.len > 0)
		ini->problem(ini->arg, p.line + 1, "libinih stopped reading");
	bk_buf_free(&p.section);
	bk_buf_free(&p.key);
}
