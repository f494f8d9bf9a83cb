/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which sets are encrypted, for whom, and the keys that open them.
 */
#ifndef IDENTITY_H
#define IDENTITY_H

#include "age.h"
#include "cold.h"

/*
 * The recipients file of a set ("" for what only markers choose): that of its
 * section, else that of [cold]. NULL: it lies there as it is.
 */
const char *cold_recipients(const struct bk_conf *conf, const char *set);
/*
 * The encrypted set around path, where nobody says of this one, which is not
 * encrypted, that it is not to be; or NULL.
 */
const char *cold_sealed_around(const struct bk_conf *conf, const char *set,
			       const char *path);
/*
 * The identities that --identity names, else those of [cold]; 66 where there
 * are none. Nothing else of this user can look into this process afterwards.
 */
int cold_identities(struct cold *c, struct age_identities *ret,
		    struct bk_err *err);

#endif
