/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
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

/* false where the section keeps no snapshots. */
static bool set_of(const struct bk_conf_section *s, struct set *ret)
{
	ret->section = s;
	ret->dump = strcmp(s->kind, "mariadb") == 0;
	(void)snprintf(ret->name, sizeof(ret->name), "%s%s",
		       ret->dump ? SET_DUMP : "", s->name);
	return bk_conf_str(s, "repo", NULL) != NULL;
}

int set_find(struct restic *r, const char *name, struct set *ret)
{
	bool dump = bk_str_starts(name, SET_DUMP);
	const char *kind = dump ? "mariadb" : "backup";
	const char *own = dump ? name + strlen(SET_DUMP) : name;
	const struct bk_conf_section *s = bk_conf_find(r->conf, kind, own);

	if (s && set_of(s, ret))
		return 0;
	if (s)
		bk_error("[mariadb %s] has no repo, so there are no snapshots "
			 "of it",
			 own);
	else if (!dump && bk_conf_find(r->conf, "mariadb", own))
		bk_error("there is no [backup %s] in the configuration; did "
			 "you mean " SET_DUMP "%s?",
			 own, own);
	else
		bk_error("there is no [%s %s] in the configuration", kind, own);
	return -1;
}

char *set_accept_line(const struct set *set)
{
	return bk_asprintf("%s backup --accept %s",
			   set->dump ? "bk-dbdump" : "bk-restic",
			   set->section->name);
}

/* Those that are worked on, in order. */
struct list {
	struct set *v;
	size_t n;
};

static struct set *add_set(struct list *l)
{
	l->v = bk_realloc(l->v, l->n + 1, sizeof(*l->v));
	return &l->v[l->n++];
}

static int find_named(struct restic *r, char **args, struct list *l)
{
	for (; *args; args++)
		if (set_find(r, *args, add_set(l)) < 0)
			return -1;
	return 0;
}

static void find_all(struct restic *r, const char *kind, struct list *l)
{
	const struct bk_conf_section *s = NULL;
	struct set set;

	while ((s = bk_conf_next(r->conf, kind, s)))
		if (set_of(s, &set))
			*add_set(l) = set;
}

int each_set(struct restic *r, char **args, bool dumps,
	     int (*each)(struct restic *r, const struct set *set, void *arg),
	     void *arg)
{
	struct list l = { 0 };
	int all = EACH_SKIP;

	if (find_named(r, args, &l) < 0) {
		free(l.v);
		return BK_EX_NOINPUT;
	}
	if (!args[0])
		find_all(r, "backup", &l);
	if (!args[0] && dumps)
		find_all(r, "mariadb", &l);
	for (size_t i = 0; i < l.n; i++)
		bk_resolve_want(
			&r->secrets,
			bk_conf_find(r->conf, "repo",
				     bk_conf_str(l.v[i].section, "repo", "")),
			"password");
	for (size_t i = 0; i < l.n; i++)
		all = join_status(all, each(r, &l.v[i], arg));
	free(l.v);
	if (all != EACH_SKIP || args[0])
		return all;
	bk_error("the configuration has no [backup NAME] for this");
	return BK_EX_CONFIG;
}

int each_repo(struct restic *r, char **args,
	      int (*each)(struct restic *r, const struct bk_conf_section *s,
			  void *arg),
	      void *arg)
{
	const struct bk_conf_section *s = NULL;
	int all = EACH_SKIP;

	for (char **name = args; *name; name++) {
		s = bk_conf_find(r->conf, "repo", *name);
		if (!s) {
			bk_error("there is no [repo %s] in the configuration",
				 *name);
			return BK_EX_NOINPUT;
		}
		bk_resolve_want(&r->secrets, s, "password");
	}
	for (s = NULL; !args[0] && (s = bk_conf_next(r->conf, "repo", s));)
		bk_resolve_want(&r->secrets, s, "password");
	for (char **name = args; *name; name++)
		all = join_status(all,
				  each(r, bk_conf_find(r->conf, "repo", *name),
				       arg));
	for (s = NULL; !args[0] && (s = bk_conf_next(r->conf, "repo", s));)
		all = join_status(all, each(r, s, arg));
	if (all != EACH_SKIP || args[0])
		return all;
	bk_error("the configuration has no [repo NAME] for this");
	return BK_EX_CONFIG;
}

int open_repo(struct restic *r, const char *name, struct repo *repo,
	      struct bk_err *err)
{
	int got = repo_open(repo, r->conf, name, &r->secrets, err);

	repo->dry = r->cli.dry_run;
	return got;
}

int open_set(struct restic *r, const struct set *set, struct repo *repo,
	     struct bk_err *err)
{
	return open_repo(r, bk_conf_str(set->section, "repo", ""), repo, err);
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
