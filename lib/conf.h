/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The configuration: bk.conf(5).
 *
 * /etc/bk/bk.conf, then /etc/bk/conf.d/[*].conf in C order; for a user other
 * than root $XDG_CONFIG_HOME/bk/ alike; $BK_CONFIG or -c FILE replace all.
 * Sections are [kind] or [kind name]; the schema in conf.c says which kinds
 * and keys there are and of what type each value is. What this returns has
 * been checked against it: a getter never meets a malformed value.
 */
#ifndef BK_CONF_H
#define BK_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "str.h"

struct bk_conf_value {
	char *key;
	char *value; /* %H expanded */
	char *file;
	size_t line;
};

struct bk_conf_section {
	char *kind;
	char *name; /* "" for a section without one */
	char *file; /* where it starts first */
	size_t line;
	struct bk_conf_value *values;
	size_t nvalues;
};

struct bk_conf {
	struct bk_conf_section *sections;
	size_t nsections;
	char *host; /* [host] name, or the kernel's node name */
};

/*
 * Read and check. file NULL: the files named above. Problems are appended to
 * *problems, one line each ("file:line: what, and the remedy"), all of them;
 * with any, NULL is returned and err says the exit status (78; 66 where there
 * is no configuration; 77 where it may not be read).
 */
struct bk_conf *bk_conf_load(const char *file, struct bk_strv *problems,
			     struct bk_err *err);
/*
 * One with problems all the same, for conf_salvage.c alone: values that are
 * malformed, empty, or given twice where one is wanted, are there as "". Never
 * NULL.
 */
struct bk_conf *bk_conf_load_unsound(const char *file);
/* One without any section, host "": for what works without a file, too. */
struct bk_conf *bk_conf_none(void);
void bk_conf_free(struct bk_conf *conf);

/* The section [kind name], or NULL. name "" or NULL: [kind]. */
const struct bk_conf_section *bk_conf_find(const struct bk_conf *conf,
					   const char *kind, const char *name);
/* The next section of this kind after prev (NULL: the first), or NULL. */
const struct bk_conf_section *bk_conf_next(const struct bk_conf *conf,
					   const char *kind,
					   const struct bk_conf_section *prev);

/*
 * Values. s may be NULL: as if the key were not there. bk_conf_value()
 * returns the first after prev, for lists; NULL when there is none. The
 * others return fallback where the key is absent.
 */
const struct bk_conf_value *bk_conf_value(const struct bk_conf_section *s,
					  const char *key,
					  const struct bk_conf_value *prev);
const char *bk_conf_str(const struct bk_conf_section *s, const char *key,
			const char *fallback);
bool bk_conf_bool(const struct bk_conf_section *s, const char *key,
		  bool fallback);
uint64_t bk_conf_u64(const struct bk_conf_section *s, const char *key,
		     uint64_t fallback); /* count or percent */
uint64_t bk_conf_size(const struct bk_conf_section *s, const char *key,
		      uint64_t fallback); /* bytes */
uint64_t bk_conf_duration(const struct bk_conf_section *s, const char *key,
			  uint64_t fallback); /* seconds */

#endif
