/* SPDX-License-Identifier: GPL-3.0-or-later */
/* By its path: <time.h> has the same name. */
#include "../../lib/time.h"

#include <errno.h>
#include <time.h>

#include "check.h"

#define NONE INT64_MIN

static int64_t parse(const char *s)
{
	int64_t t = NONE;
	int got = bk_time_parse(s, &t);

	if ((got < 0) != (t == NONE))
		CHECK_FAIL("'%s' gives %d", s, got);
	return t;
}

static int64_t human(const char *s)
{
	int64_t t = NONE;
	int got = bk_time_parse_human(s, 1000000000, &t);

	if ((got < 0) != (t == NONE))
		CHECK_FAIL("'%s' gives %d", s, got);
	return t;
}

static void zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

static const char *utc(int64_t t)
{
	static char text[64];
	struct bk_buf b = BK_BUF_INIT;

	bk_time_add_utc(&b, t);
	(void)snprintf(text, sizeof(text), "%s", b.p);
	bk_buf_free(&b);
	return text;
}

static const char *local(int64_t t)
{
	static char text[64];
	struct bk_buf b = BK_BUF_INIT;

	bk_time_add_local(&b, t);
	(void)snprintf(text, sizeof(text), "%s", b.p);
	bk_buf_free(&b);
	return text;
}

CHECK_TEST(clocks)
{
	int64_t a = bk_time_mono_ms();
	int64_t now = (int64_t)time(NULL);

	CHECK(bk_time_now() >= now && bk_time_now() <= now + 2);
	usleep(20000);
	CHECK(bk_time_mono_ms() - a >= 20 && bk_time_mono_ms() - a < 10000);
}

CHECK_TEST(to_text)
{
	zone("Europe/Berlin");
	CHECK_STR(utc(0), "1970-01-01T00:00:00Z");
	CHECK_STR(utc(-1), "1969-12-31T23:59:59Z");
	CHECK_STR(utc(1795366800), "2026-11-22T17:00:00Z");
	CHECK_STR(utc(951782400), "2000-02-29T00:00:00Z");
	CHECK_STR(utc(253402300799), "9999-12-31T23:59:59Z");
	CHECK_STR(utc(INT64_MAX), "?");
	CHECK_STR(local(1795366800), "2026-11-22 18:00:00");
	CHECK_STR(local(1782864000), "2026-07-01 02:00:00");
	zone("UTC");
	CHECK_STR(local(1795366800), "2026-11-22 17:00:00");
}

CHECK_TEST(rfc3339)
{
	zone("Europe/Berlin");
	CHECK_INT(parse("1970-01-01T00:00:00Z"), 0);
	CHECK_INT(parse("2026-11-22T17:00:00Z"), 1795366800);
	CHECK_INT(parse("2026-11-22t17:00:00z"), 1795366800);
	CHECK_INT(parse("2026-11-22 17:00:00Z"), 1795366800);
	CHECK_INT(parse("2026-11-22T18:00:00+01:00"), 1795366800);
	CHECK_INT(parse("2026-11-22T22:30:00+05:30"), 1795366800);
	CHECK_INT(parse("2026-11-22T09:00:00-08:00"), 1795366800);
	CHECK_INT(parse("2026-11-22T17:00:00-00:00"), 1795366800);
	CHECK_INT(parse("2026-11-22T17:00:00.5Z"), 1795366800);
	CHECK_INT(parse("2026-11-22T18:00:00.123456789012+01:00"), 1795366800);
	CHECK_INT(parse("1969-12-31T23:59:59.9Z"), -1);
	CHECK_INT(parse("2016-12-31T23:59:60Z"), 1483228800);
}

CHECK_TEST(leap_days)
{
	CHECK_INT(parse("2024-02-29T00:00:00Z"), 1709164800);
	CHECK_INT(parse("2000-02-29T00:00:00Z"), 951782400);
	CHECK_INT(parse("2023-02-29T00:00:00Z"), NONE);
	CHECK_INT(parse("1900-02-29T00:00:00Z"), NONE);
	CHECK_INT(parse("2100-02-29T00:00:00Z"), NONE);
	CHECK_INT(parse("2024-02-30T00:00:00Z"), NONE);
	CHECK_INT(human("2023-02-29"), NONE);
}

CHECK_TEST(no_rfc3339)
{
	static const char *const bad[] = { "",
					   "x",
					   "2026",
					   "2026-11-22",
					   "2026-11-22T17:00:00",
					   "2026-11-22T17:00Z",
					   "2026-11-22T17:00:00Zx",
					   "2026-11-22T17:00:00Z ",
					   " 2026-11-22T17:00:00Z",
					   "2026-11-22T17:00:00.Z",
					   "2026-11-22T17:00:00,5Z",
					   "2026-11-22T24:00:00Z",
					   "2026-11-22T17:60:00Z",
					   "2026-11-22T17:00:61Z",
					   "2026-00-22T17:00:00Z",
					   "2026-13-22T17:00:00Z",
					   "2026-11-00T17:00:00Z",
					   "2026-11-31T17:00:00Z",
					   "2026-04-31T17:00:00Z",
					   "26-11-22T17:00:00Z",
					   "12026-11-22T17:00:00Z",
					   "2026-1-22T17:00:00Z",
					   "2026-11-22T17:00:00+24:00",
					   "2026-11-22T17:00:00+01:60",
					   "2026-11-22T17:00:00+1:00",
					   "2026-11-22T17:00:00+01",
					   "2026-11-22T17:00:00+",
					   "2026/11/22T17:00:00Z",
					   "-026-11-22T17:00:00Z",
					   "2026-11-22T-1:00:00Z",
					   "2026-11-22_17:00:00Z" };

	for (size_t i = 0; i < BK_COUNT(bad); i++)
		if (parse(bad[i]) != NONE)
			CHECK_FAIL("'%s' is a time", bad[i]);
}

CHECK_TEST(there_and_back)
{
	/* a prime of about eleven days, from 1000 to 9999 */
	for (int64_t t = -30610224000; t < 253402300799; t += 950009)
		CHECK_INT(parse(utc(t)), t);
}

CHECK_TEST(people_in_utc)
{
	zone("UTC");
	CHECK_INT(human("2026-11-22 17:00"), 1795366800);
	CHECK_INT(human("2026-11-22T17:00"), 1795366800);
	CHECK_INT(human("2026-11-22 17:00:30"), 1795366830);
	CHECK_INT(human("2026-11-22"), 1795391999);
	CHECK_INT(human("2026-11-22T18:00:00+01:00"), 1795366800);
	CHECK_INT(human("now"), 1000000000);
}

CHECK_TEST(people_ago)
{
	CHECK_INT(human("2d"), 1000000000 - 2 * 86400);
	CHECK_INT(human("3h ago"), 1000000000 - 3 * 3600);
	CHECK_INT(human("1h30m"), 1000000000 - 5400);
	CHECK_INT(human("0"), 1000000000);
	CHECK_INT(human("90"), NONE);
	CHECK_INT(human("ago"), NONE);
	CHECK_INT(human("-2d"), NONE);
	CHECK_INT(human("101y"), NONE);
	CHECK_INT(human("2d later"), NONE);
}

CHECK_TEST(people_in_berlin)
{
	zone("Europe/Berlin");
	if (strcmp(local(0), "1970-01-01 01:00:00") != 0)
		CHECK_SKIP("there are no time zones here");
	CHECK_INT(human("2026-11-22 18:00"), 1795366800);
	CHECK_INT(human("2026-07-01 02:00:00"), 1782864000);
	/* the days on which summer time starts and ends */
	CHECK_INT(human("2026-03-29 01:59:59"), 1774745999);
	CHECK_INT(human("2026-03-29 03:00:00"), 1774746000);
	CHECK_INT(human("2026-03-29"), 1774821599);
	CHECK_INT(human("2026-10-25"), 1792969199);
	CHECK_INT(human("2026-10-25 03:00:00"), 1792893600);
	/* an offset counts, not the zone */
	CHECK_INT(human("2026-11-22 17:00:00Z"), 1795366800);
}

CHECK_TEST(no_time_for_people)
{
	static const char *const bad[] = { "",
					   " ",
					   "yesterday",
					   "2026-11",
					   "2026-11-31",
					   "2026-11-22 ",
					   "2026-11-22 18",
					   "2026-11-22 25:00",
					   "2026-11-22 18:00 ",
					   "2026-11-22 18:00:00 x",
					   "22.11.2026",
					   "2026-11-22_18:00",
					   "1700000000" };

	for (size_t i = 0; i < BK_COUNT(bad); i++)
		if (human(bad[i]) != NONE)
			CHECK_FAIL("'%s' is a time", bad[i]);
}
