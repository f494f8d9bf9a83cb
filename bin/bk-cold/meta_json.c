/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <linux/limits.h>

#include "meta.h"
#include "rec.h"

static const struct {
	char type;
	const char *word;
} kinds[] = { { 'f', "file" }, { 'd', "dir" }, { 'l', "symlink" } };

static void set_stamp(json_t *o, const char *key, int64_t s, uint32_t ns)
{
	json_t *pair = json_array();

	if (json_array_append_new(pair, json_integer(s)) < 0 ||
	    json_array_append_new(pair, json_integer(ns)) < 0 ||
	    json_object_set_new(o, key, pair) < 0)
		abort();
}

static void set_attrs_json(const struct meta *m, json_t *o)
{
	json_t *list = json_array();

	for (size_t i = 0; i < m->nattrs; i++) {
		const struct meta_attr *a = &m->attrs[i];
		BK_AUTO_FREE char *b64 = bk_str_base64(a->value, a->len);
		json_t *one = json_object();

		bk_rec_set_path(one, "name", a->name);
		bk_rec_set_str(one, "value_b64", b64);
		if (json_array_append_new(list, one) < 0)
			abort();
	}
	if (json_object_set_new(o, "attrs", list) < 0)
		abort();
}

void meta_to_json(const struct meta *m, json_t *o)
{
	char mode[16];

	for (size_t i = 0; i < BK_COUNT(kinds); i++)
		if (kinds[i].type == m->type)
			bk_rec_set_str(o, "kind", kinds[i].word);
	(void)snprintf(mode, sizeof(mode), "%04o", m->mode);
	bk_rec_set_str(o, "mode", mode);
	bk_rec_set_int(o, "uid", m->uid);
	bk_rec_set_int(o, "gid", m->gid);
	if (m->user)
		bk_rec_set_path(o, "user", m->user);
	if (m->group)
		bk_rec_set_path(o, "group", m->group);
	if (m->type == 'f')
		bk_rec_set_int(o, "size", (int64_t)m->size);
	set_stamp(o, "mtime", m->mtime, m->mtime_ns);
	set_stamp(o, "ctime", m->ctime, m->ctime_ns);
	bk_rec_set_int(o, "ino", (int64_t)m->ino);
	bk_rec_set_int(o, "nlink", (int64_t)m->nlink);
	if (m->sparse)
		bk_rec_set_bool(o, "sparse", true);
	if (m->link)
		bk_rec_set_path(o, "link", m->link);
	if (m->nattrs > 0)
		set_attrs_json(m, o);
}

static int senseless(struct bk_err *err, const char *key)
{
	return bk_err_set(err, BK_EX_DATAERR, 0,
			  "the record of a file has no '%s' that makes sense",
			  key);
}

static int get_number(const json_t *o, const char *key, int64_t max,
		      int64_t *ret, struct bk_err *err)
{
	const json_t *n = json_object_get(o, key);
	int64_t value = json_integer_value(n);

	if (!json_is_integer(n) || value < 0 || value > max)
		return senseless(err, key);
	*ret = value;
	return 0;
}

static int get_stamp(const json_t *o, const char *key, int64_t *s, uint32_t *ns,
		     struct bk_err *err)
{
	const json_t *pair = json_object_get(o, key);
	const json_t *a = json_array_get(pair, 0);
	const json_t *b = json_array_get(pair, 1);

	if (json_array_size(pair) != 2 || !json_is_integer(a) ||
	    !json_is_integer(b) || json_integer_value(b) < 0 ||
	    json_integer_value(b) > 999999999)
		return senseless(err, key);
	*s = json_integer_value(a);
	*ns = (uint32_t)json_integer_value(b);
	return 0;
}

static int get_kind(const json_t *o, struct meta *m, struct bk_err *err)
{
	const char *word = bk_rec_str(o, "kind");

	for (size_t i = 0; word && i < BK_COUNT(kinds); i++)
		if (strcmp(kinds[i].word, word) == 0) {
			m->type = kinds[i].type;
			return 0;
		}
	return senseless(err, "kind");
}

static int get_mode(const json_t *o, struct meta *m, struct bk_err *err)
{
	const char *s = bk_rec_str(o, "mode");
	uint32_t mode = 0;

	if (!s || strlen(s) != 4 || strspn(s, "01234567") != 4)
		return senseless(err, "mode");
	for (; *s; s++)
		mode = mode * 8 + (uint32_t)(*s - '0');
	m->mode = mode;
	return 0;
}

static int get_attr_json(const json_t *o, struct meta *m, struct bk_err *err)
{
	BK_AUTO_FREE char *name = bk_rec_get_path(o, "name");
	const char *b64 = bk_rec_str(o, "value_b64");
	BK_AUTO_FREE char *value = NULL;
	size_t len = 0;

	value = b64 ? bk_str_unbase64(b64, &len) : NULL;
	if (!name || !*name || !value)
		return senseless(err, "attrs");
	return meta_add_attr(m, name, value, len, err);
}

static int get_attrs_json(const json_t *o, struct meta *m, struct bk_err *err)
{
	const json_t *list = json_object_get(o, "attrs"), *one;
	size_t i;

	if (list && !json_is_array(list))
		return senseless(err, "attrs");
	json_array_foreach(list, i, one)
		if (get_attr_json(one, m, err) < 0)
			return -1;
	meta_sort_attrs(m);
	for (i = 1; i < m->nattrs; i++)
		if (strcmp(m->attrs[i - 1].name, m->attrs[i].name) == 0)
			return senseless(err, "attrs");
	return 0;
}

static int get_ids(const json_t *o, struct meta *m, struct bk_err *err)
{
	int64_t uid = 0, gid = 0, nlink = 0;

	if (get_number(o, "uid", UINT32_MAX, &uid, err) < 0 ||
	    get_number(o, "gid", UINT32_MAX, &gid, err) < 0 ||
	    get_number(o, "nlink", INT64_MAX, &nlink, err) < 0)
		return -1;
	if (!json_is_integer(json_object_get(o, "ino")))
		return senseless(err, "ino");
	m->uid = (uint32_t)uid;
	m->gid = (uint32_t)gid;
	m->nlink = (uint64_t)nlink;
	m->ino = (uint64_t)bk_rec_int(o, "ino", 0);
	m->user = bk_rec_get_path(o, "user");
	m->group = bk_rec_get_path(o, "group");
	return 0;
}

/* What only one kind of files has. */
static int get_own(const json_t *o, struct meta *m, struct bk_err *err)
{
	int64_t size = 0;

	if (m->type == 'f' && get_number(o, "size", INT64_MAX, &size, err) < 0)
		return -1;
	m->size = (uint64_t)size;
	m->sparse = m->type == 'f' && bk_rec_bool(o, "sparse", false);
	if (m->type == 'l')
		m->link = bk_rec_get_path(o, "link");
	if (m->type == 'l' &&
	    (!m->link || !*m->link || strlen(m->link) > PATH_MAX))
		return senseless(err, "link");
	return 0;
}

int meta_from_json(const json_t *o, struct meta *ret, struct bk_err *err)
{
	META_AUTO struct meta m = META_INIT;

	if (get_kind(o, &m, err) < 0 || get_mode(o, &m, err) < 0 ||
	    get_ids(o, &m, err) < 0 || get_own(o, &m, err) < 0 ||
	    get_stamp(o, "mtime", &m.mtime, &m.mtime_ns, err) < 0 ||
	    get_stamp(o, "ctime", &m.ctime, &m.ctime_ns, err) < 0 ||
	    get_attrs_json(o, &m, err) < 0)
		return -1;
	*ret = m;
	m = META_INIT;
	return 0;
}
