/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every file, folder and symbolic link that a plan has in cold storage. The
 * walk goes by descriptors and never through a symbolic link, and enters
 * other file systems only where the plan says so.
 */
#ifndef WALK_H
#define WALK_H

#include <sys/stat.h>

#include "plan.h"

/* What a release leaves in a folder; never copied, never released. */
#define WALK_INDEX ".coldstorage-index"
#define WALK_QUARANTINE ".bk-quarantine"

struct walk_item {
	const struct decision *decision;
	const char *path;
	int dirfd;	  /* its folder; AT_FDCWD for the top itself */
	const char *name; /* in it; the path for the top itself */
	const struct stat *st;
};

/* Open it, through no symbolic link; errno on -1. */
int walk_open(const struct walk_item *i, int flags);

struct walk {
	const struct plan *plan;
	void *arg;
	/* 0, or -1 with err to stop everything */
	int (*visit)(void *arg, const struct walk_item *i, struct bk_err *err);
	/* something could not be read; it was reported */
	void (*failed)(void *arg, const struct decision *d, const char *path);
};

/* All of one decision, down to the next ones below. */
int walk_decision(const struct walk *w, const struct decision *d,
		  struct bk_err *err);

#endif
