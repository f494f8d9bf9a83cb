/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dbdump.h"

#define HOLD_DEFAULT (12ULL * 3600)
#define CONNECTIONS_DEFAULT 2

static void take_list(const struct bk_conf_section *s, const char *key,
		      struct bk_strv *ret)
{
	const struct bk_conf_value *v = NULL;

	while ((v = bk_conf_value(s, key, v)))
		bk_strv_add(ret, v->value);
}

static int take_options(struct dbdump *d, struct target *t, struct bk_err *err)
{
	const struct bk_conf_section *s = t->section;
	struct dump_options *o = &t->options;
	const char *broken = d->broken;

	if (!broken)
		broken = bk_conf_str(s, "broken", "fail");
	o->save_broken = strcmp(broken, "save") == 0;
	if (!o->save_broken && strcmp(broken, "fail") != 0)
		return bk_err_set(err, BK_EX_USAGE, 0,
				  "--broken is fail or save");
	o->connections = d->connections;
	if (o->connections == 0)
		o->connections = (unsigned int)bk_conf_u64(s, "connections",
							   CONNECTIONS_DEFAULT);
	o->globals = bk_conf_bool(s, "globals", true);
	o->stage = d->stage || bk_conf_bool(s, "backup-stage", false);
	o->max_hold = bk_conf_duration(s, "max-hold", HOLD_DEFAULT);
	if (d->max_age && bk_parse_duration(d->max_age, &o->max_hold) < 0)
		return bk_err_set(err, BK_EX_USAGE, 0,
				  "--max-age '%s' is not a time with its unit",
				  d->max_age);
	return 0;
}

int target_section(struct dbdump *d, const struct bk_conf_section *s,
		   struct target *ret, struct bk_err *err)
{
	*ret = (struct target){ .section = s, .name = s ? s->name : "" };
	ret->options.selection = &ret->selection;
	if (take_options(d, ret, err) < 0)
		return -1;
	if (!s) {
		ret->options.login = d->over;
		return 0;
	}
	take_list(s, "include", &ret->selection.include);
	take_list(s, "exclude", &ret->selection.exclude);
	take_list(s, "schema-only", &ret->selection.schema_only);
	return login_section(s, &d->secrets, &d->over, &ret->options.login,
			     err);
}

int target_open(struct dbdump *d, char ***args, struct target *ret,
		struct bk_err *err)
{
	const struct bk_conf_section *s = NULL, *next;

	*ret = (struct target){ .name = "" };
	if (**args)
		s = bk_conf_find(d->conf, "mariadb", **args);
	if (s) {
		++*args;
	} else if (!d->direct) {
		s = bk_conf_next(d->conf, "mariadb", NULL);
		next = s ? bk_conf_next(d->conf, "mariadb", s) : NULL;
		if (!s || next)
			return bk_err_set(
				err, s ? BK_EX_USAGE : BK_EX_CONFIG, 0,
				s ? "which server? There is more than one "
				    "[mariadb NAME] in the configuration"
				  : "there is no [mariadb NAME] in the "
				    "configuration, and no --socket or --host");
	}
	return target_section(d, s, ret, err);
}

void target_free(struct target *t)
{
	selection_free(&t->selection);
}
