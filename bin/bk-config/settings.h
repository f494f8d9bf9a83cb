/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Defaults of the configuration, as bk.conf(5) has them.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stddef.h>

/*
 * The nth value (from 0) that this key has where nobody sets it; NULL where
 * there is none.
 */
const char *setting_default(const char *kind, const char *key, size_t n);

#endif
