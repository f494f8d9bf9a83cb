/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "text.h"

#include <stdio.h>
#include <unistd.h>

#include "str.h"

enum { LINES_MAX = 3 };

struct text text_stdout(bool all)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	bool dumb = term && strcmp(term, "dumb") == 0;

	return (struct text){
		.color = !(no && *no) && !dumb && isatty(STDOUT_FILENO),
		.all = all,
	};
}

const char *text_color(enum bk_health health)
{
	if (health >= BK_HEALTH_WRONG)
		return "1;31";
	return health == BK_HEALTH_OK ? "32" : "33";
}

static void put(const struct text *t, const char *s, const char *color)
{
	if (t->color && color && *s)
		(void)printf("\033[%sm%s\033[0m", color, s);
	else
		(void)fputs(s, stdout);
}

void text_cell(const struct text *t, const char *s, size_t width, bool right,
	       const char *color)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	size_t n, pad;

	bk_buf_adds(&b, "");
	bk_str_add_term(&b, s);
	n = bk_str_columns(b.p);
	pad = width > n ? width - n : 0;
	(void)printf("%*s", right ? (int)pad : 0, "");
	put(t, b.p, color);
	(void)printf("%*s", right ? 0 : (int)pad, "");
}

/* How many bytes of s fit into this many columns; at least one character. */
static size_t fitting(const char *s, size_t width)
{
	size_t n = 0, columns = 0;

	while (s[n]) {
		size_t end = n + 1;
		char c[8] = "";

		while (((unsigned char)s[end] & 0xc0) == 0x80 && end - n < 4)
			end++;
		memcpy(c, s + n, end - n);
		columns += bk_str_columns(c);
		if (n > 0 && columns > width)
			break;
		n = end;
	}
	return n;
}

/* How many bytes of s the next line takes: whole words where that is useful. */
static size_t line_length(const char *s, size_t width)
{
	size_t n = fitting(s, width), word = n;

	if (!s[n])
		return n;
	while (word > 0 && s[word] != ' ')
		word--;
	return word > n / 2 ? word : n;
}

void text_wrap(const struct text *t, const char *s, size_t at, size_t indent,
	       const char *color)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	const char *p;

	bk_buf_adds(&b, "");
	bk_str_add_term(&b, s);
	p = bk_str_trim(b.p);
	for (int line = 1; *p; line++) {
		size_t width = TEXT_WIDTH - (line == 1 ? at : indent);
		bool last = line == LINES_MAX && !t->all;
		BK_AUTO_FREE char *part = NULL;
		size_t n = line_length(p, width);

		if (line > 1)
			(void)printf("\n%*s", (int)indent, "");
		if (last && p[n])
			n = line_length(p, width - 3);
		part = bk_memdup(p, n);
		put(t, part, color);
		if (last && p[n])
			put(t, "...", color);
		if (last)
			break;
		p += n;
		p += strspn(p, " ");
	}
	(void)putchar('\n');
}
