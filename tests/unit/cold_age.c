/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-cold/age_key.c bin/bk-cold/age_seal.c bin/bk-cold/age_open.c */
#include "age.h"

#include "digest.h"
#include "exec.h"
#include "file.h"
#include "scratch.h"

/* Made by age-keygen 1.1.1. */
#define PUBLIC "age1ucz59fp859tsaqkvsedeh5gkrh3tx99al8e8vuz5rlangqn67egs40x9yf"
enum { PIECE = 65536 };

static struct age_recipients to;
static struct age_identities ids;

static int run_words(const char *words, struct bk_buf *said, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf out = BK_BUF_INIT;
	struct bk_exec x = { .in = BK_EXEC_NULL };

	bk_strv_split(&argv, words, " ");
	x.argv = argv.v;
	return bk_exec_run(&x, 4096, 10000, &out, said, err);
}

static char *keygen(const char *file)
{
	BK_AUTO_FREE char *words = bk_asprintf("age-keygen -o %s", file);
	BK_AUTO_BUF struct bk_buf said = BK_BUF_INIT;
	struct bk_err err;
	const char *at;
	int status = run_words(words, &said, &err);

	if (status < 0 && err.exit == BK_EX_UNAVAILABLE)
		CHECK_SKIP("there is no age-keygen");
	CHECK_INT(status, 0);
	at = strstr(said.p, "age1");
	CHECK(at);
	return bk_memdup(at, strcspn(at, "\n"));
}

static void read_identity(const char *file, struct age_identities *ret)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_SECRET struct bk_secret s = BK_SECRET_INIT;
	struct bk_err err;

	CHECK_INT(bk_file_read(file, 4096, &b, &err), 0);
	CHECK_INT(bk_secret_set(&s, b.p, b.len, &err), 0);
	CHECK_INT(age_identities_parse(&s, ret, &err), 0);
}

static void two_keys(void)
{
	BK_AUTO_FREE char *a = NULL, *b = NULL, *text = NULL;
	struct bk_err err;

	scratch();
	a = keygen("a.key");
	b = keygen("b.key");
	text = bk_asprintf("# both\n%s\n\n%s\r\n%s\n", a, b, a);
	put_file("to", text);
	CHECK_INT(age_recipients_read("to", &to, &err), 0);
	CHECK_INT(to.n, 2);
	read_identity("b.key", &ids);
}

static void fill(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (char)(i * 31 + i / 251);
}

/* In parts of that many bytes. */
static void seal(const char *p, size_t n, size_t part, struct bk_buf *out)
{
	AGE_SEAL_AUTO struct age_seal *s = NULL;
	struct bk_err err;
	char sum[65], want[65];

	s = age_seal_new(&to, n, &err);
	CHECK(s);
	for (size_t at = 0; at < n; at += part) {
		size_t k = n - at < part ? n - at : part, was = out->len;
		size_t room = age_seal_room(s, k);

		CHECK_INT(age_seal_add(s, p + at, k, out, &err), 0);
		CHECK(out->len - was <= room);
	}
	CHECK_INT(age_seal_end(s, out, sum, &err), 0);
	CHECK_INT(out->len, age_seal_total(s));
	CHECK_INT(bk_digest_text(out->p, out->len, want, &err), 0);
	CHECK_STR(sum, want);
}

static int add(void *arg, const void *p, size_t n, struct bk_err *err)
{
	(void)err;
	bk_buf_add(arg, p, n);
	return 0;
}

static int unseal(const char *p, size_t n, size_t part, struct bk_buf *out,
		  struct bk_err *err)
{
	AGE_OPEN_AUTO struct age_open *o = age_open_new(&ids, add, out, err);

	CHECK(o);
	for (size_t at = 0; at < n; at += part)
		if (age_open_add(o, p + at, n - at < part ? n - at : part,
				 err) < 0)
			return -1;
	return age_open_end(o, err);
}

static const size_t sizes[] = { 0,	   1,	      PIECE - 1, PIECE,
				PIECE + 1, 2 * PIECE, 300001 };

static void same(const struct bk_buf *b, const char *p, size_t n)
{
	CHECK_INT(b->len, n);
	CHECK(n == 0 || memcmp(b->p, p, n) == 0);
}

CHECK_TEST(every_size_comes_back)
{
	static const size_t parts[] = { 7, 4096, PIECE, 1 << 20 };
	static char p[300001];

	two_keys();
	fill(p, sizeof(p));
	for (size_t i = 0; i < BK_COUNT(sizes); i++)
		for (size_t k = 0; k < BK_COUNT(parts); k++) {
			BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
			BK_AUTO_BUF struct bk_buf back = BK_BUF_INIT;
			struct bk_err err;

			seal(p, sizes[i], parts[k], &b);
			CHECK_INT(unseal(b.p, b.len, parts[k], &back, &err), 0);
			same(&back, p, sizes[i]);
		}
	age_recipients_free(&to);
	age_identities_free(&ids);
}

static void run_age(const char *words)
{
	BK_AUTO_BUF struct bk_buf said = BK_BUF_INIT;
	struct bk_err err;

	CHECK_INT(run_words(words, &said, &err), 0);
}

CHECK_TEST(age_opens_it_and_is_opened)
{
	static char p[300001];

	two_keys();
	fill(p, sizeof(p));
	for (size_t i = 0; i < BK_COUNT(sizes); i++) {
		BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT, back = BK_BUF_INIT;
		struct bk_err err;

		seal(p, sizes[i], 4096, &b);
		CHECK_INT(bk_file_write("sealed", b.p, b.len, 0600, &err), 0);
		run_age("age -d -i a.key -o back sealed");
		/* age makes no file of nothing */
		CHECK_INT(bk_file_read("back", 1 << 20, &back, &err),
			  sizes[i] ? 0 : -1);
		same(&back, p, sizes[i]);
		/* and the other way */
		bk_buf_clear(&b);
		bk_buf_clear(&back);
		CHECK_INT(bk_file_write("plain", p, sizes[i], 0600, &err), 0);
		run_age("age -R to -o by plain");
		CHECK_INT(bk_file_read("by", 1 << 20, &b, &err), 0);
		CHECK_INT(unseal(b.p, b.len, 1000, &back, &err), 0);
		same(&back, p, sizes[i]);
		CHECK_INT(unlink("back"), sizes[i] ? 0 : -1);
		CHECK_INT(unlink("by"), 0);
	}
	age_recipients_free(&to);
	age_identities_free(&ids);
}

CHECK_TEST(what_was_changed_or_cut_is_refused)
{
	static char p[2 * PIECE];
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	struct bk_err err;
	size_t head;

	two_keys();
	fill(p, sizeof(p));
	seal(p, sizeof(p), PIECE, &b);
	head = b.len - sizeof(p) - 2 * 16;
	/* every bit of the header, and of some other places */
	for (size_t i = 0; i < b.len; i += i < head + 20 ? 1 : 8191)
		for (int bit = 0; bit < 8; bit += i < head ? 1 : 5) {
			BK_AUTO_BUF struct bk_buf back = BK_BUF_INIT;

			b.p[i] = (char)(b.p[i] ^ (1 << bit));
			CHECK_INT(unseal(b.p, b.len, 70000, &back, &err), -1);
			CHECK(err.exit == BK_EX_DATAERR ||
			      err.exit == BK_EX_NOPERM);
			b.p[i] = (char)(b.p[i] ^ (1 << bit));
		}
	for (size_t n = 0; n < b.len; n += n < head + 40 ? 1 : 4093) {
		BK_AUTO_BUF struct bk_buf back = BK_BUF_INIT;

		CHECK_INT(unseal(b.p, n, 70000, &back, &err), -1);
		CHECK_INT(err.exit, BK_EX_DATAERR);
	}
	/* at the end of a piece */
	for (int i = 0; i < 2; i++) {
		BK_AUTO_BUF struct bk_buf back = BK_BUF_INIT;
		size_t n = head + (size_t)i * (PIECE + 16);

		CHECK_INT(unseal(b.p, n, 70000, &back, &err), -1);
		CHECK_INT(err.exit, BK_EX_DATAERR);
	}
	bk_buf_add(&b, "x", 1);
	{
		BK_AUTO_BUF struct bk_buf back = BK_BUF_INIT;

		CHECK_INT(unseal(b.p, b.len, 70000, &back, &err), -1);
		CHECK_INT(err.exit, BK_EX_DATAERR);
	}
	age_recipients_free(&to);
	age_identities_free(&ids);
}

CHECK_TEST(another_identity)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT, back = BK_BUF_INIT;
	BK_AUTO_FREE char *c = NULL;
	struct bk_err err;

	two_keys();
	c = keygen("c.key");
	seal("secret", 6, 6, &b);
	age_identities_free(&ids);
	read_identity("c.key", &ids);
	CHECK_INT(unseal(b.p, b.len, b.len, &back, &err), -1);
	CHECK_INT(err.exit, BK_EX_NOPERM);
	CHECK_INT(back.len, 0);
	age_recipients_free(&to);
	age_identities_free(&ids);
}

CHECK_TEST(more_or_fewer_bytes_than_told)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	struct bk_err err;
	char sum[65];

	two_keys();
	for (int i = 0; i < 2; i++) {
		AGE_SEAL_AUTO struct age_seal *s = age_seal_new(&to, 5, &err);

		CHECK_INT(age_seal_add(s, "1234567", i ? 7 : 4, &b, &err),
			  i ? -1 : 0);
		CHECK_INT(age_seal_end(s, &b, sum, &err), -1);
		CHECK_INT(err.exit, BK_EX_DATAERR);
	}
	age_recipients_free(&to);
	age_identities_free(&ids);
}

static int read_text(const char *text, struct bk_err *err)
{
	struct age_recipients r;
	int got;

	put_file("r", text);
	got = age_recipients_read("r", &r, err);
	if (got == 0)
		age_recipients_free(&r);
	return got;
}

CHECK_TEST(recipients)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "no recipient" },
		{ "# age\n\n", "no recipient" },
		{ "ssh-ed25519 AAAA me\n", "keys of ssh" },
		{ "AGE-SECRET-KEY-1QQQ\n", "private key" },
		{ "age1yubikey1qqqq\n", "plugins" },
		{ PUBLIC "\nage1xyz\n", "r:2: " },
		{ PUBLIC "x\n", "no recipient of age" },
		{ "age1ucz59fp859tsaqkvsedeh5gkrh3tx99al8e8vuz5rlangqn67egs40x9yq\n",
		  "no recipient of age" },
	};
	struct bk_err err;

	scratch();
	for (size_t i = 0; i < BK_COUNT(bad); i++) {
		CHECK_INT(read_text(bad[i].text, &err), -1);
		CHECK_INT(err.exit, BK_EX_CONFIG);
		CHECK_HAS(err.msg, bad[i].why);
	}
	CHECK_INT(age_recipients_read("none", &to, &err), -1);
	CHECK_INT(err.exit, BK_EX_NOINPUT);
	/* who can write it reads what is sealed from then on */
	put_file("r", PUBLIC "\n");
	CHECK_INT(chmod("r", 0666), 0);
	CHECK_INT(age_recipients_read("r", &to, &err), -1);
	CHECK_INT(err.exit, BK_EX_NOPERM);
}

static int parse(const char *text, struct bk_err *err)
{
	BK_AUTO_SECRET struct bk_secret s = BK_SECRET_INIT;
	struct age_identities i;
	int got;

	CHECK_INT(bk_secret_set(&s, text, strlen(text), err), 0);
	got = age_identities_parse(&s, &i, err);
	if (got == 0)
		age_identities_free(&i);
	return got;
}

CHECK_TEST(identities)
{
	struct bk_err err;

	CHECK_INT(parse("", &err), -1);
	CHECK_INT(err.exit, BK_EX_DATAERR);
	CHECK_INT(parse("age-encryption.org/v1\n-> scrypt x 18\n", &err), -1);
	CHECK_INT(err.exit, BK_EX_NOPERM);
	CHECK_HAS(err.msg, "passphrase");
	CHECK_INT(parse("-----BEGIN AGE ENCRYPTED FILE-----\n", &err), -1);
	CHECK_INT(err.exit, BK_EX_NOPERM);
	CHECK_INT(parse("-----BEGIN OPENSSH PRIVATE KEY-----\n", &err), -1);
	CHECK_HAS(err.msg, "ssh");
	CHECK_INT(parse("AGE-SECRET-KEY-1SECRETSECRET\n", &err), -1);
	CHECK_INT(err.exit, BK_EX_DATAERR);
	CHECK(!strstr(err.msg, "SECRETSECRET"));
}
