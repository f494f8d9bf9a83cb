/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A keyring in a file: keyrings.cryptfile's store of any release and mode,
 * read and changed so that the Python tool goes on using it.
 *
 * Every entry has a salt, hence an Argon2 derivation (about a second), of its
 * own; nothing is derived that is not asked for.
 */
#ifndef KEYRING_H
#define KEYRING_H

#include <sys/stat.h>

#include "cryptfile.h"
#include "crypto.h"
#include "err.h"
#include "secret.h"

struct keyring {
	char *path;
	struct cryptfile file;
	struct stat st;
	int fd;	     /* open and, for a change, locked; -1 */
	bool is_new; /* there is no file */
	enum crypto_mode mode;
	struct bytes joiner; /* between service and user, under the seal */
	struct bk_secret master;
	bool proved; /* it opens the file, or there was none */
};
#define KEYRING_INIT ((struct keyring){ .fd = -1 })

enum { KEYRING_ABSENT = 1 };

/*
 * Read the file. KEYRING_ABSENT where there is none; -1: 77 for one that is
 * no regular file, not ours, or readable by others, 65 for one that is too
 * large, no keyring, or of a kind that this cannot read. lock: nobody else
 * changes it until keyring_close(); 75 where another one does so for long.
 */
int keyring_open(struct keyring *k, const char *path, bool lock,
		 struct bk_err *err);
/* A copy of another one's text, for reading. */
int keyring_load(struct keyring *k, const char *path, const char *text,
		 size_t len, struct bk_err *err);
/* An empty one in memory, to be saved where no file is. */
int keyring_create(struct keyring *k, const char *path, struct bk_err *err);
void keyring_close(struct keyring *k);

/* Is there such an entry? Where not, err says so (66). Wants no master. */
bool keyring_has(const struct keyring *k, const char *service, const char *user,
		 struct bk_err *err);

/* All of these want k->master. */

/*
 * The secret of an entry: 66 where there is none, 77 where the master is
 * wrong, 65 where the entry is damaged, moved, or another user's whose name
 * differs in capitals.
 */
int keyring_get(const struct keyring *k, const char *service, const char *user,
		struct bk_secret *ret, struct bk_err *err);
/*
 * Does the master open it? 77 where it does not. Where the file has no
 * reference entry, any entry that opens is proof; a file without entries
 * takes any master.
 */
int keyring_prove(const struct keyring *k, struct bk_err *err);
/*
 * Add what is missing of the entries that every file has: its kind, and the
 * reference that proves a master. k->master is not proved by this.
 */
int keyring_begin(struct keyring *k, struct bk_err *err);
/*
 * Set an entry, in memory, and read it back. The master is proved before; an
 * entry that it does not open is not replaced (65, 77), nor is one that says
 * what the file is (77).
 */
int keyring_put(struct keyring *k, const char *service, const char *user,
		const struct bk_secret *secret, struct bk_err *err);
/* Remove an entry, in memory; 66 where there is none. Wants no master. */
int keyring_remove(struct keyring *k, const char *service, const char *user,
		   struct bk_err *err);
/*
 * Write it: the old file or the new one is there, whole. 75 where another
 * program has written, made or removed it since it was opened.
 */
int keyring_save(struct keyring *k, struct bk_err *err);

/* Is it one of the entries that say what the file is? */
bool keyring_is_setting(const struct cryptfile_entry *e);

/* The file's own record of its kind, without line breaks; NULL: none. */
const char *keyring_setting(const struct cryptfile *f, const char *option);

#endif
