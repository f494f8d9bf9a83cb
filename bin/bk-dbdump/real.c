/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "real.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"

typedef unsigned __int128 u128;

/* A large integer, its lowest word first: enough for 2^1200. */
#define WORDS 38
struct big {
	uint32_t w[WORDS];
};

static void times_ten(struct big *b)
{
	uint64_t carry = 0;

	for (int i = 0; i < WORDS; i++) {
		carry += (uint64_t)b->w[i] * 10;
		b->w[i] = (uint32_t)carry;
		carry >>= 32;
	}
}

static void by_ten(struct big *b)
{
	uint64_t rest = 0;

	for (int i = WORDS - 1; i >= 0; i--) {
		rest = rest << 32 | b->w[i];
		b->w[i] = (uint32_t)(rest / 10);
		rest %= 10;
	}
}

static bool bit(const struct big *b, int i)
{
	return i >= 0 && b->w[i / 32] >> i % 32 & 1;
}

/* Its highest 64 bits, rounded; and how far they stand from the lowest. */
static uint64_t highest(const struct big *b, int *ret_shift)
{
	int top = WORDS * 32 - 1;
	uint64_t n = 0;

	while (!bit(b, top))
		top--;
	for (int i = 0; i < 64; i++)
		n = n << 1 | bit(b, top - i);
	*ret_shift = top - 63;
	if (bit(b, top - 64) && n != UINT64_MAX)
		n++;
	return n;
}

struct reals *reals_new(void)
{
	struct reals *r = bk_calloc(1, sizeof(*r));
	struct big b = { { 1 } };
	int shift;

	for (int k = 0; k <= REAL_HIGH; k++, times_ten(&b)) {
		r->high[k - REAL_LOW] = highest(&b, &shift);
		r->exponent[k - REAL_LOW] = shift;
	}
	/* 2^1200 / 10^k */
	memset(&b, 0, sizeof(b));
	b.w[1200 / 32] = 1U << 1200 % 32;
	for (int k = -1; k >= REAL_LOW; k--) {
		by_ten(&b);
		r->high[k - REAL_LOW] = highest(&b, &shift);
		r->exponent[k - REAL_LOW] = shift - 1200;
	}
	return r;
}

/* 0.00123, 123000 or 1.23e-9: digits, of which the first counts 10^exp. */
static char *put_decimal(char *to, uint64_t digits, int exp)
{
	char room[24], *end = room + sizeof(room), *text = end;
	int n;

	while (digits % 10 == 0)
		digits /= 10;
	for (; digits > 0; digits /= 10)
		*--text = (char)('0' + digits % 10);
	n = (int)(end - text);
	if (exp < -5 || exp > 17) {
		*to++ = text[0];
		if (n > 1)
			*to++ = '.';
		to = mempcpy(to, text + 1, (size_t)n - 1);
		return to + snprintf(to, 8, "e%d", exp);
	}
	if (exp < 0) {
		to = mempcpy(to, "0.", 2);
		for (int i = -1; i > exp; i--)
			*to++ = '0';
		return mempcpy(to, text, (size_t)n);
	}
	for (int i = 0; i < n || i <= exp; i++) {
		if (i == exp + 1)
			*to++ = '.';
		*to++ = (char)(i < n ? text[i] : '0');
	}
	return to;
}

/* A number times a power of ten: an integer of 17 digits, and a fraction. */
struct scaled {
	u128 value;
	int fraction;  /* bits of it */
	u128 half_ulp; /* what is nearer than that reads back as the number */
	uint64_t digits;
};

#define TEN16 10000000000000000ULL

static struct scaled scale(const struct reals *r, uint64_t mantissa,
			   int exponent, int k)
{
	int shift = __builtin_clzll(mantissa);
	uint64_t power = r->high[k - REAL_LOW];
	struct scaled s;

	s.value = (u128)(mantissa << shift) * power;
	s.fraction = shift - exponent - r->exponent[k - REAL_LOW];
	s.half_ulp = (u128)power << (shift - 1);
	/* Below a power of two numbers are nearer to each other. */
	if ((mantissa & (mantissa - 1)) == 0)
		s.half_ulp >>= 1;
	s.digits = (uint64_t)((s.value + ((u128)1 << (s.fraction - 1))) >>
			      s.fraction);
	return s;
}

/* With a unit of 10 or 100: does that still read back as the number? */
static bool round_to(const struct scaled *s, uint64_t unit, uint64_t *ret)
{
	uint64_t n = (s->digits + unit / 2) / unit * unit;
	u128 there = (u128)n << s->fraction;
	u128 off = there > s->value ? there - s->value : s->value - there;
	/* The power of ten was rounded, too, and so were the digits. */
	u128 slack = (u128)1 << 65;

	if (off + slack >= s->half_ulp)
		return false;
	*ret = n;
	return true;
}

char *real_put_double(const struct reals *r, char *to, double x)
{
	struct scaled s;
	uint64_t bits, mantissa, n;
	int exponent, k;

	memcpy(&bits, &x, sizeof(bits));
	if (bits >> 63)
		*to++ = '-';
	mantissa = bits & ((1ULL << 52) - 1);
	exponent = (int)(bits >> 52 & 0x7ff);
	if (exponent == 0 && mantissa == 0)
		return mempcpy(to, "0e0", bits >> 63 ? 3 : 1);
	if (exponent > 0)
		mantissa |= 1ULL << 52;
	else
		exponent = 1;
	exponent -= 1075;
	k = 16 - (int)floor((exponent + 63 - __builtin_clzll(mantissa)) *
			    0.30102999566398120);
	s = scale(r, mantissa, exponent, k);
	if (s.digits >= 10 * TEN16)
		s = scale(r, mantissa, exponent, --k);
	else if (s.digits < TEN16)
		s = scale(r, mantissa, exponent, ++k);
	n = s.digits;
	if (!round_to(&s, 100, &n))
		(void)round_to(&s, 10, &n);
	/* 9.99... became 10 */
	return put_decimal(to, n, (n >= 10 * TEN16 ? 17 : 16) - k);
}

/*
 * Nine digits, of which the last may be wrong by one: other floats are much
 * farther away, also for who reads it as a double first.
 */
char *real_put_float(char *to, float x)
{
	double d = fabs((double)x), scaled;
	int exp;

	if (signbit(x))
		*to++ = '-';
	if (d == 0)
		return mempcpy(to, "0e0", signbit(x) ? 3 : 1);
	exp = (int)floor(log10(d));
	/* In two steps, for 10^53 times a number is no number. */
	scaled = exp < 0 ? d * pow(10, -exp) * 1e8 : d / pow(10, exp) * 1e8;
	if (scaled >= 999999999.5) {
		scaled /= 10;
		exp++;
	}
	return put_decimal(to, (uint64_t)llround(scaled), exp);
}
