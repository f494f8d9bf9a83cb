/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seal.h"

#include <jansson.h>
#include <string.h>

#include "rec.h"
#include "str.h"

enum { FIELDS = 4, ENTRY_MAX = 4 * 65536 };

/* An entry, taken apart. */
struct sealed {
	char *field[FIELDS]; /* salt, nonce, mac, data */
	size_t len[FIELDS];
};
enum { SALT, NONCE, MAC, DATA };
static const char *const field_names[FIELDS] = { "salt", "nonce", "mac",
						 "data" };

static void sealed_free(struct sealed *s)
{
	for (int i = 0; i < FIELDS; i++)
		free(s->field[i]);
}
#define AUTO_SEALED BK_AUTO(sealed_free)

static struct bytes field(const struct sealed *s, int i)
{
	return (struct bytes){ (const unsigned char *)s->field[i], s->len[i] };
}

static int damaged(const struct keyring *k, const struct cryptfile_entry *e,
		   const char *why, struct bk_err *err)
{
	return bk_err_set(err, BK_EX_DATAERR, 0,
			  "'%s', line %zu: the entry is damaged: %s", k->path,
			  e->line, why);
}

static int read_sealed(const struct keyring *k, const struct cryptfile_entry *e,
		       struct sealed *s, struct bk_err *err)
{
	size_t len = 0;
	BK_AUTO_FREE char *text = strlen(e->value) <= ENTRY_MAX
					  ? cryptfile_unbase64(e->value, &len)
					  : NULL;
	BK_AUTO_JSON json_t *o = NULL;

	if (!text)
		return damaged(k, e, "it is no base64, or too long", err);
	o = json_loadb(text, len, 0, NULL);
	for (int i = 0; i < FIELDS; i++) {
		const char *value = bk_rec_str(o, field_names[i]);

		if (value)
			s->field[i] = cryptfile_unbase64(value, &s->len[i]);
		if (!s->field[i])
			return damaged(k, e,
				       "it is not JSON with salt, nonce, mac "
				       "and data in base64",
				       err);
	}
	if (s->len[MAC] != CRYPTO_MAC || s->len[SALT] < 8 ||
	    s->len[SALT] > 256 || s->len[DATA] > BK_SECRET_MAX)
		return damaged(k, e, "its salt, mac or data has a wrong length",
			       err);
	return 0;
}

static void add_names(struct bk_buf *b, const struct keyring *k,
		      const char *service, const char *user)
{
	BK_AUTO_FREE char *section = cryptfile_escape(service);
	BK_AUTO_FREE char *option = cryptfile_escape(user);

	bk_buf_adds(b, section);
	bk_buf_add(b, k->joiner.p, k->joiner.len);
	bk_buf_adds(b, option);
}

/* With one nonce: 1, 0 or -1 as crypto_open(). */
static int try_nonce(const struct keyring *k, const struct sealed *s,
		     const unsigned char *key, struct bytes nonce,
		     struct bytes aad, struct bk_secret *ret,
		     struct bk_err *err)
{
	const unsigned char *mac = (const unsigned char *)s->field[MAC];

	return crypto_open(k->mode, key, nonce, aad, field(s, DATA), mac,
			   (unsigned char *)ret->p, err);
}

/*
 * With the names under the seal, and as the first releases did, without.
 * PyCryptodome before 3.17 used 14 bytes of a nonce of 15 in OCB mode.
 */
static int try_key(const struct keyring *k, const struct sealed *s,
		   const unsigned char *key, const char *service,
		   const char *user, struct bk_secret *ret, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf names = BK_BUF_INIT;
	struct bytes nonce = field(s, NONCE), aad[2] = { { NULL, 0 } };
	int got = 0;

	add_names(&names, k, service, user);
	aad[0] = (struct bytes){ (const unsigned char *)names.p, names.len };
	for (int i = 0; i < 2 && got == 0; i++) {
		struct bytes shorter = { nonce.p, 14 };

		got = try_nonce(k, s, key, nonce, aad[i], ret, err);
		if (got == 0 && k->mode == CRYPTO_OCB && nonce.len == 15)
			got = try_nonce(k, s, key, shorter, aad[i], ret, err);
	}
	return got;
}

int seal_open(const struct keyring *k, const struct cryptfile_entry *e,
	      const char *service, const char *user, struct bk_secret *ret,
	      struct bk_err *err)
{
	AUTO_SEALED struct sealed s = { 0 };
	unsigned char key[CRYPTO_KEY];
	int got;

	if (read_sealed(k, e, &s, err) < 0 || bk_secret_new(ret, err) < 0)
		return -1;
	got = crypto_key(&k->master, field(&s, SALT), key, err);
	if (got == 0)
		got = try_key(k, &s, key, service, user, ret, err);
	if (got < 0 && err->exit == BK_EX_DATAERR)
		(void)damaged(k, e, err->msg, err);
	explicit_bzero(key, sizeof(key));
	if (got == 1)
		ret->len = s.len[DATA];
	else
		bk_secret_free(ret);
	return got;
}

static char *entry_value(const unsigned char *salt, struct bytes nonce,
			 const unsigned char *mac, struct bytes data)
{
	char *parts[FIELDS] = {
		bk_str_base64(salt, CRYPTO_SALT),
		bk_str_base64(nonce.p, nonce.len),
		bk_str_base64(mac, CRYPTO_MAC),
		bk_str_base64(data.p, data.len),
	};
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	char *value;

	bk_buf_addf(&b,
		    "{\"salt\": \"%s\", \"data\": \"%s\", \"mac\": \"%s\", "
		    "\"nonce\": \"%s\"}",
		    parts[0], parts[3], parts[2], parts[1]);
	value = bk_str_base64(b.p, b.len);
	for (int i = 0; i < FIELDS; i++)
		free(parts[i]);
	return value;
}

char *seal_make(const struct keyring *k, const char *service, const char *user,
		const struct bk_secret *secret, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf names = BK_BUF_INIT;
	unsigned char salt[CRYPTO_SALT], nonce[16], mac[CRYPTO_MAC];
	unsigned char key[CRYPTO_KEY];
	BK_AUTO_FREE unsigned char *out = bk_malloc(secret->len);
	struct bytes n = { nonce, crypto_nonce_size(k->mode) };
	int got;

	add_names(&names, k, service, user);
	if (crypto_random(salt, sizeof(salt), err) < 0 ||
	    crypto_random(nonce, sizeof(nonce), err) < 0 ||
	    crypto_key(&k->master, (struct bytes){ salt, sizeof(salt) }, key,
		       err) < 0)
		return NULL;
	got = crypto_seal(
		k->mode, key, n,
		(struct bytes){ (const unsigned char *)names.p, names.len },
		(struct bytes){ (const unsigned char *)secret->p, secret->len },
		mac, out, err);
	explicit_bzero(key, sizeof(key));
	if (got < 0)
		return NULL;
	return entry_value(salt, n, mac, (struct bytes){ out, secret->len });
}
