/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-notify push MONITOR [up|down] [MESSAGE]
 * bk-notify push MONITOR -
 */
#include <errno.h>
#include <unistd.h>

#include "log.h"
#include "notify.h"
#include "sig.h"

/* Of a stream of records: the last thing that it said for people. */
static void remember(char **said, bool *bad, const json_t *o)
{
	const char *result = bk_rec_str(o, "result");
	const char *message = bk_rec_str(o, "message");
	const char *type = bk_rec_str(o, "type");
	bool worse = (result && strcmp(result, "ok") != 0) ||
		     (type && strcmp(type, "warning") == 0);

	if (!message || (*bad && !worse))
		return;
	free(*said);
	*said = bk_strdup(message);
	*bad = worse;
}

/* Its status, or -1 with err where it is none that can be relied on. */
static int read_stream(char **said, uint64_t *count, struct bk_err *err)
{
	struct bk_rec_in in = { .lines = { .fd = STDIN_FILENO,
					   .stoppable = true } };
	bool bad = false;
	json_t *o;
	int got, status;

	while ((got = bk_rec_next(&in, &o, err)) == 1) {
		remember(said, &bad, o);
		json_decref(o);
	}
	status = in.status;
	*count = in.count;
	bk_rec_in_free(&in);
	return got < 0 ? -1 : status;
}

static int compose_stream(struct message *m)
{
	BK_AUTO_FREE char *said = NULL, *text = NULL;
	uint64_t count = 0;
	struct bk_err err;
	int status = read_stream(&said, &count, &err);

	if (bk_sig_pending())
		return -1;
	if (status < 0)
		text = bk_asprintf("failed: %s%s%s", err.msg, said ? ": " : "",
				   said ? said : "");
	else if (status != BK_EX_OK)
		text = bk_asprintf("partial: %s",
				   said ? said : "some of it failed");
	else if (said)
		text = bk_asprintf("ok: %s", said);
	else
		text = bk_asprintf("ok: %llu record%s",
				   (unsigned long long)count,
				   count == 1 ? "" : "s");
	message_init(m, status == BK_EX_OK, message_text(text, ""));
	if (!m->up)
		bk_strv_add(&m->causes, m->text);
	return 0;
}

static int compose_words(struct message *m, char **args)
{
	bool up = true;
	const char *text;

	if (args[0] && strcmp(args[0], "down") == 0)
		up = false;
	else if (args[0] && strcmp(args[0], "up") != 0)
		return bk_cli_usage("'%s' is neither up nor down", args[0]);
	if (args[0] && args[1] && args[2])
		return bk_cli_usage("the message is one word to the shell");
	text = args[0] && args[1] ? args[1] : up ? "ok" : "down";
	message_init(m, up, message_text(text, ""));
	if (!up)
		bk_strv_add(&m->causes, m->text);
	return BK_EX_OK;
}

int cmd_push(struct notify *n, char **args)
{
	BK_AUTO(targets_free) struct targets t = TARGETS_INIT;
	struct deliver_how how = { .compose = compose_given,
				   .dry = n->cli.dry_run };
	char *name[] = { args[0], NULL };
	struct message *m;
	int exit;

	if (!args[0])
		return bk_cli_usage("push wants a monitor");
	exit = targets_find(n, name, &t);
	if (exit != BK_EX_OK)
		return exit;
	m = &t.v[0].message;
	if (args[1] && strcmp(args[1], "-") == 0 && !args[2]) {
		if (compose_stream(m) < 0)
			return BK_EX_NO;
	} else {
		exit = compose_words(m, args + 1);
		if (exit != BK_EX_OK)
			return exit;
	}
	m->ping = n->ping;
	targets_deliver(n, &t, &how);
	targets_report(n, &t, &n->out);
	return targets_status(&t);
}
