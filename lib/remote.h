/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Places that ssh leads to, and how ssh is told to go there.
 *
 * The URL of a box is sftp://[user@]host[:port]/folder or dir:/path; that of
 * a repository of restic is the same sftp:// or sftp:[user@]host:folder. A
 * folder is below the one in which the user starts, unless it begins with a
 * slash of its own. Host may be an alias of ssh_config(5), or an address of
 * IPv6 in brackets.
 */
#ifndef BK_REMOTE_H
#define BK_REMOTE_H

#include "err.h"
#include "str.h"

struct bk_remote {
	char *host;	   /* without brackets; NULL: dir: */
	char *user, *port; /* NULL: ssh knows; never a password */
	char *path;	   /* as above; of dir: absolute */
};
#define BK_REMOTE_INIT ((struct bk_remote){ 0 })
#define BK_AUTO_REMOTE BK_AUTO(bk_remote_free)

/* Take a URL apart; 78 where it is none of these. */
int bk_remote_parse(const char *url, struct bk_remote *ret, struct bk_err *err);
void bk_remote_free(struct bk_remote *r);

/*
 * The folder of a repository of restic that is on this host, which points into
 * url; NULL where it is elsewhere.
 */
const char *bk_remote_local(const char *url);

/* /etc/bk/ssh_config, or a user's own; NULL where there is none. */
char *bk_remote_ssh_config(void);
/* For ssh and sftp: nobody is asked, and who does not answer is given up. */
void bk_remote_add_options(struct bk_strv *argv);
/* For ssh: user and port. */
void bk_remote_add_login(struct bk_strv *argv, const struct bk_remote *r);

#endif
