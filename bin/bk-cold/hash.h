/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SHA-256 of files, by sha256sum(1) on the box that has them: many names in
 * one command, while other work goes on.
 */
#ifndef HASH_H
#define HASH_H

#include "box.h"
#include "ssh.h"

/*
 * Bytes of names in one command line: restricted shells take no more. Dropbear
 * ends the connection at 9000 bytes (MAX_CMD_LEN).
 */
size_t hash_line_max(const struct ssh *ssh);

struct hash_run;
struct hash_sum {
	enum box_found found;
	char sha256[65];
};

/*
 * bytes: of all files together, for the time that it may take. The paths are
 * copied; they are safe words.
 */
struct hash_run *hash_start(struct ssh *ssh, const struct bk_strv *paths,
			    uint64_t bytes, struct bk_err *err);
/* For poll(2): two descriptors. */
size_t hash_wait(const struct hash_run *r, struct pollfd *fds);
/* Do what can be done; true where it is over. */
bool hash_advance(struct hash_run *r);

/* How it ended. */
enum hash_end {
	HASH_DONE,
	HASH_LOST, /* the connection, or it took too long */
	HASH_NONE, /* the box runs no such command */
	HASH_BUSY, /* the box takes no more channels */
};
enum hash_end hash_ended(const struct hash_run *r);
/* That of path i; BOX_UNKNOWN unless the answer is exactly as it must be. */
const struct hash_sum *hash_sum(const struct hash_run *r, size_t i);
const char *hash_said(const struct hash_run *r); /* its complaints */
void hash_free(struct hash_run *r);

/*
 * What sha256sum printed for these paths, in order, one line each; those that
 * complaints says do not exist have none. Anything else makes all of them
 * unknown.
 */
void hash_parse(const char *text, const char *complaints,
		const struct bk_strv *paths, struct hash_sum *ret);

#endif
