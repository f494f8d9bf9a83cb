/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between box_send.c, the steps of an upload, and box_sums.c, the commands
 * that hash what many uploads brought there: the one asks when and of what an
 * upload needs a hash, the other is given it.
 */
#ifndef BOX_SUMS_H
#define BOX_SUMS_H

#include "box_sftp.h"

/* What box_sums.c knows of an upload. */
struct to_sum {
	bool running; /* a command that hashes it */
	bool alone;   /* it must be the only one of its command */
	int64_t due; /* milliseconds; when it must be hashed, 0: not yet asked */
};

/* ---- box_send.c ---- */

struct to_sum *sending_sum(struct upload *u);
/* Is it to be hashed now? Under which name? */
bool sending_wants_sum(const struct upload *u);
const char *sending_sum_name(const struct upload *u);
/* Will it be? */
bool sending_is_coming(const struct upload *u);
/* That is its hash. Its name may be another one then, and wants one too. */
void sending_take_sum(struct upload *u, const char *sha256);
/* None can be had, and it is over; said: what came instead. */
void sending_no_sum(struct upload *u, const char *said);

/* ---- box_sums.c ---- */

/* What to wait for. */
size_t sums_wait(const struct sftpbox *b, struct pollfd *fds);
/* Give out what commands brought; b->b.lost where the connection is over. */
void sums_take(struct sftpbox *b);
/* Ask for what is wanted. */
void sums_ask(struct sftpbox *b);

#endif
