/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report.h"

#include <stdarg.h>

static bool is_known(const struct report *r, const char *about, const char *s)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->v[i].about, about) == 0 &&
		    strcmp(r->v[i].problem, s) == 0)
			return true;
	return false;
}

void report_add(struct report *r, enum level level, const char *about,
		const char *remedy, const char *fmt, ...)
{
	char *problem = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&problem, fmt, ap) < 0)
		abort();
	va_end(ap);
	if (is_known(r, about, problem)) {
		free(problem);
		return;
	}
	r->v = bk_realloc(r->v, r->n + 1, sizeof(*r->v));
	r->v[r->n++] = (struct finding){
		.level = level,
		.about = bk_strdup(about),
		.problem = problem,
		.remedy = bk_strdup(remedy ? remedy : ""),
	};
}

static void print(const struct finding *f, struct bk_rec *out)
{
	static const char *const names[] = {
		[LEVEL_ERROR] = "error",
		[LEVEL_WARNING] = "warning",
		[LEVEL_NOTE] = "note",
	};
	json_t *o;

	if (out->mode != BK_REC_JSON) {
		bk_rec_text(out, names[f->level], f->about, f->problem,
			    f->remedy, NULL);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "level", names[f->level]);
	bk_rec_set_path(o, "about", f->about);
	bk_rec_set_path(o, "problem", f->problem);
	if (*f->remedy)
		bk_rec_set_path(o, "remedy", f->remedy);
	bk_rec_json(out, "finding", o);
}

int report_print(struct report *r, struct bk_rec *out)
{
	int worst = LEVEL_NOTE + 1;

	for (int level = LEVEL_ERROR; level <= LEVEL_NOTE; level++) {
		for (size_t i = 0; i < r->n; i++) {
			if ((int)r->v[i].level != level)
				continue;
			print(&r->v[i], out);
			if (level < worst)
				worst = level;
		}
	}
	return worst;
}

void report_free(struct report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->v[i].about);
		free(r->v[i].problem);
		free(r->v[i].remedy);
	}
	free(r->v);
	*r = (struct report){ NULL, 0 };
}
