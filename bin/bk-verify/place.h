/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the files of a repository lie, and how they are looked at there: in a
 * folder of this host, or on a box by ssh, whose own ls and sha256sum are run,
 * so that nothing of them is fetched.
 */
#ifndef PLACE_H
#define PLACE_H

#include "conf.h"
#include "err.h"
#include "listing.h"
#include "remote.h"

struct place {
	const struct bk_conf_section *repo;
	char *dir; /* of the repository, there */
	struct bk_remote at;
	struct ssh *ssh; /* NULL: a folder of this host */
};
#define PLACE_INIT ((struct place){ 0 })

/*
 * 75 where the repository is a folder of this host that is not there, or has
 * nothing in it: its disk may not be mounted.
 */
int place_check(const struct bk_conf_section *repo, struct bk_err *err);

/*
 * Go there. 75: it cannot be reached, 77: it does not let us in; 1: files
 * cannot be looked at there, for it is no such place, or has no commands.
 */
int place_open(struct place *p, const struct bk_conf_section *repo,
	       struct bk_err *err);
void place_close(struct place *p);

/* All files, sorted. 1 as above; 66: there is no repository any more. */
int place_list(struct place *p, struct listing *ret, struct bk_err *err);

enum place_sum {
	PLACE_SUM_NONE, /* it was not told */
	PLACE_SUM_GOOD,
	PLACE_SUM_WRONG,
	PLACE_SUM_MISSING,
	PLACE_SUM_UNREADABLE,
};
/*
 * Hash n files and compare with their names; ret has room for n. -1 with err
 * where it could not be done: 75, or 1 as above.
 */
int place_sum(struct place *p, const struct listing_file *f, size_t n,
	      enum place_sum *ret, struct bk_err *err);

/* How many files and bytes one call should have at most. */
#define PLACE_SUM_FILES 128
#define PLACE_SUM_BYTES ((uint64_t)2 << 30)

#endif
