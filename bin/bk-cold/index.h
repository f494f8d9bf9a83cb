/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * .coldstorage-index: a text in a folder that tells people which files were
 * in it and are in cold storage now, and how to bring them back.
 */
#ifndef INDEX_H
#define INDEX_H

#include "look.h"
#include "safe.h"

/*
 * Write that of folder dir (an absolute path below the top) anew, from the
 * journal; what it had of files that the journal does not know stays. A file
 * of this name that is not ours stays too (73).
 */
int index_write(struct catalog *cat, const struct names *names,
		const struct safe_top *t, const char *dir, struct bk_err *err);

#endif
