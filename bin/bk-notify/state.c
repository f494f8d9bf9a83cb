/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-notify state [MONITOR...]
 *
 * Up or down is found out anew each time, from the state files and the clock,
 * so that a job that never ran is noticed like one that failed.
 */
#include "state.h"
#include "health.h"
#include "log.h"
#include "notify.h"
#include "text.h"
#include "time.h"

#define REMIND ((uint64_t)86400)

/* The states cannot be read: that is told in place of them. */
static void compose_blind(struct message *m, const struct bk_err *why)
{
	BK_AUTO_FREE char *text = bk_asprintf("no state: %s", why->msg);

	message_init(m, false, message_text(text, ""));
	bk_strv_add(&m->causes, "no state");
}

/* Nothing of it is run by, and nobody knows what should have been. */
static void compose_broken(struct message *m, const struct bk_strv *problems)
{
	BK_AUTO_FREE char *text =
		bk_asprintf("configuration is broken: %s", problems->v[0]);
	BK_AUTO_FREE char *more =
		problems->n > 1 ? bk_asprintf("; +%zu more", problems->n - 1)
				: bk_strdup("");

	message_init(m, false, message_text(text, more));
	m->about = bk_strdup("configuration");
	bk_strv_add(&m->causes, "configuration broken");
}

/* Each with what is known when its turn has come. */
static bool compose(struct delivery *d, const struct history *h, void *arg)
{
	const struct bk_conf_section *s = d->monitor.section;
	const struct notify *n = arg;
	BK_AUTO_HEALTH struct bk_health_list jobs = BK_HEALTH_INIT;
	BK_AUTO_JSON json_t *states = NULL;
	int64_t now = bk_time_now();
	struct bk_err err;

	if (!monitor_has_jobs(&d->monitor))
		return false;
	states = n->broken ? NULL : bk_state_all(&err);
	if (n->broken) {
		compose_broken(&d->message, &n->problems);
	} else if (states) {
		bk_health_read(&jobs, n->conf, states, now);
		text_compose(&d->message, s, &jobs, h, now);
	} else {
		compose_blind(&d->message, &err);
	}
	return d->monitor.service->heartbeat ||
	       history_is_news(h, &d->message,
			       bk_conf_duration(s, "remind", REMIND), now);
}

int tell_state(struct notify *n, struct targets *t)
{
	struct deliver_how how = { .compose = compose,
				   .arg = n,
				   .anew = true,
				   .dry = n->cli.dry_run };
	BK_AUTO_JSON json_t *states = NULL;
	struct bk_err err;

	targets_deliver(n, t, &how);
	targets_report(n, t, &n->out);
	if (n->broken)
		return n->broken;
	states = bk_state_all(&err);
	if (states)
		return BK_EX_OK;
	bk_error("how the jobs are cannot be told: %s", err.msg);
	return BK_EX_NO;
}

int cmd_state(struct notify *n, char **args)
{
	BK_AUTO(targets_free) struct targets t = TARGETS_INIT;
	int exit = targets_find(n, args, &t);

	if (exit != BK_EX_OK)
		return n->broken ? n->broken : exit;
	if (n->broken && t.n == 0)
		bk_warning("that is told to nobody: no [monitor NAME] can be "
			   "understood");
	else if (t.n == 0)
		bk_info("the configuration has no [monitor NAME]");
	return tell_state(n, &t);
}
