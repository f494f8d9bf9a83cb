/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Units of systemd: those of the system for root, of the user for others.
 */
#ifndef UNITS_H
#define UNITS_H

#include <stdbool.h>

#include "checks.h"
#include "str.h"

/* "systemctl", and "--user" where we are not root. */
void unit_systemctl(struct bk_strv *argv);
/* A property of a unit; "" where there is none. The caller frees it. */
char *unit_get(const char *unit, const char *property);
/* Is it a unit that there is, enabled, and active? */
bool unit_is_on(const char *timer);

/* The timers that this configuration needs. */
void unit_timers(const struct bk_conf *conf, struct bk_strv *ret);

/*
 * What services must be able to write beside their own folders: local
 * repositories, a box of the fleet that is a folder, the folder of the file
 * for Prometheus.
 */
struct unit_need {
	const char *service; /* without ".service" */
	char *name;	     /* "repo main" */
	char *path;
};
struct unit_needs {
	struct unit_need *v;
	size_t n;
};
void unit_needs(const struct bk_conf *conf, struct unit_needs *ret);
void unit_needs_free(struct unit_needs *l);
/* Does its sandbox forbid that? */
bool unit_is_barred(const struct unit_need *need);
/* The drop-in that allows it: its path, and its text. The caller frees. */
char *unit_drop_in(const struct unit_need *need);
char *unit_drop_in_text(const struct unit_need *need);

#endif
