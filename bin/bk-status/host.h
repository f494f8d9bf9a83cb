/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is true of this host now: its jobs and its monitors, as records of
 * type "job" and "monitor" (bk-records(5)), the worst first. A monitor is
 * called "monitor NAME", beside jobs like "backup home".
 */
#ifndef HOST_H
#define HOST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"
#include "health.h"

/* An array; NULL with err where the state folder cannot be read (77). */
json_t *host_read(const struct bk_conf *conf, int64_t now, struct bk_err *err);

/* Of such a record. Without a name of a health it is unknown. */
enum bk_health job_health(const json_t *job);
const char *job_name(const json_t *job);
bool job_is_monitor(const json_t *job);
/* What bk-status names, be it a job or all of a kind. */
bool job_is(const json_t *job, const char *name);

/* The health whose name this is; -1: there is none. */
int health_of(const char *name);

/* Sort, in place, the worst first; those that are alike stay in order. */
void jobs_sort(json_t *jobs);

#endif
