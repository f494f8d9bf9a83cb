/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-notify test [MONITOR...]: one try each, nothing kept, and what the
 * service answered. Whether it was reached is noted.
 */
#include "log.h"
#include "notify.h"

static void report(struct notify *n, const struct delivery *d)
{
	bool ok = d->result == DELIVER_DONE;
	const char *answer = d->answer ? d->answer : d->err.msg;
	json_t *o;

	if (!ok)
		bk_error("monitor %s: %s", d->monitor.name, d->err.msg);
	if (n->out.mode != BK_REC_JSON) {
		bk_rec_text(&n->out, d->monitor.name, ok ? "ok" : "failed",
			    answer, NULL);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "monitor", d->monitor.name);
	bk_rec_set_bool(o, "ok", ok);
	bk_rec_set_str(o, "answer", answer);
	if (!ok)
		bk_rec_set_str(o, "reason", d->err.msg);
	bk_rec_json(&n->out, "test", o);
}

int cmd_test(struct notify *n, char **args)
{
	BK_AUTO(targets_free) struct targets t = TARGETS_INIT;
	BK_AUTO_FREE char *text = bk_asprintf("test from %s", n->conf->host);
	struct deliver_how how = { .compose = compose_given,
				   .dry = n->cli.dry_run,
				   .once = true };
	int exit = targets_find(n, args, &t);

	if (exit != BK_EX_OK)
		return exit;
	if (t.n == 0) {
		bk_error("the configuration has no [monitor NAME]");
		return BK_EX_CONFIG;
	}
	for (size_t i = 0; i < t.n; i++)
		message_init(&t.v[i].message, true, message_text(text, ""));
	targets_deliver(n, &t, &how);
	if (n->cli.dry_run) {
		targets_report(n, &t, &n->out);
		return BK_EX_OK;
	}
	for (size_t i = 0; i < t.n; i++)
		report(n, &t.v[i]);
	return targets_status(&t) == BK_EX_OK ? BK_EX_OK : BK_EX_NO;
}
