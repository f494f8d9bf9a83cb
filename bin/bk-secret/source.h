/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a reference to its secret.
 */
#ifndef SOURCE_H
#define SOURCE_H

#include "tool.h"

/* The source does not apply here; err says why, with exit 66 or 69. */
enum { SOURCE_ABSENT = 1 };

/*
 * One source: 0, SOURCE_ABSENT, or -1: it applies, and failed; nothing else
 * is to be tried then. owner is for whom a person is asked, e.g. "[repo
 * main] password".
 */
int source_get(struct tool *t, const struct bk_ref *ref, const char *owner,
	       struct bk_secret *ret, struct bk_err *err);

/*
 * The first of a list that applies. *ret_source counts from 1: the one that
 * decided; 0 where none applies (66).
 */
int source_first(struct tool *t, const struct bk_strv *refs, const char *owner,
		 size_t *ret_source, struct bk_secret *ret, struct bk_err *err);

/* [keyring]: where it lies, and what opens it. The caller frees them. */
char *keyring_path(const struct tool *t, struct bk_err *err);
void keyring_unlock_refs(const struct tool *t, struct bk_strv *ret);
/* The master, from what [keyring] unlock says; 75 where no source applies. */
int keyring_master(struct tool *t, struct bk_secret *ret, struct bk_err *err);
/* t->ring is read, and has its master; SOURCE_ABSENT where there is no file. */
int keyring_ready(struct tool *t, bool master, struct bk_err *err);

/*
 * Run the helper for the desktop's keyring: verb is get, set, del, or, where
 * ref is NULL, list;
 * in is written to its stdin (NULL: nothing). What it prints goes to ret,
 * what it says to err. 0, SOURCE_ABSENT or -1.
 */
int service_run(struct tool *t, const char *verb, const struct bk_ref *ref,
		const struct bk_secret *in, struct bk_buf *ret,
		struct bk_err *err);

#endif
