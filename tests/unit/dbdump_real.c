/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-dbdump/real.c */
#include "real.h"

#include <float.h>
#include <math.h>

#include "check.h"

static struct reals *reals;

static const char *text(double x)
{
	static char s[64];
	char *end;

	if (!reals)
		reals = reals_new();
	end = real_put_double(reals, s, x);
	CHECK(end - s <= REAL_ROOM);
	*end = '\0';
	return s;
}

static const char *text_f(float x)
{
	static char s[64];
	char *end = real_put_float(s, x);

	CHECK(end - s <= REAL_ROOM);
	*end = '\0';
	return s;
}

CHECK_TEST(doubles_as_people_write_them)
{
	CHECK_STR(text(0), "0");
	CHECK_STR(text(-0.0), "-0e0");
	CHECK_STR(text(1), "1");
	CHECK_STR(text(-12), "-12");
	CHECK_STR(text(0.1), "0.1");
	CHECK_STR(text(9.99), "9.99");
	CHECK_STR(text(-123456.789), "-123456.789");
	CHECK_STR(text(1e15), "1000000000000000");
	CHECK_STR(text(1e17), "100000000000000000");
	CHECK_STR(text(1e18), "1e18");
	CHECK_STR(text(1e300), "1e300");
	CHECK_STR(text(1.5e-7), "1.5e-7");
	CHECK_STR(text(0.00001), "0.00001");
	CHECK_STR(text(0.1 + 0.2), "0.30000000000000004");
	CHECK_STR(text(1.0 / 3), "0.3333333333333333");
	CHECK_STR(text(9007199254740993.0), "9007199254740992");
	CHECK_STR(text(DBL_MAX), "1.7976931348623157e308");
	CHECK_STR(text(DBL_MIN), "2.2250738585072014e-308");
	free(reals);
}

static void same(double x)
{
	double y = strtod(text(x), NULL);

	if (memcmp(&x, &y, sizeof(x)) != 0)
		CHECK_FAIL("%a became %s", x, text(x));
}

static uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

CHECK_TEST(doubles_read_back)
{
	uint64_t state = 1;

	for (int e = -1074; e <= 1023; e++) {
		double x = ldexp(1, e);

		same(x);
		same(-nextafter(x, 0));
		same(nextafter(x, INFINITY));
	}
	for (int e = -323; e <= 308; e++) {
		double x = pow(10, e);

		same(x);
		same(nextafter(x, 0));
		same(nextafter(x, INFINITY));
	}
	for (int i = 0; i < 300000; i++) {
		uint64_t bits = next(&state);
		double x;

		memcpy(&x, &bits, sizeof(x));
		if (isfinite(x))
			same(x);
		same((double)(int64_t)bits / 1024);
		same((double)(bits % 10000000) / 100);
	}
	free(reals);
}

/* No digit more than %.17g needs. */
CHECK_TEST(doubles_are_short)
{
	uint64_t state = 2;
	int longer = 0;

	for (int i = 0; i < 100000; i++) {
		double x = (double)next(&state) / 1e16;
		char want[64];
		int n = 14;

		do
			(void)snprintf(want, sizeof(want), "%.*g", ++n, x);
		while (strtod(want, NULL) != x);
		longer += strlen(text(x)) > strlen(want);
	}
	CHECK(longer < 100);
	free(reals);
}

static void same_f(float x)
{
	float y = (float)strtod(text_f(x), NULL);

	if (memcmp(&x, &y, sizeof(x)) != 0)
		CHECK_FAIL("%a became %s", (double)x, text_f(x));
}

CHECK_TEST(floats_read_back)
{
	uint64_t state = 3;

	CHECK_STR(text_f(0), "0");
	CHECK_STR(text_f(-0.0F), "-0e0");
	CHECK_STR(text_f(1.5F), "1.5");
	CHECK_STR(text_f(16777217), "16777216");
	CHECK_STR(text_f(123456.789F), "123456.789");
	CHECK_STR(text_f(1e10F), "10000000000");
	for (int e = -149; e <= 127; e++) {
		float x = ldexpf(1, e);

		same_f(x);
		same_f(-nextafterf(x, 0));
		same_f(nextafterf(x, INFINITY));
	}
	same_f(FLT_MAX);
	for (int i = 0; i < 500000; i++) {
		uint32_t bits = (uint32_t)next(&state);
		float x;

		memcpy(&x, &bits, sizeof(x));
		if (isfinite(x))
			same_f(x);
	}
}
