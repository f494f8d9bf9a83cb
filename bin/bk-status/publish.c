/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-status --publish: for Prometheus and for the fleet. Both are tried.
 */
#include "box.h"
#include "entry.h"
#include "file.h"
#include "lock.h"
#include "log.h"
#include "prom.h"
#include "status.h"

/* A second one that runs at the same time waits so long. */
#define LOCK_MS 30000

static int publish_prom(struct status *s, const char *path, const json_t *jobs,
			struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (s->cli.dry_run) {
		bk_buf_adds(&b, "write ");
		bk_str_add_shell(&b, path);
		bk_rec_raw(&s->out, b.p);
		return 0;
	}
	prom_add(&b, jobs, s->now);
	if (bk_file_write(path, b.p, b.len, 0644, err) < 0)
		return -1;
	bk_info("written: %s", path);
	return 0;
}

static int publish_fleet(struct status *s, const json_t *jobs,
			 struct bk_err *err)
{
	BOX_AUTO struct box box = BOX_INIT;
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_FREE char *name = box_file_name(s->conf->host);
	BK_AUTO_FREE char *text = entry_text(s->conf->host, s->now, jobs);

	if (box_open(&box, s->conf, err) < 0)
		return -1;
	if (!name)
		return bk_err_set(err, BK_EX_CONFIG, 0,
				  "the name of this host is too long for a "
				  "file; set [host] name");
	if (s->cli.dry_run) {
		box_add_line(&b, &box, "put", name);
		bk_rec_raw(&s->out, b.p);
		return 0;
	}
	bk_buf_adds(&b, text);
	if (b.len > BOX_FILE_MAX)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "the status of this host is too large for "
				  "the fleet");
	if (box_put(&box, name, &b, err) < 0)
		return -1;
	bk_info("put on box %s: %s", box.name, name);
	return 0;
}

int cmd_publish(struct status *s)
{
	const struct bk_conf_section *host =
		bk_conf_find(s->conf, "host", NULL);
	const char *prom = bk_conf_str(host, "prometheus", NULL);
	BK_AUTO_JSON json_t *jobs = NULL;
	BK_AUTO_CLOSE int lock = -1;
	int exit = BK_EX_OK;
	struct bk_err err;

	if (!prom && !bk_conf_str(host, "fleet", NULL)) {
		bk_notice("nothing to publish: [host] has neither prometheus "
			  "nor fleet");
		return BK_EX_OK;
	}
	lock = bk_lock_take("status", LOCK_MS, &err);
	if (lock < 0)
		return bk_log_err(&err);
	jobs = status_jobs(s, &exit);
	if (!jobs)
		return exit;
	if (prom && publish_prom(s, prom, jobs, &err) < 0)
		exit = bk_log_err(&err);
	if (bk_conf_str(host, "fleet", NULL) &&
	    publish_fleet(s, jobs, &err) < 0) {
		(void)bk_log_err(&err);
		exit = exit == BK_EX_OK ? err.exit : exit;
	}
	return exit;
}
