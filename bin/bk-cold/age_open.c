/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "age_impl.h"
#include "str.h"

enum { HEAD_MAX = 64 * 1024, LINE_MAX_AGE = 64 };

struct age_open {
	const struct age_identities *ids;
	int (*sink)(void *arg, const void *p, size_t n, struct bk_err *err);
	void *arg;
	struct bk_buf head; /* with the nonce; empty once it was read */
	size_t nhead;	    /* where the nonce begins; 0: not known yet */
	size_t scanned;	    /* there is no end of the header before this */
	bool keyed;
	uint64_t piece;
	size_t n; /* in piece `in` */
	unsigned char key[AGE_KEY];
	EVP_CIPHER_CTX *c;
	unsigned char in[AGE_PIECE + AGE_TAG], out[AGE_PIECE];
};

static int damaged(struct bk_err *err, const char *why)
{
	return bk_err_set(err, BK_EX_DATAERR, 0,
			  "it is no file of age, or damaged: %s", why);
}

struct age_open *age_open_new(const struct age_identities *ids,
			      int (*sink)(void *arg, const void *p, size_t n,
					  struct bk_err *err),
			      void *arg, struct bk_err *err)
{
	struct age_open *o = bk_calloc(1, sizeof(*o));

	o->ids = ids;
	o->sink = sink;
	o->arg = arg;
	o->c = EVP_CIPHER_CTX_new();
	if (o->c)
		return o;
	age_open_free(o);
	(void)age_failed(err, "ChaCha20-Poly1305");
	return NULL;
}

void age_open_free(struct age_open *o)
{
	if (!o)
		return;
	bk_buf_free(&o->head);
	EVP_CIPHER_CTX_free(o->c);
	bk_wipe_free(o, sizeof(*o));
}

/* ChaCha20-Poly1305 of n bytes and a tag behind them. */
static bool decrypt(EVP_CIPHER_CTX *c, const unsigned char *key,
		    const unsigned char *nonce, const unsigned char *p,
		    size_t n, unsigned char *ret)
{
	unsigned char tag[AGE_TAG], rest[AGE_TAG];
	int done = 0, more = 0;

	memcpy(tag, p + n, sizeof(tag));
	return EVP_DecryptInit_ex(c, EVP_chacha20_poly1305(), NULL, key,
				  nonce) == 1 &&
	       EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, AGE_TAG, tag) ==
		       1 &&
	       (n == 0 || EVP_DecryptUpdate(c, ret, &done, p, (int)n) == 1) &&
	       EVP_DecryptFinal_ex(c, rest, &more) == 1 && (size_t)done == n &&
	       more == 0;
}

/* ---- the header ------------------------------------------------------------ */

/* 32 bytes in base64 without padding, of which there is one way to write. */
static bool read_base64(const char *p, size_t n, unsigned char ret[static 32])
{
	BK_AUTO_FREE char *text = bk_asprintf("%.*s=", (int)n, p);
	BK_AUTO_FREE char *bytes = NULL, *again = NULL;
	size_t len = 0;

	if (n != 43)
		return false;
	bytes = bk_str_unbase64(text, &len);
	if (!bytes || len != 32)
		return false;
	again = bk_str_base64(bytes, len);
	if (strcmp(again, text) != 0)
		return false;
	memcpy(ret, bytes, 32);
	return true;
}

/* The file key, where one of the identities opens it: 1, 0, -1. */
static int unwrap(struct age_open *o, const unsigned char *share,
		  const unsigned char *wrapped,
		  unsigned char ret[static AGE_FILE_KEY], struct bk_err *err)
{
	static const unsigned char nonce[12];
	unsigned char key[AGE_KEY];
	bool done = false;

	for (size_t i = 0; i < o->ids->n && !done; i++) {
		EVP_PKEY *own = age_private(
			(const unsigned char *)o->ids->keys.p + i * AGE_KEY,
			err);
		int got = own ? age_wrap_key(own, share, share, o->ids->pub[i],
					     key, err)
			      : -1;

		EVP_PKEY_free(own);
		/* some points are no key of anybody */
		if (got < 0)
			return damaged(err, "a recipient in its header");
		done = decrypt(o->c, key, nonce, wrapped, AGE_FILE_KEY, ret);
	}
	OPENSSL_cleanse(key, sizeof(key));
	return done;
}

struct lines {
	const char *p, *end;
};

/* The next one, without its newline; NULL: there is no whole one. */
static const char *next_line(struct lines *l, size_t *ret_n)
{
	const char *line = l->p;
	const char *end = memchr(line, '\n', (size_t)(l->end - line));

	if (!end)
		return NULL;
	*ret_n = (size_t)(end - line);
	l->p = end + 1;
	return line;
}

/* One stanza, for whomever; for us: share and body. -1: it is none. */
static int read_stanza(struct lines *l, const char *line, size_t n,
		       unsigned char *share, unsigned char *body)
{
	static const char kind[] = "-> X25519 ";
	size_t nkind = sizeof(kind) - 1, nbody = 0, all = 0;
	bool ours = n > nkind && memcmp(line, kind, nkind) == 0;
	const char *text;

	if (n < 4 || memcmp(line, "-> ", 3) != 0)
		return -1;
	if (ours && !read_base64(line + nkind, n - nkind, share))
		return -1;
	do {
		text = next_line(l, &nbody);
		if (!text || nbody > LINE_MAX_AGE)
			return -1;
		all += nbody;
	} while (nbody == LINE_MAX_AGE);
	if (!ours)
		return 0;
	return all == nbody && read_base64(text, nbody, body) ? 1 : -1;
}

static int check_mac(const struct age_open *o, const char *line, size_t n,
		     const unsigned char *file_key, struct bk_err *err)
{
	unsigned char told[AGE_KEY], mac[AGE_KEY];

	if (n < 4 || memcmp(line, "--- ", 4) != 0 ||
	    !read_base64(line + 4, n - 4, told))
		return damaged(err, "its header has no end");
	if (age_header_mac(file_key, o->head.p, (size_t)(line + 3 - o->head.p),
			   mac, err) < 0)
		return -1;
	return CRYPTO_memcmp(told, mac, sizeof(mac)) == 0
		       ? 0
		       : damaged(err, "its header was changed");
}

static int find_key(struct age_open *o, unsigned char *file_key,
		    struct bk_err *err)
{
	struct lines l = { o->head.p, o->head.p + o->nhead };
	unsigned char share[AGE_KEY], body[AGE_WRAPPED];
	size_t n = 0;
	const char *line = next_line(&l, &n);
	int have = 0;

	while ((line = next_line(&l, &n)) && n >= 3 &&
	       memcmp(line, "-> ", 3) == 0) {
		int got = read_stanza(&l, line, n, share, body);

		if (got < 0)
			return damaged(err, "a recipient in its header");
		if (got > 0 && !have)
			have = unwrap(o, share, body, file_key, err);
		if (have < 0)
			return -1;
	}
	if (!line)
		return damaged(err, "its header has no end");
	if (!have)
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "it is encrypted for others than this "
				  "identity");
	return check_mac(o, line, n, file_key, err);
}

static int read_head(struct age_open *o, struct bk_err *err)
{
	unsigned char file_key[AGE_FILE_KEY];
	int got = find_key(o, file_key, err);

	if (got == 0)
		got = age_hkdf(file_key, sizeof(file_key), o->head.p + o->nhead,
			       AGE_NONCE, "payload", o->key, err);
	OPENSSL_cleanse(file_key, sizeof(file_key));
	o->keyed = got == 0;
	bk_buf_clear(&o->head);
	return got;
}

/* Where the header ends, behind the newline of its last line. */
static void look_for_end(struct age_open *o)
{
	const char *p = o->head.p + o->scanned;

	while ((p = memchr(p, '\n', o->head.len - (size_t)(p - o->head.p)))) {
		const char *line = p + 1;
		size_t left = o->head.len - (size_t)(line - o->head.p);
		const char *end = memchr(line, '\n', left);

		if (!end)
			break;
		if (left >= 3 && memcmp(line, "---", 3) == 0) {
			o->nhead = (size_t)(end + 1 - o->head.p);
			return;
		}
		p = end;
	}
	if (p)
		o->scanned = (size_t)(p - o->head.p);
}

/* How many of the bytes belonged to the header; -1. */
static ssize_t take_head(struct age_open *o, const char *p, size_t n,
			 struct bk_err *err)
{
	size_t before = o->head.len, want;

	bk_buf_add(&o->head, p, n);
	want = sizeof(AGE_FIRST);
	if (o->head.len >= want && memcmp(o->head.p, AGE_FIRST "\n", want) != 0)
		return damaged(err, "it begins with something else");
	if (!o->nhead && o->head.len >= want)
		look_for_end(o);
	if (!o->nhead)
		return o->head.len > HEAD_MAX
			       ? damaged(err, "its header does not end")
			       : (ssize_t)n;
	want = o->nhead + AGE_NONCE;
	if (o->head.len < want)
		return (ssize_t)n;
	return read_head(o, err) < 0 ? -1 : (ssize_t)(want - before);
}

/* ---- the content ------------------------------------------------------------ */

static int open_piece(struct age_open *o, bool last, struct bk_err *err)
{
	size_t n = o->n - AGE_TAG;
	unsigned char nonce[12];

	age_piece_nonce(o->piece++, last, nonce);
	o->n = 0;
	if (!decrypt(o->c, o->key, nonce, o->in, n, o->out))
		return damaged(err, last ? "its end" : "its content");
	return n > 0 ? o->sink(o->arg, o->out, n, err) : 0;
}

int age_open_add(struct age_open *o, const void *p, size_t n,
		 struct bk_err *err)
{
	const char *at = p;

	if (!o->keyed) {
		ssize_t taken = take_head(o, at, n, err);

		if (taken < 0)
			return -1;
		at += taken;
		n -= (size_t)taken;
	}
	while (n > 0) {
		size_t k = sizeof(o->in) - o->n;

		/* it is not the last one: there is more */
		if (k == 0) {
			if (open_piece(o, false, err) < 0)
				return -1;
			continue;
		}
		k = k < n ? k : n;
		memcpy(o->in + o->n, at, k);
		o->n += k;
		at += k;
		n -= k;
	}
	return 0;
}

int age_open_end(struct age_open *o, struct bk_err *err)
{
	if (!o->keyed || o->n < AGE_TAG || (o->n == AGE_TAG && o->piece > 0))
		return damaged(err, "it is cut off");
	return open_piece(o, true, err);
}
