/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "value.h"

#include <endian.h>
#include <string.h>

#define ONES 0x0101010101010101ULL
#define HIGHS 0x8080808080808080ULL

/* Is a byte of v zero? */
static uint64_t zero_in(uint64_t v)
{
	return (v - ONES) & ~v & HIGHS;
}

/* May one of eight bytes want a backslash? A tab may, too. */
static uint64_t special_in(uint64_t v)
{
	uint64_t control = (v - ONES * 0x20) & ~v & HIGHS;

	return control | zero_in(v ^ (ONES * '\'')) |
	       zero_in(v ^ (ONES * '\\'));
}

/*
 * What stands behind a backslash, or 0: as it is. Clients read a dump by
 * lines, drop NUL bytes and take \r\n for \n; 0x1a ends a file on Windows.
 */
static char escaped(char c)
{
	switch (c) {
	case '\0':
		return '0';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\x1a':
		return 'Z';
	case '\'':
	case '\\':
		return c;
	default:
		return 0;
	}
}

static char *escape_byte(char *to, char c)
{
	char e = escaped(c);

	if (e)
		*to++ = '\\';
	*to++ = e ? e : c;
	return to;
}

/* Eight bytes at a time, up to the first of them that may be special. */
char *value_escape(char *to, const char *s, size_t len)
{
	const char *end = s + len;

	while (end - s >= 8) {
		uint64_t v, special;
		size_t n = 8;

		memcpy(&v, s, sizeof(v));
		special = special_in(le64toh(v));
		memcpy(to, &v, sizeof(v));
		if (special)
			n = (size_t)__builtin_ctzll(special) / 8;
		to += n;
		s += n;
		if (special)
			to = escape_byte(to, *s++);
	}
	while (s < end)
		to = escape_byte(to, *s++);
	return to;
}

char *value_hex(char *to, const char *s, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		*to++ = digits[c >> 4];
		*to++ = digits[c & 15];
	}
	return to;
}

static char *put_text(char *to, const char *s, size_t len)
{
	*to++ = '\'';
	to = value_escape(to, s, len);
	*to++ = '\'';
	return to;
}

static char *put_hex(char *to, const char *s, size_t len)
{
	if (len == 0)
		return put_text(to, s, len);
	*to++ = '0';
	*to++ = 'x';
	return value_hex(to, s, len);
}

/* "-0" would be an integer, which has no sign: "-0e0". */
static char *put_real(char *to, const char *s, size_t len)
{
	to = mempcpy(to, s, len);
	if (s[0] == '-' && len == strcspn(s, "123456789eE"))
		to = mempcpy(to, "e0", 2);
	return to;
}

bool value_is_plain(const char *s, size_t len)
{
	size_t i = 0;

	while (i < len && s[i] >= ' ' && s[i] < '~' && s[i] != '\\')
		i++;
	return i == len;
}

static char *put_raw(char *to, const char *charset, const char *s, size_t len)
{
	if (*charset != '!' && value_is_plain(s, len))
		return put_text(to, s, len);
	if (len == 0)
		return put_text(to, s, len);
	charset += *charset == '!';
	*to++ = '_';
	to = mempcpy(to, charset, strlen(charset));
	*to++ = ' ';
	return put_hex(to, s, len);
}

char *value_put(char *to, enum value_kind kind, const char *charset,
		const char *s, size_t len)
{
	if (!s)
		return mempcpy(to, "NULL", 4);
	switch (kind) {
	case VALUE_NUMBER:
		return mempcpy(to, s, len);
	case VALUE_REAL:
		return put_real(to, s, len);
	case VALUE_HEX:
		return put_hex(to, s, len);
	case VALUE_RAW:
		return put_raw(to, charset, s, len);
	default:
		return put_text(to, s, len);
	}
}

void value_add_name(struct bk_buf *b, const char *name)
{
	bk_buf_addc(b, '`');
	for (; *name; name++) {
		if (*name == '`')
			bk_buf_addc(b, '`');
		bk_buf_addc(b, *name);
	}
	bk_buf_addc(b, '`');
}

void value_add_text(struct bk_buf *b, const char *s)
{
	size_t len = strlen(s);

	bk_buf_reserve(b, VALUE_ROOM(len));
	b->len = (size_t)(put_text(b->p + b->len, s, len) - b->p);
	b->p[b->len] = '\0';
}

uint64_t value_hash(uint64_t seed, const char *s, size_t len)
{
	uint64_t h = (seed ^ len) * 0x9e3779b97f4a7c15ULL, v;

	for (; len >= 8; s += 8, len -= 8) {
		memcpy(&v, s, sizeof(v));
		h = (h ^ le64toh(v)) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
	}
	v = 0;
	if (len > 0) /* s may be NULL */
		memcpy(&v, s, len);
	h = (h ^ le64toh(v)) * 0xc4ceb9fe1a85ec53ULL;
	return h ^ (h >> 29);
}
