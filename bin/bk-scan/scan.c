/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "dirs.h"
#include "file.h"
#include "hash.h"
#include "log.h"
#include "path.h"

static void add_point(struct walk *w, const char *path, unsigned int flags)
{
	w->points = bk_realloc(w->points, w->npoints + 1, sizeof(*w->points));
	w->points[w->npoints++] =
		(struct point){ .path = bk_strdup(path), .flags = flags };
}

static int compare_points(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	return bk_path_compare(x->path, y->path);
}

static void add_points(struct scan *s, const char *only)
{
	struct walk *w = &s->walk;
	size_t n = 0;

	for (size_t i = 0; i < s->plan.scanned.n; i++)
		add_point(w, s->plan.scanned.v[i], ZONE_ROOT);
	for (size_t i = 0; i < s->plan.nchoices; i++)
		add_point(w, s->plan.choices[i].path, ZONE_CONFIG);
	if (only)
		add_point(w, only, 0);
	if (w->npoints)
		qsort(w->points, w->npoints, sizeof(*w->points),
		      compare_points);
	for (size_t i = 0; i < w->npoints; i++) {
		if (n &&
		    strcmp(w->points[n - 1].path, w->points[i].path) == 0) {
			w->points[n - 1].flags |= w->points[i].flags;
			free(w->points[i].path);
		} else {
			w->points[n++] = w->points[i];
		}
	}
	w->npoints = n;
}

static void set_up(struct scan *s, const struct scan_how *how)
{
	const struct bk_conf_section *c = bk_conf_find(s->conf, "scan", NULL);
	const struct bk_conf_value *v = NULL;
	struct walk *w = &s->walk;

	w->mounts = &s->mounts;
	w->jobs = (unsigned int)bk_conf_u64(c, "jobs", 32);
	w->cross = bk_conf_bool(c, "cross-mounts", false);
	while ((v = bk_conf_value(c, "fstype", v)))
		bk_strv_add(&w->fstypes, v->value);
	w->sizes = how->sizes;
	w->only = how->only;
	w->only_way = how->only_way;
	plan_prepare(&s->plan, s->conf);
	s->plan.give_up = s->accept ? &s->filter : NULL;
	add_points(s, how->only);
}

static void load_last(const struct scan *s, const struct scan_how *how,
		      struct plan *last)
{
	struct bk_err err;

	*last = (struct plan){ 0 };
	if (how->no_last)
		return;
	if (scan_load_last(s, last, &err) < 0 && err.exit != BK_EX_NOINPUT)
		bk_notice("the last plan is ignored: %s", err.msg);
}

int scan_run(struct scan *s, const struct scan_how *how)
{
	BK_AUTO(plan_free) struct plan last = { 0 };
	struct bk_err err;
	int status = BK_EX_OK;

	s->conf = bk_cli_conf(&s->cli, &status);
	if (!s->conf)
		return status;
	if (mounts_read(&s->mounts, &err) < 0)
		return bk_log_err(&err);
	set_up(s, how);
	status = scan_check_set(s);
	if (status)
		return status;
	status = scan_walk(s, how);
	if (status)
		return status;
	load_last(s, how, &last);
	plan_make(&s->plan, &s->walk, &last);
	return BK_EX_OK;
}

void scan_free(struct scan *s)
{
	plan_free(&s->plan);
	cache_free(&s->cache);
	walk_free(&s->walk);
	mounts_free(&s->mounts);
	bk_conf_free(s->conf);
}

char *scan_file(const struct scan *s, const char *name)
{
	const char *conf = s->cli.config;
	BK_AUTO_FREE char *real = conf ? realpath(conf, NULL) : NULL;

	if (!conf)
		return bk_asprintf("scan/%s", name);
	if (real)
		conf = real;
	return bk_asprintf("scan/%016llx.%s",
			   (unsigned long long)hash64(conf, strlen(conf), 0),
			   name);
}

int scan_load_last(const struct scan *s, struct plan *p, struct bk_err *err)
{
	BK_AUTO_FREE char *name = scan_file(s, "plan.json");
	BK_AUTO_FREE char *path = bk_dirs_peek(BK_DIRS_STATE, name, err);
	struct stat st;

	*p = (struct plan){ 0 };
	if (!path)
		return -1;
	if (lstat(path, &st) < 0)
		return bk_err_sys(err, "cannot read '%s'", path);
	if (plan_load(path, p, err) < 0)
		return bk_err_set(err, err->exit, 0, "'%s': %s", path,
				  err->msg);
	return 0;
}

int scan_save(const struct scan *s, struct bk_err *err)
{
	const struct filter all = { .restic = true, .cold = true };
	BK_AUTO_FREE char *name = scan_file(s, "plan.json");
	BK_AUTO_FREE char *path = bk_dirs_path(BK_DIRS_STATE, name, err);
	struct bk_rec out = { .mode = BK_REC_JSON };
	char *text = NULL;
	size_t len = 0;
	int result;

	if (!path)
		return -1;
	out.f = open_memstream(&text, &len);
	if (!out.f)
		return bk_err_sys(err, "cannot keep the plan");
	plan_write(&s->plan, &all, &out);
	if (fclose(out.f) != 0) {
		free(text);
		return bk_err_sys(err, "cannot keep the plan");
	}
	result = bk_file_write(path, text, len, 0600, err);
	free(text);
	return result;
}

void scan_warn(const struct scan *s, const char *path)
{
	for (size_t i = 0; i < s->plan.warnings.n; i++) {
		const struct warning *w = &s->plan.warnings.v[i];
		BK_AUTO_FREE char *dir =
			w->path ? bk_path_parent(w->path) : NULL;

		if (path && dir && !bk_path_within(path, dir))
			continue;
		if (!w->path)
			bk_warning("%s", w->msg);
		else if (w->line)
			bk_warning("%s:%zu: %s", w->path, w->line, w->msg);
		else
			bk_warning("%s: %s", w->path, w->msg);
	}
}

/* ---- arguments ------------------------------------------------------------- */

static bool add_class(struct filter *f, const char *arg)
{
	if (*arg == '.')
		arg++;
	if (strcmp(arg, "restic") == 0 || strcmp(arg, "backup") == 0) {
		if (f->restic)
			return false;
		f->restic = true;
	} else if (bk_str_starts(arg, "restic:")) {
		if (f->restic)
			return false;
		f->restic = true;
		f->set = arg + strlen("restic:");
	} else if (!f->cold && (strcmp(arg, "cold") == 0 ||
				strcmp(arg, "coldstorage") == 0)) {
		f->cold = true;
	} else if (!f->cold && (strcmp(arg, "delete") == 0 ||
				strcmp(arg, "coldstorage_delete") == 0)) {
		f->cold = f->del = true;
	} else if (!f->cold && (strcmp(arg, "redundant") == 0 ||
				strcmp(arg, "coldstorage_redundant") == 0)) {
		f->cold = f->redundant = true;
	} else {
		return false;
	}
	return true;
}

int scan_filter(struct scan *s, int argc, char **argv)
{
	s->filter = (struct filter){ .restic = argc == 0, .cold = argc == 0 };
	for (int i = 0; i < argc; i++)
		if (!add_class(&s->filter, argv[i]))
			return bk_cli_usage("'%s' is no class, or a second one "
					    "of its kind; there are restic or "
					    "restic:SET, and cold, delete or "
					    "redundant",
					    argv[i]);
	return BK_EX_OK;
}

int scan_check_set(const struct scan *s)
{
	if (!s->filter.set ||
	    plan_find_set(&s->plan, RESTIC, s->filter.set) >= 0)
		return BK_EX_OK;
	bk_error("there is no [backup %s] in the configuration", s->filter.set);
	return BK_EX_USAGE;
}

static char *absolute(const char *arg)
{
	BK_AUTO_FREE char *cwd = NULL;

	if (arg[0] == '/')
		return bk_strdup(arg);
	errno = ENOENT;
	if (!*arg)
		return NULL;
	cwd = getcwd(NULL, 0);
	return cwd ? bk_path_join(cwd, arg) : NULL;
}

/*
 * Too long for realpath(3): then it has to be plain. Behind a symbolic link
 * ".." is not what is written before it, so there must be none.
 */
static char *long_path(const char *path)
{
	BK_AUTO_FREE char *plain = bk_path_clean(path);
	BK_AUTO_CLOSE int fd = -1;

	if (strstr(path, "/../") || strcmp(bk_path_base(path), "..") == 0) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	fd = walk_open(plain, O_PATH | O_NOFOLLOW);
	return fd < 0 ? NULL : bk_strdup(plain);
}

/* The path of what is no folder itself: its own last name is not followed. */
static char *real_file(const char *path)
{
	const char *base = strrchr(path, '/') + 1;
	BK_AUTO_FREE char *dir = bk_memdup(path, (size_t)(base - path) + 1);
	BK_AUTO_FREE char *real = NULL;

	dir[base - path] = '\0';
	real = realpath(dir, NULL);
	return real ? bk_path_join(real, base) : NULL;
}

char *scan_path(const char *arg, int *ret_exit)
{
	BK_AUTO_FREE char *path = absolute(arg);
	char *real = NULL;
	struct stat st;

	if (path && strlen(path) >= PATH_MAX)
		real = long_path(path);
	else if (path && lstat(path, &st) == 0)
		real = S_ISDIR(st.st_mode) ? realpath(path, NULL)
					   : real_file(path);
	if (real)
		return real;
	*ret_exit = errno == EACCES ? BK_EX_NOPERM : BK_EX_NOINPUT;
	bk_error("cannot find '%s': %s", arg, strerror(errno));
	return NULL;
}

bool scan_is_below_root(const struct scan *s, const char *path)
{
	for (size_t i = 0; i < s->plan.scanned.n; i++)
		if (bk_path_within(path, s->plan.scanned.v[i]))
			return true;
	return false;
}

void scan_add_class(struct bk_buf *b, const struct plan *p, const struct rec *r)
{
	const char *set = p->sets[r->set].name;

	bk_buf_adds(b, class_name(r->class));
	if (*set)
		bk_buf_addf(b, ":%s", set);
	if (r->class == COLD && r->in && r->copies > 1)
		bk_buf_addf(b, " x%u", r->copies);
	if (r->class == COLD && r->in && r->del)
		bk_buf_adds(b, " delete");
}
