/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan_in.h"

#include "exec.h"
#include "log.h"
#include "rec.h"
#include "sig.h"

static void warn(struct bk_plan *p, const json_t *o)
{
	BK_AUTO_FREE char *path = bk_rec_get_path(o, "path");
	const char *message = bk_rec_str(o, "message");
	int64_t line = bk_rec_int(o, "line", 0);

	bk_strv_add(&p->warned, path ? path : "");
	if (!message)
		message = "?";
	if (path && line > 0)
		bk_warning("%s:%lld: %s", path, (long long)line, message);
	else if (path)
		bk_warning("%s: %s", path, message);
	else
		bk_warning("%s", message);
}

char *bk_plan_path(const json_t *o, const char **ret_set, struct bk_err *err)
{
	const char *set = bk_rec_str(o, "set");
	char *path = bk_rec_get_path(o, "path");

	if (set && path && path[0] == '/') {
		*ret_set = set;
		return path;
	}
	free(path);
	(void)bk_err_set(err, BK_EX_PROTOCOL, 0,
			 "the plan has a record without set or path");
	return NULL;
}

char *bk_plan_entered(const json_t *o)
{
	return bk_rec_bool(o, "crossed", false) ? bk_rec_get_path(o, "path")
						: NULL;
}

void bk_plan_texts(const json_t *o, const char *key, struct bk_strv *ret)
{
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(o, key), i, v)
		if (json_string_value(v))
			bk_strv_add(ret, json_string_value(v));
}

static int take_record(struct bk_plan *p, bk_plan_take take, void *arg,
		       const json_t *o, struct bk_err *err)
{
	const char *type = bk_rec_str(o, "type");
	const char *host = bk_rec_str(o, "host");

	if (strcmp(type, "plan") == 0 && !p->host)
		p->host = bk_strdup(host ? host : "");
	else if (strcmp(type, "warning") == 0)
		warn(p, o);
	else
		return take(arg, type, o, err);
	return 0;
}

int bk_plan_read(int fd, bk_plan_take take, void *arg, struct bk_plan *ret,
		 struct bk_err *err)
{
	BK_AUTO(bk_rec_in_free)
	struct bk_rec_in in = { .lines = { .fd = fd, .stoppable = true } };
	struct bk_plan p = BK_PLAN_INIT;
	json_t *o;
	int got;

	while ((got = bk_rec_next(&in, &o, err)) == 1) {
		got = take_record(&p, take, arg, o, err);
		json_decref(o);
		if (got < 0)
			break;
	}
	if (got == 0 && !p.host)
		got = bk_err_set(err, BK_EX_PROTOCOL, 0,
				 "what was read is no plan of bk-scan");
	if (got < 0) {
		bk_plan_free(&p);
		return -1;
	}
	p.partial = in.status == BK_EX_PARTIAL;
	if (p.partial && p.warned.n == 0)
		bk_strv_add(&p.warned, "");
	*ret = p;
	return 0;
}

int bk_plan_scan(const char *config, char *const *args, bk_plan_take take,
		 void *arg, struct bk_plan *ret, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv argv = BK_STRV_INIT;
	struct bk_child c = BK_CHILD_INIT;
	struct bk_exec x = { .in = BK_EXEC_NULL,
			     .out = BK_EXEC_PIPE,
			     .err = BK_EXEC_INHERIT };
	int got, status;

	bk_strv_take(&argv, bk_exec_sibling("bk-scan"));
	bk_strv_add(&argv, "--json");
	if (config) {
		bk_strv_add(&argv, "-c");
		bk_strv_add(&argv, config);
	}
	for (; *args; args++)
		bk_strv_add(&argv, *args);
	x.argv = argv.v;
	if (bk_exec_start(&x, &c, err) < 0)
		return -1;
	got = bk_plan_read(c.out, take, arg, ret, err);
	status = bk_sig_pending() ? bk_exec_stop(&c, 5000) : bk_exec_wait(&c);
	if (!bk_sig_pending() &&
	    (status == BK_EX_OK || status == BK_EX_PARTIAL))
		return got;
	if (got == 0)
		bk_plan_free(ret);
	if (bk_sig_pending())
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "it was stopped during the scan");
	/* Its own end tells more than the stream that it cut off. */
	return bk_err_set(err, status, 0, "bk-scan ended with status %d",
			  status);
}

void bk_plan_free(struct bk_plan *p)
{
	free(p->host);
	bk_strv_free(&p->warned);
	*p = BK_PLAN_INIT;
}
