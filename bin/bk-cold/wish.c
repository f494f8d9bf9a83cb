/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wish.h"

#include <unistd.h>

#include "dirs.h"
#include "file.h"
#include "log.h"
#include "manifest.h"
#include "path.h"

void wish_free(struct wish *w)
{
	entry_free(&w->entry);
	for (size_t i = 0; i < w->nsupplies; i++)
		free(w->supplies[i].object);
	free(w->supplies);
	bk_buf_free(&w->data);
	*w = WISH_INIT;
}

/* ---- written down ---------------------------------------------------------- */

static json_t *supplies_json(const struct wish *w)
{
	json_t *list = json_array();

	for (size_t i = 0; i < w->nsupplies; i++) {
		json_t *o = json_object();

		bk_rec_set_int(o, "box", w->supplies[i].box);
		bk_rec_set_str(o, "object", w->supplies[i].object);
		bk_rec_set_str(o, "sealed", w->supplies[i].sealed.sha256);
		bk_rec_set_int(o, "sealed_size",
			       (int64_t)w->supplies[i].sealed.size);
		(void)json_array_append_new(list, o);
	}
	return list;
}

static int write_wish(struct wishes *ws, const struct wish *w,
		      struct bk_err *err)
{
	BK_AUTO_JSON json_t *o = entry_to_json(&w->entry);
	BK_AUTO_FREE char *text = NULL;

	bk_rec_set_int(o, "found", (int)w->found);
	(void)json_object_set_new(o, "supplies", supplies_json(w));
	text = json_dumps(o, JSON_COMPACT);
	if (!text)
		abort();
	if (fprintf(ws->f, "%s\n", text) < 0)
		return bk_err_sys(err, "cannot note what to get");
	return 0;
}

static void read_supplies(struct wish *w, const json_t *o)
{
	const json_t *list = json_object_get(o, "supplies"), *one;
	size_t i;

	w->supplies = bk_calloc(json_array_size(list), sizeof(struct supply));
	json_array_foreach(list, i, one) {
		const char *object = bk_rec_str(one, "object");
		const char *sealed = bk_rec_str(one, "sealed");
		struct supply *s = &w->supplies[w->nsupplies++];

		*s = (struct supply){
			.box = (int)bk_rec_int(one, "box", 0),
			.object = bk_strdup(object ? object : ""),
			.sealed.size =
				(uint64_t)bk_rec_int(one, "sealed_size", 0),
		};
		(void)snprintf(s->sealed.sha256, sizeof(s->sealed.sha256), "%s",
			       sealed ? sealed : "");
	}
}

off_t wishes_tell(const struct wishes *ws)
{
	return ftello(ws->f);
}

int wishes_seek(struct wishes *ws, off_t where, struct bk_err *err)
{
	if (fflush(ws->f) == 0 && fseeko(ws->f, where, SEEK_SET) == 0)
		return 0;
	return bk_err_sys(err, "cannot note what to get");
}

int wishes_next(struct wishes *ws, struct wish *ret, struct bk_err *err)
{
	BK_AUTO_FREE char *line = NULL;
	BK_AUTO_JSON json_t *o = NULL;
	size_t cap = 0;
	ssize_t n = getline(&line, &cap, ws->f);
	WISH_AUTO struct wish w = WISH_INIT;

	if (n < 0 && !ferror(ws->f))
		return 0;
	o = n < 0 ? NULL : json_loadb(line, (size_t)n, 0, NULL);
	if (!o)
		return bk_err_set(err, BK_EX_IOERR, 0,
				  "cannot read what is to get");
	if (entry_from_json(o, &w.entry, err) < 0)
		return -1;
	w.found = (enum place_found)bk_rec_int(o, "found", PLACE_OTHER);
	read_supplies(&w, o);
	*ret = w;
	w = WISH_INIT;
	return 1;
}

static int open_spool(struct wishes *ws, struct bk_err *err)
{
	BK_AUTO_FREE char *dir = bk_dirs_path(BK_DIRS_STATE, "cold", err);
	int fd;

	if (!dir || bk_file_mkdirs(dir, 0700, err) < 0)
		return -1;
	fd = manifest_spool(dir, err);
	if (fd < 0)
		return -1;
	ws->f = fdopen(fd, "w+");
	if (ws->f)
		return 0;
	(void)close(fd);
	return bk_err_sys(err, "cannot note what to get");
}

void wishes_free(struct wishes *ws)
{
	if (ws->f)
		(void)fclose(ws->f);
	for (size_t i = 0; i < ws->nneeds; i++)
		free(ws->needs[i].path);
	free(ws->needs);
	*ws = WISHES_INIT;
}

/* ---- chosen ---------------------------------------------------------------- */

struct choice {
	struct wishes *ws;
	struct catalog *cat;
	struct place *place;
	int box;
	bool numeric;	   /* owners are numbers */
	struct entry last; /* not written yet; a later version may follow */
	bool any;	   /* of the path that is looked for */
};

static void add_supplies(struct wish *w, const struct copy *v, size_t n,
			 int box, bool good)
{
	for (size_t i = 0; i < n; i++) {
		if ((box && v[i].box != box) || (v[i].state == COPY_OK) != good)
			continue;
		w->supplies = bk_realloc(w->supplies, w->nsupplies + 1,
					 sizeof(struct supply));
		w->supplies[w->nsupplies++] = (struct supply){
			.box = v[i].box,
			.object = bk_strdup(v[i].object),
			.sealed = v[i].sealed,
		};
	}
}

/* A copy that was found wrong is still asked for when there is no other. */
static int find_supplies(struct choice *ch, struct wish *w, struct bk_err *err)
{
	struct copy *v = NULL;
	ssize_t n = catalog_copies(ch->cat, &w->entry, &v, err);

	if (n < 0)
		return -1;
	add_supplies(w, v, (size_t)n, ch->box, true);
	add_supplies(w, v, (size_t)n, ch->box, false);
	copies_free(v, (size_t)n);
	return 0;
}

static int add_need(struct choice *ch, const struct entry *e,
		    struct bk_err *err)
{
	struct wishes *ws = ch->ws;
	uint64_t room;
	dev_t dev;
	size_t i;

	if (place_room(ch->place, e->path, &dev, &room, err) < 0)
		return -1;
	for (i = 0; i < ws->nneeds && ws->needs[i].dev != dev; i++)
		;
	if (i == ws->nneeds) {
		ws->needs = bk_realloc(ws->needs, i + 1, sizeof(*ws->needs));
		ws->needs[ws->nneeds++] = (struct need){
			.dev = dev,
			.free = room,
			.path = bk_strdup(e->path),
		};
	}
	ws->needs[i].bytes += e->meta.size;
	return 0;
}

static int count_file(struct choice *ch, const struct wish *w,
		      struct bk_err *err)
{
	struct wishes *ws = ch->ws;
	bool sealed = false;

	if (w->nsupplies == 0) {
		ws->lost++;
		bk_error("%s: no box%s has it", w->entry.path,
			 ch->box ? " of that name" : "");
		return 0;
	}
	ws->files++;
	ws->bytes += w->entry.meta.size;
	ws->from[w->supplies[0].box]++;
	for (size_t i = 0; i < w->nsupplies; i++) {
		ws->boxes |= BOXSET(w->supplies[i].box);
		sealed = sealed || w->supplies[i].sealed.sha256[0];
	}
	ws->sealed += sealed;
	return add_need(ch, &w->entry, err);
}

static int choose(struct choice *ch, struct entry *e, struct bk_err *err)
{
	struct wish w;
	struct bk_err why;
	int got = 0;

	if (!ch->numeric)
		meta_owners_by_name(&e->meta);
	w = (struct wish){ .entry = *e };
	if (place_look(ch->place, e, &w.found, &why) < 0) {
		bk_error("%s", why.msg);
		w.found = PLACE_OTHER;
		ch->ws->other++;
	} else if (w.found == PLACE_OTHER) {
		bk_warning("%s: something else is there; it stays", e->path);
		ch->ws->other++;
	} else if (w.found == PLACE_SAME) {
		ch->ws->there += e->meta.type != 'd';
	} else if (e->meta.type == 'f') {
		got = find_supplies(ch, &w, err);
		if (got == 0)
			got = count_file(ch, &w, err);
	} else {
		ch->ws->links += e->meta.type == 'l';
	}
	if (got == 0)
		got = write_wish(ch->ws, &w, err);
	w.entry = ENTRY_INIT;
	wish_free(&w);
	return got;
}

static int flush(struct choice *ch, struct bk_err *err)
{
	int got = ch->last.path ? choose(ch, &ch->last, err) : 0;

	entry_free(&ch->last);
	return got;
}

/* Of two versions at one time the later one. */
static int take(void *arg, struct entry *e, struct bk_err *err)
{
	struct choice *ch = arg;

	ch->any = true;
	if (ch->last.path && strcmp(ch->last.path, e->path) != 0 &&
	    flush(ch, err) < 0)
		return -1;
	entry_free(&ch->last);
	ch->last = *e;
	*e = ENTRY_INIT;
	return 0;
}

static int take_folder(void *arg, struct entry *e, struct bk_err *err)
{
	return e->meta.type == 'd' ? take(arg, e, err) : 0;
}

/* So that those which have to be made look as they did. */
static int choose_above(struct choice *ch, const char *path, int64_t at,
			struct bk_err *err)
{
	BK_AUTO_FREE char *above = bk_path_parent(path);
	struct catalog_query q = { .path = above, .at = at };

	if (strcmp(above, path) == 0)
		return 0;
	if (choose_above(ch, above, at, err) < 0 ||
	    catalog_each(ch->cat, &q, take_folder, ch, err) < 0)
		return -1;
	return flush(ch, err);
}

/* Those that are not below others of them. */
static void outermost(const struct bk_strv *paths, struct bk_strv *ret)
{
	for (size_t i = 0; i < paths->n; i++) {
		bool inner = bk_strv_has(ret, paths->v[i]);

		for (size_t k = 0; k < paths->n && !inner; k++)
			inner = strcmp(paths->v[i], paths->v[k]) != 0 &&
				bk_path_within(paths->v[i], paths->v[k]);
		if (!inner)
			bk_strv_add(ret, paths->v[i]);
	}
}

int wishes_choose(struct wishes *ws, struct catalog *cat, struct place *place,
		  const struct bk_strv *paths, int64_t at, int box,
		  bool numeric, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv outer = BK_STRV_INIT;
	struct choice ch = { ws, cat, place, box, numeric, ENTRY_INIT, false };
	int got = open_spool(ws, err);

	outermost(paths, &outer);
	for (size_t i = 0; got == 0 && i < outer.n; i++) {
		struct catalog_query q = { .below = outer.v[i], .at = at };

		got = choose_above(&ch, outer.v[i], at, err);
		ch.any = false;
		if (got == 0)
			got = catalog_each(cat, &q, take, &ch, err);
		if (got == 0)
			got = flush(&ch, err);
		if (got < 0 || ch.any)
			continue;
		ws->missing++;
		bk_error("%s is not in cold storage", outer.v[i]);
	}
	entry_free(&ch.last);
	return got < 0 ? -1 : wishes_seek(ws, 0, err);
}
