/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Points in time, as seconds since the epoch (int64_t), and their texts.
 */
#ifndef BK_TIME_H
#define BK_TIME_H

#include <stdint.h>

#include "buf.h"

/* The wall clock; also in milliseconds, as one that never goes back is. */
int64_t bk_time_now(void);
int64_t bk_time_now_ms(void);
int64_t bk_time_mono_ms(void);

/* "2026-11-22T17:00:00Z" (RFC 3339, UTC): the form of all records. */
void bk_time_add_utc(struct bk_buf *b, int64_t t);
/* "2026-11-22 18:00:00" in local time: the form for people. */
void bk_time_add_local(struct bk_buf *b, int64_t t);

/*
 * An RFC 3339 time with any fraction and offset; the fraction is cut off.
 * -1 where s is none, or is followed by anything.
 */
int bk_time_parse(const char *s, int64_t *ret);

/*
 * What a person types for a point in time, local: "2026-11-22",
 * "2026-11-22 18:00", "2026-11-22 18:00:30", an RFC 3339 time, or a duration
 * ("2d", "3h ago") before now. A date alone means its last second, so that
 * "as of that day" includes the day.
 */
int bk_time_parse_human(const char *s, int64_t now, int64_t *ret);

#endif
