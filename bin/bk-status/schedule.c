/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "schedule.h"

#include "exec.h"
#include "log.h"
#include "rec.h"
#include "time.h"

#define ASK_LIMIT ((size_t)1 << 20)
#define ASK_MS 5000

/* An array as systemctl prints it, or NULL. */
static json_t *ask(const char *const *words, bool user, int64_t end)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf out = BK_BUF_INIT, said = BK_BUF_INIT;
	char colors[] = "SYSTEMD_COLORS=0", *env[] = { colors, NULL };
	struct bk_exec x = { .env = env, .in = BK_EXEC_NULL };
	int64_t left = end - bk_time_mono_ms();
	struct bk_err err = { .msg = "" };
	json_t *got = NULL;

	bk_strv_add(&argv, "systemctl");
	bk_strv_add(&argv, user ? "--user" : "--system");
	bk_strv_add(&argv, "--no-pager");
	bk_strv_add(&argv, "--output=json");
	for (; *words; words++)
		bk_strv_add(&argv, *words);
	x.argv = argv.v;
	if (left > 0 &&
	    bk_exec_run(&x, ASK_LIMIT, (int)left, &out, &said, &err) == 0)
		got = json_loadb(out.p ? out.p : "", out.len, 0, NULL);
	if (json_is_array(got))
		return got;
	json_decref(got);
	bk_debug("systemctl does not tell what runs: %s", err.msg);
	return NULL;
}

void schedule_read(struct schedule *s, bool user)
{
	static const char *const timers[] = { "list-timers", "--all", "bk-*",
					      NULL };
	static const char *const running[] = {
		"list-units", "--type=service",
		"--state=active,activating,reloading", "bk-*", NULL
	};
	int64_t end = bk_time_mono_ms() + ASK_MS;

	s->timers = ask(timers, user, end);
	s->running = s->timers ? ask(running, user, end) : NULL;
}

void schedule_free(struct schedule *s)
{
	json_decref(s->timers);
	json_decref(s->running);
	*s = SCHEDULE_INIT;
}

/* Is unit "bk-restic.service", or "bk-restic@home.service"? */
static bool is_service(const char *unit, const char *service,
		       const char *instance)
{
	BK_AUTO_FREE char *plain = bk_asprintf("%s.service", service);
	BK_AUTO_FREE char *one =
		bk_asprintf("%s@%s.service", service, instance ? instance : "");

	return unit && (strcmp(unit, plain) == 0 ||
			(instance && strcmp(unit, one) == 0));
}

int64_t schedule_next(const struct schedule *s, const char *service,
		      const char *instance)
{
	int64_t first = 0;
	size_t i;
	const json_t *o;

	if (!s->timers)
		return -1;
	json_array_foreach(s->timers, i, o) {
		/* microseconds; absent, null or 0 where it never elapses */
		int64_t next = bk_rec_int(o, "next", 0) / 1000000;

		if (next > 0 && (first == 0 || next < first) &&
		    is_service(bk_rec_str(o, "activates"), service, instance))
			first = next;
	}
	return first;
}

bool schedule_running(const struct schedule *s, const char *service,
		      const char *instance)
{
	size_t i;
	const json_t *o;

	json_array_foreach(s->running, i, o)
		if (is_service(bk_rec_str(o, "unit"), service, instance))
			return true;
	return false;
}
