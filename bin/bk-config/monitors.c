/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: does somebody hear when backups fail, and are there recovery sheets?
 */
#include <errno.h>
#include <unistd.h>

#include "checks.h"
#include "health.h"
#include "state.h"
#include "time.h"

#define PUSH_TIMEOUT_MS 300000

static bool is_loopback(const char *url)
{
	static const char *const hosts[] = { "http://localhost", "http://127.",
					     "http://[::1]" };

	for (size_t i = 0; i < BK_COUNT(hosts); i++)
		if (bk_str_starts(url, hosts[i]))
			return true;
	return false;
}

static void check_url(struct check *c, const struct bk_conf_section *s,
		      const char *label)
{
	const char *url = bk_conf_str(s, "url", "");
	const char *ca = bk_conf_str(s, "ca", NULL);

	if (bk_str_starts(url, "http://") && !is_loopback(url))
		report_add(&c->report, LEVEL_WARNING, label, "use https://",
			   "its token is sent in clear text");
	if (ca && access(ca, R_OK) < 0)
		report_add(&c->report, LEVEL_ERROR, label,
			   "put the certificates there", "ca %s: %s", ca,
			   strerror(errno));
}

static void check_watch(struct check *c, const struct bk_conf_section *s,
			const char *label, const struct bk_health_list *jobs)
{
	const struct bk_conf_value *v = NULL;

	while ((v = bk_conf_value(s, "watch", v))) {
		bool found = strcmp(v->value, "none") == 0;

		for (size_t i = 0; i < jobs->n && !found; i++)
			found = bk_health_is(&jobs->jobs[i], v->value);
		if (!found)
			report_add(&c->report, LEVEL_ERROR, label,
				   "name jobs as bk-status does",
				   "watch %s: there is no such job", v->value);
	}
}

static void check_push(struct check *c, const struct bk_conf_section *s,
		       const char *label)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;
	BK_AUTO_FREE char *why = NULL;
	struct bk_err err;

	child_tool(c->t, "bk-notify", &argv);
	child_add(&argv, "-q", "test", s->name);
	if (child_run(&argv, PUSH_TIMEOUT_MS, &said, &err) < 0) {
		report_add(&c->report, LEVEL_ERROR, label, NULL, "%s", err.msg);
		return;
	}
	if (said.status == 0)
		return;
	why = said_why(&said);
	report_add(&c->report, LEVEL_ERROR, label,
		   "see that its url and token are right",
		   "a test did not arrive: %s", why);
}

void check_monitors(struct check *c)
{
	BK_AUTO_HEALTH struct bk_health_list jobs = BK_HEALTH_INIT;
	BK_AUTO_JSON json_t *states = bk_state_all(NULL);
	const struct bk_conf_section *s = NULL;

	if (!bk_conf_next(c->t->conf, "monitor", NULL))
		report_add(&c->report, LEVEL_WARNING, "monitors",
			   "bk-config init, or add [monitor NAME]",
			   "nobody hears when backups fail, or do not run");
	bk_health_read(&jobs, c->t->conf, states, bk_time_now());
	while ((s = bk_conf_next(c->t->conf, "monitor", s))) {
		BK_AUTO_FREE char *label = section_label(s);

		check_url(c, s, label);
		check_watch(c, s, label, &jobs);
		if (c->t->push && !check_is_broken(c, label))
			check_push(c, s, label);
	}
}

void check_sheets(struct check *c)
{
	BK_AUTO_HEALTH struct bk_health_list jobs = BK_HEALTH_INIT;
	BK_AUTO_JSON json_t *states = bk_state_all(NULL);

	bk_health_read(&jobs, c->t->conf, states, bk_time_now());
	for (size_t i = 0; i < jobs.n; i++) {
		const struct bk_health_job *j = &jobs.jobs[i];

		if (bk_str_starts(j->name, "full-key "))
			report_add(&c->report, LEVEL_WARNING, j->name, NULL,
				   "%s", j->why);
		if (bk_str_starts(j->name, "kit ") && j->health != BK_HEALTH_OK)
			report_add(&c->report, LEVEL_WARNING, j->name,
				   "bk-secret kit | lpr, then bk-secret kit "
				   "verify",
				   "%s", j->why);
	}
}
