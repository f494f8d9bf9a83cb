/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * diff: decisions that came (+), went (-) or changed (~) since the last list.
 */
#include "log.h"
#include "path.h"
#include "scan.h"

static bool same_list(const struct bk_strv *a, const struct bk_strv *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

/* What is another between two decisions at one place; NULL: nothing. */
static const char *change(const struct rec *a, const struct rec *b)
{
	if (a->in != b->in)
		return b->in ? "begins" : "ends";
	if (a->why != b->why || a->line != b->line ||
	    strcmp(a->file, b->file) != 0)
		return "why";
	if (!a->in)
		return NULL;
	if (a->state != b->state)
		return state_name(b->state);
	if (a->copies != b->copies || a->del != b->del)
		return "class";
	if (!same_list(&a->exclude, &b->exclude) ||
	    !same_list(&a->boxes, &b->boxes) || a->has_age != b->has_age ||
	    a->min_age != b->min_age || a->has_owner != b->has_owner ||
	    a->owner != b->owner)
		return "tuning";
	if ((a->mount || b->mount) &&
	    (!a->mount || !b->mount || strcmp(a->mount, b->mount) != 0))
		return "mount";
	return NULL;
}

static void print(const struct plan *p, const struct rec *r, const char *op,
		  const char *what, struct bk_rec *out)
{
	BK_AUTO_FREE char *why = rec_why(r);
	json_t *o;

	if (out->mode == BK_REC_NUL) {
		bk_rec_text(out, r->path, NULL);
		return;
	}
	if (out->mode == BK_REC_TEXT) {
		bk_rec_text(out, op, class_name(r->class), p->sets[r->set].name,
			    r->path, why, what, NULL);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "op", op);
	bk_rec_set_str(o, "class", class_name(r->class));
	bk_rec_set_str(o, "set", p->sets[r->set].name);
	bk_rec_set_path(o, "path", r->path);
	bk_rec_set_str(o, "why", why);
	bk_rec_set_str(o, "what", what);
	bk_rec_json(out, "change", o);
}

static const struct rec *find(const struct plan *in, const struct plan *p,
			      const struct rec *r)
{
	int set = plan_find_set(in, r->class, p->sets[r->set].name);
	const struct rec *at =
		set < 0 ? NULL : plan_at(in, (size_t)set, r->path);

	return at && strcmp(at->path, r->path) == 0 ? at : NULL;
}

static const char *in_out(const struct rec *r)
{
	return r->in ? "in" : "out";
}

static void compare(const struct plan *old, const struct plan *new,
		    struct bk_rec *out)
{
	for (size_t i = 0; i < old->nrecs; i++)
		if (!find(new, old, old->recs[i]))
			print(old, old->recs[i], "-", in_out(old->recs[i]),
			      out);
	for (size_t i = 0; i < new->nrecs; i++) {
		const struct rec *r = new->recs[i], *was = find(old, new, r);
		const char *what = was ? change(was, r) : in_out(r);

		if (what)
			print(new, r, was ? "~" : "+", what, out);
	}
}

int cmd_diff(struct scan *s, int argc, char **argv)
{
	struct bk_rec out = bk_rec_stdout(s->cli.mode);
	BK_AUTO(plan_free) struct plan last = { 0 };
	struct bk_err err;
	int status;

	if (argc)
		return bk_cli_usage("diff takes no '%s'", argv[0]);
	if (scan_load_last(s, &last, &err) < 0) {
		bk_error("nothing to compare with: %s; run 'bk-scan list' "
			 "first",
			 err.msg);
		return err.exit;
	}
	status = scan_filter(s, 0, NULL);
	if (status == BK_EX_OK)
		status = scan_run(s, &(struct scan_how){ 0 });
	if (status != BK_EX_OK)
		return status;
	compare(&last, &s->plan, &out);
	scan_warn(s, NULL);
	status = plan_status(&s->plan);
	if (out.mode == BK_REC_JSON) {
		uint64_t n = out.count;

		bk_rec_end(&out, status);
		return n ? BK_EX_NO : status;
	}
	return out.count ? BK_EX_NO : status;
}
