/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <unistd.h>

#include "digest.h"
#include "dirs.h"
#include "file.h"
#include "manifest.h"
#include "name.h"
#include "rec.h"

#define SUM_RECORD "{\"v\":1,\"type\":\"sum\","

/* A file on its way from the box into an unnamed one. */
struct spool {
	int fd;
	const char *name;
	struct age_open *open; /* NULL: it is not encrypted */
};

static int spool_open(struct bk_err *err)
{
	BK_AUTO_FREE char *dir = bk_dirs_path(BK_DIRS_STATE, "cold", err);

	if (!dir || bk_file_mkdirs(dir, 0700, err) < 0)
		return -1;
	return manifest_spool(dir, err);
}

static int spool_add(void *arg, const void *p, size_t n, struct bk_err *err)
{
	const struct spool *s = arg;

	if (bk_fd_write(s->fd, p, n) == 0)
		return 0;
	return bk_err_set(err, BK_EX_IOERR, errno, "cannot keep '%s'", s->name);
}

static int spool_open_more(void *arg, const void *p, size_t n,
			   struct bk_err *err)
{
	const struct spool *s = arg;

	return age_open_add(s->open, p, n, err);
}

static int damaged(struct bk_err *err, const char *name, const char *why)
{
	return bk_err_set(err, BK_EX_DATAERR, 0,
			  "the manifest %s is damaged: %s", name, why);
}

static int fetch(struct box *b, struct spool *s, struct bk_err *err)
{
	struct box_stat st;
	int there = box_stat(b, s->name, &st, err);

	if (there < 0)
		return -1;
	if (there == 0)
		return bk_err_set(err, BK_EX_NOINPUT, 0,
				  "box %s has no manifest %s", box_name(b),
				  s->name);
	if (st.type != 'f' && st.type != '?')
		return damaged(err, s->name, "it is no file");
	if (box_get(b, s->name, st.size, s->open ? spool_open_more : spool_add,
		    s, err) < 0 ||
	    (s->open && age_open_end(s->open, err) < 0))
		return -1;
	if (lseek(s->fd, 0, SEEK_SET) == 0)
		return 0;
	return bk_err_set(err, BK_EX_IOERR, errno, "cannot keep '%s'", s->name);
}

/*
 * Lines with a hash over all before the last ones. Each is added once it is
 * known that it is not the one that tells the hash.
 */
struct sums {
	struct bk_lines lines;
	EVP_MD_CTX *md;
	uint64_t count; /* lines that were added */
	const char *name;
};
#define SUMS_AUTO BK_AUTO(sums_close)

static void sums_close(struct sums *s)
{
	bk_lines_free(&s->lines);
	EVP_MD_CTX_free(s->md);
}

static int add_line(struct sums *s, const char *line, size_t len,
		    struct bk_err *err)
{
	s->count++;
	if (bk_digest_add(s->md, line, len, err) < 0)
		return -1;
	return bk_digest_add(s->md, "\n", 1, err);
}

static int end_hash(struct sums *s, char ret[static 65], struct bk_err *err)
{
	EVP_MD_CTX *md = s->md;

	s->md = NULL;
	return bk_digest_end(md, ret, err);
}

static int next_line(struct sums *s, char **line, size_t *len,
		     struct bk_err *err)
{
	int got = bk_lines_next(&s->lines, line, len, err);

	if (got < 0 || (got > 0 && strlen(*line) != *len))
		return damaged(err, s->name, "it is no text");
	return got;
}

/* FILES. */

/* The record that was added last is followed by that of the hash. */
static int check_sum(struct sums *s, const char *line, struct bk_err *err)
{
	BK_AUTO_JSON json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	const char *told = bk_rec_str(o, "sha256");
	char sum[65];

	if (end_hash(s, sum, err) < 0)
		return -1;
	if (!told || strcmp(told, sum) != 0)
		return damaged(err, s->name, "its hash is another");
	return 0;
}

static int check_end(struct sums *s, const char *line, struct bk_err *err)
{
	BK_AUTO_JSON json_t *o = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	const char *type = bk_rec_str(o, "type");

	if (!type || strcmp(type, "end") != 0 ||
	    bk_rec_int(o, "status", -1) != 0 ||
	    bk_rec_int(o, "count", -1) != (int64_t)s->count + 1)
		return damaged(err, s->name, "it is cut off");
	return 0;
}

static int check_files(int fd, const char *name, struct bk_err *err)
{
	SUMS_AUTO struct sums s = { .lines = { .fd = fd }, .name = name };
	char *line = NULL;
	size_t len = 0;
	int got;

	s.md = bk_digest_new(err);
	if (!s.md)
		return -1;
	while ((got = next_line(&s, &line, &len, err)) > 0 &&
	       !bk_str_starts(line, SUM_RECORD))
		if (add_line(&s, line, len, err) < 0)
			return -1;
	if (got < 0 || (got > 0 && check_sum(&s, line, err) < 0))
		return -1;
	if (got == 0)
		return damaged(err, name, "it is cut off");
	got = next_line(&s, &line, &len, err);
	if (got <= 0)
		return got < 0 ? -1 : damaged(err, name, "it is cut off");
	if (check_end(&s, line, err) < 0)
		return -1;
	got = next_line(&s, &line, &len, err);
	return got > 0 ? damaged(err, name, "there is more behind its end")
		       : got;
}

static int check_begin(const json_t *o, const char *host, unsigned int gen,
		       const char *name, struct bk_err *err)
{
	BK_AUTO_FREE char *of = bk_rec_get_path(o, "host");
	const char *type = bk_rec_str(o, "type");

	if (!type || strcmp(type, "manifest") != 0)
		return damaged(err, name, "it does not begin with its host");
	if (!of || strcmp(of, host) != 0 ||
	    bk_rec_int(o, "gen", -1) != (int64_t)gen)
		return damaged(err, name, "it is that of another host or push");
	return 0;
}

static int hand_over(const json_t *o,
		     int (*each)(void *arg, struct entry *e,
				 struct bk_err *err),
		     void *arg, struct bk_err *err)
{
	ENTRY_AUTO struct entry e = ENTRY_INIT;
	const char *type = bk_rec_str(o, "type");

	if (!type || strcmp(type, "file") != 0)
		return 0;
	if (entry_from_json(o, &e, err) < 0)
		return -1;
	if (e.meta.type == 'f' && !e.object)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "the record of '%s' has no object", e.path);
	return each(arg, &e, err);
}

/* Of what is encrypted the message does not tell which file it was. */
static int fetch_files(struct box *b, struct spool *s,
		       const struct age_identities *ids, struct bk_err *err)
{
	AGE_OPEN_AUTO struct age_open *open = NULL;

	if (!ids)
		return fetch(b, s, err);
	open = age_open_new(ids, spool_add, s, err);
	s->open = open;
	if (open && fetch(b, s, err) == 0)
		return 0;
	if (err->exit == BK_EX_DATAERR || err->exit == BK_EX_NOPERM)
		(void)bk_err_set(err, err->exit, 0, "the manifest %s: %s",
				 s->name, err->msg);
	return -1;
}

int manifest_read(struct box *b, const char *host, unsigned int gen,
		  const struct age_identities *ids,
		  int (*each)(void *arg, struct entry *e, struct bk_err *err),
		  void *arg, struct bk_err *err)
{
	BK_AUTO_FREE char *name = manifest_name(
		host, ids ? MANIFEST_SEALED_FILES : MANIFEST_FILES, gen);
	BK_AUTO(bk_rec_in_free) struct bk_rec_in in = { .status = 0 };
	BK_AUTO_CLOSE int fd = spool_open(err);
	struct spool spool = { fd, name, NULL };
	json_t *o = NULL;
	int got;

	if (fd < 0 || fetch_files(b, &spool, ids, err) < 0 ||
	    check_files(fd, name, err) < 0)
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return bk_err_sys(err, "cannot read '%s'", name);
	in.lines.fd = fd;
	while ((got = bk_rec_next(&in, &o, err)) > 0) {
		got = in.count == 1 ? check_begin(o, host, gen, name, err)
				    : hand_over(o, each, arg, err);
		json_decref(o);
		if (got < 0)
			return -1;
	}
	/* Its hash was right: whoever wrote it did so badly. */
	if (got < 0 && err && err->exit == BK_EX_PROTOCOL)
		err->exit = BK_EX_DATAERR;
	return got;
}

/* SHA256SUMS. */

/* "HASH  NAME", where NAME ends as that of this part. */
static void note_part(const char *line, const char *name, char ret[static 65])
{
	size_t len = strlen(line);

	if (*line == '\\') {
		line++;
		len--;
	}
	if (len > 66 && bk_str_ends(line, name) &&
	    (line[len - strlen(name) - 1] == '/' ||
	     line[len - strlen(name) - 1] == ' '))
		(void)snprintf(ret, 65, "%.64s", line);
}

static int check_last(struct sums *s, const char *line, struct bk_err *err)
{
	BK_AUTO_FREE char *want = NULL;
	char sum[65];

	if (end_hash(s, sum, err) < 0)
		return -1;
	want = bk_asprintf("# end %llu %s", (unsigned long long)s->count, sum);
	if (strcmp(line, want) != 0)
		return damaged(err, s->name, "its hash is another");
	return 0;
}

/* Of the kinds that stand in it; others has their names. */
static int check_sums(int fd, const char *name, char *const others[],
		      char ret[static MANIFEST_KINDS][65], struct bk_err *err)
{
	SUMS_AUTO struct sums s = { .lines = { .fd = fd }, .name = name };
	char *line = NULL;
	size_t len = 0;
	int got;

	s.md = bk_digest_new(err);
	if (!s.md)
		return -1;
	while ((got = next_line(&s, &line, &len, err)) > 0 && *line != '#') {
		for (int i = 0; i < MANIFEST_KINDS; i++)
			if (i != MANIFEST_SUMS)
				note_part(line, others[i], ret[i]);
		if (add_line(&s, line, len, err) < 0)
			return -1;
	}
	if (got == 0)
		return damaged(err, name, "it is cut off");
	if (got < 0 || check_last(&s, line, err) < 0)
		return -1;
	got = next_line(&s, &line, &len, err);
	return got > 0 ? damaged(err, name, "there is more behind its end")
		       : got;
}

static int whole_sum(const struct spool *s, char ret[static 65],
		     struct bk_err *err)
{
	EVP_MD_CTX *md = bk_digest_new(err);
	char buf[65536];
	off_t at = 0;
	ssize_t n;

	if (!md)
		return -1;
	while ((n = pread(s->fd, buf, sizeof(buf), at)) > 0) {
		if (bk_digest_add(md, buf, (size_t)n, err) < 0)
			break;
		at += n;
	}
	if (n == 0)
		return bk_digest_end(md, ret, err);
	EVP_MD_CTX_free(md);
	return n < 0 ? bk_err_sys(err, "cannot read '%s'", s->name) : -1;
}

int manifest_read_sums(struct box *b, const char *host, unsigned int gen,
		       char ret[static MANIFEST_KINDS][65], struct bk_err *err)
{
	BK_AUTO_CLOSE int fd = spool_open(err);
	char *names[MANIFEST_KINDS];
	struct spool spool = { fd, NULL, NULL };
	int got = fd < 0 ? -1 : 0;

	for (int i = 0; i < MANIFEST_KINDS; i++) {
		names[i] = manifest_name(host, (enum manifest_kind)i, gen);
		ret[i][0] = '\0';
	}
	spool.name = names[MANIFEST_SUMS];
	if (got == 0)
		got = fetch(b, &spool, err);
	if (got == 0)
		got = check_sums(fd, spool.name, names, ret, err);
	if (got == 0)
		got = whole_sum(&spool, ret[MANIFEST_SUMS], err);
	for (int i = 0; i < MANIFEST_KINDS; i++)
		free(names[i]);
	return got;
}
