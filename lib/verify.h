/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What bk-verify is to prove: the subjects that the configuration asks for.
 * There are some where it has a section [verify].
 */
#ifndef BK_VERIFY_H
#define BK_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"

enum bk_verify_kind {
	BK_VERIFY_REPO,	    /* a [repo]: restic's check */
	BK_VERIFY_PACKS,    /* its files, hashed where they lie */
	BK_VERIFY_DRILL,    /* a [backup]: restored and compared */
	BK_VERIFY_COLD,	    /* a [box]: its cold copies */
	BK_VERIFY_DUMP,	    /* a [mariadb]: loaded, and dumped again */
	BK_VERIFY_AGE,	    /* a [backup]: its newest snapshot */
	BK_VERIFY_AGE_DUMP, /* a [mariadb]: the same */
	BK_VERIFY_KINDS
};

struct bk_verify_subject {
	enum bk_verify_kind kind;
	const struct bk_conf_section *section; /* whose name it has */
};
struct bk_verify_subjects {
	struct bk_verify_subject *v;
	size_t n;
};
#define BK_VERIFY_SUBJECTS_INIT ((struct bk_verify_subjects){ NULL, 0 })
#define BK_AUTO_VERIFY_SUBJECTS BK_AUTO(bk_verify_subjects_free)

/* "repo" and so on. */
const char *bk_verify_word(enum bk_verify_kind kind);

/* Is it meant by "packs", or "packs:main"? */
bool bk_verify_is(const char *subject, const char *name);

/* All of them, those of a kind together, without what skip names. */
void bk_verify_subjects(const struct bk_conf *conf,
			struct bk_verify_subjects *ret);
void bk_verify_subjects_free(struct bk_verify_subjects *l);

/* The repository of a [backup] or [mariadb]; a [repo] itself. NULL: none. */
const struct bk_conf_section *bk_verify_repo(const struct bk_conf *conf,
					     const struct bk_conf_section *s);

/*
 * The time within which everything is proved, and the time after which a
 * subject of which nobody could tell is late, in seconds.
 */
uint64_t bk_verify_cycle(const struct bk_conf *conf);
uint64_t bk_verify_max_age(const struct bk_conf *conf);

#endif
