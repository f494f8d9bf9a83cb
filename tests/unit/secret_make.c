/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-secret/make.c bin/bk-secret/source.c bin/bk-secret/credential.c bin/bk-secret/terminal.c bin/bk-secret/keyring.c bin/bk-secret/seal.c bin/bk-secret/cryptfile.c bin/bk-secret/crypto.c */
#include "make.h"

#include "check.h"

static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static struct bk_err err;

static struct bk_secret secret_of(const char *text)
{
	struct bk_secret s = BK_SECRET_INIT;

	CHECK_INT(bk_secret_set(&s, text, strlen(text), &err), 0);
	return s;
}

/* What becomes of it, and which group is wrong. */
static int normal(const char *typed, char ret[64])
{
	struct bk_secret s = secret_of(typed);
	int bad = make_normal(&s);

	if (ret && bad >= 0)
		(void)snprintf(ret, 64, "%s", s.p);
	bk_secret_free(&s);
	return bad;
}

static void make(char ret[64])
{
	struct bk_secret s = BK_SECRET_INIT;

	CHECK_INT(make_password(&s, &err), 0);
	CHECK_INT(s.len, MAKE_LEN);
	CHECK_INT(strlen(s.p), MAKE_LEN);
	(void)snprintf(ret, 64, "%s", s.p);
	bk_secret_free(&s);
}

CHECK_TEST(passwords_have_their_form)
{
	char p[64], back[64];

	CHECK_INT(MAKE_LEN, 41);
	for (int n = 0; n < 200; n++) {
		make(p);
		for (int i = 0; i < MAKE_LEN; i++)
			CHECK(i % 6 == 5 ? p[i] == '-'
					 : strchr(letters, p[i]) != NULL);
		CHECK_INT(normal(p, back), 0);
		CHECK_STR(back, p);
	}
}

CHECK_TEST(passwords_differ)
{
	char p[64], q[64];
	bool seen[7][32] = { { false } };
	int missing = 0;

	make(p);
	make(q);
	CHECK(strcmp(p, q) != 0);
	/* each letter at the beginning of each group: 500 tries are plenty */
	for (int n = 0; n < 500; n++) {
		make(p);
		for (ptrdiff_t g = 0; g < 7; g++)
			seen[g][strchr(letters, p[g * 6]) - letters] = true;
	}
	for (int g = 0; g < 7; g++)
		for (int i = 0; i < 32; i++)
			missing += !seen[g][i];
	CHECK_INT(missing, 0);
}

/* 1*a + 2*b + 3*c + 4*d modulo 31. */
CHECK_TEST(check_letters_by_hand)
{
	CHECK_INT(normal("00000-00000-00000-00000-00000-00000-00000", NULL), 0);
	CHECK_INT(normal("1234Y-1234Y-1234Y-1234Y-1234Y-1234Y-1234Y", NULL), 0);
	CHECK_INT(normal("ZZZZ0-ZZZZ0-ZZZZ0-ZZZZ0-ZZZZ0-ZZZZ0-ZZZZ0", NULL), 0);
	CHECK_INT(normal("1234Y-1234Y-1234Y-1234Y-1234Y-1234Y-1234X", NULL), 7);
}

/* Every letter at every place, and every other one in its stead. */
CHECK_TEST(a_slip_is_found)
{
	char p[64], q[64];
	int hidden = 0;

	for (int n = 0; n < 20; n++) {
		make(p);
		for (int i = 0; i < MAKE_LEN; i++) {
			for (const char *c = letters; *c && p[i] != '-'; c++) {
				bool twins = (*c == 'Z' && p[i] == '0') ||
					     (*c == '0' && p[i] == 'Z');

				if (*c == p[i])
					continue;
				strcpy(q, p);
				q[i] = *c;
				if (twins && normal(q, NULL) == 0)
					hidden++;
				else
					CHECK_INT(normal(q, NULL), i / 6 + 1);
			}
		}
	}
	CHECK(hidden < 20 * 35);
}

CHECK_TEST(the_one_slip_that_is_not)
{
	CHECK_INT(normal("00000-00000-00000-00000-00000-00000-0Z000", NULL), 0);
	/* of the check letter it is */
	CHECK_INT(normal("00000-00000-00000-00000-00000-00000-0000Z", NULL), 7);
}

CHECK_TEST(a_swap_of_neighbours_is_found)
{
	char p[64], q[64];

	for (int n = 0; n < 100; n++) {
		make(p);
		for (int i = 0; i + 2 < MAKE_LEN; i++) {
			if (i % 6 > 2 || p[i] == p[i + 1] ||
			    (strchr("0Z", p[i]) && strchr("0Z", p[i + 1])))
				continue;
			strcpy(q, p);
			q[i] = p[i + 1];
			q[i + 1] = p[i];
			CHECK_INT(normal(q, NULL), i / 6 + 1);
		}
	}
}

CHECK_TEST(the_first_slip_is_told)
{
	CHECK_INT(normal("00000-00001-00000-00001-00000-00000-00000", NULL), 2);
	CHECK_INT(normal("00001-00000-00000-00000-00000-00000-00001", NULL), 1);
}

CHECK_TEST(typing_is_put_right)
{
	static const char *const typed[] = {
		"10ABD-0000-0-00000-1234Y-1234Y-1234Y-1234Y",
		"10abd-00000-00000-1234y-1234y-1234y-1234y",
		"IOabd-ooooo-OOOOO-l234y-L234Y-i234y-I234Y",
		"10ABD00000000001234Y1234Y1234Y1234Y",
		"10ABD 00000 00000 1234Y 1234Y 1234Y 1234Y",
		"  10ABD-00000\t00000-1234Y\r\n1234Y--1234Y - 1234Y\n",
		"1 0 A B D 0 0 0 0 0 0 0 0 0 0 1234Y1234Y1234Y1234Y",
	};
	char got[64];

	for (size_t i = 0; i < BK_COUNT(typed); i++) {
		CHECK_INT(normal(typed[i], got), 0);
		CHECK_STR(got, "10ABD-00000-00000-1234Y-1234Y-1234Y-1234Y");
	}
}

CHECK_TEST(what_is_none_is_refused)
{
	static const char *const typed[] = {
		"",
		" ",
		"-",
		"open-sesame",
		"00000-00000-00000-00000-00000-00000-0000",
		"00000-00000-00000-00000-00000-00000-000000",
		"00000-00000-00000-00000-00000-00000-00000-0",
		/* U is no letter of it, whatever it looks like */
		"00000-00000-00000-00000-00000-00000-0000U",
		"00000-00000-00000-00000-00000-00000-0000!",
		"00000-00000-00000-00000-00000-00000-0000\303\226",
		"00000_00000_00000_00000_00000_00000_00000",
	};

	for (size_t i = 0; i < BK_COUNT(typed); i++)
		CHECK_INT(normal(typed[i], NULL), -1);
}

/* The longest that can be typed. */
CHECK_TEST(a_long_one_is_refused)
{
	struct bk_secret s = BK_SECRET_INIT;

	CHECK_INT(bk_secret_new(&s, &err), 0);
	memset(s.p, '0', BK_SECRET_MAX);
	s.len = BK_SECRET_MAX;
	CHECK_INT(make_normal(&s), -1);
	memset(s.p, ' ', BK_SECRET_MAX);
	CHECK_INT(make_normal(&s), -1);
	bk_secret_free(&s);
}
