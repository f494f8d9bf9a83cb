/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * probe: a box behind ssh.
 */
#include <stdio.h>

#include "box_sftp.h"
#include "probe.h"
#include "time.h"

enum { COMMAND_MS = 120000, MANY = 100, HASHED = 32, HELP_MAX = 400 };

int probe_sftp(struct probe *p, struct bk_err *err)
{
	static const struct {
		const char *name, *without;
	} v[] = {
		{ "fsync@openssh.com",
		  "files are not flushed there when they are closed" },
		{ "statvfs@openssh.com", "room is not known" },
		{ "limits@openssh.com", "requests are small" },
		{ "hardlink@openssh.com", "names are looked at once more" },
		{ "posix-rename@openssh.com", "never used" },
	};
	const struct sftp *s = sftpbox(p->b)->s;
	BK_AUTO_FREE char *size = bk_asprintf("%zu B", sftp_write_max(s));

	(void)err;
	for (size_t i = 0; i < BK_COUNT(v); i++) {
		bool has = sftp_has(s, v[i].name);

		probe_say(p, v[i].name, has ? "yes" : "no",
			  has ? "" : v[i].without);
	}
	probe_say(p, "write-size", size, "at most, in one request");
	return 0;
}

struct said {
	int status;
	struct bk_buf out, err;
};

static void said_free(struct said *s)
{
	bk_buf_free(&s->out);
	bk_buf_free(&s->err);
}

static int run(struct probe *p, const struct bk_strv *words, struct said *ret,
	       struct bk_err *err)
{
	*ret = (struct said){ .status = -1 };
	ret->status = ssh_run(sftpbox(p->b)->ssh, words, COMMAND_MS, &ret->out,
			      &ret->err, err);
	bk_buf_adds(&ret->out, "");
	bk_buf_adds(&ret->err, "");
	return ret->status;
}

/* Its exit status, and its first words: "exit 8: Command not found." */
static char *ended(const struct said *s)
{
	const char *words = *s->err.p ? s->err.p : s->out.p;

	return bk_asprintf("exit %d%s%.*s", s->status, *words ? ": " : "",
			   (int)strcspn(words, "\r\n"), words);
}

/* A command of one line; says whether it runs. */
static int probe_plain(struct probe *p, const char *command, const char *what,
		       struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;
	BK_AUTO(said_free) struct said s;
	BK_AUTO_FREE char *how = NULL;

	bk_strv_split(&words, command, " ");
	if (run(p, &words, &s, err) < 0)
		return -1;
	how = ended(&s);
	probe_say(p, what, s.status == 0 ? "yes" : "no",
		  s.status == 0 ? "" : how);
	return 0;
}

/* sha256sum with a file n times: the right answer? 1, 0, -1. */
static int hash_many(struct probe *p, const char *path, int n,
		     const char *sha256, struct said *ret, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;
	BK_AUTO_STRV struct bk_strv paths = BK_STRV_INIT;
	BK_AUTO_FREE struct hash_sum *sums =
		bk_calloc((size_t)n, sizeof(*sums));
	bool good = true;

	bk_strv_add(&words, "sha256sum");
	for (int i = 0; i < n; i++) {
		bk_strv_add(&words, path);
		bk_strv_add(&paths, path);
	}
	if (run(p, &words, ret, err) < 0)
		return -1;
	hash_parse(ret->out.p, ret->err.p, &paths, sums);
	for (int i = 0; i < n; i++)
		good = good && sums[i].found == BOX_HASHED &&
		       (!sha256 || strcmp(sums[i].sha256, sha256) == 0);
	return good && ret->status == 0;
}

static int probe_many(struct probe *p, struct bk_err *err)
{
	BK_AUTO_FREE char *name = bk_asprintf("%s/one", p->dir);
	BK_AUTO_FREE char *path = sftpbox_path(p->b, name);
	BK_AUTO(said_free) struct said s;
	BK_AUTO_FREE char *how = NULL;
	int got = hash_many(p, path, MANY, NULL, &s, err);

	if (got < 0)
		return -1;
	how = ended(&s);
	probe_say(p, "sha256sum-many", got ? "yes" : "no",
		  got ? "100 names in one command" : how);
	return 0;
}

static int probe_speed(struct probe *p, const char *path, uint64_t size,
		       const char *sha256, struct bk_err *err)
{
	BK_AUTO_BUF struct bk_buf speed = BK_BUF_INIT;
	BK_AUTO(said_free) struct said s;
	int64_t start = bk_time_mono_ms(), ms;
	int got = hash_many(p, path, HASHED, sha256, &s, err);

	if (got < 0)
		return -1;
	ms = bk_time_mono_ms() - start;
	bk_str_add_size(&speed, size * HASHED * 1000 / (uint64_t)(ms + 1));
	bk_buf_adds(&speed, "/s");
	if (got)
		probe_say(p, "hash-speed", speed.p, "SHA-256 on the box");
	return 0;
}

static int probe_absent(struct probe *p, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;
	BK_AUTO_STRV struct bk_strv paths = BK_STRV_INIT;
	BK_AUTO_FREE char *name = bk_asprintf("%s/absent", p->dir);
	BK_AUTO(said_free) struct said s;
	BK_AUTO_FREE char *how = NULL;
	struct hash_sum sum;

	bk_strv_add(&words, "sha256sum");
	bk_strv_take(&paths, sftpbox_path(p->b, name));
	bk_strv_add(&words, paths.v[0]);
	if (run(p, &words, &s, err) < 0)
		return -1;
	how = ended(&s);
	hash_parse(s.out.p, s.err.p, &paths, &sum);
	probe_say(p, "sha256sum-absent",
		  sum.found == BOX_ABSENT ? "told" : "unclear", how);
	return 0;
}

/* What a person does without bk-cold. */
static int probe_check(struct probe *p, const char *path, const char *sha256,
		       struct bk_err *err)
{
	BK_AUTO_FREE char *sums = bk_asprintf("%s  %s\n", sha256, path);
	BK_AUTO_FREE char *name = bk_asprintf("%s/sums", p->dir);
	BK_AUTO_FREE char *there = sftpbox_path(p->b, name);
	BK_AUTO_FREE char *command = bk_asprintf("sha256sum -c %s", there);

	if (probe_file(p, "sums", sums, strlen(sums), err) < 0)
		return -1;
	return probe_plain(p, command, "sha256sum-check", err);
}

static int probe_unknown(struct probe *p, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;
	BK_AUTO(said_free) struct said s;
	BK_AUTO_FREE char *how = NULL;

	bk_strv_add(&words, "bk-no-such-command");
	if (run(p, &words, &s, err) < 0)
		return -1;
	how = ended(&s);
	probe_say(p, "unknown-command", "refused", how);
	return 0;
}

/* The list of commands of a restricted shell, in one line. */
static int probe_help(struct probe *p, struct bk_err *err)
{
	BK_AUTO_STRV struct bk_strv words = BK_STRV_INIT;
	BK_AUTO_STRV struct bk_strv said = BK_STRV_INIT;
	BK_AUTO_BUF struct bk_buf text = BK_BUF_INIT;
	BK_AUTO(said_free) struct said s;

	bk_strv_add(&words, "help");
	if (run(p, &words, &s, err) < 0)
		return -1;
	bk_strv_split(&said, s.out.p, " \t\r\n");
	for (size_t i = 0; i < said.n && text.len < HELP_MAX; i++)
		bk_buf_addf(&text, "%s%.40s", i ? " " : "", said.v[i]);
	if (s.status == 0 && said.n)
		probe_say(p, "help", "yes", text.p);
	return 0;
}

int probe_commands(struct probe *p, const char *file, uint64_t size,
		   const char *sha256, struct bk_err *err)
{
	BK_AUTO_FREE char *name = bk_asprintf("%s/%s", p->dir, file);
	BK_AUTO_FREE char *path = sftpbox_path(p->b, name);
	BK_AUTO(said_free) struct said s;
	BK_AUTO_FREE char *how = NULL;
	int got = hash_many(p, path, 1, sha256, &s, err);

	if (got < 0)
		return -1;
	how = ended(&s);
	probe_say(p, "sha256sum", got ? "yes" : "no",
		  got ? "copies are proved on the box"
		      : "copies are proved by reading them back");
	if (!got) {
		probe_say(p, "commands", "no", how);
		return 0;
	}
	if (probe_many(p, err) < 0 || probe_absent(p, err) < 0 ||
	    probe_check(p, path, sha256, err) < 0 ||
	    probe_speed(p, path, size, sha256, err) < 0 ||
	    probe_plain(p, "df", "df", err) < 0 || probe_unknown(p, err) < 0)
		return -1;
	return probe_help(p, err);
}
