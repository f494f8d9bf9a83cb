/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "age_impl.h"
#include "digest.h"
#include "str.h"

struct age_seal {
	struct bk_buf head; /* not given out yet */
	uint64_t total, left, piece;
	size_t at; /* in the piece */
	bool open; /* the piece has begun */
	unsigned char key[AGE_KEY];
	EVP_CIPHER_CTX *c;
	EVP_MD_CTX *md;
};

static void add_base64(struct bk_buf *b, const void *p, size_t n)
{
	BK_AUTO_FREE char *text = bk_str_base64(p, n);

	text[strcspn(text, "=")] = '\0';
	bk_buf_adds(b, text);
}

/* The file key for one recipient: nonce 0, since its key is used once. */
static int wrap(const unsigned char *file_key, const unsigned char *recipient,
		unsigned char share[static AGE_KEY],
		unsigned char ret[static AGE_WRAPPED], struct bk_err *err)
{
	static const unsigned char nonce[12];
	unsigned char once[AGE_KEY], key[AGE_KEY];
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	EVP_PKEY *own = NULL;
	int n, got = -1;

	if (!c || RAND_bytes(once, sizeof(once)) != 1)
		(void)age_failed(err, "random bytes");
	else
		own = age_private(once, err);
	if (own && age_public(own, share, err) == 0 &&
	    age_wrap_key(own, recipient, share, recipient, key, err) == 0)
		got = EVP_EncryptInit_ex(c, EVP_chacha20_poly1305(), NULL, key,
					 nonce) == 1 &&
				      EVP_EncryptUpdate(c, ret, &n, file_key,
							AGE_FILE_KEY) == 1 &&
				      EVP_EncryptFinal_ex(c, ret + n, &n) ==
					      1 &&
				      EVP_CIPHER_CTX_ctrl(
					      c, EVP_CTRL_AEAD_GET_TAG, AGE_TAG,
					      ret + AGE_FILE_KEY) == 1
			      ? 0
			      : age_failed(err, "ChaCha20-Poly1305");
	EVP_CIPHER_CTX_free(c);
	EVP_PKEY_free(own);
	OPENSSL_cleanse(once, sizeof(once));
	OPENSSL_cleanse(key, sizeof(key));
	return got;
}

static int add_head(struct age_seal *s, const struct age_recipients *r,
		    const unsigned char *file_key, struct bk_err *err)
{
	unsigned char share[AGE_KEY], wrapped[AGE_WRAPPED], mac[AGE_KEY];

	bk_buf_adds(&s->head, AGE_FIRST "\n");
	for (size_t i = 0; i < r->n; i++) {
		if (wrap(file_key, r->keys[i], share, wrapped, err) < 0)
			return -1;
		bk_buf_adds(&s->head, "-> X25519 ");
		add_base64(&s->head, share, sizeof(share));
		bk_buf_addc(&s->head, '\n');
		add_base64(&s->head, wrapped, sizeof(wrapped));
		bk_buf_addc(&s->head, '\n');
	}
	bk_buf_adds(&s->head, "---");
	if (age_header_mac(file_key, s->head.p, s->head.len, mac, err) < 0)
		return -1;
	bk_buf_addc(&s->head, ' ');
	add_base64(&s->head, mac, sizeof(mac));
	bk_buf_addc(&s->head, '\n');
	return 0;
}

static int make_keys(struct age_seal *s, const struct age_recipients *r,
		     struct bk_err *err)
{
	unsigned char file_key[AGE_FILE_KEY], nonce[AGE_NONCE];
	int got;

	if (RAND_bytes(file_key, sizeof(file_key)) != 1 ||
	    RAND_bytes(nonce, sizeof(nonce)) != 1)
		return age_failed(err, "random bytes");
	got = add_head(s, r, file_key, err);
	if (got == 0)
		got = age_hkdf(file_key, sizeof(file_key), nonce, sizeof(nonce),
			       "payload", s->key, err);
	bk_buf_add(&s->head, nonce, sizeof(nonce));
	OPENSSL_cleanse(file_key, sizeof(file_key));
	return got;
}

struct age_seal *age_seal_new(const struct age_recipients *r, uint64_t size,
			      struct bk_err *err)
{
	AGE_SEAL_AUTO struct age_seal *s = bk_calloc(1, sizeof(*s));
	uint64_t pieces = size / AGE_PIECE + (size % AGE_PIECE > 0 || !size);
	struct age_seal *ret;

	s->left = size;
	s->c = EVP_CIPHER_CTX_new();
	s->md = bk_digest_new(err);
	if (!s->md || make_keys(s, r, err) < 0)
		return NULL;
	if (!s->c || EVP_EncryptInit_ex(s->c, EVP_chacha20_poly1305(), NULL,
					s->key, NULL) != 1) {
		(void)age_failed(err, "ChaCha20-Poly1305");
		return NULL;
	}
	s->total = s->head.len + size + pieces * AGE_TAG;
	ret = s;
	s = NULL;
	return ret;
}

uint64_t age_seal_total(const struct age_seal *s)
{
	return s->total;
}

size_t age_seal_room(const struct age_seal *s, size_t n)
{
	return s->head.len + n + (n / AGE_PIECE + 2) * AGE_TAG;
}

static bool begin_piece(struct age_seal *s)
{
	unsigned char nonce[12];

	age_piece_nonce(s->piece++, s->left <= AGE_PIECE, nonce);
	s->at = 0;
	s->open = true;
	return EVP_EncryptInit_ex(s->c, NULL, NULL, NULL, nonce) == 1;
}

static bool end_piece(struct age_seal *s, struct bk_buf *out)
{
	unsigned char tag[AGE_TAG];
	int n = 0;

	s->open = false;
	if (EVP_EncryptFinal_ex(s->c, tag, &n) != 1 || n != 0 ||
	    EVP_CIPHER_CTX_ctrl(s->c, EVP_CTRL_AEAD_GET_TAG, AGE_TAG, tag) != 1)
		return false;
	bk_buf_add(out, tag, sizeof(tag));
	return true;
}

static bool add_bytes(struct age_seal *s, const unsigned char *p, size_t n,
		      struct bk_buf *out)
{
	int done = 0;

	bk_buf_reserve(out, n);
	if (EVP_EncryptUpdate(s->c, (unsigned char *)out->p + out->len, &done,
			      p, (int)n) != 1 ||
	    done != (int)n)
		return false;
	out->len += n;
	out->p[out->len] = '\0';
	s->at += n;
	s->left -= n;
	return true;
}

static bool seal_pieces(struct age_seal *s, const unsigned char *p, size_t n,
			struct bk_buf *out)
{
	while (n > 0) {
		size_t k;

		if (!s->open && !begin_piece(s))
			return false;
		k = AGE_PIECE - s->at < n ? AGE_PIECE - s->at : n;
		if (!add_bytes(s, p, k, out))
			return false;
		if ((s->at == AGE_PIECE || s->left == 0) && !end_piece(s, out))
			return false;
		p += k;
		n -= k;
	}
	return true;
}

static void give_head(struct age_seal *s, struct bk_buf *out)
{
	bk_buf_add(out, s->head.p ? s->head.p : "", s->head.len);
	bk_buf_clear(&s->head);
}

int age_seal_add(struct age_seal *s, const void *p, size_t n,
		 struct bk_buf *out, struct bk_err *err)
{
	size_t before = out->len;

	if (n > s->left)
		return bk_err_set(err, BK_EX_DATAERR, 0, "it got longer");
	give_head(s, out);
	if (!seal_pieces(s, p, n, out))
		return age_failed(err, "ChaCha20-Poly1305");
	return bk_digest_add(s->md, out->p + before, out->len - before, err);
}

int age_seal_end(struct age_seal *s, struct bk_buf *out, char ret[static 65],
		 struct bk_err *err)
{
	EVP_MD_CTX *md = s->md;
	size_t before = out->len;
	bool done = true;

	if (s->left > 0)
		return bk_err_set(err, BK_EX_DATAERR, 0, "it got shorter");
	give_head(s, out);
	/* an empty content is one empty piece */
	if (s->piece == 0)
		done = begin_piece(s) && end_piece(s, out);
	if (!done)
		return age_failed(err, "ChaCha20-Poly1305");
	if (bk_digest_add(md, out->p ? out->p + before : "", out->len - before,
			  err) < 0)
		return -1;
	s->md = NULL;
	return bk_digest_end(md, ret, err);
}

void age_seal_free(struct age_seal *s)
{
	if (!s)
		return;
	bk_buf_free(&s->head);
	EVP_CIPHER_CTX_free(s->c);
	EVP_MD_CTX_free(s->md);
	bk_wipe_free(s, sizeof(*s));
}
