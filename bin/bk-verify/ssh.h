/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands on a box, one after the other on one connection: its ls and its
 * sha256sum, if it has a shell, or what a Storage Box has for one.
 */
#ifndef SSH_H
#define SSH_H

#include "conf.h"
#include "err.h"
#include "listing.h"
#include "place.h"
#include "remote.h"

struct ssh;

/* As place_open(). */
struct ssh *ssh_open(const struct bk_conf_section *repo,
		     const struct bk_remote *at, struct bk_err *err);
void ssh_close(struct ssh *s);

int ssh_list(struct ssh *s, const char *dir, struct listing *ret,
	     struct bk_err *err);
int ssh_sum(struct ssh *s, const char *dir, const struct listing_file *f,
	    size_t n, enum place_sum *ret, struct bk_err *err);

/*
 * A line of sha256sum: "HASH  NAME", or "\HASH  NAME" with \\ \n \r for
 * what they stand for in NAME. The name, which the caller frees; NULL where it
 * is none.
 */
char *ssh_parse_sum(const char *line, char ret_hash[static 65]);

/*
 * The command line up to the host, from sftp.command or sftp.args among the
 * options, or our own; false where that is not an ssh that we understand.
 */
bool ssh_base(const struct bk_conf_section *repo, const struct bk_remote *at,
	      struct bk_strv *ret);

#endif
