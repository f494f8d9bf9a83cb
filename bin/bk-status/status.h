/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the commands of bk-status share.
 */
#ifndef STATUS_H
#define STATUS_H

#include "cli.h"
#include "conf.h"
#include "rec.h"

struct status {
	struct bk_cli cli;
	struct bk_conf *conf;
	struct bk_rec out;
	int64_t now;
	bool quiet, verbose;
};

/* Records of this host, or NULL and *ret_exit; what failed was said. */
json_t *status_jobs(struct status *s, int *ret_exit);
/* One record of each job, in JSON. */
void status_records(struct status *s, const json_t *jobs);

int cmd_publish(struct status *s);
int cmd_fleet(struct status *s);
int cmd_forget_host(struct status *s, const char *host);

#endif
