/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values and names as SQL, which reads back as the same bytes on any server,
 * with sql_mode free of NO_BACKSLASH_ESCAPES, and by any client.
 */
#ifndef VALUE_H
#define VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* How the values of a column are written. */
enum value_kind {
	VALUE_NUMBER, /* as it is */
	VALUE_REAL,   /* the same, but for a zero with a sign */
	VALUE_TEXT,   /* quoted UTF-8 */
	VALUE_HEX,    /* bytes */
	VALUE_RAW,    /* bytes in a character set: _cp932 0x... */
};

/* No more than this is written for a value of len bytes. */
#define VALUE_ROOM(len) (2 * (len) + 64)

/*
 * Write the value to to, which has room; returns where it ends. s NULL: NULL.
 * charset is that of VALUE_RAW, else NULL.
 */
char *value_put(char *to, enum value_kind kind, const char *charset,
		const char *s, size_t len);
/* What stands between the quotes of a text; at most twice as long. */
char *value_escape(char *to, const char *s, size_t len);
/* Two digits for each byte. */
char *value_hex(char *to, const char *s, size_t len);

/* Bytes that mean the same in every character set that has ASCII in it? */
bool value_is_plain(const char *s, size_t len);

/* `name`, 'text' */
void value_add_name(struct bk_buf *b, const char *name);
void value_add_text(struct bk_buf *b, const char *s);

/*
 * Of a row: a number that depends on these bytes and seed alone, on every
 * machine.
 */
uint64_t value_hash(uint64_t seed, const char *s, size_t len);

#endif
