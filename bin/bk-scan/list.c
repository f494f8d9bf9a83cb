/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * list: the plan, one decision a line or as a stream for other tools; it is
 * kept for diff, and for what the next scan may not be able to see.
 */
#include "scan.h"

static void list_text(const struct plan *p, const struct filter *f,
		      struct bk_rec *out)
{
	for (size_t i = 0; i < p->nrecs; i++) {
		const struct rec *r = p->recs[i];
		BK_AUTO_FREE char *why = rec_why(r);

		if (!filter_takes(f, p, r))
			continue;
		if (out->mode == BK_REC_NUL && r->in)
			bk_rec_text(out, r->path, NULL);
		else if (out->mode == BK_REC_TEXT)
			bk_rec_text(out, class_name(r->class),
				    p->sets[r->set].name, r->path, why,
				    !r->in ? "out"
				    : r->state == STATE_OK
					    ? "in"
					    : state_name(r->state),
				    NULL);
	}
}

int cmd_list(struct scan *s, int argc, char **argv)
{
	struct bk_rec out = bk_rec_stdout(s->cli.mode);
	struct bk_err err;
	int status = scan_filter(s, argc, argv);

	if (status == BK_EX_OK)
		status = scan_run(s, &(struct scan_how){ 0 });
	if (status != BK_EX_OK)
		return status;
	if (!s->cli.dry_run && !s->cached && scan_save(s, &err) < 0)
		warn_add(&s->plan.warnings, true, NULL, 0,
			 "the plan is not kept for the next scan: %s", err.msg);
	if (out.mode == BK_REC_JSON) {
		plan_write(&s->plan, &s->filter, &out);
	} else {
		list_text(&s->plan, &s->filter, &out);
		scan_warn(s, NULL);
	}
	return plan_status(&s->plan);
}
