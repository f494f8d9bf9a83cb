/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "digest.h"
#include "file.h"
#include "name.h"
#include "path.h"
#include "rec.h"
#include "time.h"

struct part {
	FILE *f;	/* NULL: it is not of this generation */
	uint64_t count; /* lines that tell of files */
	char *name;
	char sha256[65]; /* at the end */
	uint64_t size;
};

struct manifest {
	struct part parts[MANIFEST_KINDS];
	struct bk_rec rec;		 /* into FILES */
	const struct age_recipients *to; /* NULL: it is not encrypted */
	const char *dir;
	char *prefix;
	char *last; /* path of the newest line of MTREE */
};

static const char *const words[MANIFEST_KINDS] = {
	"FILES", "MTREE", "SHA256SUMS", "FILES", "MTREE", "NAMES",
};

static bool is_sealed(enum manifest_kind kind)
{
	return kind >= MANIFEST_SEALED_FILES;
}

const enum manifest_kind *manifest_kinds(bool sealed, size_t *ret_n)
{
	static const enum manifest_kind plain[] = { MANIFEST_FILES,
						    MANIFEST_MTREE,
						    MANIFEST_SUMS };
	static const enum manifest_kind age[] = { MANIFEST_SEALED_FILES,
						  MANIFEST_SEALED_MTREE,
						  MANIFEST_SEALED_NAMES,
						  MANIFEST_SUMS };

	*ret_n = sealed ? BK_COUNT(age) : BK_COUNT(plain);
	return sealed ? age : plain;
}

/* Names. */

char *manifest_name(const char *host, enum manifest_kind kind, unsigned int gen)
{
	BK_AUTO_FREE char *folder = name_of_host(host);

	return bk_asprintf("%s/%s.%08u%s", folder, words[kind], gen,
			   is_sealed(kind) ? AGE_SUFFIX : "");
}

bool manifest_is(const char *name, enum manifest_kind *ret_kind,
		 unsigned int *ret_gen)
{
	const char *dot = strchr(name, '.');
	BK_AUTO_FREE char *digits = NULL;
	const char *rest;
	uint64_t gen;

	if (!dot || strlen(dot + 1) < 8)
		return false;
	digits = bk_memdup(dot + 1, 8);
	rest = dot + 9;
	for (int i = 0; i < MANIFEST_KINDS; i++) {
		size_t n = strlen(words[i]);
		bool sealed = is_sealed((enum manifest_kind)i);

		if (strncmp(name, words[i], n) != 0 || name + n != dot ||
		    strcmp(rest, sealed ? AGE_SUFFIX : "") != 0)
			continue;
		if (bk_parse_u64(digits, 1, 99999999, &gen) < 0)
			return false;
		*ret_kind = (enum manifest_kind)i;
		*ret_gen = (unsigned int)gen;
		return true;
	}
	return false;
}

static int note_gen(void *arg, const char *name, const struct box_stat *st)
{
	unsigned int *last = arg, gen;
	enum manifest_kind kind;

	(void)st;
	if (manifest_is(name, &kind, &gen) && gen > *last)
		*last = gen;
	return 0;
}

int manifest_last(struct box *b, const char *host, unsigned int *ret,
		  struct bk_err *err)
{
	BK_AUTO_FREE char *folder = name_of_host(host);
	struct box_stat st;
	unsigned int last = 0;
	int there = box_stat(b, folder, &st, err);

	if (there < 0 ||
	    (there > 0 && box_list(b, folder, note_gen, &last, err) < 0))
		return -1;
	*ret = last;
	return 0;
}

/* Writing. */

static int cannot_write(const struct part *p, struct bk_err *err)
{
	return bk_err_set(err, BK_EX_IOERR, errno,
			  "cannot write the manifest %s", p->name);
}

int manifest_spool(const char *dir, struct bk_err *err)
{
	BK_AUTO_FREE char *path = NULL;
	int fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
		path = bk_path_join(dir, ".manifest.XXXXXX");
		fd = mkostemp(path, O_CLOEXEC);
		if (fd >= 0)
			(void)unlink(path);
	}
	return fd < 0 ? bk_err_sys(err, "cannot create a file in '%s'", dir)
		      : fd;
}

static struct part *files_of(struct manifest *m)
{
	return &m->parts[m->to ? MANIFEST_SEALED_FILES : MANIFEST_FILES];
}

static struct part *mtree_of(struct manifest *m)
{
	return &m->parts[m->to ? MANIFEST_SEALED_MTREE : MANIFEST_MTREE];
}

static int open_part(struct part *p, const char *dir, struct bk_err *err)
{
	int fd = manifest_spool(dir, err);

	if (fd < 0)
		return -1;
	p->f = fdopen(fd, "w+");
	if (p->f)
		return 0;
	(void)close(fd);
	return bk_err_sys(err, "cannot write into '%s'", dir);
}

static void begin(struct manifest *m, const char *host, unsigned int gen)
{
	json_t *o = json_object();

	bk_rec_set_path(o, "host", host);
	bk_rec_set_int(o, "gen", gen);
	bk_rec_set_time(o, "time", bk_time_now());
	bk_rec_json(&m->rec, "manifest", o);
	/* mtree(8) wants every folder before what is in it. */
	(void)fputs("#mtree\n. type=dir\n", mtree_of(m)->f);
	m->last = bk_strdup("/");
}

struct manifest *manifest_new(const char *dir, const char *host,
			      const struct box *b, unsigned int gen,
			      const struct age_recipients *to,
			      struct bk_err *err)
{
	struct manifest *m = bk_calloc(1, sizeof(*m));
	size_t n;
	const enum manifest_kind *kinds = manifest_kinds(to != NULL, &n);

	m->prefix = bk_strdup(box_prefix(b));
	m->to = to;
	m->dir = dir;
	for (size_t i = 0; i < n; i++)
		m->parts[kinds[i]].name = manifest_name(host, kinds[i], gen);
	for (size_t i = 0; i < n; i++)
		if (open_part(&m->parts[kinds[i]], dir, err) < 0) {
			manifest_free(m);
			return NULL;
		}
	m->rec = (struct bk_rec){ .mode = BK_REC_JSON, .f = files_of(m)->f };
	begin(m, host, gen);
	return m;
}

/* As vis(3) does; what mtree(5) could take for its own is octal, too. */
static void add_vis(struct bk_buf *b, const char *s)
{
	for (; *s; s++) {
		bool plain =
			(*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
			(*s >= '0' && *s <= '9') || strchr("/._-+,:@%", *s);

		if (plain)
			bk_buf_addc(b, *s);
		else
			bk_buf_addf(b, "\\%03o", (unsigned char)*s);
	}
}

static void add_word(struct bk_buf *b, const char *key, const char *value)
{
	bk_buf_addf(b, " %s=", key);
	add_vis(b, value);
}

static void add_folder(struct bk_buf *b, const char *path, size_t n)
{
	BK_AUTO_FREE char *part = bk_memdup(path, n);

	bk_buf_addc(b, '.');
	add_vis(b, part);
	bk_buf_adds(b, " type=dir\n");
}

/* The folders above path that are not above the line before, or it. */
static void add_folders(struct bk_buf *b, const struct manifest *m,
			const char *path)
{
	for (const char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		size_t n = (size_t)(p - path);

		if (strncmp(m->last, path, n) != 0 ||
		    (m->last[n] != '/' && m->last[n] != '\0'))
			add_folder(b, path, n);
	}
}

static void add_mtree(struct bk_buf *b, const struct entry *e)
{
	const struct meta *m = &e->meta;

	bk_buf_addc(b, '.');
	if (strcmp(e->path, "/") != 0)
		add_vis(b, e->path);
	bk_buf_addf(b, " type=%s",
		    m->type == 'f'   ? "file"
		    : m->type == 'd' ? "dir"
				     : "link");
	bk_buf_addf(b, " mode=%04o uid=%u gid=%u", m->mode, m->uid, m->gid);
	if (m->user)
		add_word(b, "uname", m->user);
	if (m->group)
		add_word(b, "gname", m->group);
	bk_buf_addf(b, " time=%lld.%09u", (long long)m->mtime, m->mtime_ns);
	if (m->link)
		add_word(b, "link", m->link);
	if (m->type == 'f')
		bk_buf_addf(b, " size=%llu sha256digest=%s",
			    (unsigned long long)m->size, e->sha256);
	bk_buf_addc(b, '\n');
}

static int put_line(struct part *p, const struct bk_buf *b, struct bk_err *err)
{
	p->count++;
	return fwrite(b->p, 1, b->len, p->f) == b->len ? 0
						       : cannot_write(p, err);
}

/* A line of sha256sum(1), whose names may hold no newline as it is. */
static int put_sum(struct manifest *m, const char *sha256, const char *name,
		   struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	if (strpbrk(m->prefix, "\\\n\r"))
		bk_buf_addc(&b, '\\');
	bk_buf_addf(&b, "%s  ", sha256);
	for (const char *p = m->prefix; *p; p++)
		if (*p == '\\' || *p == '\n' || *p == '\r')
			bk_buf_addf(&b, "\\%c",
				    *p == '\n'	 ? 'n'
				    : *p == '\r' ? 'r'
						 : '\\');
		else
			bk_buf_addc(&b, *p);
	bk_buf_addf(&b, "%s\n", name);
	return put_line(&m->parts[MANIFEST_SUMS], &b, err);
}

static int put_mtree(struct manifest *m, const struct entry *e,
		     struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	add_folders(&b, m, e->path);
	add_mtree(&b, e);
	free(m->last);
	m->last = bk_strdup(e->path);
	return put_line(mtree_of(m), &b, err);
}

/* For a person who has age(1) and a shell. */
static int put_name(struct manifest *m, const struct entry *e,
		    struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf b = BK_BUF_INIT;

	bk_buf_addf(&b, "%s  %s  ", e->sha256, e->object);
	name_add_path(&b, e->path);
	bk_buf_addc(&b, '\n');
	return put_line(&m->parts[MANIFEST_SEALED_NAMES], &b, err);
}

int manifest_add(struct manifest *m, const struct entry *e, struct bk_err *err)
{
	struct part *files = files_of(m);
	bool sealed = e->sealed.sha256[0] != '\0';

	bk_rec_json(&m->rec, "file", entry_to_json(e));
	files->count++;
	if (ferror(files->f))
		return cannot_write(files, err);
	if (put_mtree(m, e, err) < 0)
		return -1;
	if (e->meta.type != 'f')
		return 0;
	if (m->to && put_name(m, e, err) < 0)
		return -1;
	return put_sum(m, sealed ? e->sealed.sha256 : e->sha256, e->object,
		       err);
}

static int part_sum(struct part *p, char ret[static 65], struct bk_err *err)
{
	EVP_MD_CTX *md = bk_digest_new(err);
	char buf[65536];
	ssize_t n = 0;

	if (!md)
		return -1;
	p->size = 0;
	if (fflush(p->f) != 0)
		n = -1;
	while (n >= 0 && (n = pread(fileno(p->f), buf, sizeof(buf),
				    (off_t)p->size)) > 0) {
		if (bk_digest_add(md, buf, (size_t)n, err) < 0)
			break;
		p->size += (uint64_t)n;
	}
	if (n == 0)
		return bk_digest_end(md, ret, err);
	EVP_MD_CTX_free(md);
	return n < 0 ? cannot_write(p, err) : -1;
}

static int end_files(struct manifest *m, struct bk_err *err)
{
	struct part *p = files_of(m);
	char sum[65];
	json_t *o;

	if (part_sum(p, sum, err) < 0)
		return -1;
	o = json_object();
	bk_rec_set_str(o, "sha256", sum);
	bk_rec_json(&m->rec, "sum", o);
	bk_rec_end(&m->rec, BK_EX_OK);
	return part_sum(p, p->sha256, err);
}

static int end_part(struct part *p, struct bk_err *err)
{
	char sum[65];

	if (part_sum(p, sum, err) < 0)
		return -1;
	if (fprintf(p->f, "# end %llu %s\n", (unsigned long long)p->count,
		    sum) < 0)
		return cannot_write(p, err);
	return part_sum(p, p->sha256, err);
}

static int seal_into(const struct manifest *m, struct part *from, int fd,
		     struct bk_err *err)
{
	AGE_SEAL_AUTO struct age_seal *s = NULL;
	BK_AUTO_BUF struct bk_buf out = BK_BUF_INIT;
	char buf[65536];
	uint64_t at = 0;
	ssize_t n = 1;

	s = age_seal_new(m->to, from->size, err);
	while (s && n > 0) {
		n = pread(fileno(from->f), buf, sizeof(buf), (off_t)at);
		if (n < 0)
			return cannot_write(from, err);
		if (n > 0 ? age_seal_add(s, buf, (size_t)n, &out, err) < 0
			  : age_seal_end(s, &out, from->sha256, err) < 0)
			return -1;
		if (bk_fd_write(fd, out.p, out.len) < 0)
			return cannot_write(from, err);
		bk_buf_clear(&out);
		at += (uint64_t)n;
	}
	if (!s)
		return -1;
	from->size = age_seal_total(s);
	return 0;
}

/* What it is encrypted takes its place. */
static int seal_part(const struct manifest *m, struct part *p,
		     struct bk_err *err)
{
	int fd = manifest_spool(m->dir, err);
	FILE *f = NULL;

	if (fd < 0)
		return -1;
	if (seal_into(m, p, fd, err) == 0) {
		f = fdopen(fd, "r");
		if (!f)
			(void)cannot_write(p, err);
	}
	if (!f) {
		(void)close(fd);
		return -1;
	}
	(void)fclose(p->f);
	p->f = f;
	return 0;
}

int manifest_end(struct manifest *m, struct bk_err *err)
{
	size_t n;
	const enum manifest_kind *kinds = manifest_kinds(m->to != NULL, &n);

	if (end_files(m, err) < 0 || end_part(mtree_of(m), err) < 0 ||
	    (m->to && end_part(&m->parts[MANIFEST_SEALED_NAMES], err) < 0))
		return -1;
	for (size_t i = 0; i < n - 1; i++) {
		struct part *p = &m->parts[kinds[i]];

		if ((m->to && seal_part(m, p, err) < 0) ||
		    put_sum(m, p->sha256, p->name, err) < 0)
			return -1;
	}
	return end_part(&m->parts[MANIFEST_SUMS], err);
}

int manifest_part(struct manifest *m, enum manifest_kind kind,
		  uint64_t *ret_size, const char **ret_sha256,
		  const char **ret_name)
{
	struct part *p = &m->parts[kind];
	int fd = fileno(p->f);

	(void)lseek(fd, 0, SEEK_SET);
	*ret_size = p->size;
	*ret_sha256 = p->sha256;
	*ret_name = p->name;
	return fd;
}

void manifest_free(struct manifest *m)
{
	if (!m)
		return;
	for (int i = 0; i < MANIFEST_KINDS; i++) {
		if (m->parts[i].f)
			(void)fclose(m->parts[i].f);
		free(m->parts[i].name);
	}
	free(m->prefix);
	free(m->last);
	free(m);
}
