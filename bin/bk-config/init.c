/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bk-config init: from nothing to backups that run by themselves.
 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "lock.h"
#include "log.h"
#include "setup.h"
#include "sig.h"

static const char *const names[] = {
	[STEP_DONE] = "done",	[STEP_KEPT] = "kept",
	[STEP_WOULD] = "would", [STEP_SKIPPED] = "skipped",
	[STEP_HAND] = "to do",	[STEP_FAILED] = "failed",
};

static void print(struct setup *s, enum state state, const char *name,
		  const char *command, const char *text)
{
	struct bk_rec *out = &s->t->out;
	json_t *o;

	if (out->mode != BK_REC_JSON) {
		bk_rec_text(out, names[state], name, text,
			    command ? command : "", NULL);
		(void)fflush(out->f);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "state", names[state]);
	bk_rec_set_str(o, "step", name);
	bk_rec_set_path(o, "text", text);
	if (command)
		bk_rec_set_path(o, "command", command);
	bk_rec_json(out, "step", o);
}

static char *format(const char *fmt, va_list ap)
{
	char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	return text;
}

void step(struct setup *s, enum state state, const char *name,
	  const char *command, const char *fmt, ...)
{
	BK_AUTO_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = format(fmt, ap);
	va_end(ap);
	print(s, state, name, command, text);
}

void step_failed(struct setup *s, int exit, const char *name,
		 const char *command, const char *fmt, ...)
{
	BK_AUTO_FREE char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = format(fmt, ap);
	va_end(ap);
	if (s->exit == BK_EX_OK)
		s->exit = exit > 128 || exit <= 0 ? BK_EX_NO : exit;
	print(s, STEP_FAILED, name, command, text);
}

/* What bk-status says of it all, where it is installed. */
static void show_status(struct setup *s)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;

	if (s->t->cli.dry_run || s->t->out.mode != BK_REC_TEXT)
		return;
	child_tool(s->t, "bk-status", &argv);
	if (strchr(argv.v[0], '/'))
		(void)child_pass(&argv, BK_EXEC_NULL, BK_EXEC_INHERIT, NULL);
}

static int run_steps(struct setup *s)
{
	static void (*const steps[])(struct setup * s) = {
		step_hosts,    step_keyring, step_passwords,
		step_repos,    step_marks,   step_backup,
		step_monitors, step_timers,  step_sheets,
	};
	int exit = step_config(s);

	if (exit != BK_EX_OK)
		return exit;
	for (size_t i = 0; i < BK_COUNT(steps) && !bk_sig_pending(); i++)
		steps[i](s);
	if (bk_sig_pending()) {
		bk_notice("interrupted: 'bk-config init' goes on where it "
			  "stopped");
		return BK_EX_NO;
	}
	show_status(s);
	return s->exit;
}

int cmd_init(struct tool *t, char **args)
{
	struct setup s = { .t = t,
			   .want = &t->want,
			   .person = !t->want.yes && isatty(STDIN_FILENO) };
	struct bk_err err;
	int lock, exit;

	if (args[0])
		return bk_cli_usage("init takes no operands");
	if (!t->want.yes && !s.person && !t->cli.dry_run)
		return bk_cli_usage("init asks at a terminal; give --yes where "
				    "there is none");
	lock = bk_lock_take("config", 0, &err);
	if (lock < 0)
		return bk_log_err(&err);
	exit = run_steps(&s);
	(void)close(lock);
	bk_strv_free(&s.aliases);
	bk_strv_free(&s.broken);
	if (exit != BK_EX_USAGE)
		bk_rec_end(&t->out, exit);
	return exit;
}
