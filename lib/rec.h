/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records: how the tools talk to each other and to scripts (bk-records(5)).
 *
 * JSON: one object a line, each with "v":1 and "type", the last one being
 * {"type":"end","status":N,"count":N}. Text: one record a line, fields
 * separated by tabs. -0: the first field only, raw, NUL-terminated.
 */
#ifndef BK_REC_H
#define BK_REC_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "buf.h"
#include "err.h"

enum bk_rec_mode { BK_REC_TEXT, BK_REC_NUL, BK_REC_JSON };

struct bk_rec {
	enum bk_rec_mode mode;
	FILE *f;
	bool tty; /* text for a terminal: bytes that it obeys are escaped */
	uint64_t count; /* records written, the end record not among them */
};

/* A writer on stdout. */
struct bk_rec bk_rec_stdout(enum bk_rec_mode mode);

/*
 * Write one record. Takes ownership of o, an object, and adds "v" and "type"
 * in front. JSON mode only; write errors are found when stdout is closed.
 */
void bk_rec_json(struct bk_rec *r, const char *type, json_t *o);
/* A new object with "v" and "type". */
json_t *bk_rec_object(const char *type);
/* Text and NUL mode: fields up to a NULL; NUL mode writes only the first. */
void bk_rec_text(struct bk_rec *r, ...) __attribute__((sentinel));
/* One line as it is, in text and NUL mode. */
void bk_rec_raw(struct bk_rec *r, const char *line);
/* The end record, in JSON mode; status is the program's exit status. */
void bk_rec_end(struct bk_rec *r, int status);

/*
 * A name of a file in an object: key holds it as UTF-8; where its bytes are
 * not UTF-8, key_b64 holds them, and key a readable likeness.
 */
void bk_rec_set_path(json_t *o, const char *key, const char *path);
/* The bytes back; NULL where there is none. The caller frees it. */
char *bk_rec_get_path(const json_t *o, const char *key);

void bk_rec_set_str(json_t *o, const char *key, const char *s);
void bk_rec_set_int(json_t *o, const char *key, int64_t n);
void bk_rec_set_bool(json_t *o, const char *key, bool b);
/* A time as RFC 3339 in UTC. */
void bk_rec_set_time(json_t *o, const char *key, int64_t t);
/* Members that may be missing or of another type: NULL or fallback then. */
const char *bk_rec_str(const json_t *o, const char *key);
int64_t bk_rec_int(const json_t *o, const char *key, int64_t fallback);
/* Is its "v" one that this bk does not know yet? err says what to do (65). */
bool bk_rec_is_newer(const json_t *o, const char *path, struct bk_err *err);
bool bk_rec_bool(const json_t *o, const char *key, bool fallback);
/* fallback also where the text is no RFC 3339 time. */
int64_t bk_rec_time(const json_t *o, const char *key, int64_t fallback);

/* Lines of any length up to a limit, from a descriptor. */
struct bk_lines {
	int fd;
	size_t limit; /* bytes a line; 0: 64 MiB */
	struct bk_buf buf;
	size_t start;
	bool eof;
	bool stoppable; /* a signal to stop (sig.h) ends reading: EINTR */
};
/*
 * The next line without its newline: 1 and *ret_line, valid until the next
 * call; 0 at the end; -1 with err. bk_lines_ready() is true where a whole
 * line is buffered, so that a poll loop does not block.
 */
int bk_lines_next(struct bk_lines *l, char **ret_line, size_t *ret_len,
		  struct bk_err *err);
bool bk_lines_ready(const struct bk_lines *l);
/* One read(2) into the buffer; 0 at the end, -1 with errno. */
ssize_t bk_lines_fill(struct bk_lines *l);
void bk_lines_free(struct bk_lines *l);

/*
 * The next record of a stream: 1 and *ret (the caller decrefs), 0 after a
 * good end record, -1 with err: 76 where the stream is no JSON, has another
 * version, ends without an end record, ends with a status other than 0 or 3,
 * or with a count that is not what was read. in->status is the end record's.
 */
struct bk_rec_in {
	struct bk_lines lines;
	uint64_t count;
	int status;
	bool ended;
};
int bk_rec_next(struct bk_rec_in *in, json_t **ret, struct bk_err *err);
void bk_rec_in_free(struct bk_rec_in *in);

static inline void bk_auto_json_(json_t **p)
{
	json_decref(*p);
}
#define BK_AUTO_JSON BK_AUTO(bk_auto_json_)

#endif
