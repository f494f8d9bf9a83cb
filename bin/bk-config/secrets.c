/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: would a timer get its secrets? By bk-secret check, which tries them
 * and shows none.
 */
#include "checks.h"
#include "ref.h"

#define SECRETS_TIMEOUT_MS 300000

/* Keys that hold references. */
static const char *const secret_keys[][2] = {
	{ "repo", "password" },
	{ "monitor", "token" },
	{ "mariadb", "password" },
};

static char *ref_text(const char *value)
{
	BK_AUTO_REF struct bk_ref ref = BK_REF_INIT;

	return bk_strdup(bk_ref_parse(value, &ref, NULL) == 0 ? ref.text
							      : value);
}

/* A command may ask another host. */
static bool leaves_host(const char *ref)
{
	return bk_str_starts(ref, "command:");
}

/* Offline, all but commands is named; else the configuration as it is. */
static void add_refs(const struct check *c, struct bk_strv *argv)
{
	for (size_t i = 0; i < BK_COUNT(secret_keys); i++) {
		const struct bk_conf_section *s = NULL;

		while ((s = bk_conf_next(c->t->conf, secret_keys[i][0], s))) {
			const struct bk_conf_value *v = NULL;

			while ((v = bk_conf_value(s, secret_keys[i][1], v)))
				if (!leaves_host(v->value) &&
				    !bk_strv_has(argv, v->value))
					bk_strv_add(argv, v->value);
		}
	}
}

static const json_t *find_record(const json_t *all, const char *ref)
{
	size_t i;
	const json_t *o;

	json_array_foreach(all, i, o) {
		const char *text = bk_rec_str(o, "ref");

		if (text && strcmp(text, ref) == 0)
			return o;
	}
	return NULL;
}

static bool is_state(const json_t *o, const char *state)
{
	const char *s = bk_rec_str(o, "state");

	return s && strcmp(s, state) == 0;
}

static char *remedy_of(const struct check *c, const char *ref, const json_t *o)
{
	const char *verb = is_state(o, "locked") ? "enroll" : "set";
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;

	if (bk_str_starts(ref, "command:"))
		return bk_strdup("run the command by hand");
	if (strcmp(ref, "ask") == 0)
		return bk_strdup("name a source that needs nobody");
	child_tool(c->t, "bk-secret", &argv);
	bk_strv_add(&argv, verb);
	if (!is_state(o, "locked"))
		bk_strv_add(&argv, ref);
	return child_line(&argv);
}

/* o: the source that decided, or the last one that did not apply. */
static void judge(struct check *c, const char *label, const char *key,
		  const char *ref, const json_t *o)
{
	const char *note = bk_rec_str(o, "note");
	BK_AUTO_FREE char *remedy = remedy_of(c, ref, o);

	if (is_state(o, "found") && note)
		report_add(&c->report,
			   bk_str_starts(ref, "file:") ? LEVEL_NOTE
						       : LEVEL_WARNING,
			   label, NULL, "%s %s: %s", key, ref, note);
	if (is_state(o, "found"))
		return;
	check_break(c, label);
	report_add(&c->report, LEVEL_ERROR, label, remedy, "%s %s: %s", key,
		   ref, note ? note : bk_rec_str(o, "state"));
}

/* The sources in order: the first that applies decides. */
static void check_key(struct check *c, const struct bk_conf_section *s,
		      const char *key, const json_t *all)
{
	BK_AUTO_FREE char *label = section_label(s);
	BK_AUTO_FREE char *ref = NULL;
	const struct bk_conf_value *v = NULL;
	const json_t *o = NULL;

	while ((v = bk_conf_value(s, key, v))) {
		free(ref);
		ref = ref_text(v->value);
		o = find_record(all, ref);
		if (!o || (!is_state(o, "absent") && !is_state(o, "asked")))
			break;
	}
	if (o)
		judge(c, label, key, ref, o);
	if (o || !ref)
		return;
	check_break(c, label);
	report_add(&c->report, LEVEL_NOTE, label, NULL,
		   "%s: a command is not tried offline", key);
}

static void add_warnings(struct check *c, const struct said *said)
{
	BK_AUTO_STRV struct bk_strv lines = BK_STRV_INIT;

	said_lines(&said->err, &lines);
	for (size_t i = 0; i < lines.n; i++)
		report_add(&c->report, LEVEL_WARNING, "secrets", NULL, "%s",
			   lines.v[i]);
}

void check_secrets(struct check *c)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	AUTO_SAID struct said said = SAID_INIT;
	BK_AUTO_JSON json_t *all = NULL;
	struct bk_err err = { .exit = 0 };
	size_t n;

	child_tool(c->t, "bk-secret", &argv);
	child_add(&argv, "-q", "--json", "check");
	n = argv.n;
	if (c->t->offline)
		add_refs(c, &argv);
	if (c->t->offline && argv.n == n) {
		all = json_array();
	} else if (child_run(&argv, SECRETS_TIMEOUT_MS, &said, &err) == 0) {
		all = said_records(&said);
		add_warnings(c, &said);
	}
	if (!all) {
		report_add(&c->report, LEVEL_ERROR, "secrets", NULL,
			   "bk-secret check did not come to its end: %s",
			   err.exit ? err.msg : "it broke off");
		return;
	}
	for (size_t i = 0; i < BK_COUNT(secret_keys); i++) {
		const struct bk_conf_section *s = NULL;

		while ((s = bk_conf_next(c->t->conf, secret_keys[i][0], s)))
			check_key(c, s, secret_keys[i][1], all);
	}
}
