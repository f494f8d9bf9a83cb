/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "make.h"

#include <string.h>

#include "file.h"
#include "log.h"
#include "path.h"
#include "source.h"
#include "terminal.h"

/* Crockford's base 32. */
static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

enum { GROUP = 4, WORST_MASTER = 12 };

/*
 * The sum of position times value, modulo 31: finds every slip of one
 * character (but Z for 0), and every swap of neighbours.
 */
static char check_letter(const char *group)
{
	int sum = 0;

	for (int i = 0; i < GROUP; i++)
		sum += (i + 1) * (int)(strchr(letters, group[i]) - letters);
	return letters[sum % 31];
}

int make_password(struct bk_secret *ret, struct bk_err *err)
{
	unsigned char random[MAKE_GROUPS * GROUP];
	char *p;

	if (crypto_random(random, sizeof(random), err) < 0 ||
	    bk_secret_new(ret, err) < 0)
		return -1;
	p = ret->p;
	for (int g = 0; g < MAKE_GROUPS; g++) {
		for (int i = 0; i < GROUP; i++)
			p[i] = letters[random[g * GROUP + i] % 32];
		p[GROUP] = check_letter(p);
		p[GROUP + 1] = '-';
		p += GROUP + 2;
	}
	ret->len = MAKE_LEN;
	ret->p[ret->len] = '\0';
	explicit_bzero(random, sizeof(random));
	return 0;
}

/* One that was read for another is put right; 0 for what is none. */
static char letter_of(char c)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c == 'O')
		c = '0';
	if (c == 'I' || c == 'L')
		c = '1';
	return c && strchr(letters, c) ? c : '\0';
}

/* The characters that count; false where there are others, or not so many. */
static bool take_typed(const struct bk_secret *s, char *ret, size_t want)
{
	static const char blanks[] = { ' ', '-', '\t', '\r', '\n' };
	size_t n = 0;

	for (size_t i = 0; i < s->len; i++) {
		char c = letter_of(s->p[i]);

		if (!c && !memchr(blanks, s->p[i], sizeof(blanks)))
			return false;
		if (c && n == want)
			return false;
		if (c)
			ret[n++] = c;
	}
	return n == want;
}

int make_normal(struct bk_secret *s)
{
	char typed[MAKE_GROUPS * (GROUP + 1)];
	bool whole = take_typed(s, typed, sizeof(typed));
	int bad = whole ? 0 : -1;

	for (int g = 0; whole && g < MAKE_GROUPS; g++) {
		const char *group = typed + (ptrdiff_t)g * (GROUP + 1);
		char *to = s->p + (ptrdiff_t)g * (GROUP + 2);

		if (!bad && check_letter(group) != group[GROUP])
			bad = g + 1;
		memcpy(to, group, GROUP + 1);
		to[GROUP + 1] = g + 1 < MAKE_GROUPS ? '-' : '\0';
	}
	if (whole)
		s->len = MAKE_LEN;
	explicit_bzero(typed, sizeof(typed));
	return bad;
}

/* The keyring. */

int open_for_change(struct tool *t, struct keyring *k, struct bk_err *err)
{
	BK_AUTO_FREE char *path = keyring_path(t, err);
	BK_AUTO_FREE char *folder = path ? bk_path_parent(path) : NULL;
	int got = path ? keyring_open(k, path, true, err) : -1;

	if (got != KEYRING_ABSENT)
		return got;
	keyring_close(k);
	if (!t->cli.dry_run && bk_file_mkdirs(folder, 0700, err) < 0)
		return -1;
	return keyring_create(k, path, err);
}

int check_new_master(const struct bk_secret *master, bool typed,
		     struct bk_err *err)
{
	if (master->len >= WORST_MASTER)
		return 0;
	if (typed)
		return bk_err_set(
			err, BK_EX_DATAERR, 0,
			"a master password has %d characters at "
			"least, for whoever gets the file can guess a "
			"shorter one (bk-secret enroll --generate "
			"makes one up)",
			WORST_MASTER);
	bk_warning("the master password is short: whoever gets the file can "
		   "guess it");
	return 0;
}

/* Without asking: 0, or 1 where nothing but asking is left. */
static int quiet_master(struct tool *t, struct bk_secret *ret,
			struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv refs = BK_STRV_INIT, quiet = BK_STRV_INIT;
	size_t source = 0;

	keyring_unlock_refs(t, &refs);
	for (size_t i = 0; i < refs.n; i++)
		if (strcmp(refs.v[i], "ask") != 0)
			bk_strv_add(&quiet, refs.v[i]);
	if (source_first(t, &quiet, "", &source, ret, err) == 0)
		return 0;
	return source == 0 && bk_strv_has(&refs, "ask") ? 1 : -1;
}

int change_master(struct tool *t, struct keyring *k, struct bk_err *err)
{
	int got;

	if (!k->is_new)
		return keyring_master(t, &k->master, err);
	got = quiet_master(t, &k->master, err);
	if (got == 0)
		return check_new_master(&k->master, false, err);
	if (got > 0)
		got = terminal_ask("Master password of the new keyring", true,
				   &k->master, err);
	if (got == 0)
		return check_new_master(&k->master, true, err);
	return got == TERMINAL_NONE ? keyring_master(t, &k->master, err) : -1;
}
