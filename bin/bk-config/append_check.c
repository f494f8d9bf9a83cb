/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * check: repositories that are append-only are so still: the key of this host
 * is good for nothing else, and no other one gets in.
 */
#include "append.h"
#include "checks.h"

static void check_key(struct check *c, const char *label,
		      const struct append *a)
{
	BK_AUTO_STRV struct bk_strv rclone = BK_STRV_INIT;
	struct bk_err err;

	box_as_key(a, "ssh", a->key, NULL, &rclone);
	bk_strv_add(&rclone, a->at.host);
	if (prove_shut(a, &err) < 0 || box_refuses(&rclone, &err) < 0)
		report_add(&c->report,
			   err.exit == BK_EX_TEMPFAIL ? LEVEL_WARNING
						      : LEVEL_ERROR,
			   label,
			   "see its line in .ssh/authorized_keys there: "
			   "bk-config(1), append-only",
			   "its key is not proved to be one that only adds: %s",
			   err.msg);
}

static void check_others(struct check *c, const char *label,
			 const struct append *a)
{
	BK_AUTO_FREE char *remedy = bk_asprintf(
		"bk-config append-only %s --full-key FILE", a->repo->name);
	BK_AUTO_FREE char *which = NULL;
	struct bk_err err;

	if (keys_open(a, &which, &err) < 0)
		report_add(&c->report, LEVEL_WARNING, label, NULL, "%s",
			   err.msg);
	else if (which)
		report_add(&c->report, LEVEL_ERROR, label, remedy,
			   "it is no more append-only than its weakest key: "
			   "%s gets in, and can delete",
			   which);
}

static void check_one(struct check *c, const struct bk_conf_section *s)
{
	BK_AUTO(append_free)
	struct append a = { .s = { .t = c->t, .want = &c->t->want },
			    .view = SSH_VIEW_INIT };
	BK_AUTO_FREE char *label = section_label(s);
	BK_AUTO_REMOTE struct bk_remote h = BK_REMOTE_INIT;
	struct bk_err err;

	if (check_is_broken(c, label) || !ssh_remote(s, &h))
		return;
	if (append_find(&a, s->name, &err) < 0 || !a.repo) {
		report_add(&c->report, LEVEL_WARNING, label, NULL,
			   "what its key may do is not known: %s", err.msg);
		return;
	}
	/* By hand it may have another name. */
	if (!bk_strv_has(&a.view.keys, a.key) && a.view.keys.n > 0) {
		free(a.key);
		a.key = bk_strdup(a.view.keys.v[0]);
		bk_strv_free(&a.mine);
		bk_strv_free(&a.files);
		keys_find(&a);
	}
	check_key(c, label, &a);
	check_others(c, label, &a);
}

void check_append_only(struct check *c)
{
	const struct bk_conf_section *s = NULL;

	while (!c->t->offline && (s = bk_conf_next(c->t->conf, "repo", s)))
		if (bk_conf_bool(s, "append-only", false))
			check_one(c, s);
}
