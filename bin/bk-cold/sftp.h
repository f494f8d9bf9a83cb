/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A client of SFTP version 3 over a pair of descriptors, many requests in
 * flight. Every reply goes to the callback of its request; a server that is
 * silent for too long, or speaks nonsense, is dead, and then every request
 * gets NULL.
 */
#ifndef SFTP_H
#define SFTP_H

#include <poll.h>

#include "err.h"
#include "wire.h"

struct sftp;

struct reply {
	int type;	  /* FXP_STATUS and so on */
	uint32_t status;  /* of FXP_STATUS */
	struct wire body; /* behind the id; of a status, behind the code */
};
typedef void sftp_reply(void *arg, const struct reply *r);

/*
 * Takes both descriptors. INIT is sent and VERSION awaited: 76 where it is no
 * SFTP, 75 where nothing comes. Who is silent for silence_ms while a request
 * is in flight is dead.
 */
struct sftp *sftp_new(int in, int out, int silence_ms, struct bk_err *err);
/* The same without waiting: it may be used once it is ready, or is dead. */
struct sftp *sftp_start(int in, int out, int silence_ms);
bool sftp_is_ready(const struct sftp *s);
void sftp_free(struct sftp *s);

bool sftp_has(const struct sftp *s, const char *extension);
size_t sftp_write_max(const struct sftp *s); /* bytes in one WRITE */
size_t sftp_read_max(const struct sftp *s);
/*
 * There are few requests in flight, and little waits to be sent: bulk may be
 * added. Others may be sent at any time.
 */
bool sftp_may_send(const struct sftp *s);
bool sftp_is_dead(const struct sftp *s);
/* What ended it, for people; NULL before. */
const char *sftp_why(const struct sftp *s);
/* It was asked for what takes long: it may be silent for so long, from now. */
void sftp_be_patient(struct sftp *s, int64_t ms);

/* No more of it: all requests in flight get NULL. */
void sftp_kill(struct sftp *s);

/* A request: its body without length, type and id. reply may be NULL. */
void sftp_send(struct sftp *s, int type, const struct bk_buf *body,
	       sftp_reply *reply, void *arg);
/* WRITE, without a copy of the data in a body. */
void sftp_send_write(struct sftp *s, const char *handle, size_t handle_len,
		     uint64_t offset, const void *p, size_t n,
		     sftp_reply *reply, void *arg);

/* For poll(2): two descriptors. Then do what can be done. */
size_t sftp_wait(struct sftp *s, struct pollfd *fds);
void sftp_advance(struct sftp *s);
/* Poll and advance once, for what goes on step by step; 75 where it is dead. */
int sftp_turn(struct sftp *s, int timeout_ms, struct bk_err *err);

#endif
