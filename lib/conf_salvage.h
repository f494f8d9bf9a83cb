/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What can still be understood of a configuration with problems: enough to
 * tell people of them, and no more. No job is ever run by it.
 */
#ifndef BK_CONF_SALVAGE_H
#define BK_CONF_SALVAGE_H

#include "conf.h"

/*
 * [host], [keyring], and each [monitor NAME] whose type, url, token and ca are
 * as they should be; of its other keys those that are. A getter meets no
 * malformed value but "" in [keyring]: no other keyring is opened in place of
 * one that is misspelt. bk_conf_load() says what the problems are. Never NULL.
 */
struct bk_conf *bk_conf_salvage(const char *file);

#endif
