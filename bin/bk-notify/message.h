/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a monitor is told: up or down, and why, in one short line.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "str.h"

/* Monitors show some 50 characters; proxies bound the length of a URL. */
#define MESSAGE_BYTES 200

struct message {
	int64_t time; /* when it was so */
	bool up;
	char *text;	       /* by message_text() */
	char *about;	       /* the job that is wrong most, or NULL */
	struct bk_strv causes; /* what is wrong: "backup home failed" */
	int64_t ping;	       /* milliseconds; -1: not known */
	bool start;	       /* work begins: neither up nor down */
	char rid[37];	       /* joins a start with its end, or "" */
};

/* A new one, of now. Takes text. */
void message_init(struct message *m, bool up, char *text);
void message_free(struct message *m);

/*
 * s and tail as they may be sent: control bytes and bytes that are not UTF-8
 * escaped, at most MESSAGE_BYTES; where that is too little, s is cut and ends
 * with "...". tail must be short. The caller frees it.
 */
char *message_text(const char *s, const char *tail);

/* What is kept of it: all but start and rid. */
json_t *message_json(const struct message *m);
/* The way back; 65. */
int message_parse(const json_t *o, struct message *ret, struct bk_err *err);

/* "up" or "down" */
const char *message_status(const struct message *m);

#endif
