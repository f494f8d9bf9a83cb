/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * init: timers, what their services must be able to write, and what is left
 * for a person to do.
 */
#include <unistd.h>

#include "file.h"
#include "health.h"
#include "path.h"
#include "setup.h"
#include "state.h"
#include "time.h"
#include "units.h"

#define ENABLE_TIMEOUT_MS 120000

/* systemctl WORDS...; false where that failed, which is said. */
static bool systemctl(struct setup *s, const char *name, struct bk_strv *argv)
{
	AUTO_SAID struct said said = SAID_INIT;
	BK_AUTO_FREE char *line = child_line(argv);
	BK_AUTO_FREE char *why = NULL;
	struct bk_err err;

	if (child_run(argv, ENABLE_TIMEOUT_MS, &said, &err) < 0) {
		step_failed(s, err.exit, name, line, "%s", err.msg);
		return false;
	}
	if (said.status == 0)
		return true;
	why = said_why(&said);
	step_failed(s, BK_EX_NO, name, line, "%s", why);
	return false;
}

#define MARK "# Written by bk-config init.\n"

/* What a file has; "" where there is none, or none that can be read. */
static char *read_text(const char *file)
{
	struct bk_buf b = BK_BUF_INIT;
	struct bk_err err;

	if (bk_file_read(file, 65536, &b, &err) < 0)
		bk_buf_clear(&b);
	bk_buf_adds(&b, "");
	return bk_buf_steal(&b);
}

/*
 * true where it is there, and systemd has not read it yet: it was written
 * now, or when init was interrupted.
 */
static bool write_drop_in(struct setup *s, const struct unit_need *need)
{
	BK_AUTO_FREE char *file = unit_drop_in(need);
	BK_AUTO_FREE char *lines = unit_drop_in_text(need);
	BK_AUTO_FREE char *text = bk_asprintf(MARK "%s", lines);
	BK_AUTO_FREE char *old = read_text(file);
	BK_AUTO_FREE char *folder = bk_path_parent(file);
	BK_AUTO_FREE char *line =
		bk_asprintf("systemctl edit %s.service", need->service);
	struct bk_err err;

	if (strcmp(old, text) == 0 && !s->t->cli.dry_run)
		return true;
	if (access(file, F_OK) == 0 && !bk_str_starts(old, MARK)) {
		step_failed(s, BK_EX_CONFIG, "units", line,
			    "'%s' is not by bk-config, and %s.service may not "
			    "write to '%s'",
			    file, need->service, need->path);
		return false;
	}
	if (s->t->cli.dry_run) {
		step(s, STEP_WOULD, "units", line, "write '%s'", file);
		return false;
	}
	if (bk_file_mkdirs(folder, 0755, &err) < 0 ||
	    bk_file_write(file, text, strlen(text), 0644, &err) < 0) {
		step_failed(s, err.exit, "units", line, "%s", err.msg);
		return false;
	}
	return true;
}

/* What stands elsewhere may say otherwise. */
static void report_need(struct setup *s, const struct unit_need *need)
{
	BK_AUTO_FREE char *line =
		bk_asprintf("systemctl cat %s.service", need->service);

	if (unit_is_barred(need))
		step_failed(s, BK_EX_CONFIG, "units", line,
			    "%s.service still may not write to '%s'",
			    need->service, need->path);
	else
		step(s, STEP_DONE, "units", line,
		     "%s.service may write to '%s'", need->service, need->path);
}

static void let_write(struct setup *s)
{
	BK_AUTO(unit_needs_free) struct unit_needs l;
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	size_t n = 0;

	/* Those that systemd is to read come first. */
	unit_needs(s->t->conf, &l);
	for (size_t i = 0; i < l.n; i++) {
		struct unit_need need = l.v[i];

		if (!unit_is_barred(&need) || !write_drop_in(s, &need))
			continue;
		l.v[i] = l.v[n];
		l.v[n++] = need;
	}
	if (n == 0)
		return;
	unit_systemctl(&argv);
	bk_strv_add(&argv, "daemon-reload");
	if (!systemctl(s, "units", &argv))
		return;
	for (size_t i = 0; i < n; i++)
		report_need(s, &l.v[i]);
}

static void enable(struct setup *s)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_STRV struct bk_strv timers = BK_STRV_INIT;
	BK_AUTO_FREE char *line = NULL;
	size_t n;

	unit_timers(s->t->conf, &timers);
	unit_systemctl(&argv);
	child_add(&argv, "enable", "--now");
	n = argv.n;
	for (size_t i = 0; i < timers.n; i++)
		if (!unit_is_on(timers.v[i]))
			bk_strv_add(&argv, timers.v[i]);
	line = child_line(&argv);
	if (argv.n == n)
		step(s, STEP_KEPT, "timers", "systemctl list-timers 'bk-*'",
		     "%zu of them are enabled and active", timers.n);
	else if (s->t->cli.dry_run)
		step(s, STEP_WOULD, "timers", line, "enable and start them");
	else if (systemctl(s, "timers", &argv))
		step(s, STEP_DONE, "timers", line,
		     "enabled and started %zu of them", argv.n - n);
}

void step_timers(struct setup *s)
{
	const char *env = getenv("BK_CONFIG"), *why = NULL;

	if (s->want->no_timers)
		why = "--no-timers";
	else if (s->t->cli.config || (env && *env))
		why = "they read " BK_SYSCONFDIR "/bk.conf, and no other";
	else if (geteuid() != 0)
		why = "they are root's";
	else if (!systemd_runs())
		why = "systemd does not run here";
	else if (s->no_repo)
		why = "there is no repository";
	if (why) {
		step(s, STEP_SKIPPED, "timers",
		     "systemctl enable --now bk-restic.timer bk-forget.timer "
		     "bk-notify.timer",
		     "%s", why);
		return;
	}
	let_write(s);
	enable(s);
}

void step_sheets(struct setup *s)
{
	BK_AUTO_HEALTH struct bk_health_list jobs = BK_HEALTH_INIT;
	BK_AUTO_JSON json_t *states = bk_state_all(NULL);

	bk_health_read(&jobs, s->t->conf, states, bk_time_now());
	for (size_t i = 0; i < jobs.n; i++) {
		const struct bk_health_job *j = &jobs.jobs[i];

		if (!bk_str_starts(j->name, "kit "))
			continue;
		if (j->health == BK_HEALTH_OK)
			step(s, STEP_KEPT, j->name, "bk-secret kit verify",
			     "the recovery sheet was proved");
		else
			step(s, STEP_HAND, j->name,
			     "bk-secret kit | lpr, then bk-secret kit verify",
			     "%s", j->why);
	}
}
