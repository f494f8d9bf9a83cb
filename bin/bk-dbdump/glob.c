/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "glob.h"

#include <string.h>

static unsigned char folded(char c, bool fold)
{
	return (unsigned char)(fold && c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* Where the class that starts at p ends, or NULL: the '[' is an ordinary one.
 */
static const char *class_end(const char *p, const char *end)
{
	p++;
	if (p < end && *p == '!')
		p++;
	if (p < end && *p == ']')
		p++;
	return p < end ? memchr(p, ']', (size_t)(end - p)) : NULL;
}

static bool class_has(const char *p, const char *end, char c, bool fold)
{
	unsigned char want = folded(c, fold);
	bool negate = *++p == '!', found = false;

	p += negate;
	for (; p < end; p++) {
		unsigned char low = folded(*p, fold), high = low;

		if (p + 2 < end && p[1] == '-') {
			high = folded(p[2], fold);
			p += 2;
		}
		found = found || (want >= low && want <= high);
	}
	return found != negate;
}

/* One byte of the text against one element; *p moves behind that. */
static bool element(const char **p, const char *end, char c, bool fold)
{
	const char *q = *p, *close;

	if (*q == '[' && (close = class_end(q, end))) {
		*p = close + 1;
		return class_has(q, close, c, fold);
	}
	if (*q == '\\' && q + 1 < end)
		q++;
	else if (*q == '?') {
		*p = q + 1;
		return true;
	}
	*p = q + 1;
	return folded(*q, fold) == folded(c, fold);
}

bool glob_match(const char *pattern, size_t n, const char *s, bool fold)
{
	const char *p = pattern, *end = pattern + n;
	const char *star = NULL, *from = NULL;

	while (*s) {
		if (p < end && *p == '*') {
			star = ++p;
			from = s;
		} else if (p < end && element(&p, end, *s, fold)) {
			s++;
		} else if (star) {
			p = star;
			s = ++from;
		} else {
			return false;
		}
	}
	while (p < end && *p == '*')
		p++;
	return p == end;
}

bool glob_literal(const char *pattern, size_t n)
{
	const char *end = pattern + n;

	for (const char *p = pattern; p < end; p++) {
		if (*p == '\\')
			p++;
		else if (*p == '*' || *p == '?' ||
			 (*p == '[' && class_end(p, end)))
			return false;
	}
	return true;
}

size_t glob_dot(const char *pattern, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (pattern[i] == '\\')
			i++;
		else if (pattern[i] == '.')
			return i;
	}
	return n;
}
