/* SPDX-License-Identifier: GPL-3.0-or-later */
/* with: bin/bk-status/prom.c bin/bk-status/host.c bin/bk-status/verdict.c bin/bk-status/schedule.c */
#include "prom.h"

#include "rec.h"
#include "scratch.h"
#include "str.h"

#define NOW ((int64_t)1800000000)

static json_t *add(json_t *jobs, const char *name, const char *health)
{
	json_t *o = json_object();

	(void)json_object_set_new(o, "job", json_string(name));
	bk_rec_set_str(o, "health", health);
	(void)json_array_append_new(jobs, o);
	return o;
}

CHECK_TEST(samples)
{
	BK_AUTO_JSON json_t *jobs = json_array();
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	json_t *o = add(jobs, "backup home", "late");

	bk_rec_set_time(o, "last_ok", NOW - 60);
	bk_rec_set_time(o, "end", NOW - 30);
	bk_rec_set_int(o, "limit", 10800);
	bk_rec_set_int(o, "exit", 0);
	bk_rec_set_int(o, "duration", 12);
	bk_rec_set_int(o, "bytes_added", 12345678901234);
	(void)add(jobs, "backup etc", "never");
	(void)add(jobs, "monitor kuma", "todo");
	prom_add(&b, jobs, NOW);
	CHECK_HAS(b.p, "\nbk_status_timestamp_seconds 1800000000\n");
	CHECK_HAS(b.p, "\nbk_status_safe 0\n");
	CHECK_HAS(b.p, "\nbk_job_health{job=\"backup home\",health=\"late\"} "
		       "1\n");
	CHECK_HAS(b.p,
		  "\nbk_job_health{job=\"backup home\",health=\"ok\"} 0\n");
	CHECK_HAS(b.p, "\nbk_job_last_success_timestamp_seconds{job=\"backup "
		       "home\"} 1799999940\n");
	CHECK_HAS(b.p, "\nbk_job_last_success_timestamp_seconds{job=\"backup "
		       "etc\"} 0\n");
	CHECK_HAS(b.p, "\nbk_job_limit_seconds{job=\"backup home\"} 10800\n");
	CHECK_HAS(b.p, "\nbk_job_last_run_exit{job=\"backup home\"} 0\n");
	CHECK(!strstr(b.p, "bk_job_last_run_exit{job=\"backup etc\"}"));
	CHECK_HAS(b.p, "\nbk_job_last_run_bytes_added{job=\"backup home\"} "
		       "12345678901234\n");
	CHECK_HAS(b.p, "\nbk_monitor_reached{monitor=\"kuma\"} 0\n");
	CHECK(!strstr(b.p, "job=\"monitor"));
}

CHECK_TEST(labels_are_escaped)
{
	BK_AUTO_JSON json_t *jobs = json_array();
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	(void)add(jobs, "backup a\"b\\c\nd\te", "ok");
	prom_add(&b, jobs, NOW);
	CHECK_HAS(b.p, "\nbk_job_last_success_timestamp_seconds{job=\"backup "
		       "a\\\"b\\\\c\\nd\te\"} 0\n");
}

/* Each line is a comment, or a name, labels and a number. */
CHECK_TEST(each_metric_has_a_head)
{
	BK_AUTO_JSON json_t *jobs = json_array();
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;
	char head[128] = "";

	(void)add(jobs, "backup home", "ok");
	(void)add(jobs, "monitor kuma", "ok");
	prom_add(&b, jobs, NOW);
	bk_strv_split(&lines, b.p, "\n");
	for (size_t i = 0; i < lines.n; i++) {
		char name[128];

		CHECK_INT(sscanf(lines.v[i], "# TYPE %127s gauge", name) == 1 ||
				  sscanf(lines.v[i], "# HELP %127s", name) ==
					  1 ||
				  sscanf(lines.v[i], "%127[a-z_]", name) == 1,
			  1);
		if (bk_str_starts(lines.v[i], "# HELP "))
			(void)snprintf(head, sizeof(head), "%s", name);
		CHECK_STR(name, head);
	}
}
