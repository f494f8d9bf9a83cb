/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What systemd is going to run, and runs. It is asked by systemctl, for five
 * seconds at most; where there is no systemd, nothing is known.
 */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct schedule {
	json_t *timers, *running; /* arrays; NULL: not known */
};
#define SCHEDULE_INIT ((struct schedule){ NULL, NULL })

/* user: ask the manager of the user's session. */
void schedule_read(struct schedule *s, bool user);
void schedule_free(struct schedule *s);

/*
 * When the service (name without ".service"), or its instance, starts next:
 * seconds since the epoch, 0 where no timer starts it, -1 where that is not
 * known. instance may be NULL.
 */
int64_t schedule_next(const struct schedule *s, const char *service,
		      const char *instance);
bool schedule_running(const struct schedule *s, const char *service,
		      const char *instance);

#endif
