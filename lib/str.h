/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Strings: lists of them, numbers and units in and out, quoting, escaping.
 * Names of files are bytes; nothing here depends on the locale.
 */
#ifndef BK_STR_H
#define BK_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

/* A list of strings that it owns; v is NULL or ends with a NULL pointer. */
struct bk_strv {
	char **v;
	size_t n;
	size_t cap;
};

#define BK_STRV_INIT ((struct bk_strv){ 0 })
#define BK_AUTO_STRV BK_AUTO(bk_strv_free)

void bk_strv_add(struct bk_strv *l, const char *s);
void bk_strv_addf(struct bk_strv *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Takes ownership of s. */
void bk_strv_take(struct bk_strv *l, char *s);
bool bk_strv_has(const struct bk_strv *l, const char *s);
/* Sorts by strcmp(), i.e. in C order. */
void bk_strv_sort(struct bk_strv *l);
/* Adds the words of s, separated by any of the bytes in sep; no empty ones. */
void bk_strv_split(struct bk_strv *l, const char *s, const char *sep);
void bk_strv_free(struct bk_strv *l);

bool bk_str_starts(const char *s, const char *prefix);
bool bk_str_ends(const char *s, const char *suffix);
/* Does it hold bytes below 0x20, or DEL? */
bool bk_str_control(const char *s);
/* Removes white space at both ends, in place; returns the new start. */
char *bk_str_trim(char *s);

/*
 * Numbers. Each takes the whole string or fails with -1, leaving *ret alone.
 * u64: decimal digits only, min <= value <= max.
 * size: bytes, with an optional k M G T P (powers of 1024), also written KiB,
 *   MiB and so on; at most INT64_MAX.
 * duration: seconds, with a unit s m h d w or y (365 d); "90" alone is
 *   refused, "0" is not; parts add up ("1h30m"). At most 100 years.
 * percent: "50%" or "50", 0 to 100.
 * bool: yes no true false on off 1 0.
 */
int bk_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret);
int bk_parse_size(const char *s, uint64_t *ret_bytes);
int bk_parse_duration(const char *s, uint64_t *ret_seconds);
int bk_parse_percent(const char *s, unsigned int *ret);
int bk_parse_bool(const char *s, bool *ret);

/* "1.2 GiB", "17 B" */
void bk_str_add_size(struct bk_buf *b, uint64_t bytes);
/* "1 234 567" */
void bk_str_add_count(struct bk_buf *b, uint64_t n);
/* ", 12 failed", of a sum in words; nothing of none. */
void bk_str_add_part(struct bk_buf *b, uint64_t n, const char *what);
/* "45 s", "12 min", "5 h 10 min", "3 d 4 h" */
void bk_str_add_duration(struct bk_buf *b, uint64_t seconds);

/* Quote s as one word of a POSIX shell; plain words stay as they are. */
void bk_str_add_shell(struct bk_buf *b, const char *s);
/*
 * The same for a person to read and type: control bytes and what is no UTF-8
 * are written as $'\n', which bash, zsh and ksh understand.
 */
void bk_str_add_typed(struct bk_buf *b, const char *s);
/* A field of a tab separated line: \t \n \\ as such, other bytes as they are. */
void bk_str_add_tsv(struct bk_buf *b, const char *s);
/* A field of RFC 4180, in quotes where it must be: restic's -o wants these. */
void bk_str_add_csv(struct bk_buf *b, const char *s);
/*
 * What a terminal may see: control bytes (C0, DEL, C1) and invalid UTF-8 as
 * \xNN, tab and newline as \t and \n, a backslash as \\.
 */
void bk_str_add_term(struct bk_buf *b, const char *s);
/* Columns that a terminal needs for s; combining characters count 0. */
size_t bk_str_columns(const char *s);

/* Valid UTF-8 without surrogates and overlong forms (RFC 3629). */
bool bk_str_utf8(const char *s, size_t len);
/* A copy in which each invalid byte became U+FFFD. */
char *bk_str_to_utf8(const char *s, size_t len);

/* Base64 of RFC 4648 section 4, with padding. */
char *bk_str_base64(const void *p, size_t len);
/* NULL where s is not base64. The result is NUL-terminated behind *ret_len. */
char *bk_str_unbase64(const char *s, size_t *ret_len);

#endif
