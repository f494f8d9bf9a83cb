/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One connection of ssh(1), and the channels in it: SFTP and commands. A
 * master process logs in; each channel is one more ssh that goes through it,
 * so that a box sees one connection.
 */
#ifndef SSH_H
#define SSH_H

#include <poll.h>

#include "err.h"
#include "exec.h"
#include "remote.h"

struct ssh;

/*
 * Log in; name is that of the box, for messages. 75 it cannot be reached, 77
 * wrong host key or not let in, 69 there is no ssh.
 */
struct ssh *ssh_open(const char *name, const struct bk_remote *at,
		     struct bk_err *err);
void ssh_close(struct ssh *s);
/* "SHA256:..." of the key that the server has proved to have. */
const char *ssh_peer(const struct ssh *s);
/*
 * The server says that it is OpenSSH: several sftp-servers may be asked for
 * behind one connection. ProFTPD 1.3.8 (mod_sftp, sftp.c) has one place for
 * what came in part, whatever the channel: it mixes them up.
 */
bool ssh_is_openssh(const struct ssh *s);

/* The subsystem sftp: pipes in c->in and c->out, complaints in c->err. */
int ssh_sftp(struct ssh *s, struct bk_child *c, struct bk_err *err);
/*
 * A command with plain words: its output in c->out, what it complains of in
 * c->err.
 */
int ssh_command(struct ssh *s, const struct bk_strv *words, struct bk_child *c,
		struct bk_err *err);
/* The same to its end: its exit status; -1 as bk_exec_run() has it. */
int ssh_run(struct ssh *s, const struct bk_strv *words, int timeout_ms,
	    struct bk_buf *out, struct bk_buf *err_out, struct bk_err *err);

/*
 * Why it went wrong, as far as ssh says: a channel (may be NULL), else the
 * connection. NULL: it does not. The caller frees it.
 */
char *ssh_why(struct ssh *s, const struct bk_child *c);

/* What the master says must be read now and then: a descriptor for poll(2). */
int ssh_fd(const struct ssh *s);
void ssh_drain(struct ssh *s);

#endif
