/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What was removed on purpose, for bk-verify: whatever else is gone was not
 * (bk-records(5)).
 */
#ifndef REMOVED_H
#define REMOVED_H

#include "str.h"

/* Add "TIME KIND ID" for each id; kind is "snapshot" or "key". */
void removed_note(const char *repo, const char *kind,
		  const struct bk_strv *ids);

#endif
