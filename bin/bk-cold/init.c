/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * init: make a folder a box.
 */
#include <stdio.h>
#include <sys/random.h>

#include "cold.h"
#include "disk.h"
#include "log.h"
#include "manifest.h"
#include "name.h"
#include "quarantine.h"

static int new_id(char ret[static 33], struct bk_err *err)
{
	unsigned char bytes[16];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return bk_err_sys(err, "cannot get random bytes");
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

/* The id that is there, or a new one. */
static int settle_id(struct box *b, char ret[static 33], bool *ret_new,
		     struct bk_err *err)
{
	BK_AUTO_FREE char *line = NULL;

	*ret_new = false;
	if (cold_read_id(b, ret, err) == 0)
		return 0;
	if (err->exit != BK_EX_CONFIG || new_id(ret, err) < 0)
		return -1;
	*ret_new = true;
	line = bk_asprintf("%s\n", ret);
	return box_put(b, BOX_ID_FILE, line, strlen(line), err);
}

static int put_readme(struct box *b, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;
	struct box_stat st;
	int got = box_stat(b, "README.txt", &st, err);

	if (got != 0)
		return got < 0 ? -1 : 0;
	manifest_readme(&text, b);
	return box_put(b, "README.txt", text.p, text.len, err);
}

/* On one machine or disk, as far as the other can be seen? */
static bool is_beside(const struct cold *c, const struct box *b,
		      const struct catalog_box *o)
{
	BOX_AUTO struct box *other = NULL;
	struct bk_err err;
	const char *peer = o->peer;

	if (disk_is_number(peer)) {
		other = box_open(bk_conf_find(c->conf, "box", o->name), &err);
		peer = other ? box_peer(other) : "";
	}
	return *peer && strcmp(peer, box_peer(b)) == 0;
}

/* Two names for one place would be two copies that are one. */
static int check_other(const struct cold *c, const struct box *b,
		       const char *id, const struct catalog_box *o,
		       struct bk_err *err)
{
	if (strcmp(o->name, box_name(b)) == 0 ||
	    !bk_conf_find(c->conf, "box", o->name))
		return 0;
	if (strcmp(o->uuid, id) == 0)
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "box %s is the same folder as box %s",
				  box_name(b), o->name);
	if (is_beside(c, b, o))
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "box %s is on the same machine or disk as "
				  "box %s (%s)",
				  box_name(b), o->name, box_peer(b));
	return 0;
}

static int check_others(const struct cold *c, struct catalog *cat,
			const struct box *b, const char *id, struct bk_err *err)
{
	for (int i = 1; i <= CATALOG_BOXES_MAX; i++) {
		struct catalog_box o = { 0 };
		int got = catalog_box_by_id(cat, i, &o, err);
		int bad = got == 1 ? check_other(c, b, id, &o, err) : got;

		catalog_box_free(&o);
		if (got != 1 || bad < 0)
			return bad;
	}
	return 0;
}

static int make_folders(struct cold *c, struct box *b, struct bk_err *err)
{
	BK_AUTO_FREE char *host = name_of_host(c->conf->host);
	BK_AUTO_FREE char *parts = bk_asprintf("%s/" BOX_PARTS, host);

	/* Another host has put the id there, or this will fail. */
	if (box_is_read_only(b))
		return 0;
	return box_mkdirs(b, "", err) < 0 || box_mkdirs(b, parts, err) < 0 ? -1
									   : 0;
}

static void tell(struct cold *c, struct box *b, const char *id, bool is_new)
{
	BK_AUTO_BUF struct bk_buf room = BK_BUF_INIT;
	uint64_t left = 0, total = 0;
	struct bk_err err;
	bool told = box_space(b, &left, &total, &err) == 1;
	json_t *o;

	if (told) {
		bk_str_add_size(&room, left);
		bk_buf_adds(&room, " free of ");
		bk_str_add_size(&room, total);
	}
	if (c->out.mode != BK_REC_JSON) {
		bk_rec_text(&c->out, box_name(b), is_new ? "new" : "known", id,
			    box_peer(b), told ? room.p : "", NULL);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "box", box_name(b));
	bk_rec_set_bool(o, "new", is_new);
	bk_rec_set_str(o, "id", id);
	bk_rec_set_str(o, "peer", box_peer(b));
	if (told) {
		bk_rec_set_int(o, "free", (int64_t)left);
		bk_rec_set_int(o, "size", (int64_t)total);
	}
	bk_rec_json(&c->out, "init", o);
}

static int init_box(struct cold *c, const char *name, struct bk_err *err)
{
	const struct bk_conf_section *s = cold_section(c, name, err);
	CATALOG_AUTO struct catalog *cat = NULL;
	BOX_AUTO struct box *b = NULL;
	struct catalog_box known = { 0 };
	char id[33];
	bool is_new;
	int got;

	if (!s)
		return -1;
	if (c->cli.dry_run) {
		bk_notice("would put an id on box %s (%s)", name,
			  bk_conf_str(s, "url", ""));
		return 0;
	}
	cat = quarantine_start(false, 10000, err);
	b = cat ? box_open(s, err) : NULL;
	if (!b || make_folders(c, b, err) < 0 ||
	    check_others(c, cat, b, "", err) < 0 ||
	    settle_id(b, id, &is_new, err) < 0 ||
	    check_others(c, cat, b, id, err) < 0 || put_readme(b, err) < 0)
		return -1;
	known.name = bk_strdup(name);
	known.uuid = bk_strdup(id);
	known.peer = bk_strdup(box_peer(b));
	got = catalog_box_put(cat, &known, err);
	catalog_box_free(&known);
	if (got < 0 || catalog_commit(cat, err) < 0)
		return -1;
	tell(c, b, id, is_new);
	return 0;
}

int cmd_init(struct cold *c, char **args)
{
	struct bk_err err;
	int status = BK_EX_OK;

	if (!args[0] || args[1])
		return bk_cli_usage("init wants one BOX");
	if (init_box(c, args[0], &err) < 0)
		status = bk_log_err(&err);
	bk_rec_end(&c->out, status);
	return status;
}
