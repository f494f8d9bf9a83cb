/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plan.h"

#include "path.h"
#include "rec.h"

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
	bk_plan_free(&plan->in);
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
	const char *set;
	char *path = bk_plan_path(o, &set, err);
	struct plan_set *s;

	if (!path)
		return -1;
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
	bk_plan_texts(o, "exclude", &s->entries[s->nentries].exclude);
	s->nentries++;
	return 0;
}

static void add_mount(struct plan *plan, const json_t *o)
{
	BK_AUTO_FREE char *path = bk_plan_entered(o);

	if (!path)
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

	for (size_t i = 0; plan->in.partial && i < plan->in.warned.n; i++) {
		const char *path = plan->in.warned.v[i];

		n += !*path || concerns(set, path) ||
		     (!plan->narrow && !concerns_any(plan, path));
	}
	return n;
}

static int take(void *arg, const char *type, const json_t *o,
		struct bk_err *err)
{
	struct plan *plan = arg;
	const char *class = bk_rec_str(o, "class");

	if (strcmp(type, "mount") == 0) {
		add_mount(plan, o);
		return 0;
	}
	if (!class || strcmp(class, "restic") != 0)
		return 0;
	if (strcmp(type, "set") == 0 && bk_rec_str(o, "name")) {
		struct plan_set *s = find_or_add(plan, bk_rec_str(o, "name"));

		bk_plan_texts(o, "exclude", &s->exclude);
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
	struct plan plan = { 0 };

	if (bk_plan_read(fd, take, &plan, &plan.in, err) < 0) {
		plan_free(&plan);
		return -1;
	}
	*ret = plan;
	return 0;
}

int plan_scan(const char *config, const char *accept, bool dry,
	      struct plan *ret, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv args = BK_STRV_INIT;
	struct plan plan = { .narrow = accept != NULL };

	if (accept)
		bk_strv_add(&args, "--accept");
	if (dry)
		bk_strv_add(&args, "--dry-run");
	bk_strv_add(&args, "list");
	if (accept)
		bk_strv_addf(&args, "restic:%s", accept);
	if (bk_plan_scan(config, args.v, take, &plan, &plan.in, err) < 0) {
		plan_free(&plan);
		return -1;
	}
	*ret = plan;
	return 0;
}
