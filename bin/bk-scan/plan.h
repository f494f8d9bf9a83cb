/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The plan: for each set of each class, where it begins and where it ends.
 */
#ifndef PLAN_H
#define PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "conf.h"
#include "rec.h"
#include "walk.h"

enum class { RESTIC, COLD };
enum why { WHY_MARKER, WHY_CONFIG, WHY_SET, WHY_MOUNT };
enum state { STATE_OK, STATE_MISSING, STATE_UNREADABLE, STATE_KNOWN };

/* A [backup] or [cold] section, or (cold, "") what only markers choose. */
struct set {
	enum class class;
	char *name;
	char *repo;
	bool markers;		/* takes markers that name no set */
	struct bk_strv exclude; /* restic: patterns for the whole set */
	const struct bk_conf_section *section;
};

/* A path in such a section. */
struct choice {
	char *path; /* real, i.e. without symbolic links */
	char *link; /* as it is written, where that differs */
	size_t set;
	const char *file;
	size_t line;
};

/* A decision: from path downwards a set begins (in), or ends. */
struct rec {
	bool in;
	bool nested; /* in, and below another root of its set */
	enum class class;
	size_t set;
	char *path;
	enum why why;
	char *file; /* marker or configuration; WHY_MOUNT: type */
	char *link; /* see struct choice */
	size_t line;
	enum state state;
	char *mount;		/* mount point that holds path */
	struct bk_strv exclude; /* relative to path */
	uint64_t files, dirs, bytes;

	/* cold */
	unsigned int copies;
	bool del;
	bool has_owner; /* only files of this owner are deleted */
	uid_t owner;
	bool has_age;
	uint64_t min_age;
	struct bk_strv boxes;
};

struct plan_mount {
	char *path;
	char *fstype;
	bool crossed;
};

struct filter;

struct plan {
	const struct filter *give_up; /* of what cannot be seen, or NULL */
	char *host;
	int64_t time;
	struct bk_strv scanned;
	struct set *sets;
	size_t nsets;
	struct choice *choices;
	size_t nchoices;
	struct rec **recs; /* by set, then in tree order */
	size_t nrecs;
	struct plan_mount *mounts;
	size_t nmounts;
	struct warnings warnings;
	bool sizes; /* bytes were counted */
};

/* Sets and choices, from the configuration; scanned too. */
void plan_prepare(struct plan *p, const struct bk_conf *conf);

/*
 * Decide for the zones of the walk. last (may be NULL) is the plan before,
 * of which is kept what lies where now nothing could be seen.
 */
void plan_make(struct plan *p, struct walk *w, const struct plan *last);
void plan_free(struct plan *p);

/* 3 where a warning is about something that may be missing, else 0. */
int plan_status(const struct plan *p);
/* Index of the set, or -1. */
int plan_find_set(const struct plan *p, enum class class, const char *name);
struct rec *plan_add(struct plan *p, bool in, size_t set, const char *path);
void rec_free(struct rec *r);
/* Is path, which is in r's folder, excluded by a pattern? That, or NULL. */
const char *plan_pattern(const struct plan *p, const struct rec *r,
			 const char *path);

/* The record that decides on path for this set; NULL: none does. */
const struct rec *plan_at(const struct plan *p, size_t set, const char *path);

/* check.c: mounts and warnings of a plan that is finished. */
void plan_check(struct plan *p, const struct walk *w);
/* known.c */
void plan_keep_known(struct plan *p, const struct walk *w,
		     const struct plan *last);

/* What of the plan is wanted: bits of classes, and of kinds of cold. */
struct filter {
	bool restic, cold;
	bool del, redundant; /* of cold: just these */
	const char *set;     /* of restic: just this */
};

bool filter_takes(const struct filter *f, const struct plan *p,
		  const struct rec *r);

/* stream.c: the plan as records, see bk-records(5). */
void plan_write(const struct plan *p, const struct filter *f,
		struct bk_rec *out);
/*
 * Read what plan_write() wrote, to the end; 66 where the file is not there,
 * 65 where it is damaged.
 */
int plan_load(const char *file, struct plan *p, struct bk_err *err);
const char *class_name(enum class class);
const char *state_name(enum state state);
/* "marker FILE", "FILE:LINE" and so on, for people. */
char *rec_why(const struct rec *r);

#endif
