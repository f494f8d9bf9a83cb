/* SPDX-License-Identifier: GPL-3.0-or-later */
/* undo: files come back out of the quarantine; and what status says of it. */
#include "index.h"
#include "log.h"
#include "path.h"
#include "release.h"
#include "time.h"

struct undo {
	struct release r;
	uint64_t found;
	struct bk_strv tops, folders; /* pairs, of what came back */
};

static int bring_back(void *arg, struct hold *h, struct bk_err *err)
{
	struct undo *u = arg;

	u->found++;
	if (u->r.dry) {
		release_say(&u->r, "would-undo", h->path, h->size);
		return 0;
	}
	if (quarantine_return(u->r.cat, h, err) < 0) {
		release_failed(&u->r, h->path, err->msg);
		return 0;
	}
	u->r.moved++;
	u->r.moved_bytes += h->size;
	release_say(&u->r, "undone", h->path, h->size);
	bk_strv_add(&u->tops, h->top);
	bk_strv_take(&u->folders, bk_path_parent(h->path));
	return 0;
}

static void write_indexes(struct undo *u)
{
	for (size_t i = 0; i < u->folders.n; i++) {
		SAFE_TOP_AUTO struct safe_top top = SAFE_TOP_INIT;
		struct bk_err err;

		/* they come in the order of their paths */
		if (i > 0 && strcmp(u->folders.v[i], u->folders.v[i - 1]) == 0)
			continue;
		if (safe_top_look(&top, u->tops.v[i], &err) < 0 ||
		    index_write(u->r.cat, &u->r.names, &top, u->folders.v[i],
				&err) < 0)
			bk_warning("%s", err.msg);
	}
}

static int run(struct undo *u, char **args, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv paths = BK_STRV_INIT;

	if (look_paths(args, &paths, err) < 0)
		return -1;
	if (paths.n == 0)
		bk_strv_add(&paths, "/");
	u->r.cat = quarantine_start(u->r.dry, 60000, err);
	if (!u->r.cat || names_read(u->r.cat, &u->r.names, err) < 0)
		return -1;
	for (size_t i = 0; i < paths.n; i++) {
		uint64_t before = u->found;

		if (hold_each(u->r.cat, HOLD_BIT(HOLD_HELD), paths.v[i],
			      bring_back, u, err) < 0)
			return -1;
		if (u->found == before && *args)
			return bk_err_set(err, BK_EX_NOINPUT, 0,
					  "nothing of '%s' is in quarantine; "
					  "from a box: bk-cold get",
					  paths.v[i]);
	}
	if (!u->r.dry)
		write_indexes(u);
	return u->r.failed ? BK_EX_PARTIAL : BK_EX_OK;
}

int cmd_undo(struct cold *c, char **args)
{
	struct undo u = { .r = { .c = c, .dry = c->cli.dry_run } };
	struct bk_err err;
	int status = run(&u, args, &err);

	if (status < 0)
		status = bk_log_err(&err);
	if (u.r.moved)
		bk_notice("what came back is released again after release-age, "
			  "unless its marker or delete = yes is taken away");
	bk_strv_free(&u.tops);
	bk_strv_free(&u.folders);
	names_free(&u.r.names);
	free(u.r.first);
	catalog_close(u.r.cat);
	bk_rec_end(&c->out, status);
	return status;
}

/* ---- status -------------------------------------------------------------------- */

struct held {
	struct cold *c;
	int64_t quarantine;
	uint64_t n, bytes;
};

static const char *state_word(const struct hold *h)
{
	switch (h->state) {
	case HOLD_HELD:
		return "quarantine";
	case HOLD_LOST:
		return "taken";
	default:
		return "interrupted";
	}
}

static int print_hold(void *arg, struct hold *h, struct bk_err *err)
{
	struct held *s = arg;
	BK_AUTO_FREE char *until = NULL;
	BK_AUTO_BUF struct bk_buf size = BK_BUF_INIT;
	json_t *o;

	(void)err;
	s->n++;
	s->bytes += h->size;
	if (s->c->out.mode == BK_REC_JSON) {
		o = json_object();
		bk_rec_set_path(o, "path", h->path);
		bk_rec_set_str(o, "state", state_word(h));
		bk_rec_set_int(o, "bytes", (int64_t)h->size);
		bk_rec_set_time(o, "since", h->moved ? h->moved : h->began);
		if (h->state == HOLD_HELD)
			bk_rec_set_time(o, "until", h->moved + s->quarantine);
		bk_rec_json(&s->c->out, "quarantine", o);
		return 0;
	}
	until = look_time(h->state == HOLD_HELD ? h->moved + s->quarantine : 0);
	bk_str_add_size(&size, h->size);
	bk_rec_text(&s->c->out, state_word(h), h->path, size.p, until, NULL);
	return 0;
}

int release_status(struct cold *c, struct catalog *cat, struct bk_err *err)
{
	struct held s = { .c = c };
	unsigned int states = HOLD_BIT(HOLD_HELD) | HOLD_BIT(HOLD_MOVING) |
			      HOLD_BIT(HOLD_DELETING) |
			      HOLD_BIT(HOLD_RETURNING) | HOLD_BIT(HOLD_LOST);

	s.quarantine = (int64_t)bk_conf_duration(
		bk_conf_find(c->conf, "cold", NULL), "quarantine", 7 * 86400);
	return hold_each(cat, states, NULL, print_hold, &s, err);
}
