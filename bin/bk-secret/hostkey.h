/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server behind an sftp: URL, as ssh sees it: where it is, and the keys
 * by which it is known. Asks ssh(1) and ssh-keygen(1), never the server.
 */
#ifndef HOSTKEY_H
#define HOSTKEY_H

#include "str.h"

struct hostkey {
	char *host, *port, *user; /* NULL: not known */
	struct bk_strv logins;	  /* files of keys with which ssh logs in */
	struct bk_strv lines;	  /* known_hosts(5), names in plain */
	struct bk_strv prints;	  /* their fingerprints, in the same order */
	char *proxy;		  /* ProxyCommand of ssh_config(5), or NULL */
	struct hostkey *via;	  /* machines on the way, the first one first */
	size_t nvia;
	char *problem; /* why there is less, or NULL */
};
#define HOSTKEY_INIT ((struct hostkey){ 0 })

/* Does ssh serve this URL of restic? */
bool hostkey_is_ssh(const char *url);
/* Fill *ret as far as possible; ssh's own words for the rest. */
void hostkey_find(const char *url, struct hostkey *ret);
void hostkey_free(struct hostkey *h);

/* The command for restic's sftp.command; NULL where the host is not known. */
char *hostkey_command(const struct hostkey *h);
/* "user@host:port,..." for ssh -J: the first n on the way; NULL: none. */
char *hostkey_jumps(const struct hostkey *h, size_t n);

/* "SHA256:..." of the key in a line of known_hosts; NULL where it is none. */
char *hostkey_print(const char *base64);

#endif
