/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bk-dbdump dump: to standard output, into a folder, or into a program. */
#include <unistd.h>

#include "dbdump.h"
#include "log.h"

static void add_patterns(struct target *t, char **args)
{
	if (!*args)
		return;
	bk_strv_free(&t->selection.include);
	bk_strv_free(&t->selection.exclude);
	while (*args)
		bk_strv_add(&t->selection.include, *args++);
}

/* Users are for all databases, and never printed by mistake. */
static void choose_globals(const struct dbdump *d, struct target *t, bool all)
{
	t->options.globals = t->options.globals && all && d->folder;
}

static void say_result(const struct dump_result *r)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	for (size_t i = 0; i < r->warnings.n; i++)
		bk_warning("%s", r->warnings.v[i]);
	bk_str_add_count(&b, r->objects);
	bk_buf_adds(&b, " objects, ");
	bk_str_add_count(&b, r->rows);
	bk_buf_adds(&b, " rows, ");
	bk_str_add_size(&b, r->bytes);
	bk_info("%s", b.p);
}

static int run(struct dbdump *d, const struct dump_options *o,
	       struct bk_err *err)
{
	struct dump_result result = { 0 };
	int got, status = 0;

	if (d->folder)
		got = dump_folder(o, d->folder, &result, err);
	else if (d->exec)
		got = dump_exec(o, d->command, &status, &result, err);
	else
		got = dump_stream(o, STDOUT_FILENO, &result, err);
	if (got == 0) {
		say_result(&result);
		if (status == 0 && result.broken > 0)
			status = BK_EX_PARTIAL;
	}
	dump_result_free(&result);
	return got < 0 ? -1 : status;
}

int cmd_dump(struct dbdump *d, char **args)
{
	BK_AUTO(target_free) struct target t;
	struct bk_err err = { .exit = BK_EX_SOFTWARE };
	int got = target_open(d, &args, &t, &err);

	if (d->exec != (d->command && d->command[0]))
		return bk_cli_usage(d->exec ? "--exec wants a command behind --"
					    : "a command wants --exec");
	if (d->exec && d->folder)
		return bk_cli_usage("--exec and -o exclude each other");
	if (got == 0) {
		choose_globals(d, &t, !*args);
		add_patterns(&t, args);
		got = selection_check(&t.selection, &err);
	}
	if (got == 0)
		got = run(d, &t.options, &err);
	return got < 0 ? bk_log_err(&err) : got;
}
