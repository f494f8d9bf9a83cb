/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "digest.h"
#include "file.h"
#include "path.h"
#include "sig.h"
#include "ssh.h"

#define BLOCK ((size_t)1 << 20)

static bool is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool is_empty(DIR *d)
{
	const struct dirent *e;

	while ((e = readdir(d)))
		if (!is_dot(e->d_name))
			return false;
	return true;
}

int place_check(const struct bk_conf_section *repo, struct bk_err *err)
{
	const char *path = bk_remote_local(bk_conf_str(repo, "url", ""));
	bool nothing;
	DIR *d;

	if (!path)
		return 0;
	d = opendir(path);
	if (!d && errno != ENOENT && errno != ENOTDIR)
		return bk_err_sys(err, "cannot look at '%s'", path);
	nothing = !d || is_empty(d);
	if (d)
		(void)closedir(d);
	if (!nothing)
		return 0;
	return bk_err_set(err, BK_EX_TEMPFAIL, 0,
			  "[repo %s] there is nothing in '%s': is its disk "
			  "mounted?",
			  repo->name, path);
}

int place_open(struct place *p, const struct bk_conf_section *repo,
	       struct bk_err *err)
{
	const char *url = bk_conf_str(repo, "url", "");
	const char *local = bk_remote_local(url);

	*p = (struct place){ .repo = repo };
	if (local) {
		p->dir = bk_strdup(local);
		return place_check(repo, err);
	}
	if (bk_remote_parse(url, &p->at, err) < 0 || !p->at.host)
		return bk_err_set(err, BK_EX_NO, 0,
				  "[repo %s] is neither a folder nor reached "
				  "by sftp",
				  repo->name);
	/* It is an operand of commands there. */
	p->dir = bk_asprintf("%s%s", p->at.path[0] == '-' ? "./" : "",
			     *p->at.path ? p->at.path : ".");
	while (bk_str_ends(p->dir, "/") && strlen(p->dir) > 1)
		p->dir[strlen(p->dir) - 1] = '\0';
	p->ssh = ssh_open(repo, &p->at, err);
	return p->ssh ? 0 : -1;
}

void place_close(struct place *p)
{
	ssh_close(p->ssh);
	bk_remote_free(&p->at);
	free(p->dir);
	*p = PLACE_INIT;
}

/* ---- a folder of this host ---------------------------------------------------- */

static int list_folder(const struct place *p, const char *folder,
		       struct listing *l, struct bk_err *err);

static int list_entry(const struct place *p, DIR *d, const char *folder,
		      const char *name, struct listing *l, struct bk_err *err)
{
	struct stat st;

	if (fstatat(dirfd(d), name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		/* What goes away meanwhile was not there. */
		return errno == ENOENT
			       ? 0
			       : bk_err_sys(err, "cannot look at '%s/%s'",
					    folder, name);
	if (S_ISDIR(st.st_mode) && strcmp(folder, "data") == 0) {
		BK_AUTO_FREE char *below = bk_path_join(folder, name);

		return list_folder(p, below, l, err);
	}
	listing_add(l, folder, name, (uint64_t)st.st_size);
	return 0;
}

static int list_folder(const struct place *p, const char *folder,
		       struct listing *l, struct bk_err *err)
{
	BK_AUTO_FREE char *path = bk_path_join(p->dir, folder);
	const struct dirent *e;
	DIR *d = opendir(path);
	int got = 0;

	if (!d && errno == ENOENT)
		return 0;
	if (!d)
		return bk_err_sys(err, "cannot read '%s'", path);
	listing_folder(l, folder);
	errno = 0;
	while (got == 0 && (e = readdir(d))) {
		if (!is_dot(e->d_name))
			got = list_entry(p, d, folder, e->d_name, l, err);
		errno = 0;
	}
	if (got == 0 && errno != 0)
		got = bk_err_sys(err, "cannot read '%s'", path);
	(void)closedir(d);
	return got;
}

static int list_local(const struct place *p, struct listing *ret,
		      struct bk_err *err)
{
	for (int k = 0; k < LISTING_KINDS; k++)
		if (list_folder(p, listing_word(k), ret, err) < 0)
			return -1;
	return 0;
}

/* 1: it was read; 0: it cannot be; -1 with err. */
static int hash(int fd, char *block, char ret[static 65], struct bk_err *err)
{
	EVP_MD_CTX *md = bk_digest_new(err);
	ssize_t n = 0;
	int got = md ? 1 : -1;

	while (got == 1 && (n = read(fd, block, BLOCK)) != 0) {
		if (bk_sig_pending())
			got = bk_err_set(err, BK_EX_TEMPFAIL, 0,
					 "it was interrupted");
		else if (n < 0 && errno != EINTR)
			got = 0;
		else if (n > 0)
			got = bk_digest_add(md, block, (size_t)n, err) < 0 ? -1
									   : 1;
	}
	if (got == 1)
		return bk_digest_end(md, ret, err) < 0 ? -1 : 1;
	EVP_MD_CTX_free(md);
	return got;
}

static int sum_local(const struct place *p, const struct listing_file *f,
		     char *block, enum place_sum *ret, struct bk_err *err)
{
	BK_AUTO_FREE char *below = listing_path(f);
	BK_AUTO_FREE char *path = bk_path_join(p->dir, below);
	BK_AUTO_CLOSE int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char want[65], got[65];
	int status;

	if (fd < 0) {
		*ret = errno == ENOENT ? PLACE_SUM_MISSING
				       : PLACE_SUM_UNREADABLE;
		return 0;
	}
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	status = hash(fd, block, got, err);
	/* A repository is big, and nobody needs it in memory now. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (status < 0)
		return -1;
	listing_name(f, want);
	*ret = status == 0		? PLACE_SUM_UNREADABLE
	       : strcmp(want, got) == 0 ? PLACE_SUM_GOOD
					: PLACE_SUM_WRONG;
	return 0;
}

int place_sum(struct place *p, const struct listing_file *f, size_t n,
	      enum place_sum *ret, struct bk_err *err)
{
	BK_AUTO_FREE char *block = NULL;

	memset(ret, 0, n * sizeof(*ret));
	if (p->ssh)
		return ssh_sum(p->ssh, p->dir, f, n, ret, err);
	block = bk_malloc(BLOCK);
	for (size_t i = 0; i < n; i++)
		if (sum_local(p, &f[i], block, &ret[i], err) < 0)
			return -1;
	return 0;
}

int place_list(struct place *p, struct listing *ret, struct bk_err *err)
{
	int got;

	*ret = LISTING_INIT;
	got = p->ssh ? ssh_list(p->ssh, p->dir, ret, err)
		     : list_local(p, ret, err);
	if (got < 0) {
		listing_free(ret);
		return -1;
	}
	listing_sort(ret);
	return 0;
}
