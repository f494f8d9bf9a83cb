/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The keys of a repository, by bk-restic: it alone runs restic.
 */
#ifndef KEYS_H
#define KEYS_H

#include "tool.h"

/* What the keys of all sheets are called. */
#define KEYS_USER "recovery"

struct key {
	char *id; /* restic before 0.17 tells its first 8 characters */
	char *user, *host;
	int64_t created;
	bool current; /* it opened the repository just now */
};
struct keys {
	struct key *v;
	size_t n;
};
#define KEYS_INIT ((struct keys){ 0 })
#define BK_AUTO_KEYS BK_AUTO(keys_free)

/*
 * Each adds to *ret the keys that it is told of. -1 with err, whose exit
 * status is that of bk-restic, which has said why.
 *
 * A signal goes on to bk-restic, and is waited for. undo: this is what we do
 * after a signal, so it is not stopped by it.
 */
int keys_list(struct tool *t, const char *repo, bool undo, struct keys *ret,
	      struct bk_err *err);
int keys_add(struct tool *t, const char *repo, const struct bk_secret *password,
	     struct keys *ret, struct bk_err *err);
int keys_remove(struct tool *t, const char *repo, const char *id, bool undo,
		struct bk_err *err);
/* Which key does this password alone open? 77: none. */
int keys_test(struct tool *t, const char *repo,
	      const struct bk_secret *password, struct keys *ret,
	      struct bk_err *err);
void keys_free(struct keys *l);

/* For a dry run: the command that keys_add() would run. */
void keys_add_line(struct tool *t, const char *repo, struct bk_buf *ret);

/* Is it a key of a sheet of this host? */
bool keys_is_ours(const struct tool *t, const struct key *k);
/* The key of this id, or NULL; the id may be longer than ours, or shorter. */
const struct key *keys_find(const struct keys *l, const char *id);

#endif
