/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-secret/crypto.c */
#include "crypto.h"

#include "check.h"

/*
 * EAX: the paper's; GCM: the specification's; OCB: RFC 7253, but those with 14
 * and 15 bytes of nonce. These and CCM, whose published vectors have other
 * sizes of MAC, are by an implementation of its own (tests/rigs/cryptfile.py).
 */
#define NIST "feffe9928665731c6d6a8f9467308308"
#define NIST_TEXT                                                          \
	"d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" \
	"1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define COUNT "000102030405060708090a0b0c0d0e0f"
#define CCM_KEY "404142434445464748494a4b4c4d4e4f"
static const struct known {
	enum crypto_mode mode;
	const char *key, *nonce, *aad, *text, *sealed, *mac;
} known[] = {
	{ CRYPTO_EAX, "233952dee4d5ed5f9b9c6d6ff80ff478",
	  "62ec67f9c3a4a407fcb2a8c49031a8b3", "6bfb914fd07eae6b", "", "",
	  "e037830e8389f27b025a2d6527e79d01" },
	{ CRYPTO_EAX, "91945d3f4dcbee0bf45ef52255f095a4",
	  "becaf043b0a23d843194ba972c66debd", "fa3bfd4806eb53fa", "f7fb",
	  "19dd", "5c4c9331049d0bdab0277408f67967e5" },
	{ CRYPTO_EAX, "8395fcf1e95bebd697bd010bc766aac3",
	  "22e7add93cfc6393c57ec0b3c17d6b44", "126735fcc320d25a",
	  "ca40d7446e545ffaed3bd12a740a659ffbbb3ceab7",
	  "cb8920f87a6c75cff39627b56e3ed197c552d295a7",
	  "cfc46afc253b4652b1af3795b124ab6e" },
	{ CRYPTO_GCM, "00000000000000000000000000000000",
	  "000000000000000000000000", "", "", "",
	  "58e2fccefa7e3061367f1d57a4e7455a" },
	{ CRYPTO_GCM, NIST, "cafebabefacedbaddecaf888",
	  "feedfacedeadbeeffeedfacedeadbeefabaddad2", NIST_TEXT,
	  "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
	  "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
	  "5bc94fbc3221a5db94fae95ae7121a47" },
	{ CRYPTO_GCM, NIST, "cafebabefacedbad",
	  "feedfacedeadbeeffeedfacedeadbeefabaddad2", NIST_TEXT,
	  "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c7423"
	  "73806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f4598",
	  "3612d2e79e3b0785561be14aaca2fccb" },
	{ CRYPTO_GCM, NIST,
	  "9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728"
	  "c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a637b39b",
	  "feedfacedeadbeeffeedfacedeadbeefabaddad2", NIST_TEXT,
	  "8ce24998625615b603a033aca13fb894be9112a5c3a211a8ba262a3cca7e2ca7"
	  "01e4a9a4fba43c90ccdcb281d48c7c6fd62875d2aca417034c34aee5",
	  "619cc5aefffe0bfa462af43c1699d050" },
	{ CRYPTO_CCM, CCM_KEY, "1011121314151617", COUNT,
	  "202122232425262728292a2b2c2d2e2f",
	  "d2a1f0e051ea5f62081a7792073d593d",
	  "9c301d3354b0f1c2e3a1d612f4964b69" },
	{ CRYPTO_CCM, CCM_KEY, "1011121314151617181920", "0001", "", "",
	  "2a985acb59bbebe0dcb119b4e8bf308e" },
	{ CRYPTO_CCM, CCM_KEY, "1011121314151617181920", "", "202122", "f4bf73",
	  "ed7f73991b3955b21c59365367aae850" },
	{ CRYPTO_OCB, COUNT, "bbaa99887766554433221100", "", "", "",
	  "785407bfffc8ad9edcc5520ac9111ee6" },
	{ CRYPTO_OCB, COUNT, "bbaa99887766554433221101", "0001020304050607",
	  "0001020304050607", "6820b3657b6f615a",
	  "5725bda0d3b4eb3a257c9af1f8f03009" },
	{ CRYPTO_OCB, COUNT, "bbaa9988776655443322110d",
	  COUNT "1011121314151617",
	  COUNT "101112131415161718191a1b1c1d1e1f2021222324252627",
	  "d5ca91748410c1751ff8a2f618255b68a0a12e093ff454606e59f9c1d0ddc54b"
	  "65e8628e568bad7a",
	  "bfcce6b535a655cc84d11b3d494afe00" },
	{ CRYPTO_OCB, COUNT, "ffeeddccbbaa998877665544332211", "0001",
	  "0001020304", "116c58263a", "8d6113ec31168fb4e471abd15ea819ad" },
	{ CRYPTO_OCB, COUNT, "ffeeddccbbaa99887766554433221f", "0001",
	  "0001020304", "e130386a34", "c45a17962655f619dacc609c25cf7e62" },
};

static struct bk_err err;

/* Each in a block of its own size, so that ASan sees its ends. */
static struct bytes bytes_of(const char *hex)
{
	size_t n = strlen(hex) / 2;
	unsigned char *p = malloc(n ? n : 1);

	CHECK(p);
	for (size_t i = 0; i < n; i++) {
		unsigned int byte;

		CHECK_INT(sscanf(hex + 2 * i, "%2x", &byte), 1);
		p[i] = (unsigned char)byte;
	}
	return (struct bytes){ p, n };
}

static void release(struct bytes b)
{
	free((void *)(uintptr_t)b.p);
}

struct inputs {
	struct bytes key, nonce, aad, text, sealed, mac;
	unsigned char *out;
};

static struct inputs inputs_of(const struct known *k)
{
	struct inputs in = { bytes_of(k->key),
			     bytes_of(k->nonce),
			     bytes_of(k->aad),
			     bytes_of(k->text),
			     bytes_of(k->sealed),
			     bytes_of(k->mac),
			     NULL };

	CHECK_INT(in.text.len, in.sealed.len);
	in.out = calloc(1, in.text.len + 1);
	CHECK(in.out);
	in.out[in.text.len] = 0xa5;
	return in;
}

static void inputs_free(struct inputs *in)
{
	CHECK_INT(in->out[in->text.len], 0xa5);
	release(in->key);
	release(in->nonce);
	release(in->aad);
	release(in->text);
	release(in->sealed);
	release(in->mac);
	free(in->out);
}

static int open_it(const struct known *k, const struct inputs *in)
{
	return crypto_open(k->mode, in->key.p, in->nonce, in->aad, in->sealed,
			   in->mac.p, in->out, &err);
}

CHECK_TEST(opens)
{
	for (size_t i = 0; i < BK_COUNT(known); i++) {
		struct inputs in = inputs_of(&known[i]);

		CHECK_INT(open_it(&known[i], &in), 1);
		CHECK(memcmp(in.out, in.text.p, in.text.len) == 0);
		inputs_free(&in);
	}
}

CHECK_TEST(seals)
{
	for (size_t i = 0; i < BK_COUNT(known); i++) {
		struct inputs in = inputs_of(&known[i]);
		unsigned char mac[CRYPTO_MAC];

		CHECK_INT(crypto_seal(known[i].mode, in.key.p, in.nonce, in.aad,
				      in.text, mac, in.out, &err),
			  0);
		CHECK(memcmp(in.out, in.sealed.p, in.sealed.len) == 0);
		CHECK(memcmp(mac, in.mac.p, CRYPTO_MAC) == 0);
		inputs_free(&in);
	}
}

static void check_refused(const struct known *k, const struct inputs *in)
{
	memset(in->out, 'x', in->text.len);
	CHECK_INT(open_it(k, in), 0);
	for (size_t i = 0; i < in->text.len; i++)
		CHECK_INT(in->out[i], 0);
}

/* Every bit of the MAC, and one of all else. Nothing is left in out. */
CHECK_TEST(finds_what_changed)
{
	for (size_t i = 0; i < BK_COUNT(known); i++) {
		struct inputs in = inputs_of(&known[i]);
		const struct bytes *parts[] = { &in.key, &in.nonce, &in.aad,
						&in.sealed };

		for (int bit = 0; bit < 8 * CRYPTO_MAC; bit++) {
			unsigned char *mac =
				(unsigned char *)(uintptr_t)in.mac.p;

			mac[bit / 8] ^= (unsigned char)(1 << bit % 8);
			check_refused(&known[i], &in);
			mac[bit / 8] ^= (unsigned char)(1 << bit % 8);
		}
		for (size_t p = 0; p < BK_COUNT(parts); p++) {
			unsigned char *last =
				(unsigned char *)(uintptr_t)parts[p]->p;

			if (parts[p]->len == 0)
				continue;
			last += parts[p]->len - 1;
			*last ^= 1;
			check_refused(&known[i], &in);
			*last ^= 1;
		}
		CHECK_INT(open_it(&known[i], &in), 1);
		inputs_free(&in);
	}
}

CHECK_TEST(aad_and_data_do_not_trade_places)
{
	const struct known swapped = { CRYPTO_EAX,	   known[1].key,
				       known[1].nonce,	   "",
				       "fa3bfd4806eb53fa", "fa3bfd4806eb53fa",
				       known[1].mac };
	struct inputs in = inputs_of(&swapped);

	check_refused(&swapped, &in);
	inputs_free(&in);
}

CHECK_TEST(sizes_of_nonces)
{
	static const struct {
		enum crypto_mode mode;
		size_t least, most;
	} sizes[] = { { CRYPTO_GCM, 1, 128 },
		      { CRYPTO_EAX, 1, 128 },
		      { CRYPTO_CCM, 7, 13 },
		      { CRYPTO_OCB, 1, 15 } };
	unsigned char zero[200] = { 0 }, out[4];

	for (size_t m = 0; m < BK_COUNT(sizes); m++)
		for (size_t n = 0; n < sizeof(zero); n++) {
			bool fits = n >= sizes[m].least && n <= sizes[m].most;

			CHECK_INT(crypto_open(sizes[m].mode, zero,
					      (struct bytes){ zero, n },
					      (struct bytes){ zero, 2 },
					      (struct bytes){ zero, 4 }, zero,
					      out, &err),
				  fits ? 0 : -1);
			if (!fits)
				CHECK_INT(err.exit, BK_EX_DATAERR);
		}
}

/* What we write, all can read: sizes that the Python tool uses itself. */
CHECK_TEST(own_nonces_of_all_modes_and_lengths)
{
	unsigned char key[CRYPTO_KEY], nonce[16], mac[CRYPTO_MAC];
	unsigned char text[70], sealed[70], back[70];

	CHECK_INT(crypto_nonce_size(CRYPTO_GCM), 16);
	CHECK_INT(crypto_nonce_size(CRYPTO_EAX), 16);
	CHECK_INT(crypto_nonce_size(CRYPTO_CCM), 11);
	CHECK_INT(crypto_nonce_size(CRYPTO_OCB), 14);
	for (int mode = CRYPTO_GCM; mode <= CRYPTO_OCB; mode++)
		for (size_t len = 0; len <= sizeof(text); len++) {
			struct bytes n = {
				nonce, crypto_nonce_size((enum crypto_mode)mode)
			};
			struct bytes aad = { text, len % 40 };
			struct bytes in = { text, len }, out = { sealed, len };

			CHECK_INT(crypto_random(key, sizeof(key), &err), 0);
			CHECK_INT(crypto_random(nonce, sizeof(nonce), &err), 0);
			CHECK_INT(crypto_random(text, sizeof(text), &err), 0);
			CHECK_INT(crypto_seal((enum crypto_mode)mode, key, n,
					      aad, in, mac, sealed, &err),
				  0);
			CHECK_INT(crypto_open((enum crypto_mode)mode, key, n,
					      aad, out, mac, back, &err),
				  1);
			CHECK(memcmp(text, back, len) == 0);
		}
}

CHECK_TEST(random_numbers_differ)
{
	unsigned char a[16], b[16];

	CHECK_INT(crypto_random(a, sizeof(a), &err), 0);
	CHECK_INT(crypto_random(b, sizeof(b), &err), 0);
	CHECK(memcmp(a, b, sizeof(a)) != 0);
}

/* Keys. */

static void check_key(const char *password, size_t len, const char *salt,
		      const char *want)
{
	BK_AUTO_SECRET struct bk_secret master = BK_SECRET_INIT;
	struct bytes s = bytes_of(salt), w = bytes_of(want);
	unsigned char key[CRYPTO_KEY];

	CHECK_INT(bk_secret_set(&master, password, len, &err), 0);
	CHECK_INT(crypto_key(&master, s, key, &err), 0);
	CHECK(memcmp(key, w.p, sizeof(key)) == 0);
	release(s);
	release(w);
}

/* tests/data/cryptfile/gcm-1.4.1.cfg and gcm-unicode-master.cfg */
CHECK_TEST(argon2)
{
	static const char plain[] = "correct horse battery staple";

	check_key(plain, strlen(plain), "6cd2aaf2111eb66a6407e69b44717fc4",
		  "a208c7b15ebac3eb99f20dee5d050939");
	check_key(plain, strlen(plain), "c270549f831fb1432b914a3dd470c361",
		  "0d8e63e03a27376c6efad08039a904c8");
}

/* By libargon2: no password, NUL and newline, the longest salt. */
CHECK_TEST(argon2_of_odd_inputs)
{
	static const char unicode[] = "p\xc3\xa4ssw\xc3\xb6rd \xe2\x98\x83 "
				      "\xf0\x9f\x94\x91";
	char salt[513];

	memset(salt, 'f', sizeof(salt) - 1);
	salt[sizeof(salt) - 1] = '\0';
	check_key("", 0, "00000000000000000000000000000000",
		  "8c975c4348ee7642c0b107591998ce35");
	check_key("a\0b\n", 4, "0001020304050607",
		  "c1ac9a5a99dcbf8a09ab8073091d1403");
	check_key(unicode, strlen(unicode), salt,
		  "2edc18116d58efc3b23e31f26c547194");
}

/* keyrings.alt: all of tests/data/cryptfile/alt-crypted_pass.cfg. */

static const struct {
	const char *salt, *iv, *sealed, *text;
} alts[] = {
	{ "6fb97b2d26f3a541913d1048efd00ee48b6942e8f9b2e8bbd91f68dc"
	  "508e1ec4",
	  "7fa83386a392eb7e1fbe2bfc9276b6f7",
	  "7bc3ab94cffe29a398f595c620d0ef2aa163fe9a3c683e4b9c9bf9",
	  "70773a70617373776f7264207265666572656e63652076616c7565" },
	{ "72075bb5eeed2765b12d9c38519c42e0a948320d4de8c61891e60f0a"
	  "e172bb7f",
	  "eb9b762c8d3f55b87c707d462384fb50", "4f3685a570077c28ea",
	  "70773a733363723374" },
	{ "be8ba4adb61b3141314c9ecc60f050fc2605d49d33d034518f04f313"
	  "9348d324",
	  "8edb70d6dc2b4208c7986f5d0a5b0374",
	  "0424954e86de678f1d88b97bcaa509493c95",
	  "70773a70c3a4c39f77c3b6726420f09f9491" },
	{ "5df3872a730fa2ab2b130b32ffa2fc48e9f5d48cf607b5c436a2f08a"
	  "2cff673e",
	  "38f77e196e1828491ac1b3049bd47e4b", "80a911f163b313598a1776fca3b2",
	  "70773a6c696e65310a6c696e6532" },
	{ "e0c4c5cda3dc8da462adf78221c98cca0f32cb21fa1056edf13f8b5d"
	  "a9ff0eaf",
	  "2b4ac1b37a6c4850a7e03cf503ca4039", "6521ca", "70773a" },
};

static int alt_open(const char *salt, const char *iv, const char *sealed,
		    unsigned char *out)
{
	static const char master[] = "p\xe4sswd"; /* in Latin-1 */
	const struct bytes m = { (const unsigned char *)master,
				 strlen(master) };
	struct bytes s = bytes_of(salt), i = bytes_of(iv), d = bytes_of(sealed);
	int got = crypto_alt_open(m, s, i, d, out, &err);

	release(s);
	release(i);
	release(d);
	return got;
}

CHECK_TEST(alt)
{
	for (size_t i = 0; i < BK_COUNT(alts); i++) {
		struct bytes want = bytes_of(alts[i].text);
		unsigned char out[64] = { 0 };

		CHECK_INT(alt_open(alts[i].salt, alts[i].iv, alts[i].sealed,
				   out),
			  0);
		CHECK_INT(want.len, strlen(alts[i].sealed) / 2);
		CHECK(memcmp(out, want.p, want.len) == 0);
		release(want);
	}
}

/* It has no MAC: what is wrong comes out as something else. */
CHECK_TEST(alt_of_bad_inputs)
{
	static const char salt[] = "72075bb5eeed2765";
	unsigned char out[64] = { 0 };

	CHECK_INT(alt_open(salt, alts[0].iv, alts[0].sealed, out), 0);
	CHECK(memcmp(out, "pw:", 3) != 0);
	CHECK_INT(alt_open(salt, alts[0].iv, "", out), 0);
	CHECK_INT(alt_open(salt, "eb9b762c8d3f55b87c707d462384fb", "4f", out),
		  -1);
	CHECK_INT(err.exit, BK_EX_DATAERR);
	CHECK_INT(alt_open(salt, "", "4f", out), -1);
}
