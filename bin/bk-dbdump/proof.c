/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proof.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "file.h"
#include "path.h"
#include "sig.h"
#include "str.h"

#define TRAILER_START "-- bk-dbdump: complete "
#define COUNTS_START "-- bk-dbdump: counted "
#define TRAILER_MAX 4096
/* The last two lines of a dump are shorter than that. */
#define KEPT ((size_t)2 * TRAILER_MAX)
#define CHUNK (256U << 10)

static int take(const char *word, const char *name, uint64_t *ret)
{
	size_t n = strlen(name);

	if (strncmp(word, name, n) != 0)
		return 0;
	return bk_parse_u64(word + n, 0, UINT64_MAX, ret) < 0 ? -1 : 1;
}

/* A bit for each field that we know, 0: another, -1: malformed */
static int take_field(const char *word, struct proof *p)
{
	static const char hash[] = "sha256=";
	const struct {
		const char *name;
		uint64_t *value;
	} numbers[] = { { "objects=", &p->objects },
			{ "rows=", &p->rows },
			{ "broken=", &p->broken },
			{ "bytes=", &p->bytes } };

	for (size_t i = 0; i < BK_COUNT(numbers); i++) {
		int got = take(word, numbers[i].name, numbers[i].value);

		if (got != 0)
			return got < 0 ? -1 : 1 << i;
	}
	if (!bk_str_starts(word, hash))
		return 0;
	word += strlen(hash);
	if (strlen(word) != 64 || strspn(word, "0123456789abcdef") != 64)
		return -1;
	memcpy(p->sha256, word, sizeof(p->sha256));
	return 1 << BK_COUNT(numbers);
}

int proof_trailer(const char *line, size_t len, struct proof *ret)
{
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;
	BK_AUTO_FREE char *text = bk_memdup(line, len);
	struct proof p = { 0 };
	int known = 0;

	if (strlen(text) != len || len >= TRAILER_MAX ||
	    !bk_str_starts(text, TRAILER_START))
		return -1;
	bk_strv_split(&words, text + strlen(TRAILER_START), " ");
	for (size_t i = 0; i < words.n; i++) {
		int got = take_field(words.v[i], &p);

		/* Each of the five, and once. */
		if (got < 0 || (known & got) != 0)
			return -1;
		known |= got;
	}
	if (known != 31)
		return -1;
	*ret = p;
	return 0;
}

/* A stream as it is read: its last lines are kept back from the hash. */
struct tail {
	EVP_MD_CTX *md;
	uint64_t hashed;
	struct bk_buf kept;
};

static int tail_hash(struct tail *t, size_t n, struct bk_err *err)
{
	if (n == 0)
		return 0;
	t->hashed += n;
	if (bk_digest_add(t->md, t->kept.p, n, err) < 0)
		return -1;
	bk_buf_drop(&t->kept, n);
	return 0;
}

static int tail_add(struct tail *t, const char *p, size_t n, struct bk_err *err)
{
	bk_buf_add(&t->kept, p, n);
	return t->kept.len > KEPT ? tail_hash(t, t->kept.len - KEPT, err) : 0;
}

static int read_stream(int fd, struct tail *t, struct bk_err *err)
{
	BK_AUTO_FREE char *data = bk_malloc(CHUNK);

	for (;;) {
		ssize_t n = read(fd, data, CHUNK);

		if (bk_sig_pending())
			return bk_err_set(err, BK_EX_TEMPFAIL, 0,
					  "it was interrupted");
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return bk_err_sys(err, "cannot read the dump");
		if (n == 0)
			return 0;
		if (tail_add(t, data, (size_t)n, err) < 0)
			return -1;
	}
}

void proof_add_counts(struct bk_buf *b, uint64_t objects, uint64_t rows,
		      uint64_t broken)
{
	bk_buf_addf(b,
		    COUNTS_START "objects=%" PRIu64 " rows=%" PRIu64
				 " broken=%" PRIu64 "\n",
		    objects, rows, broken);
}

/* Where the last line starts that ends before n. */
static size_t line_before(const struct bk_buf *b, size_t n)
{
	const char *nl = n > 1 ? memrchr(b->p, '\n', n - 1) : NULL;

	return nl ? (size_t)(nl + 1 - b->p) : 0;
}

/* What is before the trailer ends with its numbers, or, of old, without. */
static bool same_counts(const struct bk_buf *b, size_t trailer,
			const struct proof *p)
{
	size_t start = line_before(b, trailer), len = trailer - start;
	BK_AUTO_BUF struct bk_buf want = BK_BUF_INIT;

	if (len < strlen(COUNTS_START) ||
	    memcmp(b->p + start, COUNTS_START, strlen(COUNTS_START)) != 0)
		return true;
	proof_add_counts(&want, p->objects, p->rows, p->broken);
	return len == want.len && memcmp(b->p + start, want.p, len) == 0;
}

/* The hash is of what is before the last line. */
static int check_tail(struct tail *t, struct proof *ret, struct bk_err *err)
{
	const struct bk_buf *b = &t->kept;
	size_t start = line_before(b, b->len);
	bool counts, cut = b->len == 0 || b->p[b->len - 1] != '\n' ||
			   (start == 0 && t->hashed > 0);
	char hash[65] = "";
	struct proof p;
	int got;

	if (cut || proof_trailer(b->p + start, b->len - 1 - start, &p) < 0)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "it does not end with a trailer: it is cut "
				  "off, or no dump");
	counts = same_counts(b, start, &p);
	if (tail_hash(t, start, err) < 0)
		return -1;
	got = bk_digest_end(t->md, hash, err);
	t->md = NULL;
	if (got < 0)
		return -1;
	if (p.bytes != t->hashed)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "the trailer counts %llu bytes, there are "
				  "%llu",
				  (unsigned long long)p.bytes,
				  (unsigned long long)t->hashed);
	if (!counts || strcmp(p.sha256, hash) != 0)
		return bk_err_set(err, BK_EX_DATAERR, 0,
				  "it is not what the trailer proves: it was "
				  "damaged or changed");
	*ret = p;
	return 0;
}

int proof_stream(int fd, struct proof *ret, struct bk_err *err)
{
	struct tail t = { .md = bk_digest_new(err) };
	int got = t.md ? read_stream(fd, &t, err) : -1;

	if (got == 0)
		got = check_tail(&t, ret, err);
	EVP_MD_CTX_free(t.md);
	bk_buf_free(&t.kept);
	return got;
}

int proof_open(const char *path, int flags, struct bk_err *err)
{
	/* without waiting for a writer, if it is a FIFO */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | flags);
	struct stat st;

	if (fd < 0)
		return bk_err_sys(err, "cannot open '%s'", path);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	(void)close(fd);
	return bk_err_set(err, BK_EX_DATAERR, 0, "'%s' is no regular file",
			  path);
}

int proof_file(const char *dir, const struct manifest_file *f,
	       struct bk_err *err)
{
	BK_AUTO_FREE char *path = bk_path_join(dir, f->path);
	BK_AUTO_CLOSE int fd = proof_open(path, O_NOFOLLOW, err);
	struct tail t = { .md = NULL };
	char hash[65] = "";
	int got;

	if (fd < 0)
		return bk_err_set(err, BK_EX_DATAERR, 0, "%s", err->msg);
	t.md = bk_digest_new(err);
	got = t.md ? read_stream(fd, &t, err) : -1;
	if (got == 0)
		got = tail_hash(&t, t.kept.len, err);
	if (got == 0) {
		got = bk_digest_end(t.md, hash, err);
		t.md = NULL;
	}
	EVP_MD_CTX_free(t.md);
	bk_buf_free(&t.kept);
	if (got < 0 || (t.hashed == f->bytes && strcmp(hash, f->sha256) == 0))
		return got;
	return bk_err_set(err, BK_EX_DATAERR, 0,
			  "'%s' is not what the manifest says: it was damaged "
			  "or changed",
			  path);
}

/* How many files, and empty folders, are below it; -1 with err. */
static int64_t count_files(const char *dir, int depth, struct bk_err *err)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int64_t n = 0;

	if (!d)
		return bk_err_sys(err, "cannot list '%s'", dir);
	while (n >= 0 && (e = readdir(d))) {
		BK_AUTO_FREE char *path = bk_path_join(dir, e->d_name);
		struct stat st;
		int64_t more = 1;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (depth > 0 && lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
			more = count_files(path, depth - 1, err);
		if (more == 0)
			more = 1;
		n = more < 0 ? -1 : n + more;
	}
	(void)closedir(d);
	return n;
}

int proof_folder(const char *dir, struct manifest *ret, struct bk_err *err)
{
	struct manifest m = MANIFEST_INIT;
	int64_t n;

	if (access(dir, F_OK) < 0)
		return bk_err_sys(err, "cannot open '%s'", dir);
	/* The manifest comes last. */
	if (manifest_read(dir, &m, err) < 0)
		return err->exit == BK_EX_NOINPUT
			       ? bk_err_set(err, BK_EX_DATAERR, 0,
					    "there is no " MANIFEST_NAME
					    ": it is not complete, or no dump")
			       : -1;
	n = count_files(dir, 1, err);
	if (n >= 0 && (uint64_t)n != m.n + 1)
		n = bk_err_set(err, BK_EX_DATAERR, 0,
			       "there are %lld files, the manifest has %zu",
			       (long long)n - 1, m.n);
	for (size_t i = 0; i < m.n && n >= 0; i++)
		n = proof_file(dir, &m.files[i], err);
	if (n < 0) {
		manifest_free(&m);
		return -1;
	}
	*ret = m;
	return 0;
}

static int prove_folder(const char *path, struct proof *ret, struct bk_err *err)
{
	struct manifest m = MANIFEST_INIT;

	if (proof_folder(path, &m, err) < 0)
		return -1;
	*ret = (struct proof){ .objects = m.objects,
			       .rows = m.rows,
			       .broken = m.broken,
			       .bytes = m.bytes };
	memcpy(ret->sha256, m.sha256, sizeof(ret->sha256));
	manifest_free(&m);
	return 0;
}

int proof_path(const char *path, struct proof *ret, struct bk_err *err)
{
	BK_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || fcntl(fd, F_SETFL, 0) < 0)
		return bk_err_sys(err, "cannot open '%s'", path);
	return S_ISDIR(st.st_mode) ? prove_folder(path, ret, err)
				   : proof_stream(fd, ret, err);
}
