/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the parts of bk-config check share: each looks at one thing, and adds
 * what it finds.
 */
#ifndef CHECKS_H
#define CHECKS_H

#include "child.h"
#include "report.h"
#include "tool.h"

struct check {
	struct tool *t;
	struct report report;
	json_t *plan;	       /* records of bk-scan, or NULL */
	struct bk_strv broken; /* labels of what needs no second look */
};

/* Without a configuration: */
void check_folders(struct check *c); /* files.c */
void check_tools(struct check *c);   /* programs.c */
void check_clock(struct check *c);   /* system.c */

/* With one, in this order: */
void check_config_files(struct check *c); /* files.c */
void check_programs(struct check *c);	  /* programs.c */
void check_secrets(struct check *c);	  /* secrets.c */
void check_sources(struct check *c);	  /* sources.c */
void check_databases(struct check *c);	  /* databases.c */
void check_hosts(struct check *c);	  /* hosts.c */
void check_boxes(struct check *c);	  /* hosts.c */
void check_repos(struct check *c);	  /* repos.c */
void check_append_only(struct check *c);  /* append_check.c */
void check_monitors(struct check *c);	  /* monitors.c */
void check_units(struct check *c);	  /* units.c */
void check_sheets(struct check *c);	  /* monitors.c */

/* Is something named so broken? Then what depends on it tells nothing new. */
void check_break(struct check *c, const char *label);
bool check_is_broken(const struct check *c, const char *label);

/* Has the system been started by systemd? */
bool systemd_runs(void);

#endif
