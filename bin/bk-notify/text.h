/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a monitor is to hear of the jobs that it watches: the most important
 * first, for people see some 50 characters of it.
 */
#ifndef TEXT_H
#define TEXT_H

#include "conf.h"
#include "health.h"
#include "history.h"
#include "message.h"

/* Does this [monitor] watch the job? */
bool text_watches(const struct bk_conf_section *monitor,
		  const struct bk_health_job *j);

/*
 * Judge the jobs by the monitor's own max-age, and say how they are. h is
 * what it was told before. It fills *ret.
 */
void text_compose(struct message *ret, const struct bk_conf_section *monitor,
		  struct bk_health_list *jobs, const struct history *h,
		  int64_t now);

#endif
