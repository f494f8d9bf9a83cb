/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One screen for a host, from records of jobs (host.h) that are sorted.
 */
#ifndef SCREEN_H
#define SCREEN_H

#include <jansson.h>

#include "text.h"

/* The first line. */
void screen_verdict(const struct text *t, const char *host, const json_t *jobs,
		    int64_t now);
/* A row for each, with what is to be said about it below. */
void screen_jobs(const struct text *t, const json_t *jobs, int64_t now);
/* All that is known of one job. */
void screen_job(const struct text *t, const json_t *job, int64_t now);

#endif
