/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "file.h"
#include "path.h"
#include "plan.h"

static const char *const classes[] = { "restic", "cold" };
static const char *const states[] = { "ok", "missing", "unreadable", "known" };
static const char *const whys[] = { "marker", "config", "set", "mount" };

const char *class_name(enum class class)
{
	return classes[class];
}

const char *state_name(enum state state)
{
	return states[state];
}

char *rec_why(const struct rec *r)
{
	switch (r->why) {
	case WHY_CONFIG:
		if (r->link)
			return bk_asprintf("%s:%zu, by %s", r->file, r->line,
					   r->link);
		return bk_asprintf("%s:%zu", r->file, r->line);
	case WHY_MOUNT:
		return bk_asprintf("mount of %s", r->file);
	default:
		return bk_strdup(r->file);
	}
}

/* ---- writing --------------------------------------------------------------- */

static void set_list(json_t *o, const char *key, const struct bk_strv *l)
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->n; i++) {
		BK_AUTO_FREE char *s = bk_str_to_utf8(l->v[i], strlen(l->v[i]));

		json_array_append_new(a, json_string(s));
	}
	json_object_set_new(o, key, a);
}

/* Paths that are not UTF-8 are objects with a path and its bytes. */
static void set_paths(json_t *o, const char *key, const struct bk_strv *l)
{
	json_t *a = json_array();

	for (size_t i = 0; i < l->n; i++) {
		json_t *x = json_object();

		bk_rec_set_path(x, "path", l->v[i]);
		if (json_object_size(x) > 1) {
			json_array_append_new(a, x);
			continue;
		}
		json_array_append(a, json_object_get(x, "path"));
		json_decref(x);
	}
	json_object_set_new(o, key, a);
}

static void write_head(const struct plan *p, struct bk_rec *out)
{
	json_t *o = json_object();

	bk_rec_set_str(o, "host", p->host);
	bk_rec_set_time(o, "time", p->time);
	set_paths(o, "scanned", &p->scanned);
	bk_rec_json(out, "plan", o);
}

static bool has_rec(const struct plan *p, size_t set)
{
	for (size_t i = 0; i < p->nrecs; i++)
		if (p->recs[i]->set == set)
			return true;
	return false;
}

/* A [backup] that is fed by pipes alone is no matter of a plan. */
static bool is_listed(const struct plan *p, size_t i)
{
	const struct set *s = &p->sets[i];

	return s->class == COLD || s->markers || has_rec(p, i) || !s->section ||
	       bk_conf_value(s->section, "path", NULL);
}

static void write_set(const struct set *s, struct bk_rec *out)
{
	json_t *o = json_object();

	bk_rec_set_str(o, "class", classes[s->class]);
	bk_rec_set_str(o, "name", s->name);
	if (s->class == RESTIC) {
		bk_rec_set_str(o, "repo", s->repo);
		bk_rec_set_bool(o, "markers", s->markers);
		set_list(o, "exclude", &s->exclude);
	}
	bk_rec_json(out, "set", o);
}

static json_t *why_json(const struct rec *r)
{
	json_t *o = json_object();

	bk_rec_set_str(o, "kind", whys[r->why]);
	if (r->why == WHY_MOUNT) {
		bk_rec_set_str(o, "fstype", r->file);
		return o;
	}
	bk_rec_set_path(o, "file", r->file);
	if (r->line)
		bk_rec_set_int(o, "line", (int64_t)r->line);
	if (r->link)
		bk_rec_set_path(o, "link", r->link);
	return o;
}

static void write_cold(const struct rec *r, json_t *o)
{
	bk_rec_set_int(o, "copies", r->copies);
	bk_rec_set_bool(o, "delete", r->del);
	if (r->has_owner)
		bk_rec_set_int(o, "owner", r->owner);
	if (r->boxes.n)
		set_list(o, "boxes", &r->boxes);
	if (r->has_age)
		bk_rec_set_int(o, "min_age", (int64_t)r->min_age);
}

static void write_rec(const struct plan *p, const struct rec *r,
		      struct bk_rec *out)
{
	json_t *o = json_object();

	bk_rec_set_str(o, "class", classes[r->class]);
	bk_rec_set_str(o, "set", p->sets[r->set].name);
	bk_rec_set_path(o, "path", r->path);
	json_object_set_new(o, "why", why_json(r));
	if (!r->in) {
		if (r->state == STATE_KNOWN)
			bk_rec_set_str(o, "state", states[r->state]);
		bk_rec_json(out, "out", o);
		return;
	}
	bk_rec_set_str(o, "state", states[r->state]);
	if (r->mount)
		bk_rec_set_path(o, "mount", r->mount);
	bk_rec_set_bool(o, "nested", r->nested);
	set_list(o, "exclude", &r->exclude);
	bk_rec_set_int(o, "files", (int64_t)r->files);
	bk_rec_set_int(o, "dirs", (int64_t)r->dirs);
	if (p->sizes)
		bk_rec_set_int(o, "bytes", (int64_t)r->bytes);
	if (r->class == COLD)
		write_cold(r, o);
	bk_rec_json(out, "root", o);
}

static void write_warning(const struct warning *w, struct bk_rec *out)
{
	json_t *o = json_object();

	if (w->path)
		bk_rec_set_path(o, "path", w->path);
	if (w->line)
		bk_rec_set_int(o, "line", (int64_t)w->line);
	bk_rec_set_str(o, "message", w->msg);
	bk_rec_json(out, "warning", o);
}

void plan_write(const struct plan *p, const struct filter *f,
		struct bk_rec *out)
{
	write_head(p, out);
	for (size_t i = 0; i < p->nsets; i++) {
		const struct set *s = &p->sets[i];

		if (!is_listed(p, i) ||
		    !(s->class == RESTIC ? f->restic : f->cold))
			continue;
		if (s->class == COLD || !f->set || strcmp(f->set, s->name) == 0)
			write_set(s, out);
	}
	for (size_t i = 0; i < p->nrecs; i++)
		if (filter_takes(f, p, p->recs[i]))
			write_rec(p, p->recs[i], out);
	for (size_t i = 0; i < p->nmounts; i++) {
		json_t *o = json_object();

		bk_rec_set_path(o, "path", p->mounts[i].path);
		bk_rec_set_str(o, "fstype", p->mounts[i].fstype);
		bk_rec_set_bool(o, "crossed", p->mounts[i].crossed);
		bk_rec_json(out, "mount", o);
	}
	for (size_t i = 0; i < p->warnings.n; i++)
		write_warning(&p->warnings.v[i], out);
	bk_rec_end(out, plan_status(p));
}

/* ---- reading --------------------------------------------------------------- */

static int find_name(const char *const *names, size_t n, const char *s)
{
	for (size_t i = 0; s && i < n; i++)
		if (strcmp(names[i], s) == 0)
			return (int)i;
	return -1;
}

static void get_list(const json_t *o, const char *key, struct bk_strv *l)
{
	const json_t *a = json_object_get(o, key);

	for (size_t i = 0; i < json_array_size(a); i++) {
		const char *s = json_string_value(json_array_get(a, i));

		if (s)
			bk_strv_add(l, s);
	}
}

static int load_set(struct plan *p, const json_t *o)
{
	int class =
		find_name(classes, BK_COUNT(classes), bk_rec_str(o, "class"));
	const char *name = bk_rec_str(o, "name");
	struct set *s;

	if (class < 0 || !name)
		return -1;
	p->sets = bk_realloc(p->sets, p->nsets + 1, sizeof(*p->sets));
	s = &p->sets[p->nsets++];
	*s = (struct set){ .class = (enum class) class,
			   .name = bk_strdup(name) };
	get_list(o, "exclude", &s->exclude);
	return 0;
}

static int load_why(struct rec *r, const json_t *o)
{
	int why = find_name(whys, BK_COUNT(whys), bk_rec_str(o, "kind"));

	if (why < 0)
		return -1;
	r->why = (enum why)why;
	r->line = (size_t)bk_rec_int(o, "line", 0);
	r->link = bk_rec_get_path(o, "link");
	if (why == WHY_MOUNT)
		r->file = bk_strdup(bk_rec_str(o, "fstype") ?: "unknown");
	else
		r->file = bk_rec_get_path(o, "file");
	return r->file ? 0 : -1;
}

static int load_rec(struct plan *p, const json_t *o, bool in)
{
	int class =
		find_name(classes, BK_COUNT(classes), bk_rec_str(o, "class"));
	int state = find_name(states, BK_COUNT(states), bk_rec_str(o, "state"));
	const char *name = bk_rec_str(o, "set");
	BK_AUTO_FREE char *path = bk_rec_get_path(o, "path");
	int set = class < 0 || !name
			  ? -1
			  : plan_find_set(p, (enum class) class, name);
	struct rec *r;

	if (set < 0 || !path || path[0] != '/' || (in && state < 0))
		return -1;
	r = plan_add(p, in, (size_t)set, path);
	r->state = state < 0 ? STATE_OK : (enum state)state;
	r->mount = bk_rec_get_path(o, "mount");
	r->nested = bk_rec_bool(o, "nested", false);
	get_list(o, "exclude", &r->exclude);
	get_list(o, "boxes", &r->boxes);
	r->files = (uint64_t)bk_rec_int(o, "files", 0);
	r->dirs = (uint64_t)bk_rec_int(o, "dirs", 0);
	r->bytes = (uint64_t)bk_rec_int(o, "bytes", 0);
	r->copies = (unsigned int)bk_rec_int(o, "copies", 1);
	r->del = bk_rec_bool(o, "delete", false);
	r->has_owner = json_object_get(o, "owner") != NULL;
	r->owner = (uid_t)bk_rec_int(o, "owner", 0);
	r->has_age = json_object_get(o, "min_age") != NULL;
	r->min_age = (uint64_t)bk_rec_int(o, "min_age", 0);
	return load_why(r, json_object_get(o, "why"));
}

static int load_record(struct plan *p, const json_t *o)
{
	const char *type = bk_rec_str(o, "type");

	if (strcmp(type, "plan") == 0)
		p->time = bk_rec_time(o, "time", 0);
	else if (strcmp(type, "set") == 0)
		return load_set(p, o);
	else if (strcmp(type, "root") == 0 || strcmp(type, "out") == 0)
		return load_rec(p, o, *type == 'r');
	return 0;
}

int plan_load(const char *file, struct plan *p, struct bk_err *err)
{
	BK_AUTO_CLOSE int fd =
		open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	BK_AUTO(bk_rec_in_free) struct bk_rec_in in = { .lines = { .fd = fd } };
	struct stat st;
	json_t *o;
	int got;

	*p = (struct plan){ 0 };
	if (fd < 0)
		return bk_err_set(
			err, errno == ENOENT ? BK_EX_NOINPUT : BK_EX_DATAERR,
			errno, "cannot be opened");
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || bk_file_distrust(&st))
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "is no file of this user that others cannot "
				  "write");
	while ((got = bk_rec_next(&in, &o, err)) == 1) {
		int bad = load_record(p, o);

		json_decref(o);
		if (bad) {
			got = bk_err_set(err, BK_EX_DATAERR, 0,
					 "record %llu makes no sense",
					 (unsigned long long)in.count);
			break;
		}
	}
	if (got == 0 && !p->time)
		got = bk_err_set(err, BK_EX_DATAERR, 0, "it is no plan");
	if (got < 0) {
		plan_free(p);
		if (err)
			err->exit = BK_EX_DATAERR;
	}
	return got;
}
