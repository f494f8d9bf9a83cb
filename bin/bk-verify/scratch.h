/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A throw-away MariaDB: a new one in a folder of its own, reached by a socket
 * alone, without a log, and run as a user that nobody else is. We are its root.
 * Where we may not become another user, as in the sandbox of our unit, systemd
 * runs it, as bk-verify-mariadb.service.
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stdint.h>

#include "exec.h"

struct scratch {
	char *dir;
	char *socket;
	struct bk_child server;
	int64_t deadline; /* monotonic ms; 0: none */
	uid_t uid;	  /* 0: as we are */
	const char *root; /* who is root there; NULL: we are */
};
#define SCRATCH_INIT ((struct scratch){ .server = BK_CHILD_INIT })

/*
 * Make and start one. 69: its programs are not there; 77: this process may not
 * become another user; 75: it did not start in time.
 */
int scratch_start(struct scratch *s, struct bk_err *err);
/* Become the one that the unit is: does not return, or -1 with err. */
int scratch_serve(struct bk_err *err);
/* End it, and remove all of it. */
void scratch_stop(struct scratch *s);
/* Remove what a run that was killed has left. */
void scratch_tidy(void);

/* Our own name there, which the socket proves. */
const char *scratch_user(void);
/* The release of the server that would be started: "10.11"; NULL: none. */
char *scratch_release(void);

#endif
