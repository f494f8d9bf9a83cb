/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The plan of bk-scan, read by those who carry it out: what any of them wants
 * of it. Its records are those of bk-records(5).
 */
#ifndef BK_PLAN_IN_H
#define BK_PLAN_IN_H

#include <jansson.h>

#include "err.h"
#include "str.h"

struct bk_plan {
	char *host;
	bool partial;	       /* something may be missing from it: */
	struct bk_strv warned; /* paths of the warnings, "" without one */
};
#define BK_PLAN_INIT ((struct bk_plan){ 0 })

/* A record of another type than "plan" and "warning". */
typedef int (*bk_plan_take)(void *arg, const char *type, const json_t *o,
			    struct bk_err *err);

/*
 * Read the stream from fd to its end; its warnings go to the log. 76 where it
 * is cut off or no plan; what take() got is then not to be used.
 */
int bk_plan_read(int fd, bk_plan_take take, void *arg, struct bk_plan *ret,
		 struct bk_err *err);
/*
 * The same of a bk-scan with this configuration (NULL: the default) and these
 * arguments, option first. 75 where a signal came; its own status.
 */
int bk_plan_scan(const char *config, char *const *args, bk_plan_take take,
		 void *arg, struct bk_plan *ret, struct bk_err *err);
/*
 * Where a record of type "root" or "out" applies, and of which set: ret_set
 * lies in o. NULL: 76.
 */
char *bk_plan_path(const json_t *o, const char **ret_set, struct bk_err *err);
/* The mount point of a record of type "mount" that is entered, or NULL. */
char *bk_plan_entered(const json_t *o);
/* The texts that o has under this key. */
void bk_plan_texts(const json_t *o, const char *key, struct bk_strv *ret);
void bk_plan_free(struct bk_plan *p);

#endif
