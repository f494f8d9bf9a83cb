/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "folder.h"
#include "log.h"
#include "path.h"

void source_close(struct source *s)
{
	free(s->part.files);
	manifest_free(&s->whole);
	snapshot_free(&s->snapshot);
	spool_close(&s->spool);
	free(s->path);
	*s = SOURCE_INIT;
}

const struct manifest *source_manifest(const struct source *s)
{
	return s->folder ? &s->part : NULL;
}

/* Which files are needed. */

static bool is_named(const struct bk_strv *tables, const char *db,
		     const char *table)
{
	BK_AUTO_FREE char *whole = bk_asprintf("%s.%s", db, table);

	return tables->n == 0 || bk_strv_has(tables, table) ||
	       bk_strv_has(tables, whole);
}

static bool is_needed(const struct dbdump *d, const struct manifest_file *f)
{
	if (manifest_is_global(f->kind))
		return d->globals;
	if (d->dbs.n > 0 && !bk_strv_has(&d->dbs, f->db))
		return false;
	return f->kind != MANIFEST_ROWS ||
	       is_named(&d->tables, f->db, f->table);
}

static int read_manifest(const struct dbdump *d, const char *dir,
			 struct source *s, struct bk_err *err)
{
	struct manifest *part = &s->part;

	if (manifest_read(dir, &s->whole, err) < 0)
		return -1;
	*part = s->whole;
	part->files = bk_calloc(s->whole.n, sizeof(*part->files));
	part->n = 0;
	for (size_t i = 0; i < s->whole.n; i++)
		if (is_needed(d, &s->whole.files[i]))
			part->files[part->n++] = s->whole.files[i];
	return 0;
}

/* Is it whole? */

static int prove_folder(const struct source *s, struct bk_err *err)
{
	for (size_t i = 0; i < s->part.n; i++) {
		bk_log_progress(s->part.files[i].path);
		if (proof_file(s->path, &s->part.files[i], err) < 0)
			return -1;
	}
	bk_log_progress(NULL);
	return 0;
}

static int prove_stream(struct source *s, struct bk_err *err)
{
	BK_AUTO_CLOSE int fd = proof_open(s->path, 0, err);

	if (fd < 0)
		return -1;
	return proof_stream(fd, &s->proof, err);
}

/* Where it comes from. */

static int from_path(struct dbdump *d, struct source *s, struct bk_err *err)
{
	struct stat st;

	if (stat(d->from, &st) < 0)
		return bk_err_sys(err, "cannot look at '%s'", d->from);
	s->path = bk_strdup(d->from);
	s->folder = S_ISDIR(st.st_mode);
	if (!s->folder && !S_ISREG(st.st_mode))
		return bk_err_set(err, BK_EX_USAGE, 0,
				  "'%s' is neither a file nor a folder",
				  d->from);
	return s->folder ? read_manifest(d, d->from, s, err) : 0;
}

/* Which files have a table's rows, or users, only the manifest tells. */
static int fetch_files(struct dbdump *d, const char *name, struct source *s,
		       struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv paths = BK_STRV_INIT;
	BK_AUTO_FREE char *first = NULL;

	bk_strv_add(&paths, MANIFEST_NAME);
	if (fetch(d, name, &s->snapshot, &paths, &s->spool, &first, err) < 0 ||
	    read_manifest(d, first, s, err) < 0)
		return -1;
	for (size_t i = 0; i < s->part.n; i++)
		bk_strv_add(&paths, s->part.files[i].path);
	return fetch(d, name, &s->snapshot, &paths, &s->spool, &s->path, err);
}

static int fetch_folder(struct dbdump *d, const char *name, struct source *s,
			struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv paths = BK_STRV_INIT;

	if (d->tables.n > 0 || (d->dbs.n > 0 && d->globals))
		return fetch_files(d, name, s, err);
	if (d->dbs.n > 0)
		bk_strv_add(&paths, MANIFEST_NAME);
	for (size_t i = 0; i < d->dbs.n; i++)
		bk_strv_take(&paths, folder_name(d->dbs.v[i], false));
	if (fetch(d, name, &s->snapshot, &paths, &s->spool, &s->path, err) < 0)
		return -1;
	return read_manifest(d, s->path, s, err);
}

static int from_restic(struct dbdump *d, const struct bk_conf_section *section,
		       struct source *s, struct bk_err *err)
{
	const struct bk_strv all = BK_STRV_INIT;
	const char *name = section->name;

	if (fetch_choose(d, name, &s->snapshot, err) < 0 ||
	    spool_open(section, true, &s->spool, err) < 0)
		return -1;
	bk_info("bringing snapshot %.8s to '%s'", s->snapshot.id, s->spool.dir);
	s->folder = !s->snapshot.stream;
	if (s->folder)
		return fetch_folder(d, name, s, err);
	return fetch(d, name, &s->snapshot, &all, &s->spool, &s->path, err);
}

int source_open(struct dbdump *d, const struct bk_conf_section *section,
		struct source *ret, struct bk_err *err)
{
	int got = d->from ? from_path(d, ret, err)
			  : from_restic(d, section, ret, err);

	if (got < 0)
		return -1;
	return ret->folder ? prove_folder(ret, err) : prove_stream(ret, err);
}
