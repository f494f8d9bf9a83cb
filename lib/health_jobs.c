/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which jobs there are, and what is known of each. */
#include "health.h"

#include <unistd.h>

#include "rec.h"
#include "state.h"
#include "str.h"
#include "verify.h"

#define HOUR ((uint64_t)3600)
#define DAY (24 * HOUR)
/* A unit notes its end after the tool that ran in it noted its own. */
#define UNIT_SLACK 60
/* What a unit that belongs to no job left behind is told for so long. */
#define UNIT_STALE ((int64_t)(8 * DAY))

#define BACKUP_LIMIT (3 * HOUR)
#define DUMP_LIMIT (9 * HOUR)
#define FORGET_LIMIT (8 * DAY)
#define PRUNE_EVERY (7 * DAY)
#define COLD_LIMIT (50 * HOUR)
#define KIT_LIMIT (400 * DAY)

struct reader {
	struct bk_health_list *list;
	const struct bk_conf *conf;
	const json_t *states;
	int64_t now;
};

static const json_t *find_state(const struct reader *r, const char *tool,
				const char *job)
{
	size_t i;
	const json_t *o;

	json_array_foreach(r->states, i, o) {
		const char *t = bk_rec_str(o, "tool"),
			   *j = bk_rec_str(o, "job");

		if (t && j && strcmp(t, tool) == 0 && strcmp(j, job) == 0)
			return o;
	}
	return NULL;
}

static const char *find_damage(const struct reader *r, const char *tool,
			       const char *job)
{
	BK_AUTO_FREE char *file = bk_state_file(tool, job);
	size_t i;
	const json_t *o;

	json_array_foreach(r->states, i, o) {
		const char *f = bk_rec_str(o, "file");

		if (f && strcmp(f, file) == 0)
			return bk_rec_str(o, "damaged");
	}
	return NULL;
}

static bool has_failed(const json_t *state)
{
	return state && bk_rec_int(state, "exit", 1) != 0;
}

static int64_t end_ms(const json_t *state)
{
	return bk_rec_time(state, "end", 0) * 1000 +
	       bk_rec_int(state, "end_ms", 0);
}

/* Of one and the same run of a unit? Only where both say of which they are. */
static bool same_run(const json_t *a, const json_t *b)
{
	const char *of = bk_rec_str(a, "invocation");
	const char *other = bk_rec_str(b, "invocation");

	return of && other && strcmp(of, other) == 0;
}

/*
 * Does what the job wrote down itself count, and not how the unit ended? It
 * does if it was written in this run, or later. Times alone do not tell: a run
 * may begin in the second in which the one before ended.
 */
static bool told_itself(const struct bk_health_job *j, const json_t *unit)
{
	int64_t end = bk_health_end(j), unit_end = bk_rec_time(unit, "end", 0);
	bool known = bk_rec_str(unit, "invocation");

	if (known && !same_run(j->state, unit))
		return end_ms(j->state) > end_ms(unit);
	/* One that was interrupted knows only that; systemd knows why. */
	if (has_failed(j->state) && bk_rec_bool(unit, "killed", false) &&
	    end <= unit_end && end + UNIT_SLACK >= unit_end)
		return false;
	if (known)
		return true;
	/* Of an older release, or systemctl said nothing. */
	return end + (has_failed(j->state) ? UNIT_SLACK : -1) >=
	       bk_rec_time(unit, "start", 0);
}

/* How the unit, or its instance for this job, ended, as far as it counts. */
static void add_unit_state(const struct reader *r, struct bk_health_job *j)
{
	const char *name = strchr(j->name, ' ');
	BK_AUTO_FREE char *instance =
		bk_asprintf("%s@%s", j->unit, name ? name + 1 : "");
	const char *names[] = { j->unit, instance };

	for (size_t i = 0; i < BK_COUNT(names); i++) {
		const json_t *unit = find_state(r, "unit", names[i]);
		const char *damage = find_damage(r, "unit", names[i]);

		if (damage && !j->damaged)
			j->damaged = bk_strdup(damage);
		if (!j->unit_state && has_failed(unit) && !told_itself(j, unit))
			j->unit_state = json_deep_copy(unit);
	}
}

/* Copied, or from before the host was renamed; NULL: it is this host's. */
static char *foreign(const struct reader *r, const json_t *state)
{
	const char *host = bk_rec_str(state, "host");

	if (!host || strcmp(host, r->conf->host) == 0)
		return NULL;
	return bk_asprintf("its state is that of another host: %s", host);
}

static struct bk_health_job *new_job(struct reader *r)
{
	struct bk_health_list *l = r->list;

	l->jobs = bk_realloc(l->jobs, l->n + 1, sizeof(*l->jobs));
	l->jobs[l->n] = (struct bk_health_job){ 0 };
	return &l->jobs[l->n++];
}

/* Takes name. unit NULL: no unit of systemd does it. */
static struct bk_health_job *add_job(struct reader *r, const char *tool,
				     char *name, const char *unit,
				     uint64_t limit, int64_t since)
{
	struct bk_health_job *j = new_job(r);
	const char *damage = find_damage(r, tool, name);

	j->name = name;
	j->unit = unit;
	j->limit = limit;
	j->since = since;
	j->state = json_deep_copy(find_state(r, tool, name));
	/* A sheet opens a repository, wherever that was proved. */
	if (damage)
		j->damaged = bk_strdup(damage);
	else if (!bk_health_is(j, "kit") && !bk_health_is(j, "full-key"))
		j->damaged = foreign(r, j->state);
	if (unit)
		add_unit_state(r, j);
	bk_health_judge(j, limit, r->now);
	return j;
}

static bool is_streams_only(const struct bk_conf_section *s)
{
	return !bk_conf_bool(s, "markers", false) &&
	       !bk_conf_value(s, "path", NULL);
}

/* What stands in text behind START, SET and a colon; or NULL. */
static const char *behind(const char *text, const char *start, const char *set)
{
	size_t n = strlen(start), len = strlen(set);

	if (!text || strncmp(text, start, n) != 0 ||
	    strncmp(text + n, set, len) != 0 || text[n + len] != ':')
		return NULL;
	return text + n + len + 1;
}

/* "backup db:shop.sql", where o is the state of such a job; or NULL. */
static char *stream_of(const struct bk_conf_section *s, const json_t *o)
{
	const char *file =
		behind(bk_rec_str(o, "file"), "bk-restic.backup-", s->name);
	const char *job = behind(bk_rec_str(o, "job"), "backup ", s->name);
	const char *tool = bk_rec_str(o, "tool");

	/* Of one that is damaged there is the name of the file alone. */
	if (file && bk_str_ends(file, ".json"))
		return bk_asprintf("backup %s:%.*s", s->name,
				   (int)(strlen(file) - strlen(".json")), file);
	if (!job || !tool || strcmp(tool, "bk-restic") != 0)
		return NULL;
	return bk_asprintf("backup %s:%s", s->name, job);
}

/* Streams of the set, "backup SET:NAME": known by what they left. */
static size_t add_streams(struct reader *r, const struct bk_conf_section *s,
			  uint64_t limit)
{
	size_t i, n = 0;
	const json_t *o;

	json_array_foreach(r->states, i, o) {
		char *job = stream_of(s, o);

		if (!job)
			continue;
		(void)add_job(r, "bk-restic", job, NULL, limit, 0);
		n++;
	}
	return n;
}

static void add_backups(struct reader *r)
{
	const struct bk_conf_section *s = NULL;

	while ((s = bk_conf_next(r->conf, "backup", s))) {
		uint64_t limit = bk_conf_duration(s, "max-age", BACKUP_LIMIT);

		if (add_streams(r, s, limit) > 0 && is_streams_only(s))
			continue;
		(void)add_job(r, "bk-restic", bk_asprintf("backup %s", s->name),
			      "bk-restic", limit, 0);
	}
}

/* Servers that are only dumped by hand have no repository. */
static void add_dumps(struct reader *r)
{
	const struct bk_conf_section *s = NULL;

	while ((s = bk_conf_next(r->conf, "mariadb", s)))
		if (bk_conf_value(s, "repo", NULL))
			(void)add_job(
				r, "bk-dbdump",
				bk_asprintf("mariadb %s", s->name), "bk-dbdump",
				bk_conf_duration(s, "max-age", DUMP_LIMIT), 0);
}

static const struct bk_conf_section *repo_of(const struct reader *r,
					     const struct bk_conf_section *s)
{
	return bk_conf_find(r->conf, "repo", bk_conf_str(s, "repo", ""));
}

/*
 * The next section whose snapshots bk-restic keeps: [backup NAME], then each
 * [mariadb NAME] that has a repository.
 */
static const struct bk_conf_section *next_set(const struct reader *r,
					      const struct bk_conf_section *s)
{
	if (!s || strcmp(s->kind, "backup") == 0) {
		s = bk_conf_next(r->conf, "backup", s);
		if (s)
			return s;
	}
	do
		s = bk_conf_next(r->conf, "mariadb", s);
	while (s && !bk_conf_value(s, "repo", NULL));
	return s;
}

/* "forget home", "backup mariadb:local" */
static char *job_of(const char *what, const struct bk_conf_section *s)
{
	bool dump = strcmp(s->kind, "mariadb") == 0;

	return bk_asprintf("%s %s%s", what, dump ? "mariadb:" : "", s->name);
}

/*
 * When the set's first backup, or that of its first stream, began, so that its
 * forget could have run.
 */
static int64_t backup_since(const struct reader *r,
			    const struct bk_conf_section *s)
{
	BK_AUTO_FREE char *job = job_of("backup", s);
	int64_t since =
		bk_rec_time(find_state(r, "bk-restic", job), "since", r->now);
	size_t i;
	const json_t *o;

	if (strcmp(s->kind, "backup") != 0)
		return since;
	json_array_foreach(r->states, i, o) {
		BK_AUTO_FREE char *stream = stream_of(s, o);
		int64_t t = bk_rec_time(o, "since", r->now);

		if (stream && t < since)
			since = t;
	}
	return since;
}

bool bk_health_forgets(const struct bk_conf *conf,
		       const struct bk_conf_section *s)
{
	const struct bk_conf_section *repo =
		bk_conf_find(conf, "repo", bk_conf_str(s, "repo", ""));

	return !bk_conf_bool(repo, "append-only", false) &&
	       (bk_conf_value(s, "keep", NULL) ||
		bk_conf_value(repo, "keep", NULL));
}

static void add_forgets(struct reader *r)
{
	const struct bk_conf_section *s = NULL;

	while ((s = next_set(r, s)))
		if (bk_health_forgets(r->conf, s))
			(void)add_job(r, "bk-restic", job_of("forget", s),
				      "bk-forget", FORGET_LIMIT,
				      backup_since(r, s));
}

/* The first backup with retention into this repository; 0: there is none. */
static int64_t prune_since(const struct reader *r,
			   const struct bk_conf_section *repo)
{
	const struct bk_conf_section *s = NULL;
	int64_t since = 0;

	while ((s = next_set(r, s))) {
		int64_t t = backup_since(r, s);

		if (repo_of(r, s) == repo && bk_health_forgets(r->conf, s) &&
		    (since == 0 || t < since))
			since = t;
	}
	return since;
}

static void add_prunes(struct reader *r)
{
	const struct bk_conf_section *s = NULL;

	while ((s = bk_conf_next(r->conf, "repo", s))) {
		uint64_t every =
			bk_conf_duration(s, "prune-every", PRUNE_EVERY);
		int64_t since = prune_since(r, s);

		if (since)
			(void)add_job(r, "bk-restic",
				      bk_asprintf("prune %s", s->name),
				      "bk-forget", every + FORGET_LIMIT, since);
	}
}

static bool is_used(const struct reader *r, const struct bk_conf_section *repo)
{
	const struct bk_conf_section *s = NULL;

	while ((s = next_set(r, s)))
		if (repo_of(r, s) == repo)
			return true;
	return false;
}

/* Of repositories that this host backs up into. */
static void add_kits(struct reader *r)
{
	const struct bk_conf_section *s = NULL;

	while ((s = bk_conf_next(r->conf, "repo", s)))
		if (is_used(r, s))
			(void)add_job(r, "bk-secret",
				      bk_asprintf("kit %s", s->name), NULL,
				      KIT_LIMIT, 0);
}

/* The full key of what is append-only, where it was put to be carried away. */
static void add_full_keys(struct reader *r)
{
	const struct bk_conf_section *s = NULL;

	while ((s = bk_conf_next(r->conf, "repo", s))) {
		BK_AUTO_FREE char *name = bk_asprintf("full-key %s", s->name);
		const json_t *state = find_state(r, "bk-config", name);
		const char *path = bk_rec_str(state, "path");

		if (bk_conf_bool(s, "append-only", false) && path &&
		    access(path, F_OK) == 0)
			(void)add_job(r, "bk-config", bk_strdup(name), NULL, 0,
				      0);
	}
}

bool bk_health_pushes(const struct bk_conf *conf)
{
	static const char *const keys[] = { "boxes", "redundant" };
	const struct bk_conf_section *cold = bk_conf_find(conf, "cold", NULL);
	BK_AUTO_STRV struct bk_strv names = BK_STRV_INIT;
	bool any = false;

	for (size_t i = 0; i < BK_COUNT(keys); i++) {
		const struct bk_conf_value *v = NULL;

		while ((v = bk_conf_value(cold, keys[i], v)))
			bk_strv_split(&names, v->value, " \t");
	}
	for (size_t i = 0; i < names.n && !any; i++)
		any = !bk_conf_bool(bk_conf_find(conf, "box", names.v[i]),
				    "read-only", false);
	return any;
}

/* One job for all of cold storage, where there are boxes for it. */
static void add_cold(struct reader *r)
{
	const struct bk_conf_section *s = bk_conf_find(r->conf, "cold", NULL);

	if (bk_health_pushes(r->conf))
		(void)add_job(r, "bk-cold", bk_strdup("cold push"), "bk-cold",
			      bk_conf_duration(s, "max-age", COLD_LIMIT), 0);
}

/* Its timer is nobody's duty, but where it ran or should it is looked after. */
static void add_release(struct reader *r)
{
	const struct bk_conf_section *s = NULL;
	bool wanted = find_state(r, "bk-cold", "cold release") != NULL;

	while (!wanted && (s = bk_conf_next(r->conf, "cold", s)))
		wanted = bk_conf_bool(s, "delete", false);
	if (wanted)
		(void)add_job(r, "bk-cold", bk_strdup("cold release"),
			      "bk-cold-release", COLD_LIMIT, 0);
}

/* When the first backup began that goes into this repository. */
static int64_t repo_since(const struct reader *r,
			  const struct bk_conf_section *repo)
{
	const struct bk_conf_section *s = NULL;
	int64_t since = r->now;

	while ((s = next_set(r, s))) {
		int64_t t = backup_since(r, s);

		if (repo_of(r, s) == repo && t < since)
			since = t;
	}
	return since;
}

/* Of what it proves the first was made then. */
static int64_t verify_since(const struct reader *r,
			    const struct bk_verify_subject *subject)
{
	if (subject->kind == BK_VERIFY_COLD)
		return bk_rec_time(find_state(r, "bk-cold", "cold push"),
				   "since", r->now);
	return repo_since(r, bk_verify_repo(r->conf, subject->section));
}

static void add_verifies(struct reader *r)
{
	BK_AUTO_VERIFY_SUBJECTS struct bk_verify_subjects l;

	bk_verify_subjects(r->conf, &l);
	for (size_t i = 0; i < l.n; i++) {
		const struct bk_conf_section *s = l.v[i].section;

		(void)add_job(r, "bk-verify",
			      bk_asprintf("verify %s:%s",
					  bk_verify_word(l.v[i].kind), s->name),
			      "bk-verify", bk_verify_max_age(r->conf),
			      verify_since(r, &l.v[i]));
	}
}

/* Is it a job of this unit, which may be an instance, for another job too? */
static bool is_of_unit(const struct bk_health_job *j, const char *unit)
{
	size_t n = strcspn(unit, "@");

	return j->unit && strlen(j->unit) == n &&
	       strncmp(j->unit, unit, n) == 0;
}

static bool is_of_instance(const struct bk_health_job *j, const char *unit)
{
	const char *instance = strchr(unit, '@'), *name = strchr(j->name, ' ');

	return !instance || (name && strcmp(instance + 1, name + 1) == 0);
}

/*
 * Is there a job that answers for this failure of a unit, or something newer
 * of one? Where all that the run did went well, nobody does.
 */
static bool is_answered(const struct reader *r, const char *unit,
			const json_t *failure)
{
	bool known = false, went_well = false;

	for (size_t i = 0; i < r->list->n; i++) {
		const struct bk_health_job *j = &r->list->jobs[i];

		known = known || is_of_unit(j, unit);
		if (!is_of_unit(j, unit) || !is_of_instance(j, unit))
			continue;
		if (same_run(j->state, failure) && !has_failed(j->state))
			went_well = true;
		else if (j->unit_state || same_run(j->state, failure) ||
			 end_ms(j->state) > end_ms(failure))
			return true;
	}
	return known && !went_well;
}

static void add_unit(struct reader *r, const char *unit, const json_t *state)
{
	struct bk_health_job *j =
		add_job(r, "unit", bk_asprintf("unit %s", unit), NULL, 0, 0);

	j->unit_state = json_deep_copy(state);
	bk_health_judge(j, 0, r->now);
}

/* Units that failed and that none of the jobs answers for. */
static void add_units(struct reader *r)
{
	size_t i;
	const json_t *o;

	json_array_foreach(r->states, i, o) {
		const char *tool = bk_rec_str(o, "tool");
		const char *unit = bk_rec_str(o, "job");

		if (tool && unit && strcmp(tool, "unit") == 0 &&
		    has_failed(o) && !is_answered(r, unit, o) &&
		    r->now - bk_rec_time(o, "end", 0) < UNIT_STALE)
			add_unit(r, unit, o);
	}
}

void bk_health_read(struct bk_health_list *l, const struct bk_conf *conf,
		    const json_t *states, int64_t now)
{
	struct reader r = { l, conf, states, now };

	*l = BK_HEALTH_INIT;
	add_backups(&r);
	add_dumps(&r);
	add_forgets(&r);
	add_prunes(&r);
	add_cold(&r);
	add_release(&r);
	add_verifies(&r);
	add_kits(&r);
	add_full_keys(&r);
	add_units(&r);
}
