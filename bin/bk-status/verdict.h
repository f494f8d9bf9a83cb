/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "Am I safe?", from records of jobs (host.h) that are sorted.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "health.h"

/* The worst; without any job, that is UNKNOWN: nothing is backed up. */
enum bk_health verdict_health(const json_t *jobs);
bool verdict_safe(const json_t *jobs);

/*
 * "all is well. 4 jobs, last backup 12 min ago.", "NOT SAFE: backup home
 * failed 40 min ago; 1 more." The caller frees it.
 */
char *verdict_text(const json_t *jobs, int64_t now);

/* "45 s", "12 min", "5 h", "3 d": one unit, so that it fits a column. */
void add_age(struct bk_buf *b, int64_t seconds);

#endif
