/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * rebuild: the catalog anew from the manifests of a box, or what it lacks of
 * them. What it knows already stays.
 */
#include "identity.h"
#include "log.h"
#include "look.h"
#include "manifest.h"
#include "name.h"
#include "quarantine.h"
#include "sig.h"

struct rebuild {
	struct cold *c;
	struct catalog *cat; /* NULL: dry run */
	struct box *box;
	struct catalog_box known;
	struct generation {
		unsigned int gen;
		bool sealed; /* it is encrypted */
	} * gens;	     /* those that are there, in order */
	size_t ngens;
	struct age_identities ids; /* where any is encrypted */
	int64_t before; /* versions that the catalog had have ids up to this */
	unsigned int gen;
	uint64_t entries, fresh; /* of one generation */
	uint64_t files, news;	 /* of all */
	size_t bad, locked;	 /* locked ones are bad, too */
};

/* ---- one entry ------------------------------------------------------------- */

/* What the catalog knows of a path. */
struct past {
	const struct entry *e;
	int64_t id;	       /* this very version, or 0 */
	int64_t newest, since; /* the newest one */
	int64_t next;	       /* when the one after e began, or 0 */
};

static int look_back(void *arg, struct entry *e, struct bk_err *err)
{
	struct past *p = arg;

	(void)err;
	if (e->since == p->e->since && strcmp(e->sha256, p->e->sha256) == 0 &&
	    meta_same(&e->meta, &p->e->meta))
		p->id = e->id;
	if (!e->until) {
		p->newest = e->id;
		p->since = e->since;
	}
	if (e->since > p->e->since && (!p->next || e->since < p->next))
		p->next = e->since;
	return 0;
}

/*
 * Its version, made where there is none. Those of one box come in the order in
 * which they were listed, whatever the clock said then; to those that the
 * catalog had before they come in the order of time.
 */
static int add_version(struct rebuild *r, struct entry *e, struct bk_err *err)
{
	struct past p = { .e = e };
	struct catalog_query q = { .path = e->path, .all = true };

	if (catalog_each(r->cat, &q, look_back, &p, err) < 0)
		return -1;
	e->id = p.id;
	if (p.id)
		return 0;
	if (p.newest && p.newest <= r->before && e->since < p.since)
		e->until = p.next;
	r->fresh++;
	return catalog_add(r->cat, e, err);
}

enum has { HAS_NONE, HAS_OLDER, HAS_GOOD, HAS_BAD };

/*
 * What the catalog has of it on the box. A proof, or that it is wrong, is not
 * undone by what a manifest says; but of copies that were never proved that
 * of the later manifest counts, and so does one in place of one that is wrong.
 */
static int has_copy(struct rebuild *r, const struct entry *e, enum has *ret,
		    struct bk_err *err)
{
	struct copy *v = NULL;
	ssize_t n = catalog_copies(r->cat, e, &v, err);

	*ret = HAS_NONE;
	for (ssize_t i = 0; i < n; i++) {
		bool same = strcmp(v[i].object, e->object) == 0;

		if (v[i].box != r->known.id)
			continue;
		if (v[i].state != COPY_OK)
			*ret = same ? HAS_BAD : HAS_OLDER;
		else
			*ret = same || v[i].last ? HAS_GOOD : HAS_OLDER;
	}
	copies_free(v, n < 0 ? 0 : (size_t)n);
	return n < 0 ? -1 : 0;
}

/* 1: there is a copy to rely on; 0: one that is known to be wrong; -1. */
static int add_copy(struct rebuild *r, const struct entry *e,
		    struct bk_err *err)
{
	enum has has;
	int got;

	if (has_copy(r, e, &has, err) < 0)
		return -1;
	if (has == HAS_GOOD || has == HAS_BAD)
		return has == HAS_GOOD;
	got = catalog_has_object(r->cat, r->known.id, e->object, err);
	if (got < 0)
		return -1;
	if (got > 0)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "%s has two contents in the manifests",
				  e->object);
	/* never proved, as far as this catalog knows */
	return catalog_copy_add(r->cat, e, r->known.id, e->object, e->since,
				'\0', err) < 0
		       ? -1
		       : 1;
}

static int take_entry(void *arg, struct entry *e, struct bk_err *err)
{
	struct rebuild *r = arg;
	int got = 1;

	r->entries++;
	if (!r->cat)
		return 0;
	if (bk_sig_pending())
		return bk_err_set(err, BK_EX_TEMPFAIL, 0, "it was stopped");
	if (add_version(r, e, err) < 0)
		return -1;
	if (e->meta.type == 'f')
		got = add_copy(r, e, err);
	/* what is wrong waits for the next push */
	if (got <= 0)
		return got;
	return catalog_list(r->cat, e->id, r->known.id, r->gen, err);
}

/* ---- one generation -------------------------------------------------------- */

static void print_generation(struct rebuild *r, const struct bk_err *err)
{
	const char *why = err ? err->msg : NULL;
	const char *result = !err			 ? "ok"
			     : err->exit == BK_EX_NOPERM ? "locked"
							 : "damaged";
	BK_AUTO_FREE char *gen = bk_asprintf("%08u", r->gen);
	BK_AUTO_FREE char *entries = look_number(r->entries);
	BK_AUTO_FREE char *fresh = look_number(r->fresh);
	json_t *o;

	if (r->c->out.mode != BK_REC_JSON) {
		bk_rec_text(&r->c->out, gen, result, entries, fresh,
			    why ? why : "", NULL);
		return;
	}
	o = json_object();
	bk_rec_set_str(o, "box", box_name(r->box));
	bk_rec_set_int(o, "gen", r->gen);
	bk_rec_set_str(o, "result", result);
	bk_rec_set_int(o, "entries", (int64_t)r->entries);
	bk_rec_set_int(o, "new", (int64_t)r->fresh);
	if (why)
		bk_rec_set_path(o, "message", why);
	bk_rec_json(&r->c->out, "generation", o);
}

/* Its hashes, so that a check can prove it; without them it is not whole. */
static int note_manifest(struct rebuild *r, struct bk_err *err)
{
	char sums[MANIFEST_KINDS][65];

	if (manifest_read_sums(r->box, r->c->conf->host, r->gen, sums, err) < 0)
		return -1;
	for (int kind = 0; r->cat && kind < MANIFEST_KINDS; kind++)
		if (sums[kind][0] &&
		    catalog_manifest_put(r->cat, r->known.id, r->gen, kind,
					 sums[kind], err) < 0)
			return -1;
	return 0;
}

/* 0 also where it is damaged; -1 where nothing more can be read. */
static int read_generation(struct rebuild *r, const struct generation *g,
			   struct bk_err *err)
{
	struct bk_err why = { 0 };
	int got;

	r->gen = g->gen;
	r->entries = r->fresh = 0;
	got = manifest_read(r->box, r->c->conf->host, r->gen,
			    g->sealed ? &r->ids : NULL, take_entry, r, &why);
	if (got == 0)
		got = note_manifest(r, &why);
	/* a push that was interrupted left it, and listed all of it again */
	if (got < 0 && why.exit == BK_EX_NOINPUT) {
		bk_info("%s", why.msg);
		got = 0;
	}
	/* one that other keys open is no reason not to read the next one */
	if (got < 0 && why.exit != BK_EX_DATAERR &&
	    !(g->sealed && why.exit == BK_EX_NOPERM)) {
		*err = why;
		return -1;
	}
	r->bad += got < 0;
	r->locked += got < 0 && why.exit == BK_EX_NOPERM;
	print_generation(r, got < 0 ? &why : NULL);
	r->files += r->entries;
	r->news += r->fresh;
	return r->cat ? catalog_commit(r->cat, err) : 0;
}

/* ---- the box --------------------------------------------------------------- */

static int note_name(void *arg, const char *name, const struct box_stat *st)
{
	struct rebuild *r = arg;
	enum manifest_kind kind;
	unsigned int gen;

	(void)st;
	if (!manifest_is(name, &kind, &gen) ||
	    (kind != MANIFEST_FILES && kind != MANIFEST_SEALED_FILES))
		return 0;
	r->gens = bk_realloc(r->gens, r->ngens + 1, sizeof(*r->gens));
	r->gens[r->ngens++] =
		(struct generation){ gen, kind == MANIFEST_SEALED_FILES };
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct generation *x = a, *y = b;

	return x->gen < y->gen ? -1 : x->gen > y->gen;
}

static int note_host(void *arg, const char *name, const struct box_stat *st)
{
	struct bk_strv *hosts = arg;

	if (st->type == 'd' && name_is_safe(name) && hosts->n < 1000)
		bk_strv_add(hosts, name);
	return 0;
}

/* Is there a first manifest in this folder? */
static int has_first(struct rebuild *r, const char *folder, struct bk_err *err)
{
	static const char *const ends[] = { "", AGE_SUFFIX };
	int got = 0;

	for (size_t i = 0; got == 0 && i < BK_COUNT(ends); i++) {
		BK_AUTO_FREE char *first =
			bk_asprintf("%s/FILES.00000001%s", folder, ends[i]);
		struct box_stat st;

		got = box_stat(r->box, first, &st, err);
	}
	return got;
}

static int nothing(struct rebuild *r, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv hosts = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (box_list(r->box, "", note_host, &hosts, err) < 0)
		return -1;
	for (size_t i = 0; i < hosts.n && b.len < 300; i++) {
		int got = has_first(r, hosts.v[i], err);

		if (got < 0)
			return -1;
		if (got > 0)
			bk_buf_addf(&b, "%s%s", b.len ? ", " : "", hosts.v[i]);
	}
	return bk_err_set(err, BK_EX_NOINPUT, 0,
			  "box %s has no manifests of %s; it has some of: %s "
			  "([host] name says whose they are to be)",
			  box_name(r->box), r->c->conf->host,
			  b.len ? b.p : "nobody");
}

static int find_generations(struct rebuild *r, struct bk_err *err)
{
	BK_AUTO_FREE char *folder = name_of_host(r->c->conf->host);
	struct box_stat st;
	int got = box_stat(r->box, folder, &st, err);

	if (got < 0 ||
	    (got > 0 && box_list(r->box, folder, note_name, r, err) < 0))
		return -1;
	if (r->ngens == 0)
		return nothing(r, err);
	qsort(r->gens, r->ngens, sizeof(*r->gens), compare);
	for (size_t i = 0; i < r->ngens; i++)
		if (r->gens[i].sealed)
			return cold_identities(r->c, &r->ids, err);
	return 0;
}

/* The box, as it is known or becomes known by this. */
static int know(struct rebuild *r, const char *id, struct bk_err *err)
{
	int got = catalog_box(r->cat, box_name(r->box), &r->known, err);

	if (got < 0)
		return -1;
	if (got > 0 && strcmp(r->known.uuid, id) != 0)
		return bk_err_set(err, BK_EX_NOPERM, 0,
				  "box %s is another one than it was: its id "
				  "is %s, not %s",
				  box_name(r->box), id, r->known.uuid);
	if (got == 0) {
		r->known.name = bk_strdup(box_name(r->box));
		r->known.uuid = bk_strdup(id);
	}
	free(r->known.peer);
	r->known.peer = bk_strdup(box_peer(r->box));
	if (r->gens[r->ngens - 1].gen > r->known.gen)
		r->known.gen = r->gens[r->ngens - 1].gen;
	return catalog_box_put(r->cat, &r->known, err);
}

static int open_catalog(struct rebuild *r, const char *id, struct bk_err *err)
{
	if (r->c->cli.dry_run)
		return 0;
	r->cat = quarantine_start(false, 60000, err);
	if (!r->cat || catalog_last_id(r->cat, &r->before, err) < 0)
		return -1;
	return know(r, id, err);
}

static int run(struct rebuild *r, const char *name, struct bk_err *err)
{
	const struct bk_conf_section *s = cold_section(r->c, name, err);
	char id[33];

	r->box = s ? box_open(s, err) : NULL;
	if (!r->box || cold_read_id(r->box, id, err) < 0 ||
	    find_generations(r, err) < 0 || open_catalog(r, id, err) < 0)
		return -1;
	for (size_t i = 0; i < r->ngens; i++)
		if (read_generation(r, &r->gens[i], err) < 0)
			return -1;
	bk_notice("box %s: %llu entries in its manifests, %llu new ones%s",
		  name, (unsigned long long)r->files,
		  (unsigned long long)r->news,
		  r->news ? "; prove the copies: bk-cold check" : "");
	if (r->locked == r->ngens)
		return BK_EX_NOPERM;
	return r->bad ? BK_EX_PARTIAL : BK_EX_OK;
}

int cmd_rebuild(struct cold *c, char **args)
{
	struct rebuild r = { .c = c };
	struct bk_err err = { 0 };
	int status;

	if (!args[0] || args[1])
		return bk_cli_usage("rebuild wants one box");
	status = run(&r, args[0], &err);
	if (status < 0)
		status = bk_log_err(&err);
	box_close(r.box);
	catalog_close(r.cat);
	catalog_box_free(&r.known);
	age_identities_free(&r.ids);
	free(r.gens);
	bk_rec_end(&c->out, status);
	return status;
}
