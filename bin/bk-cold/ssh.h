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

/* The subsystem sftp: pipes in c->in and c->out. */
int ssh_sftp(struct ssh *s, struct bk_child *c, struct bk_err *err);
/*
 * A command with plain words: its output in c->out, what it complains of in
 * c->err.
 */
int ssh_command(struct ssh *s, const struct bk_strv *words, struct bk_child *c,
		struct bk_err *err);

/* What the master says must be read now and then: a descriptor for poll(2). */
int ssh_fd(const struct ssh *s);
void ssh_drain(struct ssh *s);

#endif
