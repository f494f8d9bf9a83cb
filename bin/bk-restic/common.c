/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <sys/mman.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "restic.h"
#include "state.h"
#include "time.h"

static int join_status(int all, int status)
{
	if (all == EACH_SKIP || all == status)
		return status;
	if (status == EACH_SKIP)
		return all;
	if (all == BK_EX_OK || status == BK_EX_OK || all == BK_EX_PARTIAL)
		return BK_EX_PARTIAL;
	return all;
}

static int check_names(const struct restic *r, const char *kind, char **args)
{
	for (; *args; args++) {
		if (bk_conf_find(r->conf, kind, *args))
			continue;
		bk_error("there is no [%s %s] in the configuration", kind,
			 *args);
		return -1;
	}
	return 0;
}

/* s is a [repo], or a [backup] that names one. */
static void want_password(struct restic *r, const struct bk_conf_section *s)
{
	const char *repo = bk_conf_str(s, "repo", NULL);

	if (repo)
		s = bk_conf_find(r->conf, "repo", repo);
	bk_resolve_want(&r->secrets, s, "password");
}

int each_section(struct restic *r, const char *kind, char **args,
		 int (*each)(struct restic *r, const struct bk_conf_section *s,
			     void *arg),
		 void *arg)
{
	const struct bk_conf_section *s = NULL;
	int all = EACH_SKIP, status;

	if (check_names(r, kind, args) < 0)
		return BK_EX_NOINPUT;
	for (char **name = args; *name; name++)
		want_password(r, bk_conf_find(r->conf, kind, *name));
	while (!args[0] && (s = bk_conf_next(r->conf, kind, s)))
		want_password(r, s);
	for (char **name = args; *name; name++) {
		status = each(r, bk_conf_find(r->conf, kind, *name), arg);
		all = join_status(all, status);
	}
	if (args[0])
		return all;
	while ((s = bk_conf_next(r->conf, kind, s)))
		all = join_status(all, each(r, s, arg));
	if (all != EACH_SKIP)
		return all;
	bk_error("the configuration has no [%s NAME] for this", kind);
	return BK_EX_CONFIG;
}

int open_repo(struct restic *r, const char *name, struct repo *repo,
	      struct bk_err *err)
{
	int got = repo_open(repo, r->conf, name, &r->secrets, err);

	repo->dry = r->cli.dry_run;
	return got;
}

int open_set(struct restic *r, const struct bk_conf_section *set,
	     struct repo *repo, struct bk_err *err)
{
	return open_repo(r, bk_conf_str(set, "repo", ""), repo, err);
}

void add_filter(struct restic *r, const char *set, struct bk_strv *args)
{
	bk_strv_add(args, "--host");
	bk_strv_add(args, r->host ? r->host : r->conf->host);
	bk_strv_add(args, "--tag");
	bk_strv_addf(args, "bk,%s", set);
}

void say_command(struct restic *r, const struct run *run)
{
	BK_AUTO_FREE char *line = run_line(run);

	if (r->out.mode == BK_REC_JSON) {
		json_t *o = json_object();

		bk_rec_set_str(o, "line", line);
		bk_rec_json(&r->out, "command", o);
	} else {
		bk_rec_raw(&r->out, line);
	}
}

void write_state(struct restic *r, const char *job, int64_t start, int exit,
		 const char *message, json_t *counts, json_t *extra)
{
	struct bk_err err;

	if (r->cli.dry_run)
		return;
	if (bk_state_write("bk-restic", job, r->conf->host, start, exit,
			   message, counts, extra, &err) < 0)
		bk_warning("the state of '%s' is not recorded: %s", job,
			   err.msg);
}

int fail_job(struct restic *r, const char *job, int64_t start,
	     const struct bk_err *err)
{
	bk_error("%s: %s", job, err->msg);
	write_state(r, job, start, err->exit, err->msg, NULL, NULL);
	return err->exit;
}

int memory_fd(const struct bk_buf *b, struct bk_err *err)
{
	int fd = memfd_create("bk", MFD_CLOEXEC);

	if (fd >= 0 && bk_fd_write(fd, b->p, b->len) == 0)
		return fd;
	bk_err_sys(err, "cannot keep %zu bytes in memory", b->len);
	if (fd >= 0)
		(void)close(fd);
	return -1;
}
