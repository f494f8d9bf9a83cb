/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys of age(1), and what is computed with them. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include "age_impl.h"
#include "digest.h"
#include "file.h"
#include "str.h"

enum { TEXT_MAX = 64 * 1024, GROUPS = 52, CHECK = 6 };

int age_failed(struct bk_err *err, const char *what)
{
	return bk_err_set(err, BK_EX_OSERR, 0, "OpenSSL cannot compute %s",
			  what);
}

/* ---- bech32 (BIP 173), which age writes its keys in ------------------------ */

static uint32_t add_group(uint32_t sum, unsigned int group)
{
	static const uint32_t gen[] = { 0x3b6a57b2, 0x26508e6d, 0x1ea119fa,
					0x3d4233dd, 0x2a1462b3 };
	uint32_t top = sum >> 25;

	sum = (sum & 0x1ffffff) << 5 ^ group;
	for (int i = 0; i < 5; i++)
		if (top >> i & 1)
			sum ^= gen[i];
	return sum;
}

static uint32_t add_prefix(const char *prefix)
{
	uint32_t sum = 1;

	for (const char *p = prefix; *p; p++)
		sum = add_group(sum, (unsigned char)*p >> 5);
	sum = add_group(sum, 0);
	for (const char *p = prefix; *p; p++)
		sum = add_group(sum, (unsigned char)*p & 31);
	return sum;
}

/* Letters of one case alone; folded to small ones. -1: none of them. */
static int group_of(char c, bool capitals)
{
	static const char letters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
	const char *at;

	if (capitals && c >= 'A' && c <= 'Z')
		c = (char)(c - 'A' + 'a');
	else if (capitals && c >= 'a' && c <= 'z')
		return -1;
	at = c ? strchr(letters, c) : NULL;
	return at ? (int)(at - letters) : -1;
}

/* The key behind "prefix1"; prefix in small letters, text as it is written. */
static bool decode(const char *prefix, const char *text, bool capitals,
		   unsigned char ret[static AGE_KEY])
{
	uint32_t sum = add_prefix(prefix), bits = 0;
	unsigned int nbits = 0;
	size_t n = 0;

	if (strlen(text) != GROUPS + CHECK)
		return false;
	for (size_t i = 0; i < GROUPS + CHECK; i++) {
		int group = group_of(text[i], capitals);

		if (group < 0)
			return false;
		sum = add_group(sum, (unsigned int)group);
		if (i >= GROUPS)
			continue;
		bits = (bits << 5 | (unsigned int)group) & 0xfff;
		nbits += 5;
		if (nbits >= 8) {
			nbits -= 8;
			ret[n++] = (unsigned char)(bits >> nbits);
		}
	}
	return sum == 1 && n == AGE_KEY && (bits & ((1U << nbits) - 1)) == 0;
}

/* ---- recipients -------------------------------------------------------------- */

static const char *why_not(const char *line)
{
	if (bk_str_starts(line, "ssh-"))
		return "keys of ssh are not for cold storage: make one with "
		       "age-keygen";
	if (bk_str_starts(line, "AGE-SECRET-KEY-"))
		return "that is a private key; the public one is wanted here: "
		       "age-keygen -y";
	if (bk_str_starts(line, "age1") && strchr(line + 4, '1'))
		return "recipients of plugins are not for cold storage";
	return "it is no recipient of age, \"age1...\"";
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, AGE_KEY);
}

/* In one order, each once. */
static int settle(struct age_recipients *r, struct bk_err *err)
{
	char sum[65];
	size_t n = 0;

	qsort(r->keys, r->n, AGE_KEY, by_bytes);
	for (size_t i = 0; i < r->n; i++)
		if (n == 0 || by_bytes(r->keys[n - 1], r->keys[i]) != 0)
			memmove(r->keys[n++], r->keys[i], AGE_KEY);
	r->n = n;
	if (bk_digest_text((const char *)r->keys, n * AGE_KEY, sum, err) < 0)
		return -1;
	(void)snprintf(r->print, sizeof(r->print), "%.16s", sum);
	return 0;
}

static int take_line(struct age_recipients *r, const char *path, size_t line,
		     const char *text, struct bk_err *err)
{
	r->keys = bk_realloc(r->keys, r->n + 1, AGE_KEY);
	if (!bk_str_starts(text, "age1") ||
	    !decode("age", text + 4, false, r->keys[r->n]))
		return bk_err_set(err, BK_EX_CONFIG, 0, "%s:%zu: %s", path,
				  line, why_not(text));
	if (++r->n > AGE_RECIPIENTS_MAX)
		return bk_err_set(err, BK_EX_CONFIG, 0,
				  "%s: there are more than %d recipients", path,
				  AGE_RECIPIENTS_MAX);
	return 0;
}

/* Who can write it could have everything sealed for himself alone. */
static int read_trusted(const char *path, struct bk_buf *b, struct bk_err *err)
{
	BK_AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	const char *why;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return bk_err_sys(err, "cannot read the recipients '%s'", path);
	why = S_ISREG(st.st_mode) ? bk_file_distrust(&st) : "it is no file";
	if (why)
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "the recipients '%s' are not used: %s", path,
				  why);
	if (bk_fd_read(fd, TEXT_MAX, b) < 0)
		return bk_err_sys(err, "cannot read the recipients '%s'", path);
	return 0;
}

int age_recipients_read(const char *path, struct age_recipients *ret,
			struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO(age_recipients_free) struct age_recipients r = { 0 };
	size_t line = 0;
	char *next = NULL;

	if (read_trusted(path, &b, err) < 0)
		return -1;
	for (char *p = b.p; p && *p; p = next) {
		size_t n = strcspn(p, "\n");

		next = p + n + (p[n] != '\0');
		p[n] = '\0';
		line++;
		p = bk_str_trim(p);
		if (*p && *p != '#' && take_line(&r, path, line, p, err) < 0)
			return -1;
	}
	if (next && next != b.p + b.len)
		return bk_err_set(err, BK_EX_CONFIG, 0,
				  "'%s' is no text with recipients", path);
	if (r.n == 0)
		return bk_err_set(err, BK_EX_CONFIG, 0,
				  "there is no recipient in '%s'", path);
	if (settle(&r, err) < 0)
		return -1;
	*ret = r;
	r = (struct age_recipients){ 0 };
	return 0;
}

void age_recipients_free(struct age_recipients *r)
{
	free(r->keys);
	*r = (struct age_recipients){ 0 };
}

/* ---- identities -------------------------------------------------------------- */

static int not_an_identity(const char *line, struct bk_err *err)
{
	if (bk_str_starts(line, AGE_FIRST) ||
	    bk_str_starts(line, "-----BEGIN AGE ENCRYPTED FILE"))
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "the identity is protected by a passphrase; "
				  "have age open it: identity = "
				  "command:age -d FILE");
	if (bk_str_starts(line, "-----BEGIN "))
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "the identity is a key of ssh; one of "
				  "age-keygen is wanted");
	if (bk_str_starts(line, "AGE-PLUGIN-"))
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "the identity is one of a plugin; one of "
				  "age-keygen is wanted");
	return bk_err_set(err, BK_EX_DATAERR, 0,
			  "it is no identity of age, \"AGE-SECRET-KEY-1...\"");
}

static int take_identity(struct age_identities *ids, const char *line,
			 struct bk_err *err)
{
	static const char prefix[] = "AGE-SECRET-KEY-1";
	unsigned char *key = (unsigned char *)ids->keys.p + ids->n * AGE_KEY;
	EVP_PKEY *own;
	int got;

	if (!bk_str_starts(line, prefix) ||
	    !decode("age-secret-key-", line + strlen(prefix), true, key))
		return not_an_identity(line, err);
	own = age_private(key, err);
	if (!own)
		return -1;
	got = age_public(own, ids->pub[ids->n], err);
	EVP_PKEY_free(own);
	if (got < 0)
		return -1;
	ids->n++;
	ids->keys.len += AGE_KEY;
	return 0;
}

int age_identities_parse(const struct bk_secret *text,
			 struct age_identities *ret, struct bk_err *err)
{
	struct bk_secret copy = BK_SECRET_INIT;
	char *next;
	int got = bk_secret_set(&copy, text->p ? text->p : "", text->len, err);

	*ret = (struct age_identities){ .n = 0 };
	if (got == 0)
		got = bk_secret_new(&ret->keys, err);
	for (char *p = copy.p; got == 0 && *p; p = next) {
		size_t n = strcspn(p, "\n");

		next = p + n + (p[n] != '\0');
		p[n] = '\0';
		p = bk_str_trim(p);
		if (*p && *p != '#')
			got = ret->n < AGE_IDENTITIES_MAX
				      ? take_identity(ret, p, err)
				      : bk_err_set(err, BK_EX_DATAERR, 0,
						   "there are more than %d "
						   "identities",
						   AGE_IDENTITIES_MAX);
	}
	if (got == 0 && ret->n == 0)
		got = bk_err_set(err, BK_EX_DATAERR, 0,
				 "there is no identity in it");
	bk_secret_free(&copy);
	if (got < 0)
		age_identities_free(ret);
	return got;
}

void age_identities_free(struct age_identities *ids)
{
	bk_secret_free(&ids->keys);
	ids->n = 0;
}

/* ---- computing ----------------------------------------------------------------- */

static int hmac(const void *key, size_t nkey, const void *p, size_t n,
		unsigned char ret[static AGE_KEY], struct bk_err *err)
{
	unsigned int len = AGE_KEY;

	return HMAC(EVP_sha256(), key, (int)nkey, p, n, ret, &len)
		       ? 0
		       : age_failed(err, "HMAC");
}

int age_hkdf(const void *key, size_t nkey, const void *salt, size_t nsalt,
	     const char *info, unsigned char ret[static AGE_KEY],
	     struct bk_err *err)
{
	unsigned char prk[AGE_KEY];
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	int got = hmac(nsalt ? salt : "", nsalt, key, nkey, prk, err);

	bk_buf_adds(&b, info);
	bk_buf_addc(&b, 1);
	if (got == 0)
		got = hmac(prk, sizeof(prk), b.p, b.len, ret, err);
	OPENSSL_cleanse(prk, sizeof(prk));
	return got;
}

int age_header_mac(const unsigned char file_key[static AGE_FILE_KEY],
		   const char *header, size_t n,
		   unsigned char ret[static AGE_KEY], struct bk_err *err)
{
	unsigned char key[AGE_KEY];
	int got = age_hkdf(file_key, AGE_FILE_KEY, NULL, 0, "header", key, err);

	if (got == 0)
		got = hmac(key, sizeof(key), header, n, ret, err);
	OPENSSL_cleanse(key, sizeof(key));
	return got;
}

EVP_PKEY *age_private(const unsigned char key[static AGE_KEY],
		      struct bk_err *err)
{
	EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, key,
						     AGE_KEY);

	if (!own)
		(void)age_failed(err, "X25519");
	return own;
}

int age_public(const EVP_PKEY *own, unsigned char ret[static AGE_KEY],
	       struct bk_err *err)
{
	size_t n = AGE_KEY;

	return EVP_PKEY_get_raw_public_key(own, ret, &n) == 1 && n == AGE_KEY
		       ? 0
		       : age_failed(err, "X25519");
}

/* Fails where the point of the peer is one that makes it no secret. */
static bool agree(EVP_PKEY *own, const unsigned char *peer, unsigned char *ret)
{
	EVP_PKEY *other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL,
						      peer, AGE_KEY);
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(own, NULL);
	size_t n = AGE_KEY;
	bool done = c && other && EVP_PKEY_derive_init(c) == 1 &&
		    EVP_PKEY_derive_set_peer(c, other) == 1 &&
		    EVP_PKEY_derive(c, ret, &n) == 1 && n == AGE_KEY;

	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(other);
	return done;
}

int age_wrap_key(EVP_PKEY *own, const unsigned char peer[static AGE_KEY],
		 const unsigned char share[static AGE_KEY],
		 const unsigned char recipient[static AGE_KEY],
		 unsigned char ret[static AGE_KEY], struct bk_err *err)
{
	unsigned char secret[AGE_KEY], salt[2 * AGE_KEY];
	int got;

	if (!agree(own, peer, secret))
		return age_failed(err, "X25519");
	memcpy(salt, share, AGE_KEY);
	memcpy(salt + AGE_KEY, recipient, AGE_KEY);
	got = age_hkdf(secret, sizeof(secret), salt, sizeof(salt), AGE_INFO,
		       ret, err);
	OPENSSL_cleanse(secret, sizeof(secret));
	return got;
}

void age_piece_nonce(uint64_t n, bool last, unsigned char ret[static 12])
{
	memset(ret, 0, 12);
	for (int i = 10; i > 2; i--, n >>= 8)
		ret[i] = (unsigned char)n;
	ret[11] = last;
}
