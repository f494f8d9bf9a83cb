/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * show: the picture of the plan. A line for each place where something is
 * decided, below it what the scan complains about there, totals at the end.
 */
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "path.h"
#include "scan.h"

/* A place, and what lies below it down to the next ones. */
struct row {
	char *path;
	size_t parent; /* index, or NONE */
	bool last;     /* of its parent's rows */
	bool covered;
	uint64_t files, dirs, bytes;
};

enum { COLUMNS = 5 };
static const size_t NONE = SIZE_MAX;

struct view {
	struct scan *scan;
	const char *only;
	struct row *rows;
	size_t n;
	size_t *warned; /* the row of each warning of the plan, or NONE */
	bool color;
	bool utf8;
	size_t width[COLUMNS];
};

/* ---- rows ------------------------------------------------------------------ */

static void add_row(struct view *v, const char *path)
{
	if (v->only && !bk_path_within(path, v->only))
		return;
	v->rows = bk_realloc(v->rows, v->n + 1, sizeof(*v->rows));
	v->rows[v->n++] = (struct row){ .path = bk_strdup(path) };
}

static int compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return bk_path_compare(x->path, y->path);
}

static void link_rows(struct view *v)
{
	size_t n = 0;

	if (v->n)
		qsort(v->rows, v->n, sizeof(*v->rows), compare);
	for (size_t i = 0; i < v->n; i++) {
		struct row *r = &v->rows[i];
		size_t up = n - 1;

		if (n && strcmp(v->rows[n - 1].path, r->path) == 0) {
			free(r->path);
			continue;
		}
		while (up != NONE && !bk_path_within(r->path, v->rows[up].path))
			up = v->rows[up].parent;
		v->rows[n] = *r;
		v->rows[n++].parent = up;
	}
	v->n = n;
	for (size_t i = n; i-- > 0;) {
		v->rows[i].last = true;
		for (size_t k = i + 1; k < n && v->rows[i].last; k++)
			v->rows[i].last =
				v->rows[k].parent != v->rows[i].parent;
	}
}

/* The deepest row at or above path, or NONE. */
static size_t row_of(const struct view *v, const char *path)
{
	size_t lo = 0, hi = v->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (bk_path_compare(v->rows[mid].path, path) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (lo--; lo != NONE; lo = v->rows[lo].parent)
		if (bk_path_within(path, v->rows[lo].path))
			break;
	return lo;
}

static void make_rows(struct view *v)
{
	const struct plan *p = &v->scan->plan;
	const struct walk *w = &v->scan->walk;

	if (v->only)
		add_row(v, v->only);
	for (size_t i = 0; i < p->scanned.n; i++)
		add_row(v, p->scanned.v[i]);
	for (size_t i = 0; i < p->nrecs; i++)
		add_row(v, p->recs[i]->path);
	link_rows(v);
	v->warned = bk_calloc(p->warnings.n, sizeof(*v->warned));
	for (size_t i = 0; i < p->warnings.n; i++) {
		const char *path = p->warnings.v[i].path;

		v->warned[i] = path ? row_of(v, path) : NONE;
	}
	for (size_t i = 0; i < w->nzones; i++) {
		size_t at = row_of(v, w->zones[i]->path);

		if (at == NONE || !v->rows)
			continue;
		v->rows[at].files += w->zones[i]->files;
		v->rows[at].dirs += w->zones[i]->dirs;
		v->rows[at].bytes += w->zones[i]->bytes;
	}
}

/* ---- cells ----------------------------------------------------------------- */

static void add_tree(struct bk_buf *b, const struct view *v, size_t i,
		     bool below)
{
	const struct row *r = &v->rows[i];
	static const char *const glyphs[2][4] = {
		{ "|- ", "`- ", "|  ", "   " },
		{ "├─ ", "└─ ", "│  ", "   " },
	};
	const char *const *g = glyphs[v->utf8];

	if (r->parent == NONE)
		return;
	add_tree(b, v, r->parent, true);
	bk_buf_adds(b, g[(below ? 2 : 0) + (r->last ? 1 : 0)]);
}

static void add_name(struct bk_buf *b, const struct view *v, size_t i)
{
	const struct row *r = &v->rows[i];
	const char *name = r->path;

	add_tree(b, v, i, false);
	if (r->parent != NONE) {
		name += strlen(v->rows[r->parent].path);
		name += *name == '/';
	}
	bk_str_add_term(b, name);
}

static void add_state(struct bk_buf *b, const struct rec *r)
{
	if (r->in && r->state != STATE_OK)
		bk_buf_addf(b, " (%s)", state_name(r->state));
}

static void add_classes(struct bk_buf *b, struct view *v, size_t i)
{
	const struct plan *p = &v->scan->plan;
	bool ended = false;

	for (size_t k = 0; k < p->nsets; k++) {
		const struct rec *r = plan_at(p, k, v->rows[i].path);

		if (!r)
			continue;
		if (!r->in) {
			ended |= strcmp(r->path, v->rows[i].path) == 0;
			continue;
		}
		if (b->len)
			bk_buf_adds(b, ", ");
		scan_add_class(b, p, r);
		add_state(b, r);
		v->rows[i].covered = true;
	}
	if (!b->len)
		bk_buf_adds(b, ended ? "no" : "-");
}

static void add_exclude(struct bk_buf *b, const struct rec *r)
{
	for (size_t i = 0; r->in && i < r->exclude.n; i++) {
		bk_buf_adds(b, i ? " " : " without ");
		bk_str_add_term(b, r->exclude.v[i]);
	}
}

/* Each reason once, the marker's by its name alone. */
static void add_whys(struct bk_buf *b, const struct view *v, size_t i)
{
	const struct plan *p = &v->scan->plan;
	const char *path = v->rows[i].path;
	BK_AUTO_STRV struct bk_strv seen = BK_STRV_INIT;

	for (size_t k = 0; k < p->nsets; k++) {
		const struct rec *r = plan_at(p, k, path);
		BK_AUTO_FREE char *why = NULL;
		const char *text;

		if (!r || strcmp(r->path, path) != 0)
			continue;
		why = rec_why(r);
		text = r->why == WHY_MARKER || (r->why == WHY_SET && !r->line)
			       ? bk_path_base(why)
			       : why;
		if (bk_strv_has(&seen, text))
			continue;
		bk_strv_add(&seen, text);
		if (b->len)
			bk_buf_adds(b, ", ");
		bk_str_add_term(b, text);
		add_exclude(b, r);
	}
}

static void add_cells(struct view *v, size_t i, struct bk_buf *cell)
{
	const struct row *r = &v->rows[i];

	add_name(&cell[0], v, i);
	add_classes(&cell[1], v, i);
	if (r->dirs || r->files) {
		if (v->scan->plan.sizes)
			bk_str_add_size(&cell[2], r->bytes);
		bk_str_add_count(&cell[3], r->files);
		bk_buf_adds(&cell[3], r->files == 1 ? " file " : " files");
	}
	add_whys(&cell[4], v, i);
}

/* ---- printing -------------------------------------------------------------- */

static size_t columns(const struct bk_buf *b)
{
	return b->len ? bk_str_columns(b->p) : 0;
}

static void put(const struct view *v, const struct bk_buf *b, size_t width,
		bool right, const char *color)
{
	size_t pad = width > columns(b) ? width - columns(b) : 0;

	/* one that is too long for its column does not touch the next */
	if (!right && width && pad < 2)
		pad = 2;
	if (right)
		printf("%*s", (int)pad, "");
	if (b->len && v->color && color)
		printf("\033[%sm%s\033[0m", color, b->p);
	else if (b->len)
		fputs(b->p, stdout);
	if (!right)
		printf("%*s", (int)pad, "");
}

static const char *class_color(const struct bk_buf *class)
{
	if (strcmp(class->p, "-") == 0)
		return "2";
	if (strcmp(class->p, "no") == 0)
		return "33";
	if (strstr(class->p, "(missing)") || strstr(class->p, "(unreadable)"))
		return "31";
	if (strstr(class->p, "delete"))
		return "35";
	return bk_str_starts(class->p, "cold") ? "36" : "32";
}

static void print_warning(const struct view *v, const struct warning *w,
			  size_t row)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	const char *name = w->path;

	if (row != NONE) {
		const char *at = v->rows[row].path;

		add_tree(&b, v, row, true);
		if (row + 1 < v->n && v->rows[row + 1].parent == row)
			bk_buf_adds(&b, v->utf8 ? "│  " : "|  ");
		if (strcmp(name, at) == 0)
			name = NULL;
		else
			name += at[1] ? strlen(at) + 1 : 1;
	}
	bk_buf_adds(&b, "! ");
	if (name)
		bk_str_add_term(&b, name);
	if (name && w->line)
		bk_buf_addf(&b, ":%zu", w->line);
	if (name)
		bk_buf_adds(&b, ": ");
	bk_str_add_term(&b, w->msg);
	put(v, &b, 0, false, "31");
	putchar('\n');
}

/* Warnings about what is at this row; NONE: what is at none of them. */
static void print_warnings(const struct view *v, size_t row)
{
	const struct warnings *w = &v->scan->plan.warnings;

	for (size_t i = 0; i < w->n; i++) {
		const char *path = w->v[i].path;

		if (v->warned[i] == row && !(row == NONE && path && v->only))
			print_warning(v, &w->v[i], row);
	}
}

static void print_row(const struct view *v, size_t i, const struct bk_buf *cell)
{
	put(v, &cell[0], v->width[0] + 2, false,
	    v->rows[i].parent == NONE ? "1" : NULL);
	put(v, &cell[1], v->width[1] + 2, false, class_color(&cell[1]));
	if (v->width[2])
		put(v, &cell[2], v->width[2], true, NULL);
	put(v, &cell[3], v->width[3] + 2, true, NULL);
	if (cell[4].len) {
		fputs("  ", stdout);
		put(v, &cell[4], 0, false, "2");
	}
	putchar('\n');
	print_warnings(v, i);
}

static void print_total(const struct view *v, const char *label,
			const struct row *sum)
{
	BK_AUTO_BUF struct bk_buf name = BK_BUF_INIT;
	BK_AUTO_BUF struct bk_buf size = BK_BUF_INIT;
	BK_AUTO_BUF struct bk_buf files = BK_BUF_INIT;
	BK_AUTO_BUF struct bk_buf dirs = BK_BUF_INIT;

	bk_buf_adds(&name, label);
	bk_str_add_size(&size, sum->bytes);
	bk_str_add_count(&files, sum->files);
	bk_str_add_count(&dirs, sum->dirs);
	put(v, &name, v->width[0] + v->width[1] + 4, false, NULL);
	if (v->width[2])
		put(v, &size, v->width[2], true, NULL);
	bk_buf_adds(&files, sum->files == 1 ? " file " : " files");
	put(v, &files, v->width[3] + 2, true, NULL);
	printf("  in %s folder%s\n", dirs.p, sum->dirs == 1 ? "" : "s");
}

static void add_sum(struct row *sum, const struct row *r)
{
	sum->files += r->files;
	sum->dirs += r->dirs;
	sum->bytes += r->bytes;
}

/* Of what is in set k; of what is in none below the roots where k is nsets. */
static struct row sum_of(const struct view *v, size_t k)
{
	const struct plan *p = &v->scan->plan;
	struct row sum = { 0 };

	for (size_t i = 0; i < v->n; i++) {
		const struct row *r = &v->rows[i];
		const struct rec *at =
			k < p->nsets ? plan_at(p, k, r->path) : NULL;

		if (k < p->nsets ? at && at->in : !r->covered)
			add_sum(&sum, r);
	}
	return sum;
}

static bool is_used(const struct plan *p, size_t set)
{
	for (size_t i = 0; i < p->nrecs; i++)
		if (p->recs[i]->set == set)
			return true;
	return false;
}

static void print_totals(const struct view *v)
{
	const struct plan *p = &v->scan->plan;

	putchar('\n');
	for (size_t k = 0; k <= p->nsets; k++) {
		struct row sum = sum_of(v, k);
		BK_AUTO_BUF struct bk_buf label = BK_BUF_INIT;

		if (k < p->nsets && !is_used(p, k))
			continue;
		if (k < p->nsets) {
			bk_buf_adds(&label, class_name(p->sets[k].class));
			if (*p->sets[k].name)
				bk_buf_addf(&label, ":%s", p->sets[k].name);
		} else {
			bk_buf_adds(&label, "not covered");
		}
		print_total(v, label.p, &sum);
	}
}

static void print_text(struct view *v)
{
	BK_AUTO_FREE struct bk_buf *cells =
		bk_calloc(v->n * COLUMNS + 1, sizeof(*cells));

	for (size_t i = 0; i < v->n; i++) {
		add_cells(v, i, &cells[i * COLUMNS]);
		for (size_t k = 0; k < COLUMNS; k++) {
			size_t w = columns(&cells[i * COLUMNS + k]);

			/* one long name does not push all others away */
			if (v->width[k] < w && (k > 0 || w <= 64))
				v->width[k] = w;
		}
	}
	for (size_t i = 0; i < v->n; i++)
		print_row(v, i, &cells[i * COLUMNS]);
	print_warnings(v, NONE);
	print_totals(v);
	for (size_t i = 0; i < v->n * COLUMNS; i++)
		bk_buf_free(&cells[i]);
}

static void print_json(struct view *v, struct bk_rec *out)
{
	for (size_t i = 0; i < v->n; i++) {
		struct row *r = &v->rows[i];
		BK_AUTO_BUF struct bk_buf class = BK_BUF_INIT;
		BK_AUTO_BUF struct bk_buf why = BK_BUF_INIT;
		json_t *o = json_object();

		add_classes(&class, v, i);
		add_whys(&why, v, i);
		bk_rec_set_path(o, "path", r->path);
		bk_rec_set_bool(o, "covered", r->covered);
		bk_rec_set_str(o, "class", class.p);
		if (why.len)
			bk_rec_set_str(o, "why", why.p);
		bk_rec_set_int(o, "files", (int64_t)r->files);
		bk_rec_set_int(o, "dirs", (int64_t)r->dirs);
		if (v->scan->plan.sizes)
			bk_rec_set_int(o, "bytes", (int64_t)r->bytes);
		bk_rec_json(out, "row", o);
	}
}

static bool want_color(const struct scan *s)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (s->color != COLOR_AUTO)
		return s->color == COLOR_ALWAYS;
	return !(no && *no) && isatty(STDOUT_FILENO) &&
	       !(term && strcmp(term, "dumb") == 0);
}

static bool want_utf8(void)
{
	const char *s = getenv("LC_ALL");

	if (!s || !*s)
		s = getenv("LC_CTYPE");
	if (!s || !*s)
		s = getenv("LANG");
	return s && (strcasestr(s, "utf-8") || strcasestr(s, "utf8"));
}

int cmd_show(struct scan *s, int argc, char **argv)
{
	struct bk_rec out = bk_rec_stdout(s->cli.mode);
	BK_AUTO_FREE char *only = NULL;
	struct view v = { .scan = s };
	int status;

	if (argc > 1)
		return bk_cli_usage("show takes one PATH");
	if (argc && !(only = scan_path(argv[0], &status)))
		return status;
	status = scan_filter(s, 0, NULL);
	if (status == BK_EX_OK)
		status =
			scan_run(s, &(struct scan_how){ .only = only,
							.sizes = !s->no_size });
	if (status != BK_EX_OK)
		return status;
	v.only = only;
	v.color = want_color(s);
	v.utf8 = want_utf8();
	make_rows(&v);
	status = plan_status(&s->plan);
	if (out.mode == BK_REC_JSON)
		print_json(&v, &out);
	else if (out.mode == BK_REC_TEXT)
		print_text(&v);
	for (size_t i = 0; i < v.n; i++) {
		if (out.mode == BK_REC_NUL)
			bk_rec_text(&out, v.rows[i].path, NULL);
		free(v.rows[i].path);
	}
	free(v.rows);
	free(v.warned);
	if (out.mode != BK_REC_TEXT)
		scan_warn(s, only);
	bk_rec_end(&out, status);
	return status;
}
