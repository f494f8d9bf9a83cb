/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "alt.h"

#include <jansson.h>
#include <string.h>

#include "crypto.h"
#include "keyring.h"
#include "rec.h"
#include "str.h"

enum { FIELDS = 3, SALT = 0, IV, DATA };
static const char *const field_names[FIELDS] = { "salt", "IV",
						 "password_encrypted" };

/* What every secret starts with, and the only proof of a right master. */
static const char prefix[] = "pw:";

struct parts {
	char *p[FIELDS];
	size_t len[FIELDS];
};

static void parts_free(struct parts *s)
{
	for (int i = 0; i < FIELDS; i++)
		free(s->p[i]);
}

static struct bytes part(const struct parts *s, int i)
{
	return (struct bytes){ (const unsigned char *)s->p[i], s->len[i] };
}

/* Is it one of the sealed entries, as the values of JSON show? */
static bool is_json(const struct cryptfile_entry *e)
{
	size_t len = 0;
	BK_AUTO_FREE char *text = cryptfile_unbase64(e->value, &len);
	BK_AUTO_JSON json_t *o =
		text ? json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL)
		     : NULL;

	return bk_rec_str(o, "salt") != NULL;
}

enum store_kind alt_kind(const struct cryptfile *f)
{
	const char *scheme = keyring_setting(f, "scheme");

	if (scheme && strstr(scheme, "[PBKDF2]"))
		return STORE_ALT;
	if (scheme || keyring_setting(f, CRYPTFILE_REFERENCE))
		return STORE_CRYPTFILE;
	for (size_t i = 0; i < f->nentries; i++)
		if (is_json(&f->entries[i]))
			return STORE_CRYPTFILE;
	return STORE_PLAIN;
}

const char *alt_kind_name(enum store_kind kind)
{
	static const char *const names[] = {
		[STORE_CRYPTFILE] = "keyrings.cryptfile",
		[STORE_ALT] = "keyrings.alt, encrypted",
		[STORE_PLAIN] = "keyrings.alt, plain text",
	};

	return names[kind];
}

static int damaged(const struct cryptfile_entry *e, struct bk_err *err)
{
	return bk_err_set(err, BK_EX_DATAERR, 0,
			  "line %zu: the entry is damaged", e->line);
}

static int read_parts(const struct cryptfile_entry *e, struct parts *s,
		      struct bk_err *err)
{
	size_t len = 0;
	BK_AUTO_FREE char *text = cryptfile_unbase64(e->value, &len);
	BK_AUTO_JSON json_t *o = text ? json_loadb(text, len, 0, NULL) : NULL;

	for (int i = 0; i < FIELDS; i++) {
		const char *value = bk_rec_str(o, field_names[i]);

		if (value)
			s->p[i] = cryptfile_unbase64(value, &s->len[i]);
		if (!s->p[i])
			return damaged(e, err);
	}
	return s->len[DATA] <= BK_SECRET_MAX ? 0 : damaged(e, err);
}

/* The library takes a master as Latin 1; what has no place there, as it is. */
static int to_latin1(const struct bk_secret *master, struct bk_secret *ret,
		     struct bk_err *err)
{
	const unsigned char *p = (const unsigned char *)master->p;

	if (bk_secret_new(ret, err) < 0)
		return -1;
	for (size_t i = 0; i < master->len; i++) {
		bool pair = (p[i] == 0xc2 || p[i] == 0xc3) &&
			    i + 1 < master->len && (p[i + 1] & 0xc0) == 0x80;

		if (pair) {
			ret->p[ret->len++] =
				(char)((p[i] & 3) << 6 | (p[i + 1] & 0x3f));
			i++;
		} else {
			ret->p[ret->len++] = (char)p[i];
		}
	}
	return 0;
}

static int open_sealed(const struct cryptfile_entry *e,
		       const struct bk_secret *master, struct bk_secret *ret,
		       struct bk_err *err)
{
	BK_AUTO(parts_free) struct parts s = { 0 };
	BK_AUTO_SECRET struct bk_secret latin = BK_SECRET_INIT;
	size_t skip = strlen(prefix);

	if (read_parts(e, &s, err) < 0 || to_latin1(master, &latin, err) < 0 ||
	    bk_secret_new(ret, err) < 0)
		return -1;
	if (crypto_alt_open((struct bytes){ (unsigned char *)latin.p,
					    latin.len },
			    part(&s, SALT), part(&s, IV), part(&s, DATA),
			    (unsigned char *)ret->p, err) < 0)
		return -1;
	ret->len = s.len[DATA];
	if (ret->len < skip || memcmp(ret->p, prefix, skip) != 0)
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "line %zu: the master password is wrong, or "
				  "the entry was changed",
				  e->line);
	ret->len -= skip;
	memmove(ret->p, ret->p + skip, ret->len);
	return 0;
}

int alt_get(enum store_kind kind, const struct cryptfile_entry *e,
	    const struct bk_secret *master, struct bk_secret *ret,
	    struct bk_err *err)
{
	size_t len = 0;
	char *text;
	int got;

	if (kind != STORE_PLAIN) {
		got = open_sealed(e, master, ret, err);
		if (got < 0)
			bk_secret_free(ret);
		return got;
	}
	text = cryptfile_unbase64(e->value, &len);
	if (!text)
		return damaged(e, err);
	got = bk_secret_set(ret, text, len, err);
	bk_wipe_free(text, len);
	return got;
}
