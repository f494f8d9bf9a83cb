/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "str.h"

#include <stdarg.h>
#include <stdio.h>
#include <wchar.h>

/* Lists. */

void bk_strv_take(struct bk_strv *l, char *s)
{
	if (l->n + 2 > l->cap) {
		l->cap = l->cap ? 2 * l->cap : 8;
		l->v = bk_realloc(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = s;
	l->v[l->n] = NULL;
}

void bk_strv_add(struct bk_strv *l, const char *s)
{
	bk_strv_take(l, bk_strdup(s));
}

void bk_strv_addf(struct bk_strv *l, const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		abort();
	va_end(ap);
	bk_strv_take(l, s);
}

bool bk_strv_has(const struct bk_strv *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], s) == 0)
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void bk_strv_sort(struct bk_strv *l)
{
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), compare);
}

void bk_strv_split(struct bk_strv *l, const char *s, const char *sep)
{
	for (;;) {
		size_t n;

		s += strspn(s, sep);
		n = strcspn(s, sep);
		if (n == 0)
			return;
		bk_strv_take(l, bk_memdup(s, n));
		s += n;
	}
}

void bk_strv_free(struct bk_strv *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = BK_STRV_INIT;
}

bool bk_str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool bk_str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool bk_str_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

char *bk_str_trim(char *s)
{
	size_t n;

	while (is_space(*s))
		s++;
	n = strlen(s);
	while (n > 0 && is_space(s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}

/* Numbers in. */

/* The digits at *s; moves *s behind them. At least one digit is needed. */
static int digits(const char **s, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;
	const char *p = *s;

	if (*p < '0' || *p > '9')
		return -1;
	for (; *p >= '0' && *p <= '9'; p++) {
		uint64_t d = (uint64_t)(*p - '0');

		if (d > max || n > (max - d) / 10)
			return -1;
		n = n * 10 + d;
	}
	*s = p;
	*ret = n;
	return 0;
}

int bk_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t n;

	if (digits(&s, max, &n) < 0 || *s || n < min)
		return -1;
	*ret = n;
	return 0;
}

int bk_parse_size(const char *s, uint64_t *ret_bytes)
{
	static const char units[] = "kMGTP";
	uint64_t n;
	const char *u;

	if (digits(&s, INT64_MAX, &n) < 0)
		return -1;
	if (*s == ' ')
		s++;
	if (*s == 'K')
		u = units;
	else
		u = *s ? strchr(units, *s) : NULL;
	if (u) {
		for (const char *p = units; p <= u; p++) {
			if (n > INT64_MAX / 1024)
				return -1;
			n *= 1024;
		}
		s++;
		if (*s == 'i')
			s++;
		if (*s == 'B')
			s++;
	} else if (strcmp(s, "B") == 0) {
		s++;
	}
	if (*s)
		return -1;
	*ret_bytes = n;
	return 0;
}

static uint64_t seconds_of_unit(char c)
{
	switch (c) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return 86400;
	case 'w':
		return 7 * 86400;
	case 'y':
		return 365 * 86400;
	default:
		return 0;
	}
}

int bk_parse_duration(const char *s, uint64_t *ret_seconds)
{
	const uint64_t max = 100ULL * 365 * 86400;
	uint64_t total = 0;

	if (strcmp(s, "0") == 0) {
		*ret_seconds = 0;
		return 0;
	}
	do {
		uint64_t n, unit;

		if (digits(&s, max, &n) < 0)
			return -1;
		unit = seconds_of_unit(*s);
		if (unit == 0 || n > max / unit || total > max - n * unit)
			return -1;
		total += n * unit;
		s++;
		while (*s == ' ')
			s++;
	} while (*s);
	*ret_seconds = total;
	return 0;
}

int bk_parse_percent(const char *s, unsigned int *ret)
{
	uint64_t n;

	if (digits(&s, 100, &n) < 0 || (*s && strcmp(s, "%") != 0))
		return -1;
	*ret = (unsigned int)n;
	return 0;
}

int bk_parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = { "yes", "true", "on", "1" };
	static const char *const no[] = { "no", "false", "off", "0" };

	for (size_t i = 0; i < BK_COUNT(yes); i++) {
		if (strcmp(s, yes[i]) == 0 || strcmp(s, no[i]) == 0) {
			*ret = strcmp(s, yes[i]) == 0;
			return 0;
		}
	}
	return -1;
}

/* Numbers out. */

void bk_str_add_size(struct bk_buf *b, uint64_t bytes)
{
	static const char *const unit[] = { "B",   "KiB", "MiB", "GiB",
					    "TiB", "PiB", "EiB" };
	uint64_t whole = bytes, tenths = 0;
	size_t u = 0;

	while (whole >= 1024 && u + 1 < BK_COUNT(unit)) {
		tenths = whole % 1024 * 10 / 1024;
		whole /= 1024;
		u++;
	}
	if (u > 0 && whole < 100)
		bk_buf_addf(b, "%llu.%llu %s", (unsigned long long)whole,
			    (unsigned long long)tenths, unit[u]);
	else
		bk_buf_addf(b, "%llu %s", (unsigned long long)whole, unit[u]);
}

void bk_str_add_count(struct bk_buf *b, uint64_t n)
{
	char digit[24];
	int len = snprintf(digit, sizeof(digit), "%llu", (unsigned long long)n);

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			bk_buf_addc(b, ' ');
		bk_buf_addc(b, digit[i]);
	}
}

void bk_str_add_part(struct bk_buf *b, uint64_t n, const char *what)
{
	if (n == 0)
		return;
	bk_buf_adds(b, ", ");
	bk_str_add_count(b, n);
	bk_buf_addf(b, " %s", what);
}

void bk_str_add_duration(struct bk_buf *b, uint64_t seconds)
{
	unsigned long long s = seconds;

	if (s < 90)
		bk_buf_addf(b, "%llu s", s);
	else if (s < 90 * 60)
		bk_buf_addf(b, "%llu min", s / 60);
	else if (s < 48 * 3600)
		bk_buf_addf(b, "%llu h %llu min", s / 3600, s % 3600 / 60);
	else
		bk_buf_addf(b, "%llu d %llu h", s / 86400, s % 86400 / 3600);
}

/* Quoting. */

void bk_str_add_shell(struct bk_buf *b, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789@%+=:,./-_";

	if (*s && s[strspn(s, plain)] == '\0') {
		bk_buf_adds(b, s);
		return;
	}
	bk_buf_addc(b, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			bk_buf_adds(b, "'\\''");
		else
			bk_buf_addc(b, *s);
	}
	bk_buf_addc(b, '\'');
}

void bk_str_add_tsv(struct bk_buf *b, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '\t':
			bk_buf_adds(b, "\\t");
			break;
		case '\n':
			bk_buf_adds(b, "\\n");
			break;
		case '\\':
			bk_buf_adds(b, "\\\\");
			break;
		default:
			bk_buf_addc(b, *s);
		}
	}
}

void bk_str_add_csv(struct bk_buf *b, const char *s)
{
	if (!strpbrk(s, ",\"\r\n")) {
		bk_buf_adds(b, s);
		return;
	}
	bk_buf_addc(b, '"');
	for (; *s; s++)
		bk_buf_adds(b, *s == '"' ? "\"\"" : (char[]){ *s, '\0' });
	bk_buf_addc(b, '"');
}

/* UTF-8. */

/* Length of the valid sequence at s (1 to 4), or 0; *ret_c its code point. */
static size_t utf8_next(const char *s, size_t len, uint32_t *ret_c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *u = (const unsigned char *)s;
	uint32_t c;
	size_t n;

	if (u[0] < 0x80) {
		*ret_c = u[0];
		return 1;
	}
	if (u[0] >= 0xc2 && u[0] <= 0xdf)
		n = 2;
	else if (u[0] >= 0xe0 && u[0] <= 0xef)
		n = 3;
	else if (u[0] >= 0xf0 && u[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > len)
		return 0;
	c = u[0] & (0xffU >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret_c = c;
	return n;
}

bool bk_str_utf8(const char *s, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint32_t c;
		size_t n = utf8_next(s + i, len - i, &c);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

char *bk_str_to_utf8(const char *s, size_t len)
{
	struct bk_buf b = BK_BUF_INIT;

	for (size_t i = 0; i < len;) {
		uint32_t c;
		size_t n = utf8_next(s + i, len - i, &c);

		if (n == 0) {
			bk_buf_adds(&b, "\xef\xbf\xbd");
			i++;
		} else {
			bk_buf_add(&b, s + i, n);
			i += n;
		}
	}
	return bk_buf_steal(&b);
}

/* Controls, and the characters that reorder or hide a line of text. */
static bool unprintable(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/*
 * s, with a backslash before what is in escape; of what cannot be seen each
 * byte as a number.
 */
static void add_seen(struct bk_buf *b, const char *s, const char *escape,
		     bool octal)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len;) {
		uint32_t c = 0;
		size_t n = utf8_next(s + i, len - i, &c);
		bool bad = n == 0 || unprintable(c);

		if (n == 0)
			n = 1;
		if (c == '\t')
			bk_buf_adds(b, "\\t");
		else if (c == '\n')
			bk_buf_adds(b, "\\n");
		else if (bad)
			for (size_t k = 0; k < n; k++)
				bk_buf_addf(b, octal ? "\\%03o" : "\\x%02x",
					    (unsigned char)s[i + k]);
		else if (c < 128 && strchr(escape, (char)c))
			bk_buf_addf(b, "\\%c", (char)c);
		else
			bk_buf_add(b, s + i, n);
		i += n;
	}
}

void bk_str_add_term(struct bk_buf *b, const char *s)
{
	add_seen(b, s, "\\", false);
}

static bool all_printable(const char *s)
{
	size_t len = strlen(s);
	uint32_t c;

	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_next(s + i, len - i, &c);
		if (n == 0 || unprintable(c))
			return false;
	}
	return true;
}

void bk_str_add_typed(struct bk_buf *b, const char *s)
{
	if (all_printable(s)) {
		bk_str_add_shell(b, s);
		return;
	}
	bk_buf_adds(b, "$'");
	add_seen(b, s, "\\'", true);
	bk_buf_addc(b, '\'');
}

/* East Asian wide and emoji ranges, coarse; combining marks are narrow. */
static size_t columns_of(uint32_t c)
{
	if ((c >= 0x300 && c <= 0x36f) || (c >= 0xfe00 && c <= 0xfe0f))
		return 0;
	if ((c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
	    (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
	    (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
	    (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd))
		return 2;
	return 1;
}

size_t bk_str_columns(const char *s)
{
	size_t len = strlen(s), columns = 0;

	for (size_t i = 0; i < len;) {
		uint32_t c = 0;
		size_t n = utf8_next(s + i, len - i, &c);

		columns += columns_of(c);
		i += n ? n : 1;
	}
	return columns;
}

/* Base64. */

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";

char *bk_str_base64(const void *p, size_t len)
{
	const unsigned char *u = p;
	struct bk_buf b = BK_BUF_INIT;

	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)u[i] << 16;

		if (i + 1 < len)
			v |= (uint32_t)u[i + 1] << 8;
		if (i + 2 < len)
			v |= u[i + 2];
		bk_buf_addc(&b, base64_digits[v >> 18]);
		bk_buf_addc(&b, base64_digits[v >> 12 & 63]);
		bk_buf_addc(&b, i + 1 < len ? base64_digits[v >> 6 & 63] : '=');
		bk_buf_addc(&b, i + 2 < len ? base64_digits[v & 63] : '=');
	}
	return bk_buf_steal(&b);
}

char *bk_str_unbase64(const char *s, size_t *ret_len)
{
	size_t len = strlen(s), pad = 0;
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (len % 4 != 0)
		return NULL;
	while (pad < 2 && pad < len && s[len - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < len; i += 4) {
		uint32_t v = 0;
		size_t take = i + 4 == len ? 3 - pad : 3;

		for (size_t k = 0; k < 4; k++) {
			const char *d = base64_digits;

			if (k <= take)
				d = strchr(base64_digits, s[i + k]);
			if (!d)
				return NULL;
			v = v << 6 | (uint32_t)(d - base64_digits);
		}
		for (size_t k = 0; k < take; k++)
			bk_buf_addc(&b, (char)(v >> (16 - 8 * k) & 255));
	}
	*ret_len = b.len;
	return bk_buf_steal(&b);
}
