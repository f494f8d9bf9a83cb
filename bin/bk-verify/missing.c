/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "missing.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "child.h"
#include "digest.h"
#include "file.h"
#include "known.h"
#include "lock.h"
#include "log.h"
#include "packs.h"
#include "path.h"
#include "remote.h"
#include "str.h"

#define KEY_MAX ((size_t)1 << 20)

void missing_note(struct subject *s, const struct listing_file *f)
{
	struct packs *k = s->data;
	BK_AUTO_FREE char *path = listing_path(f);
	char name[65];

	/* Of the others that go this host knows its own. */
	if (f->kind != LISTING_DATA && f->kind != LISTING_INDEX)
		return;
	listing_name(f, name);
	*strrchr(path, '/') = '\0';
	listing_add(&k->gone, path, name, 0);
}

/* ---- what restic misses ---------------------------------------------------------- */

struct answer {
	int status;
	char *message;
	struct bk_strv packs;
};

static void answer_free(struct answer *a)
{
	free(a->message);
	bk_strv_free(&a->packs);
}

static void take_answer(void *arg, const json_t *o)
{
	struct answer *a = arg;
	const char *message = bk_rec_str(o, "message");
	const json_t *packs = json_object_get(o, "packs");

	if (message && !a->message)
		a->message = bk_strdup(message);
	for (size_t i = 0; i < json_array_size(packs); i++) {
		const char *id = json_string_value(json_array_get(packs, i));

		if (id)
			bk_strv_add(&a->packs, id);
	}
}

/*
 * Metadata come from the cache of this host, so that little is fetched; what
 * files there are is looked up.
 */
static int ask(const struct verify *v, const struct subject *s,
	       struct answer *a, struct bk_err *err)
{
	AUTO_CHILD struct child c = CHILD_INIT;

	bk_info("%s: files are gone: asking restic whether it misses any",
		s->name);
	child_tool(&c, v, "bk-restic");
	child_add(&c, "--json", "check", s->repo->name, "--no-lock",
		  "--with-cache");
	c.record = take_answer;
	c.arg = a;
	if (child_run(&c, err) < 0)
		return -1;
	a->status = c.status;
	if (c.status == BK_EX_OK)
		return 0;
	(void)child_err(&c, c.status, err);
	if (!a->message)
		a->message = bk_strdup(err->msg);
	/* What is not about the repository is no answer. */
	return c.status == BK_EX_NO || c.status == BK_EX_DATAERR ||
			       c.status == BK_EX_NOINPUT ||
			       c.status == BK_EX_NOPERM
		       ? 0
		       : -1;
}

static bool is_missed(const struct answer *a, const struct listing_file *f)
{
	char name[65];

	if (a->status == BK_EX_OK)
		return false;
	listing_name(f, name);
	return f->kind == LISTING_INDEX || a->packs.n == 0 ||
	       bk_strv_has(&a->packs, name);
}

int missing_settle(struct verify *v, struct subject *s, struct bk_err *err)
{
	struct packs *k = s->data;
	BK_AUTO(answer_free) struct answer a = { 0 };

	if (k->gone.n == 0)
		return 0;
	if (ask(v, s, &a, err) < 0)
		return -1;
	for (size_t i = 0; i < k->gone.n; i++) {
		const struct listing_file *f = &k->gone.v[i];
		BK_AUTO_FREE char *text = bk_asprintf(
			"is gone, and the repository misses something: %s",
			a.message ? a.message : "?");

		packs_clear(s, f);
		if (is_missed(&a, f))
			packs_fail(s, f, "missing", text);
	}
	listing_free(&k->gone);
	return 0;
}

/* ---- packs and indexes ------------------------------------------------------------- */

/* Files that failed, and are no more. */
static void note_failed(struct subject *s)
{
	const struct packs *k = s->data;
	const struct progress *p = &s->progress;

	for (size_t i = 0; i < p->nfailures; i++) {
		const char *path = strchr(p->failures[i].what, ' ');
		const char *name = path ? strrchr(path, '/') : NULL;
		struct listing_file f = { .kind = LISTING_DATA };

		if (!name || !listing_parse_id(name + 1, f.id))
			continue;
		while (f.kind < LISTING_KINDS &&
		       !bk_str_starts(path + 1, listing_word(f.kind)))
			f.kind++;
		if (f.kind < LISTING_KINDS &&
		    !listing_has(&k->list, f.kind, name + 1))
			missing_note(s, &f);
	}
}

static void note_vanished(struct subject *s, const struct listing *known)
{
	const struct packs *k = s->data;

	for (size_t i = 0; i < known->n; i++) {
		char name[65];

		listing_name(&known->v[i], name);
		if (!listing_has(&k->list, known->v[i].kind, name))
			missing_note(s, &known->v[i]);
	}
}

static int look_packs(struct verify *v, struct subject *s, struct bk_err *err)
{
	struct packs *k = s->data;
	struct listing known;

	if (known_read(s->repo->name, &known, err) < 0)
		return -1;
	note_vanished(s, &known);
	listing_free(&known);
	note_failed(s);
	/* Until restic was asked they stay known. */
	if (missing_settle(v, s, err) < 0)
		return -1;
	return known_write(s->repo->name, &k->list, err);
}

/* ---- snapshots and keys of this host ------------------------------------------------- */

/* Small files that failed, and were removed since, as a repair does. */
static void clear_small(struct subject *s, enum listing_kind kind)
{
	const struct packs *k = s->data;
	struct progress *p = &s->progress;
	BK_AUTO_FREE char *start =
		bk_asprintf("damaged %s/", listing_word(kind));

	for (size_t i = p->nfailures; i-- > 0;) {
		BK_AUTO_FREE char *what = bk_strdup(p->failures[i].what);

		if (bk_str_starts(what, start) &&
		    !listing_has(&k->list, kind, what + strlen(start)))
			progress_clear(p, what);
	}
}

static void take_snapshot(void *arg, const json_t *o)
{
	json_t *own = arg;
	const char *type = bk_rec_str(o, "type");
	const char *id = bk_rec_str(o, "id"), *set = bk_rec_str(o, "set");
	const char *when = bk_rec_str(o, "time");
	BK_AUTO_FREE char *text = NULL;

	if (strcmp(type, "snapshot") != 0 || !id || !set || !when)
		return;
	text = bk_asprintf("%s, %s", set, when);
	bk_rec_set_str(own, id, text);
}

struct own_keys {
	json_t *own;
	const char *host;
};

static void take_key(void *arg, const json_t *o)
{
	const struct own_keys *k = arg;
	const char *type = bk_rec_str(o, "type"), *id = bk_rec_str(o, "id");
	const char *host = bk_rec_str(o, "host");
	const char *user = bk_rec_str(o, "user");

	if (strcmp(type, "key") == 0 && id && host &&
	    strcmp(host, k->host) == 0)
		bk_rec_set_str(k->own, id, user ? user : "");
}

/* Sets that go into this repository. */
static void add_sets(const struct verify *v, const struct subject *s,
		     struct child *c)
{
	static const char *const kinds[] = { "backup", "mariadb" };

	for (size_t i = 0; i < BK_COUNT(kinds); i++) {
		const struct bk_conf_section *set = NULL;

		while ((set = bk_conf_next(v->conf, kinds[i], set)))
			if (bk_verify_repo(v->conf, set) == s->repo)
				bk_strv_addf(&c->argv, "%s%s",
					     i == 1 ? "mariadb:" : "",
					     set->name);
	}
}

/* The ids that restic knows now; NULL where it does not tell. */
static json_t *snapshots_now(const struct verify *v, const struct subject *s)
{
	AUTO_CHILD struct child c = CHILD_INIT;
	json_t *own = json_object();

	child_tool(&c, v, "bk-restic");
	child_add(&c, "--json", "snapshots", "--no-lock");
	add_sets(v, s, &c);
	c.record = take_snapshot;
	c.arg = own;
	if (child_run(&c, NULL) == 0 && c.status == BK_EX_OK)
		return own;
	json_decref(own);
	return NULL;
}

/*
 * A file of a key, called by its hash, has its host in plain text. One that is
 * damaged is there all the same, if it is one of those that were known.
 */
static void take_key_file(const char *dir, const char *name,
			  const json_t *known, const struct own_keys *k)
{
	BK_AUTO_FREE char *path = bk_path_join(dir, name);
	BK_AUTO_FREE char *id = bk_asprintf("%.8s", name);
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;
	BK_AUTO_JSON json_t *o = NULL;
	const char *host, *user;
	char hash[65];

	if (bk_file_read(path, KEY_MAX, &b, NULL) < 0 ||
	    bk_digest_text(b.p ? b.p : "", b.len, hash, NULL) < 0 ||
	    strcmp(hash, name) != 0) {
		if (json_object_get(known, id))
			bk_rec_set_str(k->own, id, "");
		return;
	}
	o = json_loadb(b.p ? b.p : "", b.len, 0, NULL);
	host = o ? bk_rec_str(o, "hostname") : NULL;
	user = o ? bk_rec_str(o, "username") : NULL;
	if (host && strcmp(host, k->host) == 0)
		bk_rec_set_str(k->own, id, user ? user : "");
}

/*
 * Those of a repository in a folder of this host; NULL: it cannot be read.
 * restic would list them with a lock alone, which we may not be able to write.
 */
static json_t *keys_in(const char *repo, const json_t *known, const char *host)
{
	BK_AUTO_FREE char *dir = bk_path_join(repo, "keys");
	struct own_keys k = { NULL, host };
	DIR *d = opendir(dir);
	const struct dirent *e;

	if (!d)
		return NULL;
	k.own = json_object();
	while ((e = readdir(d)))
		if (*e->d_name != '.')
			take_key_file(dir, e->d_name, known, &k);
	(void)closedir(d);
	return k.own;
}

static json_t *keys_now(const struct verify *v, const struct subject *s)
{
	AUTO_CHILD struct child c = CHILD_INIT;
	struct own_keys k = { NULL, v->conf->host };
	const char *dir = bk_remote_local(bk_conf_str(s->repo, "url", ""));

	if (dir)
		return keys_in(dir, json_object_get(s->progress.own, "keys"),
			       v->conf->host);
	k.own = json_object();
	child_tool(&c, v, "bk-restic");
	child_add(&c, "--json", "key", "list", s->repo->name);
	c.record = take_key;
	c.arg = &k;
	if (child_run(&c, NULL) == 0 && c.status == BK_EX_OK)
		return k.own;
	json_decref(k.own);
	return NULL;
}

static void fail_gone(struct subject *s, const char *word, const char *id,
		      const char *text, enum listing_kind kind)
{
	BK_AUTO_FREE char *what = bk_asprintf("gone %s %s", word, id);
	BK_AUTO_FREE char *message = bk_asprintf(
		"[repo %s] %s %.8s (%s) is gone, and bk-restic did not remove "
		"it; first: see \"%s\" under REPAIR in bk-verify(1), or, if "
		"that was you: bk-verify accept %s",
		s->repo->name, word, id, text, packs_chapter(kind), s->name);

	progress_fail(&s->progress, "metadata", what, message, s->clock.now);
}

/*
 * Those that were known, in own[key], and are not in the listing. Takes now,
 * which may be NULL. settled: no forget is under way.
 */
static void look_own(struct subject *s, const char *key, const char *word,
		     enum listing_kind kind, const struct bk_strv *removed,
		     bool settled, json_t *now)
{
	const struct packs *k = s->data;
	json_t *known = json_object_get(s->progress.own, key), *text;
	const char *id;
	void *next;

	json_object_foreach_safe(known, next, id, text) {
		BK_AUTO_FREE char *what = bk_asprintf("gone %s %s", word, id);

		if (listing_has(&k->list, kind, id)) {
			progress_clear(&s->progress, what);
		} else if (known_is_removed(removed, word, id)) {
			progress_clear(&s->progress, what);
			(void)json_object_del(known, id);
		} else if (settled) {
			fail_gone(s, word, id, json_string_value(text), kind);
		}
	}
	if (now && known)
		(void)json_object_update(known, now);
	else if (now)
		(void)json_object_set(s->progress.own, key, now);
	json_decref(now);
}

int missing_look(struct verify *v, struct subject *s, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv removed = BK_STRV_INIT;
	BK_AUTO_FREE char *name = bk_asprintf("repo.%s", s->repo->name);
	json_t *snapshots = snapshots_now(v, s), *keys = keys_now(v, s);
	BK_AUTO_CLOSE int lock = -1;

	/* A forget that is under way writes down what it did at its end. */
	lock = bk_lock_take(name, 2000, NULL);
	known_removed(s->repo->name, &removed);
	clear_small(s, LISTING_KEYS);
	clear_small(s, LISTING_SNAPSHOTS);
	look_own(s, "snapshots", "snapshot", LISTING_SNAPSHOTS, &removed,
		 lock >= 0, snapshots);
	look_own(s, "keys", "key", LISTING_KEYS, &removed, lock >= 0, keys);
	if (lock >= 0)
		(void)close(lock);
	lock = -1;
	return look_packs(v, s, err);
}

void missing_accept(struct subject *s)
{
	struct progress *p = &s->progress;

	(void)json_object_del(p->own, "snapshots");
	(void)json_object_del(p->own, "keys");
	for (size_t i = p->nfailures; i-- > 0;) {
		BK_AUTO_FREE char *what = bk_strdup(p->failures[i].what);

		if (bk_str_starts(what, "gone "))
			progress_clear(p, what);
	}
}
