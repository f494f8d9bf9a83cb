/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "entry.h"

#include "name.h"
#include "path.h"
#include "rec.h"

void entry_free(struct entry *e)
{
	free(e->path);
	free(e->set);
	free(e->object);
	meta_free(&e->meta);
	*e = ENTRY_INIT;
}

json_t *entry_to_json(const struct entry *e)
{
	json_t *o = json_object();

	bk_rec_set_path(o, "path", e->path);
	bk_rec_set_str(o, "set", e->set ? e->set : "");
	meta_to_json(&e->meta, o);
	if (e->sha256[0])
		bk_rec_set_str(o, "sha256", e->sha256);
	if (e->object)
		bk_rec_set_str(o, "object", e->object);
	if (e->sealed.sha256[0]) {
		bk_rec_set_str(o, "sealed_sha256", e->sealed.sha256);
		bk_rec_set_int(o, "sealed_size", (int64_t)e->sealed.size);
		bk_rec_set_str(o, "recipients", e->sealed.print);
	}
	bk_rec_set_time(o, "since", e->since);
	if (e->until)
		bk_rec_set_time(o, "until", e->until);
	return o;
}

static int senseless(struct bk_err *err, const char *key)
{
	return bk_err_set(err, BK_EX_DATAERR, 0,
			  "the record of a file has no '%s' that makes sense",
			  key);
}

static int get_path(const json_t *o, struct entry *e, struct bk_err *err)
{
	BK_AUTO_FREE char *clean = NULL;

	e->path = bk_rec_get_path(o, "path");
	clean = e->path ? bk_path_clean(e->path) : NULL;
	return clean && strcmp(clean, e->path) == 0 ? 0
						    : senseless(err, "path");
}

static bool is_hex(const char *s, size_t n)
{
	return s && strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

static int get_sealed(const json_t *o, struct sealed *ret, struct bk_err *err)
{
	const char *sha256 = bk_rec_str(o, "sealed_sha256");
	const char *print = bk_rec_str(o, "recipients");
	int64_t size = bk_rec_int(o, "sealed_size", -1);

	if (!json_object_get(o, "sealed_sha256"))
		return 0;
	if (!is_hex(sha256, 64))
		return senseless(err, "sealed_sha256");
	if (size < 0)
		return senseless(err, "sealed_size");
	if (!is_hex(print, 16))
		return senseless(err, "recipients");
	memcpy(ret->sha256, sha256, sizeof(ret->sha256));
	memcpy(ret->print, print, sizeof(ret->print));
	ret->size = (uint64_t)size;
	return 0;
}

static int get_content(const json_t *o, struct entry *e, struct bk_err *err)
{
	const char *sha256 = bk_rec_str(o, "sha256");
	const char *object = bk_rec_str(o, "object");

	if (e->meta.type != 'f')
		return 0;
	if (!is_hex(sha256, 64))
		return senseless(err, "sha256");
	memcpy(e->sha256, sha256, sizeof(e->sha256));
	if (object && !name_is_safe(object))
		return senseless(err, "object");
	e->object = object ? bk_strdup(object) : NULL;
	return get_sealed(o, &e->sealed, err);
}

static int get_times(const json_t *o, struct entry *e, struct bk_err *err)
{
	e->since = bk_rec_time(o, "since", -1);
	e->until =
		bk_rec_time(o, "until", json_object_get(o, "until") ? -1 : 0);
	if (e->since < 0)
		return senseless(err, "since");
	return e->until < 0 ? senseless(err, "until") : 0;
}

int entry_from_json(const json_t *o, struct entry *ret, struct bk_err *err)
{
	ENTRY_AUTO struct entry e = ENTRY_INIT;
	const char *type = bk_rec_str(o, "type");
	const char *set = bk_rec_str(o, "set");

	if (type && strcmp(type, "file") != 0)
		return senseless(err, "type");
	if (get_path(o, &e, err) < 0 || meta_from_json(o, &e.meta, err) < 0 ||
	    get_content(o, &e, err) < 0 || get_times(o, &e, err) < 0)
		return -1;
	e.set = bk_strdup(set ? set : "");
	*ret = e;
	e = ENTRY_INIT;
	return 0;
}
