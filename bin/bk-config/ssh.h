/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ssh servers that repositories and boxes are on, as the programs reach them:
 * with ssh_config beside bk.conf, where there is one, and nobody to ask.
 */
#ifndef SSH_H
#define SSH_H

#include <stdbool.h>

#include "conf.h"
#include "err.h"
#include "remote.h"
#include "str.h"

/*
 * The server that the url of a [repo] or [box] leads to; false where it leads
 * to none, or a [repo] has an ssh of its own by option =.
 */
bool ssh_remote(const struct bk_conf_section *s, struct bk_remote *ret);
/* "backup@box.example.org:23", for messages; the caller frees it. */
char *ssh_text(const struct bk_remote *h);

/* Paths beside bk.conf; NULL where that is nowhere. The caller frees them. */
char *ssh_config_file(void);
char *ssh_file(const char *name); /* in the folder ssh, or that (NULL) */

/*
 * "PROGRAM -F FILE -o BatchMode=yes ...": all but the name of the host, which
 * comes last. program is ssh or sftp. batch: nobody is asked for anything.
 */
void ssh_args(const char *program, const struct bk_remote *h, bool batch,
	      struct bk_strv *argv);

/* What ssh makes of it: "ssh -G". */
struct ssh_view {
	char *hostname, *port, *user;
	char *key_name;	      /* under which its host key is known */
	struct bk_strv keys;  /* files of keys that would be offered */
	struct bk_strv known; /* files of known hosts, the user's first */
	char *jump, *proxy;   /* the way there, or NULL */
};
#define SSH_VIEW_INIT \
	((struct ssh_view){ .keys = BK_STRV_INIT, .known = BK_STRV_INIT })
#define AUTO_SSH_VIEW BK_AUTO(ssh_view_free)
int ssh_view(const struct bk_remote *h, struct ssh_view *ret,
	     struct bk_err *err);
void ssh_view_free(struct ssh_view *v);
/* Is one of its host keys known? */
bool ssh_is_pinned(const struct ssh_view *v);

enum login {
	LOGIN_OK,
	LOGIN_UNREACHABLE,
	LOGIN_KEY_UNKNOWN, /* of the host */
	LOGIN_KEY_CHANGED,
	LOGIN_DENIED,
	LOGIN_FAILED, /* for another reason */
};
/* Log in, and out again at once; *ret_why (the caller frees it): its words. */
enum login ssh_login(const struct bk_remote *h, char **ret_why);
/* The same by this sftp, which reads commands from stdin. */
enum login ssh_login_as(const struct bk_strv *argv, char **ret_why);

#endif
