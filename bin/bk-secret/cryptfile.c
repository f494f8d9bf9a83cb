/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cryptfile.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "str.h"

#define BLANKS " \t\v\f\r"
#define WIDTH 76
#define MOST 10000 /* sections, and entries */

/* Names. */

static bool is_plain(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9');
}

char *cryptfile_escape(const char *name)
{
	struct bk_buf b = BK_BUF_INIT;

	for (; *name; name++) {
		if (is_plain((unsigned char)*name))
			bk_buf_addc(&b, *name);
		else
			bk_buf_addf(&b, "_%02X", (unsigned char)*name);
	}
	return b.p ? bk_buf_steal(&b) : bk_strdup("");
}

static int hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *cryptfile_unescape(const char *s)
{
	char *out = bk_malloc(strlen(s) + 1);
	size_t n = 0;

	while (*s) {
		int high = *s == '_' ? hex_of(s[1]) : -1;
		int low = high >= 0 ? hex_of(s[2]) : -1;

		if ((*s == '_' && low < 0) || (high == 0 && low == 0)) {
			free(out);
			return NULL;
		}
		out[n++] = low < 0 ? *s : (char)(high * 16 + low);
		s += low < 0 ? 1 : 3;
	}
	out[n] = '\0';
	return out;
}

char *cryptfile_unbase64(const char *s, size_t *ret_len)
{
	BK_AUTO_FREE char *only = bk_malloc(strlen(s) + 1);
	size_t n = 0;

	for (; *s; s++)
		if (is_plain((unsigned char)*s) || strchr("+/=", *s))
			only[n++] = *s;
	only[n] = '\0';
	return bk_str_unbase64(only, ret_len);
}

/* Reading. */

struct reader {
	struct cryptfile *f;
	size_t line;
	size_t indent; /* of the option that lines may go on */
	bool in_section, in_option;
	struct bk_buf value; /* of that option */
};

static int refuse(struct bk_err *err, size_t line, const char *why)
{
	return bk_err_set(err, BK_EX_DATAERR, 0, "line %zu: %s", line, why);
}

/* The end of a line; *ret_next is where the next one starts. */
static size_t end_of_line(const struct bk_buf *text, size_t start,
			  size_t *ret_next)
{
	size_t end = start;

	while (end < text->len && text->p[end] != '\n' && text->p[end] != '\r')
		end++;
	*ret_next = end;
	if (end < text->len)
		*ret_next += 1;
	if (end + 1 < text->len && text->p[end] == '\r' &&
	    text->p[end + 1] == '\n')
		*ret_next += 1;
	return end;
}

static struct cryptfile_entry *last_entry(struct reader *r)
{
	return &r->f->entries[r->f->nentries - 1];
}

static void finish_option(struct reader *r)
{
	if (!r->in_option)
		return;
	last_entry(r)->value =
		r->value.p ? bk_buf_steal(&r->value) : bk_strdup("");
	r->in_option = false;
}

static int too_many(struct reader *r, size_t n, struct bk_err *err)
{
	return n < MOST ? 0
			: refuse(err, r->line,
				 "more than 10000 entries; this is no keyring");
}

static int add_section(struct reader *r, const char *name, size_t len,
		       size_t end, struct bk_err *err)
{
	struct cryptfile *f = r->f;

	if (too_many(r, f->nsections, err) < 0)
		return -1;
	for (size_t i = 0; i < f->nsections; i++)
		if (strlen(f->sections[i].name) == len &&
		    memcmp(f->sections[i].name, name, len) == 0)
			return bk_err_set(err, BK_EX_DATAERR, 0,
					  "line %zu: the section [%s] is in "
					  "line %zu already; join the two",
					  r->line, f->sections[i].name,
					  f->sections[i].line);
	f->sections =
		bk_realloc(f->sections, f->nsections + 1, sizeof(*f->sections));
	f->sections[f->nsections++] = (struct cryptfile_section){
		.name = bk_memdup(name, len),
		.end = end,
		.line = r->line,
	};
	r->in_section = true;
	return 0;
}

static int add_entry(struct reader *r, const char *option, size_t len,
		     size_t start, struct bk_err *err)
{
	struct cryptfile *f = r->f;
	const char *section = f->sections[f->nsections - 1].name;
	const struct cryptfile_entry *before;
	BK_AUTO_FREE char *name = bk_memdup(option, len);

	if (too_many(r, f->nentries, err) < 0)
		return -1;
	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	before = cryptfile_find(f, section, name);
	if (before)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "line %zu: the option '%s' of [%s] is in "
				  "line %zu already; remove one",
				  r->line, name, section, before->line);
	f->entries =
		bk_realloc(f->entries, f->nentries + 1, sizeof(*f->entries));
	f->entries[f->nentries++] = (struct cryptfile_entry){
		.section = bk_strdup(section),
		.option = bk_strdup(name),
		.start = start,
		.line = r->line,
	};
	r->in_option = true;
	return 0;
}

/* Name, then '=' or ':', then a value, white space around each. */
static int take_option(struct reader *r, const char *s, size_t len,
		       size_t start, struct bk_err *err)
{
	size_t name = 0, value;

	while (name < len && s[name] != '=' && s[name] != ':')
		name++;
	if (name == len)
		return refuse(err, r->line,
			      "neither a section nor 'option = value'");
	value = name + 1;
	while (name > 0 && strchr(BLANKS, s[name - 1]))
		name--;
	if (name == 0)
		return refuse(err, r->line, "an option without a name");
	if (!r->in_section)
		return refuse(err, r->line, "an option before any [section]");
	while (value < len && strchr(BLANKS, s[value]))
		value++;
	if (add_entry(r, s, name, start, err) < 0)
		return -1;
	bk_buf_add(&r->value, s + value, len - value);
	return 0;
}

/* One line; start and end are its bytes, next where the following starts. */
static int take_line(struct reader *r, size_t start, size_t end, size_t next,
		     struct bk_err *err)
{
	const char *s = r->f->text.p + start;
	size_t len = end - start, indent = 0;

	while (len > 0 && strchr(BLANKS, s[len - 1]))
		len--;
	while (indent < len && strchr(BLANKS, s[indent]))
		indent++;
	if (indent == len || s[indent] == '#' || s[indent] == ';')
		return 0;
	if (r->in_option && indent > r->indent) {
		bk_buf_addc(&r->value, '\n');
		bk_buf_add(&r->value, s + indent, len - indent);
	} else {
		const char *close = memrchr(s + indent, ']', len - indent);

		finish_option(r);
		r->indent = indent;
		if (s[indent] == '[' && close && close > s + indent + 1)
			return add_section(r, s + indent + 1,
					   (size_t)(close - s) - indent - 1,
					   next, err);
		if (take_option(r, s + indent, len - indent, start, err) < 0)
			return -1;
	}
	last_entry(r)->end = next;
	r->f->sections[r->f->nsections - 1].end = next;
	return 0;
}

static int read_text(struct cryptfile *f, struct bk_err *err)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct reader r = { .f = f };
	size_t at = 0, next;
	int got = 0;

	if (memchr(f->text.p, '\0', f->text.len))
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "it holds NUL bytes, as no keyring does");
	if (bk_str_starts(f->text.p, mark))
		at = strlen(mark);
	for (; at < f->text.len && got == 0; at = next) {
		size_t end = end_of_line(&f->text, at, &next);

		r.line++;
		got = take_line(&r, at, end, next, err);
	}
	finish_option(&r);
	bk_buf_free(&r.value);
	return got;
}

int cryptfile_parse(const char *text, size_t len, struct cryptfile *f,
		    struct bk_err *err)
{
	*f = (struct cryptfile){ 0 };
	bk_buf_reserve(&f->text, len + 1);
	bk_buf_add(&f->text, text, len);
	return read_text(f, err);
}

void cryptfile_free(struct cryptfile *f)
{
	for (size_t i = 0; i < f->nsections; i++)
		free(f->sections[i].name);
	for (size_t i = 0; i < f->nentries; i++) {
		free(f->entries[i].section);
		free(f->entries[i].option);
		free(f->entries[i].value);
	}
	free(f->sections);
	free(f->entries);
	bk_buf_free(&f->text);
	*f = (struct cryptfile){ 0 };
}

const struct cryptfile_entry *cryptfile_find(const struct cryptfile *f,
					     const char *section,
					     const char *option)
{
	for (size_t i = 0; i < f->nentries; i++)
		if (strcasecmp(f->entries[i].option, option) == 0 &&
		    strcmp(f->entries[i].section, section) == 0)
			return &f->entries[i];
	return NULL;
}

/* Writing. */

/* Replace the bytes from start to end by what is in b, and read it anew. */
static int splice(struct cryptfile *f, size_t start, size_t end,
		  const struct bk_buf *b, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;

	bk_buf_reserve(&text, f->text.len + b->len + 1);
	bk_buf_add(&text, f->text.p, start);
	if (start > 0 && b->len > 0 && text.p[start - 1] != '\n')
		bk_buf_addc(&text, '\n');
	bk_buf_add(&text, b->p, b->len);
	bk_buf_add(&text, f->text.p + end, f->text.len - end);
	cryptfile_free(f);
	return cryptfile_parse(text.p, text.len, f, err);
}

/*
 * How deep the next line stands. A new option there stands as deep, or that
 * line would go on its value.
 */
static int depth_at(const struct bk_buf *text, size_t at)
{
	size_t next;

	for (; at < text->len; at = next) {
		size_t end = end_of_line(text, at, &next);
		size_t depth = 0;

		while (at + depth < end && strchr(BLANKS, text->p[at + depth]))
			depth++;
		if (at + depth < end && !strchr("#;", text->p[at + depth]))
			return (int)depth;
	}
	return 0;
}

static void add_base64(struct bk_buf *b, const char *value, int depth)
{
	size_t len = strlen(value);

	bk_buf_addc(b, '\n');
	for (size_t at = 0; at < len; at += WIDTH) {
		bk_buf_addf(b, "%*s\t", depth, "");
		bk_buf_add(b, value + at, len - at < WIDTH ? len - at : WIDTH);
		bk_buf_addc(b, '\n');
	}
}

int cryptfile_put(struct cryptfile *f, const char *section, const char *option,
		  const char *value, bool base64, struct bk_err *err)
{
	const struct cryptfile_entry *old = cryptfile_find(f, section, option);
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_FREE char *name = bk_strdup(option);
	size_t start = f->text.len, end = f->text.len;
	int depth;

	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (old) {
		start = old->start;
		end = old->end;
	} else {
		bool found = false;

		for (size_t i = 0; i < f->nsections; i++)
			if (strcmp(f->sections[i].name, section) == 0) {
				start = end = f->sections[i].end;
				found = true;
			}
		if (!found)
			bk_buf_addf(&b, "%s[%s]\n", start > 0 ? "\n" : "",
				    section);
	}
	depth = depth_at(&f->text, start);
	bk_buf_addf(&b, "%*s%s = ", depth, "", name);
	if (base64)
		add_base64(&b, value, depth);
	else
		bk_buf_addf(&b, "%s\n", value);
	return splice(f, start, end, &b, err);
}

int cryptfile_remove(struct cryptfile *f, const struct cryptfile_entry *e,
		     struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf nothing = BK_BUF_INIT;

	return splice(f, e->start, e->end, &nothing, err);
}
