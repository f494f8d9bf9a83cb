/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sheet.h"

#include <stdarg.h>
#include <stdio.h>

#include "str.h"

enum { WIDTH = 76, LABEL = 14, ROOM = 1 << 20 };

static const char head[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\">\n"
	"<head>\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"robots\" content=\"noindex\">\n"
	"<style>\n"
	"@page { size: A4; margin: 15mm; }\n"
	"body { font: 10pt/1.4 sans-serif; color: #000; background: #fff;\n"
	"  max-width: 180mm; margin: 0 auto; }\n"
	"h1 { font-size: 16pt; margin: 0 0 3mm; }\n"
	"h2 { font-size: 12pt; margin: 6mm 0 2mm; border-bottom: 1px solid;\n"
	"  break-after: avoid; }\n"
	"p { margin: 0 0 2mm; }\n"
	"p.warning { border: 2px solid; padding: 2mm; font-weight: bold; }\n"
	"p.field, p.secret { margin: 0; padding-left: 34mm;\n"
	"  text-indent: -34mm; overflow-wrap: anywhere; }\n"
	"p.field b, p.secret b { display: inline-block; width: 34mm;\n"
	"  text-indent: 0; }\n"
	"p.secret { margin: 1mm 0; break-inside: avoid; }\n"
	"p.secret code { font-size: 13pt; }\n"
	"p.step { margin: 2mm 0 1mm; break-after: avoid; }\n"
	"code, pre { font-family: monospace; }\n"
	"pre { margin: 0 0 1mm 6mm; white-space: pre-wrap;\n"
	"  overflow-wrap: anywhere; font-size: 9pt; }\n"
	"</style>\n";

/* What shows as it is: UTF-8 without control bytes, C1 neither. */
static bool is_plain(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x20 || c == 0x7f ||
		    (c == 0xc2 && i + 1 < len && (s[i + 1] & 0xe0) == 0x80))
			return false;
	}
	return bk_str_utf8(s, len);
}

static void add_html(struct bk_buf *b, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '&':
			bk_buf_adds(b, "&amp;");
			break;
		case '<':
			bk_buf_adds(b, "&lt;");
			break;
		case '>':
			bk_buf_adds(b, "&gt;");
			break;
		case '"':
			bk_buf_adds(b, "&quot;");
			break;
		case '\'':
			bk_buf_adds(b, "&#39;");
			break;
		default:
			bk_buf_addc(b, *s);
		}
	}
}

/* Text of any origin. */
static void add(struct sheet *s, const char *text)
{
	BK_AUTO_BUF struct bk_buf shown = BK_BUF_INIT;

	if (!is_plain(text, strlen(text))) {
		bk_str_add_term(&shown, text);
		text = shown.p;
	}
	if (s->html)
		add_html(&s->b, text);
	else
		bk_buf_adds(&s->b, text);
}

/* The end of the line that is being written, counted in columns. */
static size_t column(const struct sheet *s)
{
	size_t n = 0;

	while (n < s->b.len && s->b.p[s->b.len - n - 1] != '\n')
		n++;
	return bk_str_columns(s->b.p + s->b.len - n);
}

/* Break it where it has blanks; indent is for the lines behind the first. */
static void add_wrapped(struct sheet *s, const char *text, size_t indent)
{
	while (*text) {
		size_t n = strcspn(text, " ");
		BK_AUTO_FREE char *word = bk_memdup(text, n);
		size_t at = column(s);

		if (at > indent && at + 1 + bk_str_columns(word) > WIDTH)
			bk_buf_addf(&s->b, "\n%*s", (int)indent, "");
		else if (at > indent)
			bk_buf_addc(&s->b, ' ');
		add(s, word);
		text += n;
		text += strspn(text, " ");
	}
	bk_buf_addc(&s->b, '\n');
}

/* In a text a blank line sets off what does not belong together. */
static void begin_item(struct sheet *s, enum sheet_item item)
{
	bool together = s->last == SHEET_HEADING || item == SHEET_COMMAND ||
			(item == SHEET_FIELD && s->last == SHEET_FIELD);

	if (!s->html && !together)
		bk_buf_addc(&s->b, '\n');
	s->last = item;
}

static char *format(const char *fmt, va_list ap)
{
	char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		return bk_strdup(fmt);
	return text;
}

void sheet_begin(struct sheet *s, bool html, const char *title)
{
	*s = (struct sheet){ .html = html };
	bk_buf_reserve(&s->b, ROOM);
	if (html) {
		bk_buf_adds(&s->b, head);
		bk_buf_adds(&s->b, "<title>");
		add(s, title);
		bk_buf_adds(&s->b, "</title>\n</head>\n<body>\n<h1>");
		add(s, title);
		bk_buf_adds(&s->b, "</h1>\n");
		return;
	}
	add(s, title);
	bk_buf_addc(&s->b, '\n');
	for (size_t n = bk_str_columns(title); n > 0; n--)
		bk_buf_addc(&s->b, '=');
	bk_buf_addc(&s->b, '\n');
	s->last = SHEET_TEXT;
}

void sheet_end(struct sheet *s)
{
	if (s->html)
		bk_buf_adds(&s->b, "</body>\n</html>\n");
}

void sheet_free(struct sheet *s)
{
	bk_buf_free(&s->b);
}

void sheet_heading(struct sheet *s, const char *fmt, ...)
{
	BK_AUTO_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = format(fmt, ap);
	va_end(ap);
	s->step = 0;
	s->last = SHEET_HEADING;
	bk_buf_adds(&s->b, s->html ? "<h2>" : "\n\n");
	add(s, text);
	bk_buf_adds(&s->b, s->html ? "</h2>\n" : "\n");
	for (size_t n = bk_str_columns(text); !s->html && n > 0; n--)
		bk_buf_addc(&s->b, '-');
	if (!s->html)
		bk_buf_addc(&s->b, '\n');
}

static void add_paragraph(struct sheet *s, const char *class, const char *first,
			  size_t indent, const char *text)
{
	if (s->html) {
		bk_buf_addf(&s->b, "<p%s>%s", class, first);
		add(s, text);
		bk_buf_adds(&s->b, "</p>\n");
		return;
	}
	bk_buf_adds(&s->b, first);
	add_wrapped(s, text, indent);
}

void sheet_text(struct sheet *s, const char *fmt, ...)
{
	BK_AUTO_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = format(fmt, ap);
	va_end(ap);
	begin_item(s, SHEET_TEXT);
	add_paragraph(s, "", "", 0, text);
}

void sheet_warning(struct sheet *s, const char *fmt, ...)
{
	BK_AUTO_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = format(fmt, ap);
	va_end(ap);
	begin_item(s, SHEET_TEXT);
	add_paragraph(s, " class=\"warning\"", s->html ? "" : "!! ", 3, text);
}

void sheet_step(struct sheet *s, const char *fmt, ...)
{
	BK_AUTO_FREE char *text = NULL, *number = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = format(fmt, ap);
	va_end(ap);
	begin_item(s, SHEET_STEP);
	s->step++;
	number = bk_asprintf(s->html ? "<b>%d.</b> " : "%2d. ", s->step);
	add_paragraph(s, " class=\"step\"", number, 4, text);
}

static void begin_field(struct sheet *s, const char *class, const char *label)
{
	begin_item(s, SHEET_FIELD);
	if (s->html) {
		bk_buf_addf(&s->b, "<p class=\"%s\"><b>", class);
		add(s, label);
		bk_buf_adds(&s->b, "</b><code>");
	} else {
		bk_buf_addf(&s->b, "%-*s ", LABEL, label);
	}
}

static void end_field(struct sheet *s)
{
	bk_buf_adds(&s->b, s->html ? "</code></p>\n" : "\n");
}

void sheet_field(struct sheet *s, const char *label, const char *value)
{
	begin_field(s, "field", label);
	add(s, value);
	end_field(s);
}

void sheet_command(struct sheet *s, const char *line)
{
	begin_item(s, SHEET_COMMAND);
	bk_buf_adds(&s->b, s->html ? "<pre>" : "    ");
	add(s, line);
	bk_buf_adds(&s->b, s->html ? "</pre>\n" : "\n");
}

/* May a person read it off a page, and miss nothing? */
static bool is_readable(const struct bk_secret *secret)
{
	return secret->len > 0 && is_plain(secret->p, secret->len) &&
	       secret->p[0] != ' ' && secret->p[secret->len - 1] != ' ' &&
	       !strstr(secret->p, "  ");
}

void sheet_secret(struct sheet *s, const char *label,
		  const struct bk_secret *secret)
{
	bool readable = is_readable(secret);
	char *text = readable ? bk_memdup(secret->p, secret->len)
			      : bk_str_base64(secret->p, secret->len);

	begin_field(s, "secret", label);
	if (s->html)
		add_html(&s->b, text);
	else
		bk_buf_adds(&s->b, text);
	if (!readable)
		add(s, " (in base64: base64 -d makes it what it is)");
	end_field(s);
	bk_wipe_free(text, strlen(text));
}
