/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hash.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "time.h"

/* Complaints about every name of a command fit in here, and so do sums. */
#define SAID_MAX ((size_t)1 << 20)
/* A box hashes at least so much in a second, when it is busy. */
#define SLOWEST ((uint64_t)5 << 20)
enum { LEAST_MS = 120000, STOP_MS = 1000, SSH_FAILED = 255 };

struct hash_run {
	struct bk_child child;
	struct bk_strv paths;
	struct bk_buf out, err;
	struct hash_sum *sums;
	int64_t until; /* milliseconds */
	enum hash_end end;
};

size_t hash_line_max(const struct ssh *ssh)
{
	return ssh_is_openssh(ssh) ? 32768 : 8000;
}

struct hash_run *hash_start(struct ssh *ssh, const struct bk_strv *paths,
			    uint64_t bytes, struct bk_err *err)
{
	struct hash_run *r = bk_calloc(1, sizeof(*r));
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;

	r->child = BK_CHILD_INIT;
	bk_strv_add(&words, "sha256sum");
	for (size_t i = 0; i < paths->n; i++) {
		bk_strv_add(&words, paths->v[i]);
		bk_strv_add(&r->paths, paths->v[i]);
	}
	r->sums = bk_calloc(paths->n, sizeof(*r->sums));
	r->until = bk_time_mono_ms() + LEAST_MS +
		   (int64_t)(bytes / SLOWEST) * 1000;
	if (ssh_command(ssh, &words, &r->child, err) < 0) {
		hash_free(r);
		return NULL;
	}
	(void)fcntl(r->child.out, F_SETFL, O_NONBLOCK);
	(void)fcntl(r->child.err, F_SETFL, O_NONBLOCK);
	bk_buf_adds(&r->out, "");
	bk_buf_adds(&r->err, "");
	return r;
}

void hash_free(struct hash_run *r)
{
	if (!r)
		return;
	if (r->child.pid)
		(void)bk_exec_stop(&r->child, STOP_MS);
	bk_strv_free(&r->paths);
	bk_buf_free(&r->out);
	bk_buf_free(&r->err);
	free(r->sums);
	free(r);
}

size_t hash_wait(const struct hash_run *r, struct pollfd *fds)
{
	fds[0] = (struct pollfd){ .fd = r->child.out, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = r->child.err, .events = POLLIN };
	return 2;
}

/* Read what there is; closes and forgets fd at its end. */
static void fill(int *fd, struct bk_buf *b)
{
	while (*fd >= 0) {
		ssize_t n;

		bk_buf_reserve(b, 16384);
		n = read(*fd, b->p + b->len, 16384);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0 || b->len + (size_t)n > SAID_MAX) {
			(void)close(*fd);
			*fd = -1;
			return;
		}
		b->len += (size_t)n;
		b->p[b->len] = '\0';
	}
}

/* "<64 digits>  PATH\n" at *text: past it, or false. */
static bool take_line(const char **text, const char *path, char ret[static 65])
{
	size_t digits = strspn(*text, "0123456789abcdef");
	size_t n = strlen(path);
	const char *p = *text + digits;

	/* the second character tells how it was read, and makes no odds */
	if (digits != 64 || p[0] != ' ' || (p[1] != ' ' && p[1] != '*') ||
	    strncmp(p + 2, path, n) != 0 || p[2 + n] != '\n')
		return false;
	memcpy(ret, *text, 64);
	ret[64] = '\0';
	*text = p + 2 + n + 1;
	return true;
}

static bool is_told_absent(const char *complaints, const char *path)
{
	BK_AUTO_FREE char *plain =
		bk_asprintf("sha256sum: %s: No such file or directory\n", path);
	BK_AUTO_FREE char *quoted = bk_asprintf(
		"sha256sum: '%s': No such file or directory\n", path);

	return strstr(complaints, plain) || strstr(complaints, quoted);
}

void hash_parse(const char *text, const char *complaints,
		const struct bk_strv *paths, struct hash_sum *ret)
{
	size_t i;

	for (i = 0; i < paths->n; i++)
		ret[i] = (struct hash_sum){ .found = BOX_UNKNOWN };
	for (i = 0; i < paths->n; i++) {
		if (take_line(&text, paths->v[i], ret[i].sha256))
			ret[i].found = BOX_HASHED;
		else if (is_told_absent(complaints, paths->v[i]))
			ret[i].found = BOX_ABSENT;
		else
			break;
	}
	/* less or more than was asked for: then nothing of it is believed */
	if (i == paths->n && !*text)
		return;
	for (i = 0; i < paths->n; i++)
		ret[i] = (struct hash_sum){ .found = BOX_UNKNOWN };
}

/* Does any line begin as one of sha256sum does? */
static bool has_sum(const char *text)
{
	while (text && *text) {
		if (strspn(text, "0123456789abcdef") == 64)
			return true;
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return false;
}

/* 0 where it has them all, 1 where some are gone, -1: it is not believed. */
static int right_status(const struct hash_run *r)
{
	int status = 0;

	for (size_t i = 0; i < r->paths.n; i++) {
		if (r->sums[i].found == BOX_UNKNOWN)
			return -1;
		if (r->sums[i].found == BOX_ABSENT)
			status = 1;
	}
	return status;
}

/*
 * Who fails without a word about our files runs no such command. A server of
 * SFTP alone may even end well, having read nothing.
 */
static void judge(struct hash_run *r, int status)
{
	if (status == SSH_FAILED &&
	    strstr(r->err.p, "session request failed")) {
		r->end = HASH_BUSY;
		return;
	}
	if (status < 0 || status == SSH_FAILED || status > 128) {
		r->end = HASH_LOST;
		return;
	}
	hash_parse(r->out.p, r->err.p, &r->paths, r->sums);
	r->end = HASH_DONE;
	if (status == right_status(r))
		return;
	for (size_t i = 0; i < r->paths.n; i++)
		r->sums[i] = (struct hash_sum){ .found = BOX_UNKNOWN };
	if (!strstr(r->err.p, "sha256sum: ") && !has_sum(r->out.p))
		r->end = HASH_NONE;
}

bool hash_advance(struct hash_run *r)
{
	fill(&r->child.out, &r->out);
	fill(&r->child.err, &r->err);
	if (r->child.out < 0 && r->child.err < 0) {
		judge(r, bk_exec_wait(&r->child));
		return true;
	}
	if (bk_time_mono_ms() < r->until)
		return false;
	(void)bk_exec_stop(&r->child, STOP_MS);
	r->end = HASH_LOST;
	return true;
}

enum hash_end hash_ended(const struct hash_run *r)
{
	return r->end;
}

const struct hash_sum *hash_sum(const struct hash_run *r, size_t i)
{
	return &r->sums[i];
}

const char *hash_said(const struct hash_run *r)
{
	return r->err.p;
}
