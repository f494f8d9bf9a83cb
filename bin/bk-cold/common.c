/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cold.h"

#include "log.h"
#include "state.h"

#define MARKERS "markers"

const struct bk_conf_section *cold_section(struct cold *c, const char *name,
					   struct bk_err *err)
{
	const struct bk_conf_section *s = bk_conf_find(c->conf, "box", name);

	if (!s)
		(void)bk_err_set(err, BK_EX_NOINPUT, 0,
				 "there is no [box %s] in the configuration",
				 name);
	return s;
}

int cold_read_id(struct box *b, char ret[static 33], struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;
	size_t n;

	if (box_read(b, BOX_ID_FILE, 64, &text, err) < 0) {
		if (err->exit != BK_EX_NOINPUT)
			return -1;
		return bk_err_set(err, BK_EX_CONFIG, 0,
				  "box %s has no " BOX_ID_FILE
				  "%s; a new one: bk-cold init %s",
				  box_name(b),
				  box_is_dir(b) ? " (is it mounted?)" : "",
				  box_name(b));
	}
	n = text.p ? strspn(text.p, "0123456789abcdef") : 0;
	if (n != 32 || (text.p[n] && strcmp(text.p + n, "\n") != 0))
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "box %s: " BOX_ID_FILE " is damaged",
				  box_name(b));
	memcpy(ret, text.p, 32);
	ret[32] = '\0';
	return 0;
}

/* Is it the one that the catalog knows by this name? */
static int check_id(struct box *b, struct catalog *cat, struct catalog_box *ret,
		    struct bk_err *err)
{
	char id[33];
	int got;

	if (cold_read_id(b, id, err) < 0)
		return -1;
	got = catalog_box(cat, box_name(b), ret, err);
	if (got < 0)
		return -1;
	if (got == 0)
		return bk_err_set(err, BK_EX_CONFIG, 0,
				  "box %s is not in the catalog: bk-cold init "
				  "%s, or bk-cold rebuild %s",
				  box_name(b), box_name(b), box_name(b));
	if (strcmp(ret->uuid, id) != 0)
		return bk_err_set(
			err, BK_EX_NOPERM, 0,
			"box %s is another one than it was: its id is "
			"%s, not %s",
			box_name(b), id, ret->uuid);
	free(ret->peer);
	ret->peer = bk_strdup(box_peer(b));
	return 0;
}

struct box *cold_open_box(struct cold *c, struct catalog *cat, const char *name,
			  struct catalog_box *ret_known, struct bk_err *err)
{
	const struct bk_conf_section *s = cold_section(c, name, err);
	struct catalog_box known = { 0 };
	struct box *b = s ? box_open(s, err) : NULL;

	if (!b)
		return NULL;
	if (check_id(b, cat, &known, err) < 0) {
		catalog_box_free(&known);
		box_close(b);
		return NULL;
	}
	if (ret_known)
		*ret_known = known;
	else
		catalog_box_free(&known);
	return b;
}

const char *cold_set_name(const char *set)
{
	return *set ? set : MARKERS;
}

bool cold_is_asked(char **sets, const char *set)
{
	if (!*sets)
		return true;
	for (; *sets; sets++)
		if (strcmp(*sets, cold_set_name(set)) == 0)
			return true;
	return false;
}

int cold_check_sets(const struct cold *c, char **sets)
{
	for (; *sets; sets++)
		if (strcmp(*sets, MARKERS) != 0 &&
		    !bk_conf_find(c->conf, "cold", *sets)) {
			bk_error("there is no [cold %s]; \"" MARKERS "\" is "
				 "what only markers choose",
				 *sets);
			return BK_EX_NOINPUT;
		}
	return BK_EX_OK;
}

int cold_check_writable(const struct cold *c, bool all)
{
	static const char *const keys[] = { "boxes", "redundant" };
	const struct bk_conf_section *cold =
		bk_conf_find(c->conf, "cold", NULL);
	BK_AUTO_STRV struct bk_strv names = BK_STRV_INIT;
	const char *bad = NULL;
	size_t nbad = 0;
	struct bk_err err;

	for (size_t i = 0; i < BK_COUNT(keys); i++) {
		const struct bk_conf_value *v = NULL;

		while ((v = bk_conf_value(cold, keys[i], v)))
			bk_strv_split(&names, v->value, " \t");
	}
	for (size_t i = 0; i < names.n; i++) {
		const struct bk_conf_section *s =
			bk_conf_find(c->conf, "box", names.v[i]);

		if (bk_conf_bool(s, "read-only", false)) {
			bad = names.v[i];
			nbad++;
		}
	}
	if (nbad == 0 || (!all && nbad < names.n))
		return BK_EX_OK;
	(void)box_refuse(bad, &err);
	return bk_log_err(&err);
}

void cold_state(struct cold *c, const char *job, int64_t start, int exit,
		const char *message, json_t *counts)
{
	BK_AUTO_FREE char *name = bk_asprintf("cold %s", job);
	struct bk_err err;

	if (bk_state_write("bk-cold", name, c->conf->host, start, exit, message,
			   counts, NULL, &err) < 0)
		bk_warning("%s", err.msg);
}
