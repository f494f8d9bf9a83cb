/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "match.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "buf.h"
#include "mem.h"

/* A part of the pattern between two slashes. */
struct part {
	const char *s;
	size_t len;
	bool any;   /* "**" */
	bool plain; /* without wildcards */
};

struct bk_match {
	struct part *parts;
	size_t n;
	bool anchored;
	char *text;
};

/* A piece of text that is eaten from its front. */
struct span {
	const char *s;
	size_t len;
};

static void eat(struct span *t, size_t n)
{
	t->s += n;
	t->len -= n;
}

/* Bytes of the UTF-8 sequence of n bytes that starts with c; 0: none does. */
static size_t rune_length(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef)
		return 3;
	return c >= 0xf0 && c <= 0xf4 ? 4 : 0;
}

/*
 * As utf8.DecodeRuneInString: the length of the first rune; an invalid byte
 * is U+FFFD with a length of 1.
 */
static size_t rune_decode(struct span t, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char c = (unsigned char)t.s[0];
	size_t n = rune_length(c);
	uint32_t r;

	*ret = 0xfffd;
	if (n == 0 || n > t.len)
		return 1;
	if (n == 1) {
		*ret = c;
		return 1;
	}
	r = c & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)t.s[i] & 0xc0) != 0x80)
			return 1;
		r = r << 6 | ((unsigned char)t.s[i] & 0x3f);
	}
	if (r < least[n] || r > 0x10ffff || (r >= 0xd800 && r <= 0xdfff))
		return 1;
	*ret = r;
	return n;
}

/* One character of a class, possibly escaped; false: malformed. */
static bool class_rune(struct span *p, uint32_t *ret)
{
	size_t n;

	if (p->len == 0 || p->s[0] == '-' || p->s[0] == ']')
		return false;
	if (p->s[0] == '\\') {
		eat(p, 1);
		if (p->len == 0)
			return false;
	}
	n = rune_decode(*p, ret);
	if (*ret == 0xfffd && n == 1)
		return false;
	eat(p, n);
	return p->len > 0;
}

/* The class behind a '['; -1 malformed, else whether r is in it. */
static int class_match(struct span *p, uint32_t r)
{
	bool negated = false, hit = false;
	uint32_t lo, hi;

	if (p->len > 0 && p->s[0] == '^') {
		negated = true;
		eat(p, 1);
	}
	for (bool first = true;; first = false) {
		if (!first && p->len > 0 && p->s[0] == ']')
			break;
		if (!class_rune(p, &lo))
			return -1;
		hi = lo;
		if (p->s[0] == '-') {
			eat(p, 1);
			if (!class_rune(p, &hi))
				return -1;
		}
		hit |= lo <= r && r <= hi;
	}
	eat(p, 1);
	return hit != negated;
}

/* A chunk without '*' against the front of t, which loses what matched. */
static bool chunk_match(struct span p, struct span *t)
{
	struct span s = *t;

	while (p.len > 0) {
		uint32_t r = 0;
		size_t n;

		if (s.len == 0)
			return false;
		switch (p.s[0]) {
		case '[':
			n = rune_decode(s, &r);
			eat(&s, n);
			eat(&p, 1);
			if (class_match(&p, r) <= 0)
				return false;
			continue;
		case '?':
			eat(&s, rune_decode(s, &r));
			eat(&p, 1);
			continue;
		case '\\':
			eat(&p, 1);
			if (p.len == 0)
				return false;
			break;
		}
		if (p.s[0] != s.s[0])
			return false;
		eat(&p, 1);
		eat(&s, 1);
	}
	*t = s;
	return true;
}

/* Cut the next chunk off p: stars before it, and what reaches to the next. */
static struct span chunk_next(struct span *p, bool *ret_star)
{
	struct span chunk;
	bool in_class = false;
	size_t i;

	*ret_star = false;
	while (p->len > 0 && p->s[0] == '*') {
		*ret_star = true;
		eat(p, 1);
	}
	for (i = 0; i < p->len; i++) {
		char c = p->s[i];

		if (c == '\\' && i + 1 < p->len)
			i++;
		else if (c == '[')
			in_class = true;
		else if (c == ']')
			in_class = false;
		else if (c == '*' && !in_class)
			break;
	}
	chunk = (struct span){ p->s, i };
	eat(p, i);
	return chunk;
}

/* filepath.Match() for one component. */
static bool glob(struct span p, struct span t)
{
	while (p.len > 0) {
		bool star, found = false;
		struct span chunk = chunk_next(&p, &star);

		if (star && chunk.len == 0)
			return true;
		for (size_t skip = 0; skip <= (star ? t.len : 0); skip++) {
			struct span rest = { t.s + skip, t.len - skip };

			if (!chunk_match(chunk, &rest))
				continue;
			if (p.len == 0 && rest.len > 0)
				continue;
			t = rest;
			found = true;
			break;
		}
		if (!found)
			return false;
	}
	return t.len == 0;
}

static bool part_valid(struct span p)
{
	while (p.len > 0) {
		char c = p.s[0];

		eat(&p, 1);
		if (c == '[' && class_match(&p, 0) < 0)
			return false;
		if (c == '\\') {
			if (p.len == 0)
				return false;
			eat(&p, 1);
		}
	}
	return true;
}

static bool is_part(const char *s, size_t len, const char *what)
{
	return strlen(what) == len && memcmp(s, what, len) == 0;
}

static void add_part(struct bk_match *m, struct part part)
{
	m->parts = bk_realloc(m->parts, m->n + 1, sizeof(*m->parts));
	m->parts[m->n++] = part;
}

/* Split as filepath.Clean() and strings.Split() would. */
struct bk_match *bk_match_new(const char *pattern, bool below)
{
	struct bk_match *m = bk_calloc(1, sizeof(*m));
	const char *s;
	size_t len;

	m->text = bk_strdup(pattern);
	m->anchored = pattern[0] == '/';
	if (below && !m->anchored) {
		m->anchored = true;
		add_part(m, (struct part){ "**", 2, true, false });
	}
	for (s = m->text; *s; s += len + (s[len] == '/')) {
		struct part *last = m->n ? &m->parts[m->n - 1] : NULL;

		len = strcspn(s, "/");
		if (len == 0 || is_part(s, len, "."))
			continue;
		if (is_part(s, len, "..")) {
			if (last && !is_part(last->s, last->len, "..")) {
				m->n--;
				continue;
			}
			if (m->anchored)
				continue;
		}
		add_part(m, (struct part){
				    .s = s,
				    .len = len,
				    .any = is_part(s, len, "**"),
				    .plain = memchr(s, '\\', len) == NULL &&
					     strcspn(s, "[]*?/") == len,
			    });
	}
	return m;
}

void bk_match_free(struct bk_match *m)
{
	if (!m)
		return;
	free(m->parts);
	free(m->text);
	free(m);
}

const char *bk_match_check(const char *pattern)
{
	struct bk_match *m;
	const char *why = NULL;

	if (!*pattern)
		return "is empty";
	if (*pattern == '!')
		return "starts with '!', which is not supported";
	if (*pattern == '#')
		return "starts with '#'; write '[#]'";
	if (strchr(pattern, '\n'))
		return "holds a newline; write '?'";
	m = bk_match_new(pattern, false);
	if (m->n == 0)
		why = "would exclude everything";
	for (size_t i = 0; !why && i < m->n; i++)
		if (!part_valid(
			    (struct span){ m->parts[i].s, m->parts[i].len }))
			why = "has an unfinished '[' or '\\'";
	bk_match_free(m);
	return why;
}

static bool part_match(const struct part *p, struct span t)
{
	if (p->plain)
		return p->len == t.len && memcmp(p->s, t.s, t.len) == 0;
	return glob((struct span){ p->s, p->len }, t);
}

/*
 * The parts that may come next are a set of states, so that any number of
 * "**" costs parts times components and no more. on[i]: part i may be next.
 */
static void step(const struct bk_match *m, bool *on, struct span t)
{
	for (size_t i = m->n; i-- > 0;) {
		if (!on[i] || m->parts[i].any)
			continue;
		on[i] = false;
		if (part_match(&m->parts[i], t))
			on[i + 1] = true;
	}
}

/*
 * A "**" may stand for nothing, or for what it took so far. restic lets it
 * end only where as many components are left as there are parts behind it,
 * even if those are "**" again, which can stand for nothing themselves; spare
 * are the components before a pattern that is not anchored.
 */
static void settle(const struct bk_match *m, bool *on, size_t left,
		   size_t spare)
{
	for (size_t i = 0; i < m->n; i++)
		if (on[i] && m->parts[i].any && left + spare >= m->n - i - 1)
			on[i + 1] = true;
}

static const char *skip_slashes(const char *s)
{
	return s + strspn(s, "/");
}

/* Does m match from here on? left components are there. */
static bool match_from(const struct bk_match *m, bool *on, const char *s,
		       size_t left, size_t spare)
{
	memset(on, 0, (m->n + 1) * sizeof(*on));
	on[0] = true;
	while (left > 0) {
		size_t len = strcspn(s, "/");

		settle(m, on, left, spare);
		step(m, on, (struct span){ s, len });
		settle(m, on, --left, spare);
		if (on[m->n])
			return true;
		s = skip_slashes(s + len);
	}
	return false;
}

static size_t count_parts(const char *s)
{
	size_t n = 0;

	for (s = skip_slashes(s); *s; s = skip_slashes(s + strcspn(s, "/")))
		n++;
	return n;
}

bool bk_match_hits(const struct bk_match *m, const char *path)
{
	size_t n = count_parts(path);
	const char *s = skip_slashes(path);
	bool fixed[32];
	bool *on = m->n < BK_COUNT(fixed) ? fixed
					  : bk_calloc(m->n + 1, sizeof(*on));
	bool hit = match_from(m, on, s, n, m->anchored ? 0 : 1);

	for (size_t i = 1; !m->anchored && !hit && i < n; i++) {
		s = skip_slashes(s + strcspn(s, "/"));
		hit = match_from(m, on, s, n - i, i + 1);
	}
	if (on != fixed)
		free(on);
	return hit;
}

char *bk_match_literal(const char *path)
{
	struct bk_buf b = BK_BUF_INIT;

	bk_buf_adds(&b, "");
	for (; *path; path++) {
		if (strchr("*?[\\", *path))
			bk_buf_addc(&b, '\\');
		bk_buf_addc(&b, *path);
	}
	return bk_buf_steal(&b);
}
