/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "path.h"
#include "rec.h"
#include "str.h"

static bool is_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-' || c >= 0x80;
}

/*
 * A name of 64 characters has up to 192 bytes as UTF-8, and as many where all
 * of it is encoded, so it always fits. No encoded name has a dot in it.
 */
char *folder_name(const char *name, bool table)
{
	struct bk_buf b = BK_BUF_INIT;
	bool ours = table &&
		    (strcmp(name, "schema") == 0 || strcmp(name, "post") == 0);

	for (const char *p = name; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (is_plain(c) && !(ours && p == name))
			bk_buf_addc(&b, *p);
		else
			bk_buf_addf(&b, "%%%02X", c);
	}
	return bk_buf_steal(&b);
}

static int cannot(struct bk_err *err, const char *what, const char *path)
{
	int num = errno;

	return bk_err_set(err,
			  num == ENOSPC || num == EDQUOT || num == EIO
				  ? BK_EX_IOERR
				  : BK_EX_CANTCREAT,
			  num, "cannot %s '%s'", what, path);
}

static int enter_database(struct folder *f, const char *name,
			  struct bk_err *err)
{
	if (f->sub_of && strcmp(f->sub_of, name) == 0)
		return 0;
	if (f->sub >= 0) {
		(void)close(f->sub);
		f->sub = -1;
	}
	free(f->sub_of);
	f->sub_of = bk_strdup(name);
	if (mkdirat(f->dir, name, 0700) < 0 && errno != EEXIST)
		return cannot(err, "create", name);
	f->sub = openat(f->dir, name,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return f->sub < 0 ? cannot(err, "open", name) : 0;
}

/* Names of files as the manifest has them, and the folder they are in. */
static int place(struct folder *f, const struct part *part, char **ret_path,
		 struct bk_err *err)
{
	BK_AUTO_FREE char *db = NULL, *table = NULL;

	if (manifest_is_global(part->kind)) {
		*ret_path = bk_asprintf("%s.sql", manifest_word(part->kind));
		return f->dir;
	}
	db = folder_name(part->db, false);
	if (part->kind == MANIFEST_ROWS)
		table = folder_name(part->table, true);
	if (enter_database(f, db, err) < 0)
		return -1;
	*ret_path = bk_asprintf("%s/%s.sql", db,
				table ? table : manifest_word(part->kind));
	return f->sub;
}

static struct manifest_file *add_file(struct folder *f, const struct part *part,
				      const char *path)
{
	struct manifest *m = &f->manifest;

	if (m->n == f->cap) {
		f->cap = f->cap ? 2 * f->cap : 64;
		m->files = bk_realloc(m->files, f->cap, sizeof(*m->files));
	}
	m->files[m->n] = (struct manifest_file){
		.path = bk_strdup(path),
		.kind = part->kind,
		.db = part->db ? bk_strdup(part->db) : NULL,
		.table = part->table ? bk_strdup(part->table) : NULL
	};
	return &m->files[m->n++];
}

static int begin(struct output *o, const struct part *part, struct bk_err *err)
{
	struct folder *f = (struct folder *)o;
	BK_AUTO_FREE char *path = NULL;
	int dir = place(f, part, &path, err), fd;
	const char *slash;

	if (dir < 0)
		return -1;
	slash = strrchr(path, '/');
	fd = openat(dir, slash ? slash + 1 : path,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return cannot(err, "create", path);
	(void)add_file(f, part, path);
	if (sink_open(&o->sink, fd, true, err) == 0)
		return 0;
	(void)close(fd);
	return -1;
}

static int end(struct output *o, uint64_t rows, struct bk_err *err)
{
	struct folder *f = (struct folder *)o;
	struct manifest_file *file = &f->manifest.files[f->manifest.n - 1];

	if (sink_digest(&o->sink, file->sha256, err) < 0)
		return -1;
	file->rows = file->kind == MANIFEST_ROWS ? rows : 0;
	file->bytes = o->sink.bytes;
	sink_close(&o->sink);
	return 0;
}

int folder_open(struct folder *f, const char *path, struct bk_err *err)
{
	struct stat st;
	size_t n = strlen(path);

	f->dir = f->sub = -1;
	f->out.begin = begin;
	f->out.end = end;
	while (n > 1 && path[n - 1] == '/')
		n--;
	f->path = bk_memdup(path, n);
	if (lstat(f->path, &st) == 0)
		return bk_err_set(err, BK_EX_CANTCREAT, EEXIST,
				  "cannot create '%s'", f->path);
	f->temporary = bk_asprintf("%s.tmpXXXXXX", f->path);
	if (!mkdtemp(f->temporary)) {
		(void)cannot(err, "create a folder beside", f->path);
		free(f->temporary);
		f->temporary = NULL;
		return -1;
	}
	f->dir = open(f->temporary,
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return f->dir < 0 ? cannot(err, "open", f->temporary) : 0;
}

static json_t *files_of(const struct manifest *m)
{
	json_t *files = json_array();

	for (size_t i = 0; i < m->n; i++) {
		const struct manifest_file *f = &m->files[i];
		json_t *o = json_object();

		bk_rec_set_path(o, "path", f->path);
		bk_rec_set_str(o, "kind", manifest_word(f->kind));
		if (f->db)
			bk_rec_set_path(o, "db", f->db);
		if (f->table) {
			bk_rec_set_path(o, "table", f->table);
			bk_rec_set_int(o, "rows", (int64_t)f->rows);
		}
		bk_rec_set_int(o, "bytes", (int64_t)f->bytes);
		bk_rec_set_str(o, "sha256", f->sha256);
		(void)json_array_append_new(files, o);
	}
	return files;
}

static int write_manifest(struct folder *f, json_t *o, struct bk_err *err)
{
	BK_AUTO_FREE char *path = bk_path_join(f->temporary, MANIFEST_NAME);
	BK_AUTO_FREE char *text = NULL;
	char proof[65];

	if (manifest_sum(&f->manifest, err) < 0)
		return -1;
	bk_rec_set_int(o, "rows", (int64_t)f->manifest.rows);
	bk_rec_set_int(o, "bytes", (int64_t)f->manifest.bytes);
	bk_rec_set_str(o, "sha256", f->manifest.sha256);
	(void)json_object_set_new(o, "files", files_of(&f->manifest));
	if (manifest_proof(o, proof, err) < 0)
		return -1;
	bk_rec_set_str(o, "proof", proof);
	text = json_dumps(o, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	if (!text)
		return bk_err_set(err, BK_EX_SOFTWARE, 0,
				  "the manifest cannot be written as JSON");
	return bk_file_write(path, text, strlen(text), 0600, err);
}

/*
 * All of it on the disk before it has its name. One call for the whole file
 * system is what thousands of small files can afford.
 */
int folder_finish(struct folder *f, json_t *o, struct bk_err *err)
{
	if (write_manifest(f, o, err) < 0)
		return -1;
	if (syncfs(f->dir) < 0)
		return bk_err_set(err, BK_EX_IOERR, errno, "cannot sync '%s'",
				  f->temporary);
	if (renameat2(AT_FDCWD, f->temporary, AT_FDCWD, f->path,
		      RENAME_NOREPLACE) < 0)
		return cannot(err, "create", f->path);
	free(f->temporary);
	f->temporary = NULL;
	return bk_file_sync_folder(f->path, err);
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void folder_close(struct folder *f)
{
	sink_close(&f->out.sink);
	if (f->sub >= 0)
		(void)close(f->sub);
	if (f->dir >= 0)
		(void)close(f->dir);
	if (f->temporary)
		(void)nftw(f->temporary, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(f->temporary);
	free(f->path);
	free(f->sub_of);
	manifest_free(&f->manifest);
	f->dir = f->sub = -1;
	f->temporary = f->path = f->sub_of = NULL;
}
