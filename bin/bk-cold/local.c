/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The local file of a copy that is checked: where nobody touched it, it must
 * have the bytes that were copied.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "check.h"
#include "digest.h"
#include "file.h"
#include "sig.h"

/* 0; 1: it cannot be read, errno; -1. */
static int hash_file(int fd, char ret[static 65], struct bk_err *err)
{
	EVP_MD_CTX *md = bk_digest_new(err);
	BK_AUTO_FREE char *buf = bk_malloc(1 << 18);
	ssize_t n = 0;
	int num;

	if (!md)
		return -1;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	while (!bk_sig_pending() &&
	       ((n = read(fd, buf, 1 << 18)) > 0 || (n < 0 && errno == EINTR)))
		if (n > 0 && bk_digest_add(md, buf, (size_t)n, err) < 0) {
			EVP_MD_CTX_free(md);
			return -1;
		}
	if (n == 0)
		return bk_digest_end(md, ret, err);
	num = n < 0 ? errno : EINTR;
	EVP_MD_CTX_free(md);
	errno = num;
	return 1;
}

static void complain(struct check *ck, const char *path, const char *result,
		     const char *what)
{
	BK_AUTO_FREE char *message = bk_asprintf(
		"%s: is the disk failing? The copy on box %s: bk-cold get "
		"--to DIR",
		what, ck->known.name);

	ck->n.local_wrong++;
	check_say(ck, "local", result, "-", path, message);
}

/* Is the box the first of those that have it? Once is enough. */
static int is_first(struct check *ck, const struct entry *e, bool *ret,
		    struct bk_err *err)
{
	struct copy *v = NULL;
	ssize_t n = catalog_copies(ck->cat, e, &v, err);

	*ret = n > 0 && v[0].box == ck->known.id;
	copies_free(v, n < 0 ? 0 : (size_t)n);
	return n < 0 ? -1 : 0;
}

static int compare(struct check *ck, const struct entry *e, struct bk_err *err)
{
	BK_AUTO_CLOSE int fd =
		open(e->path,
		     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	char sum[65];
	int got;

	/* what is not as it was is for a push to look at */
	if (fd < 0 || fstat(fd, &st) < 0 || !meta_untouched(&e->meta, &st))
		return 0;
	got = hash_file(fd, sum, err);
	if (got < 0 || bk_sig_pending())
		return got < 0 ? -1 : 0;
	if (got > 0) {
		BK_AUTO_FREE char *what = bk_asprintf(
			"the local file cannot be read: %s", strerror(errno));

		complain(ck, e->path, "unreadable", what);
		return 0;
	}
	if (fstat(fd, &st) < 0 || !meta_untouched(&e->meta, &st))
		return 0;
	if (strcmp(sum, e->sha256) != 0) {
		complain(ck, e->path, "wrong",
			 "the local file has other bytes, and its times did "
			 "not change");
		return 0;
	}
	ck->n.local++;
	check_say(ck, "local", "ok", "-", e->path, NULL);
	return 0;
}

int prove_local(struct check *ck, const char *path, const char *sha256,
		struct bk_err *err)
{
	ENTRY_AUTO struct entry e = ENTRY_INIT;
	boxset listed;
	bool first;
	int got = catalog_find(ck->cat, path, &e, &listed, err);

	if (got <= 0 || strcmp(e.sha256, sha256) != 0)
		return got < 0 ? -1 : 0;
	if (is_first(ck, &e, &first, err) < 0)
		return -1;
	return first ? compare(ck, &e, err) : 0;
}
