/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "time.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "str.h"

int64_t bk_time_now(void)
{
	return (int64_t)time(NULL);
}

int64_t bk_time_now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t bk_time_mono_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void bk_time_add_utc(struct bk_buf *b, int64_t t)
{
	time_t when = (time_t)t;
	char text[64];
	struct tm tm;

	if (!gmtime_r(&when, &tm) ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		bk_buf_adds(b, "?");
	else
		bk_buf_adds(b, text);
}

void bk_time_add_local(struct bk_buf *b, int64_t t)
{
	time_t when = (time_t)t;
	char text[64];
	struct tm tm;

	if (!localtime_r(&when, &tm) ||
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		bk_buf_adds(b, "?");
	else
		bk_buf_adds(b, text);
}

/* n digits at *s as a number of at most max; moves *s behind them. */
static bool number(const char **s, int n, int max, int *ret)
{
	int v = 0;

	for (int i = 0; i < n; i++, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		v = v * 10 + (**s - '0');
	}
	*ret = v;
	return v <= max;
}

static bool literal(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static bool date(const char **s, struct tm *tm)
{
	static const int days[] = { 31, 29, 31, 30, 31, 30,
				    31, 31, 30, 31, 30, 31 };
	int year, month;

	if (!number(s, 4, 9999, &year) || !literal(s, '-') ||
	    !number(s, 2, 12, &month) || !literal(s, '-') ||
	    !number(s, 2, 31, &tm->tm_mday))
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	if (month == 2 && tm->tm_mday == 29 && !is_leap(year))
		return false;
	return month >= 1 && tm->tm_mday >= 1 && tm->tm_mday <= days[month - 1];
}

/* HH:MM, and :SS where it follows. */
static bool clock_time(const char **s, struct tm *tm, bool need_seconds)
{
	if (!number(s, 2, 23, &tm->tm_hour) || !literal(s, ':') ||
	    !number(s, 2, 59, &tm->tm_min))
		return false;
	tm->tm_sec = 0;
	if (!need_seconds && **s != ':')
		return true;
	return literal(s, ':') && number(s, 2, 60, &tm->tm_sec);
}

/* "Z", "+01:00", "-0800": seconds east of UTC. */
static bool offset(const char **s, int64_t *ret)
{
	int sign, hours, minutes;

	if (literal(s, 'Z') || literal(s, 'z')) {
		*ret = 0;
		return true;
	}
	if (**s != '+' && **s != '-')
		return false;
	sign = *(*s)++ == '+' ? 1 : -1;
	if (!number(s, 2, 23, &hours))
		return false;
	(void)literal(s, ':');
	if (!number(s, 2, 59, &minutes))
		return false;
	*ret = sign * (hours * 3600 + minutes * 60);
	return true;
}

int bk_time_parse(const char *s, int64_t *ret)
{
	struct tm tm = { 0 };
	int64_t east;

	if (!date(&s, &tm) || (*s != 'T' && *s != 't' && *s != ' '))
		return -1;
	s++;
	if (!clock_time(&s, &tm, true))
		return -1;
	if (literal(&s, '.')) {
		size_t n = strspn(s, "0123456789");

		if (n == 0)
			return -1;
		s += n;
	}
	if (!offset(&s, &east) || *s)
		return -1;
	*ret = (int64_t)timegm(&tm) - east;
	return 0;
}

static int parse_ago(const char *s, int64_t now, int64_t *ret)
{
	BK_AUTO_FREE char *copy = bk_strdup(s);
	uint64_t seconds;
	char *text = copy;

	if (bk_str_ends(copy, "ago"))
		copy[strlen(copy) - 3] = '\0';
	text = bk_str_trim(text);
	if (bk_parse_duration(text, &seconds) < 0)
		return -1;
	*ret = now - (int64_t)seconds;
	return 0;
}

int bk_time_parse_human(const char *s, int64_t now, int64_t *ret)
{
	struct tm tm = { .tm_isdst = -1 };
	const char *p = s;

	if (strcmp(s, "now") == 0) {
		*ret = now;
		return 0;
	}
	if (bk_time_parse(s, ret) == 0)
		return 0;
	if (!date(&p, &tm))
		return parse_ago(s, now, ret);
	if (*p == '\0') {
		tm.tm_hour = 23;
		tm.tm_min = 59;
		tm.tm_sec = 59;
	} else {
		if (*p != ' ' && *p != 'T')
			return -1;
		p++;
		if (!clock_time(&p, &tm, false) || *p)
			return -1;
	}
	*ret = (int64_t)mktime(&tm);
	return 0;
}
