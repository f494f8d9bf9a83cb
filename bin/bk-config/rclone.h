/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a server's "rclone serve restic --stdio" answers: one question on one
 * connection, in as much of HTTP/2 (RFC 9113, RFC 7541) as that takes.
 */
#ifndef RCLONE_H
#define RCLONE_H

#include "err.h"
#include "str.h"

/*
 * argv: an ssh that leads to rclone. body: of a POST, or NULL; a short one.
 * Returns the status of the answer (200, 403, ...); -1 with err where nobody
 * speaks HTTP/2 there (69), or in time (75).
 */
int rclone_ask(const struct bk_strv *argv, const char *method, const char *path,
	       const char *body, struct bk_err *err);

/*
 * Does sftp answer there, and no rclone? 1, or -1 with err (75: nobody did in
 * time).
 */
int rclone_is_sftp(const struct bk_strv *argv, struct bk_err *err);

/*
 * The status in the header block of an answer to us, who allow no table of
 * headers to be kept; 0 where it is not understood.
 */
int rclone_status(const unsigned char *p, size_t len);

#endif
