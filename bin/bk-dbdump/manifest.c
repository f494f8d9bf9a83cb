/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manifest.h"

#include <inttypes.h>
#include <string.h>

#include "digest.h"
#include "file.h"
#include "path.h"
#include "rec.h"
#include "str.h"

#define TEXT_MAX ((size_t)1 << 30)

static const char *const kinds[] = {
	[MANIFEST_SERVERS] = "servers", [MANIFEST_GLOBALS] = "globals",
	[MANIFEST_SCHEMA] = "schema",	[MANIFEST_ROWS] = "rows",
	[MANIFEST_POST] = "post",
};

const char *manifest_word(enum manifest_kind kind)
{
	return kinds[kind];
}

void manifest_free(struct manifest *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->files[i].path);
		free(m->files[i].db);
		free(m->files[i].table);
	}
	free(m->files);
	json_decref(m->o);
	*m = MANIFEST_INIT;
}

/* Below the folder, whatever it says: neither absolute nor upwards. */
static bool is_below(const char *path)
{
	BK_AUTO_FREE char *whole = bk_asprintf("/%s", path);
	BK_AUTO_FREE char *clean = bk_path_clean(whole);

	return *path && clean && strcmp(whole, clean) == 0 &&
	       strcmp(path, MANIFEST_NAME) != 0;
}

static bool is_hash(const char *s)
{
	return s && strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

static int take_kind(const char *word, enum manifest_kind *ret)
{
	for (size_t i = 0; word && i < BK_COUNT(kinds); i++) {
		if (strcmp(word, kinds[i]) != 0)
			continue;
		*ret = (enum manifest_kind)i;
		return 0;
	}
	return -1;
}

static int take_number(const json_t *o, const char *key, uint64_t *ret)
{
	int64_t n = bk_rec_int(o, key, -1);

	*ret = n < 0 ? 0 : (uint64_t)n;
	return n < 0 ? -1 : 0;
}

/* What does not fit its kind is no file of ours. */
static bool fits(const struct manifest_file *f)
{
	if (manifest_is_global(f->kind))
		return !f->db && !f->table;
	return f->db && (f->kind == MANIFEST_ROWS) == (f->table != NULL);
}

static int take_file(struct manifest *m, const json_t *o)
{
	struct manifest_file *f = &m->files[m->n++];
	const char *hash = bk_rec_str(o, "sha256");

	f->path = bk_rec_get_path(o, "path");
	f->db = bk_rec_get_path(o, "db");
	f->table = bk_rec_get_path(o, "table");
	if (!f->path || !is_below(f->path) || !is_hash(hash) ||
	    take_kind(bk_rec_str(o, "kind"), &f->kind) < 0 ||
	    take_number(o, "bytes", &f->bytes) < 0 || !fits(f))
		return -1;
	if (f->kind == MANIFEST_ROWS && take_number(o, "rows", &f->rows) < 0)
		return -1;
	memcpy(f->sha256, hash, sizeof(f->sha256));
	return 0;
}

/* No path twice. */
static bool are_unique(const struct manifest *m)
{
	BK_AUTO_STRV struct bk_strv paths = BK_STRV_INIT;

	for (size_t i = 0; i < m->n; i++)
		bk_strv_add(&paths, m->files[i].path);
	bk_strv_sort(&paths);
	for (size_t i = 1; i < paths.n; i++)
		if (strcmp(paths.v[i - 1], paths.v[i]) == 0)
			return false;
	return true;
}

static int take_files(struct manifest *m, const json_t *files)
{
	size_t n = json_array_size(files);

	if (!json_is_array(files) || n == 0)
		return -1;
	m->files = bk_calloc(n, sizeof(*m->files));
	for (size_t i = 0; i < n; i++)
		if (take_file(m, json_array_get(files, i)) < 0)
			return -1;
	return are_unique(m) ? 0 : -1;
}

int manifest_sum(struct manifest *m, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	m->rows = 0;
	m->bytes = 0;
	for (size_t i = 0; i < m->n; i++) {
		m->rows += m->files[i].rows;
		m->bytes += m->files[i].bytes;
		bk_buf_addf(&b, "%s  %s\n", m->files[i].sha256,
			    m->files[i].path);
	}
	return bk_digest_text(b.p ? b.p : "", b.len, m->sha256, err);
}

/* Its sums, as it says them and as they are. */
static int check_sums(struct manifest *m, struct bk_err *err)
{
	const char *hash = bk_rec_str(m->o, "sha256");
	uint64_t rows, bytes;

	if (!is_hash(hash) || take_number(m->o, "objects", &m->objects) < 0 ||
	    take_number(m->o, "broken", &m->broken) < 0 ||
	    take_number(m->o, "rows", &rows) < 0 ||
	    take_number(m->o, "bytes", &bytes) < 0 ||
	    take_number(m->o, "largest", &m->largest) < 0)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "the manifest lacks a sum");
	if (manifest_sum(m, err) < 0)
		return -1;
	if (rows == m->rows && bytes == m->bytes &&
	    strcmp(hash, m->sha256) == 0)
		return 0;
	return bk_err_set(err, BK_EX_DATAERR, 0,
			  "the manifest contradicts itself");
}

int manifest_proof(const json_t *o, char ret[static 65], struct bk_err *err)
{
	BK_AUTO_JSON json_t *all = json_copy((json_t *)(uintptr_t)o);
	BK_AUTO_FREE char *text = NULL;

	if (all)
		(void)json_object_del(all, "proof");
	text = all ? json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	if (!text)
		return bk_err_set(err, BK_EX_SOFTWARE, 0,
				  "the manifest cannot be written as JSON");
	return bk_digest_text(text, strlen(text), ret, err);
}

static int check_proof(const struct manifest *m, struct bk_err *err)
{
	const json_t *proof = json_object_get(m->o, "proof");
	char hash[65];

	if (manifest_proof(m->o, hash, err) < 0)
		return -1;
	if (json_is_string(proof) &&
	    strcmp(json_string_value(proof), hash) == 0)
		return 0;
	return bk_err_set(err, BK_EX_DATAERR, 0,
			  "the manifest is not what it proves: it was damaged "
			  "or changed");
}

int manifest_parse(const char *text, size_t len, struct manifest *ret,
		   struct bk_err *err)
{
	struct manifest m = MANIFEST_INIT;
	json_error_t why;

	m.o = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	if (!m.o)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "the manifest is no JSON: %s", why.text);
	if (bk_rec_int(m.o, "v", 0) != 1 || !bk_rec_str(m.o, "type") ||
	    strcmp(bk_rec_str(m.o, "type"), "manifest") != 0)
		bk_err_set(err, BK_EX_DATAERR, 0,
			   "the manifest is none of this version");
	else if (take_files(&m, json_object_get(m.o, "files")) < 0)
		bk_err_set(err, BK_EX_DATAERR, 0,
			   "the manifest has a malformed list of files");
	else if (check_sums(&m, err) == 0 && check_proof(&m, err) == 0) {
		*ret = m;
		return 0;
	}
	manifest_free(&m);
	return -1;
}

int manifest_read(const char *dir, struct manifest *ret, struct bk_err *err)
{
	BK_AUTO_FREE char *path = bk_path_join(dir, MANIFEST_NAME);
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (bk_file_read(path, TEXT_MAX, &b, err) < 0)
		return -1;
	if (manifest_parse(b.p ? b.p : "", b.len, ret, err) == 0)
		return 0;
	return bk_err_set(err, err->exit, 0, "'%s': %s", path, err->msg);
}
