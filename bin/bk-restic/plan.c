/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan.h"

#include <unistd.h>

#include "exec.h"
#include "log.h"
#include "path.h"
#include "rec.h"
#include "sig.h"

static void set_free(struct plan_set *s)
{
	for (size_t i = 0; i < s->nentries; i++) {
		free(s->entries[i].path);
		free(s->entries[i].mount);
		bk_strv_free(&s->entries[i].exclude);
	}
	free(s->entries);
	free(s->name);
	bk_strv_free(&s->exclude);
	bk_strv_free(&s->mounts);
}

void plan_free(struct plan *plan)
{
	for (size_t i = 0; i < plan->nsets; i++)
		set_free(&plan->sets[i]);
	free(plan->sets);
	free(plan->host);
	bk_strv_free(&plan->warned);
	*plan = (struct plan){ 0 };
}

static struct plan_set *find(const struct plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->nsets; i++)
		if (strcmp(plan->sets[i].name, name) == 0)
			return &plan->sets[i];
	return NULL;
}

const struct plan_set *plan_find(const struct plan *plan, const char *name)
{
	return find(plan, name);
}

static struct plan_set *find_or_add(struct plan *plan, const char *name)
{
	struct plan_set *s = find(plan, name);

	if (s)
		return s;
	plan->sets =
		bk_realloc(plan->sets, plan->nsets + 1, sizeof(*plan->sets));
	s = &plan->sets[plan->nsets++];
	*s = (struct plan_set){ .name = bk_strdup(name) };
	return s;
}

static void add_strings(struct bk_strv *l, const json_t *array)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *s = json_string_value(json_array_get(array, i));

		if (s)
			bk_strv_add(l, s);
	}
}

static enum plan_state state_of(const char *s)
{
	if (s && strcmp(s, "missing") == 0)
		return PLAN_MISSING;
	if (s && strcmp(s, "unreadable") == 0)
		return PLAN_UNREADABLE;
	return s && strcmp(s, "known") == 0 ? PLAN_KNOWN : PLAN_OK;
}

static int add_entry(struct plan *plan, const json_t *o, bool in,
		     struct bk_err *err)
{
	const char *set = bk_rec_str(o, "set");
	char *path = bk_rec_get_path(o, "path");
	struct plan_set *s;

	if (!set || !path || path[0] != '/') {
		free(path);
		return bk_err_set(err, BK_EX_PROTOCOL, 0,
				  "the plan has a record without set or path");
	}
	s = find_or_add(plan, set);
	s->entries =
		bk_realloc(s->entries, s->nentries + 1, sizeof(*s->entries));
	s->entries[s->nentries] = (struct plan_entry){
		.path = path,
		.in = in,
		.nested = in && bk_rec_bool(o, "nested", false),
		.state = state_of(bk_rec_str(o, "state")),
		.mount = bk_rec_get_path(o, "mount"),
	};
	add_strings(&s->entries[s->nentries].exclude,
		    json_object_get(o, "exclude"));
	s->nentries++;
	return 0;
}

static void add_mount(struct plan *plan, const json_t *o)
{
	BK_AUTO_FREE char *path = bk_rec_get_path(o, "path");

	if (!path || !bk_rec_bool(o, "crossed", false))
		return;
	for (size_t i = 0; i < plan->nsets; i++) {
		struct plan_set *s = &plan->sets[i];

		for (size_t k = 0; k < s->nentries; k++) {
			if (s->entries[k].in &&
			    bk_path_within(path, s->entries[k].path)) {
				bk_strv_add(&s->mounts, path);
				break;
			}
		}
	}
}

static void warn(struct plan *plan, const json_t *o)
{
	BK_AUTO_FREE char *path = bk_rec_get_path(o, "path");
	const char *message = bk_rec_str(o, "message");

	int64_t line = bk_rec_int(o, "line", 0);

	bk_strv_add(&plan->warned, path ? path : "");
	if (!message)
		message = "?";
	if (path && line > 0)
		bk_warning("%s:%lld: %s", path, (long long)line, message);
	else if (path)
		bk_warning("%s: %s", path, message);
	else
		bk_warning("%s", message);
}

static bool concerns(const struct plan_set *set, const char *path)
{
	for (size_t i = 0; i < set->nentries; i++) {
		const char *entry = set->entries[i].path;

		if (bk_path_within(path, entry) || bk_path_within(entry, path))
			return true;
	}
	return false;
}

/* One that concerns no set may be what kept its folder out of any. */
static bool concerns_any(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->nsets; i++)
		if (concerns(&plan->sets[i], path))
			return true;
	return false;
}

size_t plan_warnings(const struct plan *plan, const struct plan_set *set)
{
	size_t n = 0;

	for (size_t i = 0; plan->partial && i < plan->warned.n; i++) {
		const char *path = plan->warned.v[i];

		n += !*path || concerns(set, path) ||
		     (!plan->narrow && !concerns_any(plan, path));
	}
	return n;
}

static int add_record(struct plan *plan, const json_t *o, struct bk_err *err)
{
	const char *type = bk_rec_str(o, "type");
	const char *class = bk_rec_str(o, "class");

	if (strcmp(type, "plan") == 0 && !plan->host) {
		const char *host = bk_rec_str(o, "host");

		plan->host = bk_strdup(host ? host : "");
		return 0;
	}
	if (strcmp(type, "warning") == 0) {
		warn(plan, o);
		return 0;
	}
	if (strcmp(type, "mount") == 0) {
		add_mount(plan, o);
		return 0;
	}
	if (!class || strcmp(class, "restic") != 0)
		return 0;
	if (strcmp(type, "set") == 0 && bk_rec_str(o, "name")) {
		struct plan_set *s = find_or_add(plan, bk_rec_str(o, "name"));

		add_strings(&s->exclude, json_object_get(o, "exclude"));
		return 0;
	}
	if (strcmp(type, "root") == 0)
		return add_entry(plan, o, true, err);
	if (strcmp(type, "out") == 0)
		return add_entry(plan, o, false, err);
	return 0;
}

int plan_read(int fd, struct plan *ret, struct bk_err *err)
{
	BK_AUTO(bk_rec_in_free)
	struct bk_rec_in in = { .lines = { .fd = fd, .stoppable = true } };
	struct plan plan = { 0 };
	json_t *o;
	int got;

	while ((got = bk_rec_next(&in, &o, err)) == 1) {
		got = add_record(&plan, o, err);
		json_decref(o);
		if (got < 0)
			break;
	}
	if (got == 0 && !plan.host)
		got = bk_err_set(err, BK_EX_PROTOCOL, 0,
				 "what was read is no plan of bk-scan");
	if (got < 0) {
		plan_free(&plan);
		return -1;
	}
	plan.partial = in.status == BK_EX_PARTIAL;
	if (plan.partial && plan.warned.n == 0)
		bk_strv_add(&plan.warned, "");
	*ret = plan;
	return 0;
}

int plan_scan(const char *config, const char *accept, bool dry,
	      struct plan *ret, struct bk_err *err)
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
	if (accept)
		bk_strv_add(&argv, "--accept");
	if (dry)
		bk_strv_add(&argv, "--dry-run");
	bk_strv_add(&argv, "list");
	if (accept)
		bk_strv_addf(&argv, "restic:%s", accept);
	x.argv = argv.v;
	if (bk_exec_start(&x, &c, err) < 0)
		return -1;
	got = plan_read(c.out, ret, err);
	if (got == 0)
		ret->narrow = accept != NULL;
	status = bk_sig_pending() ? bk_exec_stop(&c, 5000) : bk_exec_wait(&c);
	if (bk_sig_pending()) {
		if (got == 0)
			plan_free(ret);
		return bk_err_set(err, BK_EX_TEMPFAIL, 0,
				  "it was stopped during the scan");
	}
	if (status != BK_EX_OK && status != BK_EX_PARTIAL) {
		/* Its own end tells more than the stream that it cut off. */
		if (got == 0)
			plan_free(ret);
		return bk_err_set(err, status, 0,
				  "bk-scan ended with status %d", status);
	}
	return got;
}
