/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packets of SFTP version 3 (draft-ietf-secsh-filexfer-02): building
 * requests, taking replies apart. Numbers are big endian; a string is its
 * length and its bytes. What comes from a server is believed in nothing.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

enum {
	FXP_INIT = 1,
	FXP_VERSION = 2,
	FXP_OPEN = 3,
	FXP_CLOSE = 4,
	FXP_READ = 5,
	FXP_WRITE = 6,
	FXP_LSTAT = 7,
	FXP_OPENDIR = 11,
	FXP_READDIR = 12,
	FXP_REMOVE = 13,
	FXP_MKDIR = 14,
	FXP_RMDIR = 15,
	FXP_RENAME = 18,
	FXP_STATUS = 101,
	FXP_HANDLE = 102,
	FXP_DATA = 103,
	FXP_NAME = 104,
	FXP_ATTRS = 105,
	FXP_EXTENDED = 200,
	FXP_EXTENDED_REPLY = 201,
};

enum {
	FX_OK = 0,
	FX_EOF = 1,
	FX_NO_SUCH_FILE = 2,
	FX_PERMISSION_DENIED = 3,
	FX_FAILURE = 4,
	FX_BAD_MESSAGE = 5,
	FX_NO_CONNECTION = 6,
	FX_CONNECTION_LOST = 7,
	FX_OP_UNSUPPORTED = 8,
	/* of version 6, which some servers of version 3 send */
	FX_EXISTS = 11,
	FX_READ_ONLY = 12,
	FX_NO_SPACE = 14,
	FX_QUOTA = 15,
};

enum { FXF_READ = 1, FXF_WRITE = 2, FXF_CREAT = 8, FXF_EXCL = 0x20 };

/* A packet at its largest: what OpenSSH takes and sends. */
#define WIRE_PACKET_MAX ((size_t)256 * 1024)

void wire_u32(struct bk_buf *b, uint32_t n);
void wire_u64(struct bk_buf *b, uint64_t n);
void wire_string(struct bk_buf *b, const void *p, size_t len);
void wire_text(struct bk_buf *b, const char *s);
/* Attributes without any: the server decides. */
void wire_no_attrs(struct bk_buf *b);

/* What is left of a packet. Once it is short, bad is true and all is 0. */
struct wire {
	const unsigned char *p;
	size_t len;
	bool bad;
};
uint8_t wire_get_u8(struct wire *w);
uint32_t wire_get_u32(struct wire *w);
uint64_t wire_get_u64(struct wire *w);
/* Points into the packet; *ret_len 0 where it is bad. */
const unsigned char *wire_get_string(struct wire *w, size_t *ret_len);

struct wire_attrs {
	bool has_size, has_mode, has_times;
	uint64_t size;
	uint32_t mode, mtime;
};
void wire_get_attrs(struct wire *w, struct wire_attrs *ret);

/*
 * The next packet of what was received: its whole length with the length
 * field, 0 where it is not complete yet; -1 where it cannot be one. *ret is
 * its body, type first.
 */
ssize_t wire_packet(const void *p, size_t len, struct wire *ret);

#endif
