/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is done what the configuration asks for? Judged from the state files
 * (state.h) and the clock alone, so that all who tell say the same.
 *
 * A job is what a state file is about: "backup home". Which ones there must
 * be comes from the configuration; one that never ran has no file, and that
 * is an answer. How a unit of systemd ended is in a state file too (tool
 * "unit", by bk-notify): it tells of runs that were killed, or failed before
 * their first line, and could not write down how they ended.
 */
#ifndef BK_HEALTH_H
#define BK_HEALTH_H

#include <jansson.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"

/* From good to bad: the greater, the sooner people must hear of it. */
enum bk_health {
	BK_HEALTH_OK,
	BK_HEALTH_TODO,	   /* fine, but a person should do something */
	BK_HEALTH_DELAYED, /* no luck since it was good (75), of late */
	BK_HEALTH_PARTIAL,
	BK_HEALTH_LATE,
	BK_HEALTH_FAILED,
	BK_HEALTH_NEVER,
	/* its state is damaged, from the future, or from another host */
	BK_HEALTH_UNKNOWN,
};
/* Wrong from here on: bk-status ends with 1, monitors go down. */
#define BK_HEALTH_WRONG BK_HEALTH_PARTIAL

struct bk_health_job {
	char *name;	  /* "backup home"; "unit bk-verify" */
	const char *unit; /* name of its service, without ".service" */
	uint64_t limit; /* seconds that the last success may be ago; 0: none */
	int64_t since;	/* when it could have run first; 0: not known */
	json_t *state;	/* of its last run, or NULL */
	json_t *unit_state; /* of a failure of the unit that counts, or NULL */
	char *damaged;	    /* why there is no state though there is a file */

	enum bk_health health; /* by bk_health_judge() */
	char *why;	       /* "never ran", "failed: no space left" */
};

struct bk_health_list {
	struct bk_health_job *jobs;
	size_t n;
};
#define BK_HEALTH_INIT ((struct bk_health_list){ NULL, 0 })
#define BK_AUTO_HEALTH BK_AUTO(bk_health_free)

/*
 * Beside them "full-key REPO" is a job, as long as the full key of what is
 * append-only lies where bk-config put it to be carried away; it is looked for.
 *
 * The jobs that conf asks for, judged, in its order, those of a kind
 * together. states is what bk_state_all() returned.
 */
void bk_health_read(struct bk_health_list *l, const struct bk_conf *conf,
		    const json_t *states, int64_t now);
/* Judge anew, by another limit (seconds, 0: none). */
void bk_health_judge(struct bk_health_job *j, uint64_t limit, int64_t now);
/* The worst, the first one of its kind; NULL where there are no jobs. */
const struct bk_health_job *bk_health_worst(const struct bk_health_list *l);
void bk_health_free(struct bk_health_list *l);

/*
 * Does this host forget old snapshots of a [backup] or [mariadb]? Not without
 * retention, and not where the repository is append-only: others do it then.
 */
bool bk_health_forgets(const struct bk_conf *conf,
		       const struct bk_conf_section *s);
/* Does it push to cold storage? Not where all of the boxes are read-only. */
bool bk_health_pushes(const struct bk_conf *conf);

/* Is j meant by "backup home" (this job) or "backup" (all of the kind)? */
bool bk_health_is(const struct bk_health_job *j, const char *watch);

/* "ok", "todo", "delayed", "partial", "late", "failed", "never", "unknown" */
const char *bk_health_name(enum bk_health h);

/* Times of its state; 0 where there are none. */
int64_t bk_health_last_ok(const struct bk_health_job *j);
int64_t bk_health_end(const struct bk_health_job *j);

#endif
